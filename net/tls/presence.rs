//! Tells of files that settings name and that are not there, without opening any: a warning, since they may come later.

use chaperone_config::{ClientTls, Problems, ServerTls};
use std::path::Path;

/// Warns of what a client's block names in vain; call it within the scope of the block.
pub fn warn_of_client(tls: &ClientTls, problems: &mut Problems) {
    warn([("ca_file", &tls.ca_file), ("cert_file", &tls.cert_file), ("key_file", &tls.key_file)], problems);
}

/// Warns of what a server's block names in vain; call it within the scope of the block.
pub fn warn_of_server(tls: &ServerTls, problems: &mut Problems) {
    warn([("client_ca_file", &tls.client_ca_file), ("cert_file", &tls.cert_file), ("key_file", &tls.key_file)], problems);
}

fn warn(files: [(&str, &String); 3], problems: &mut Problems) {
    for (key, file) in files {
        if !file.is_empty() && !Path::new(file).exists() {
            problems.warning(key, format!("there is no file `{file}`: the start will fail without it"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_is_told() {
        let here = tempfile::NamedTempFile::new().unwrap();
        let cert_file = here.path().to_str().unwrap().to_owned();
        let mut problems = Problems::new();
        warn_of_client(&ClientTls { cert_file: cert_file.clone(), ..ClientTls::default() }, &mut problems);
        assert!(problems.is_empty(), "{problems}");
        let missing = "/nowhere/key.pem".to_owned();
        warn_of_server(&ServerTls { cert_file, key_file: missing, ..ServerTls::default() }, &mut problems);
        assert!(!problems.has_errors());
        assert!(problems.to_string().starts_with("warning: there is no file `/nowhere/key.pem`"), "{problems}");
    }
}
