//! The `tls` blocks of clients and of servers, with the Collector's own keys.
//!
//! Only what the text itself tells is checked here: no file is opened before the component starts.
//! A server's block is off when it is written with nothing, and on when it is written as `{}`: the mark
//! `x-off-when-null` in its schema says so.

use crate::{Duration, Problems, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// TLS towards a server.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClientTls {
    /// Sends in clear text. TLS is used nevertheless where the address begins with `https://`.
    pub insecure: bool,
    /// Takes any certificate of the server: the connection is encrypted, and nobody knows with whom.
    pub insecure_skip_verify: bool,
    /// Name that the server's certificate must be for. The endpoint's host when empty.
    pub server_name_override: String,
    /// File of the authorities whose certificates are trusted. Those of the system when neither this nor `ca_pem` is set.
    pub ca_file: String,
    /// The same as text. Never shown.
    pub ca_pem: Secret,
    /// Trusts the system's authorities beside those of `ca_file` or `ca_pem`.
    pub include_system_ca_certs_pool: bool,
    /// File of the certificate that is shown to the server, with its chain.
    pub cert_file: String,
    /// The same as text. Never shown.
    pub cert_pem: Secret,
    /// File of the certificate's private key.
    pub key_file: String,
    /// The same as text. Never shown.
    pub key_pem: Secret,
    /// Oldest version of TLS that is spoken: `1.2`, which empty means, or `1.3`.
    pub min_version: String,
    /// Newest version of TLS that is spoken; the newest there is when empty.
    pub max_version: String,
    /// Cipher suites of TLS 1.2, by their registered names. All good ones when empty.
    pub cipher_suites: Vec<String>,
    /// Accepted for the Collector's sake: weak suites are not to be had.
    pub include_insecure_cipher_suites: bool,
    /// Key exchange groups: `X25519`, `P256`, `P384`. All of them when empty.
    pub curve_preferences: Vec<String>,
    /// How often certificate and key are read again. Never when 0.
    pub reload_interval: Duration,
    /// A key in a trusted platform module, which this version cannot use.
    pub tpm: Tpm,
}

/// TLS of a server.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("x-off-when-null" = true))]
pub struct ServerTls {
    /// File of the server's certificate, with its chain.
    pub cert_file: String,
    /// The same as text. Never shown.
    pub cert_pem: Secret,
    /// File of the certificate's private key.
    pub key_file: String,
    /// The same as text. Never shown.
    pub key_pem: Secret,
    /// File of the authorities that client certificates must come from. With it clients without one are refused.
    pub client_ca_file: String,
    /// Reads `client_ca_file` again when it changes.
    pub client_ca_file_reload: bool,
    /// Oldest version of TLS that is spoken: `1.2`, which empty means, or `1.3`.
    pub min_version: String,
    /// Newest version of TLS that is spoken; the newest there is when empty.
    pub max_version: String,
    /// Cipher suites of TLS 1.2, by their registered names. All good ones when empty.
    pub cipher_suites: Vec<String>,
    /// Accepted for the Collector's sake: weak suites are not to be had.
    pub include_insecure_cipher_suites: bool,
    /// Key exchange groups: `X25519`, `P256`, `P384`. All of them when empty.
    pub curve_preferences: Vec<String>,
    /// How often certificate and key are read again. Never when 0.
    pub reload_interval: Duration,
    /// Accepted for the Collector's sake: what a server trusts is `client_ca_file`.
    pub ca_file: String,
    /// Accepted for the Collector's sake. Never shown.
    pub ca_pem: Secret,
    /// Lets client certificates come from the system's authorities too.
    pub include_system_ca_certs_pool: bool,
    /// A key in a trusted platform module, which this version cannot use.
    pub tpm: Tpm,
}

/// A key in a trusted platform module.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tpm {
    /// Refused when `true`.
    pub enabled: bool,
    /// Path of the module.
    pub path: String,
    /// Owner's password.
    pub owner_auth: Secret,
    /// Password of the key.
    pub auth: Secret,
}

impl ClientTls {
    /// Adds what is wrong with the block; call it within its scope.
    pub fn check(&self, problems: &mut Problems) {
        let (certificate, key) = ((&self.cert_file, &self.cert_pem), (&self.key_file, &self.key_pem));
        check_ca(&self.ca_file, &self.ca_pem, problems);
        check_pair(certificate, key, problems);
        check_versions(&self.min_version, &self.max_version, problems);
        self.tpm.check(problems);
    }

    /// Whether authorities are named here, which turns TLS on even where `insecure` is set.
    pub fn has_ca(&self) -> bool {
        !self.ca_file.is_empty() || !self.ca_pem.is_empty()
    }
}

impl ServerTls {
    /// Adds what is wrong with the block; call it within its scope.
    pub fn check(&self, problems: &mut Problems) {
        let (certificate, key) = ((&self.cert_file, &self.cert_pem), (&self.key_file, &self.key_pem));
        check_ca(&self.ca_file, &self.ca_pem, problems);
        if is_set(certificate) || is_set(key) {
            check_pair(certificate, key, problems);
        } else {
            let hint = "set `cert_file` and `key_file`, or leave `tls` out for a server in clear text";
            problems.error_hint("", "TLS configuration must include both certificate and key for server connections", hint);
        }
        check_versions(&self.min_version, &self.max_version, problems);
        self.tpm.check(problems);
    }
}

impl Tpm {
    fn check(&self, problems: &mut Problems) {
        if self.enabled {
            problems.error("tpm.enabled", "keys in a trusted platform module cannot be used by this version");
        }
    }
}

/// A file and the same as text, of which one may be set.
type Source<'a> = (&'a String, &'a Secret);

fn is_set((file, pem): Source<'_>) -> bool {
    !file.is_empty() || !pem.is_empty()
}

fn check_ca(file: &str, pem: &Secret, problems: &mut Problems) {
    if !file.is_empty() && !pem.is_empty() {
        problems.error("ca_pem", "provide either a CA file or the PEM-encoded string, but not both");
    }
}

fn check_pair(certificate: Source<'_>, key: Source<'_>, problems: &mut Problems) {
    let both = |(file, pem): Source<'_>| !file.is_empty() && !pem.is_empty();
    if both(certificate) {
        problems.error("cert_pem", "provide either certificate file or PEM, but not both");
    }
    if both(key) {
        problems.error("key_pem", "provide either key file or PEM, but not both");
    }
    if is_set(certificate) != is_set(key) {
        let message = "TLS configuration must include both certificate and key (CertFile/CertPem and KeyFile/KeyPem)";
        problems.error("", message);
    }
}

/// What the Collector knows, oldest first.
const VERSIONS: [&str; 4] = ["1.0", "1.1", "1.2", "1.3"];
/// Index of the oldest that is spoken.
const OLDEST: usize = 2;

fn check_versions(min: &str, max: &str, problems: &mut Problems) {
    let index = |field: &str, text: &str, problems: &mut Problems| {
        let found = VERSIONS.iter().position(|known| *known == text);
        if found.is_none() && !text.is_empty() {
            let hint = "`1.2` and `1.3` are spoken";
            problems.error_hint(field, format!("invalid TLS {field}: unsupported TLS version: \"{text}\""), hint);
        }
        found
    };
    let (low, high) = (index("min_version", min, problems), index("max_version", max, problems));
    if low.is_some_and(|low| low < OLDEST) {
        problems.warning("min_version", format!("TLS {min} is not spoken: the oldest is 1.2"));
    }
    let low = low.unwrap_or(OLDEST);
    match high {
        Some(high) if high < low => {
            problems.error("min_version", "invalid TLS configuration: min_version cannot be greater than max_version");
        }
        Some(high) if high < OLDEST => {
            problems.error_hint("max_version", format!("TLS {max} is not spoken"), "`1.2` and `1.3` are spoken");
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Node, Optional, UserConfig, parse_settings, written};

    #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
    #[serde(default, deny_unknown_fields)]
    struct Server {
        tls: Optional<ServerTls>,
    }

    impl UserConfig for Server {
        fn check(&self, problems: &mut Problems) {
            if let Some(tls) = self.tls.get() {
                problems.within("tls", |problems| tls.check(problems));
            }
        }
    }

    #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
    #[serde(default, deny_unknown_fields)]
    struct Client {
        tls: ClientTls,
    }

    impl UserConfig for Client {
        fn check(&self, problems: &mut Problems) {
            problems.within("tls", |problems| self.tls.check(problems));
        }
    }

    fn parse<C: UserConfig>(yaml: &str) -> Result<C, String> {
        parse_settings(&Node::parse(yaml, "t.yaml").unwrap(), "").map_err(|problems| problems.to_string())
    }

    #[test]
    fn a_servers_block_is_off_when_it_is_written_with_nothing_and_on_when_it_is_empty() {
        assert_eq!(parse::<Server>("{}"), Ok(Server::default()));
        assert_eq!(parse::<Server>("tls:"), Ok(Server::default()));
        assert_eq!(parse::<Server>("tls: ~"), Ok(Server::default()));
        assert_eq!(parse::<Server>("tls: {enabled: false, cert_file: a}"), Ok(Server::default()));
        let missing = "error: TLS configuration must include both certificate and key for server connections";
        assert!(parse::<Server>("tls: {}").unwrap_err().starts_with(missing));
        let good = parse::<Server>("tls: {cert_file: a, key_file: b}").unwrap();
        assert_eq!(good.tls.get().map(|tls| (tls.cert_file.as_str(), tls.key_file.as_str())), Some(("a", "b")));
    }

    #[test]
    fn what_is_off_reads_back_as_off() {
        let text = written(&Server::default(), false).unwrap().to_string();
        assert_eq!(parse::<Server>(&text), Ok(Server::default()));
    }

    #[test]
    fn a_clients_block_with_nothing_has_its_defaults() {
        for yaml in ["{}", "tls:", "tls: {}"] {
            assert_eq!(parse::<Client>(yaml), Ok(Client::default()), "{yaml}");
        }
    }

    #[test]
    fn mistakes_are_told_in_the_collectors_words() {
        let pair = "TLS configuration must include both certificate and key (CertFile/CertPem and KeyFile/KeyPem)";
        for (block, message) in [
            ("{ca_file: a, ca_pem: b}", "provide either a CA file or the PEM-encoded string, but not both"),
            ("{cert_file: a}", pair),
            ("{key_pem: a}", pair),
            ("{cert_file: a, cert_pem: b, key_file: c}", "provide either certificate file or PEM, but not both"),
            ("{cert_file: a, key_file: c, key_pem: d}", "provide either key file or PEM, but not both"),
            ("{min_version: '1.4'}", "invalid TLS min_version: unsupported TLS version: \"1.4\""),
            ("{max_version: x}", "invalid TLS max_version: unsupported TLS version: \"x\""),
            (
                "{min_version: '1.3', max_version: '1.2'}",
                "invalid TLS configuration: min_version cannot be greater than max_version",
            ),
            ("{max_version: '1.1', min_version: '1.0'}", "TLS 1.1 is not spoken"),
            ("{tpm: {enabled: true}}", "keys in a trusted platform module cannot be used by this version"),
        ] {
            let problems = parse::<Client>(&format!("tls: {block}")).unwrap_err();
            assert!(problems.contains(message), "{block}: {problems}");
        }
    }

    #[test]
    fn keys_do_not_show() {
        let client = parse::<Client>("tls: {cert_pem: hidden, key_pem: hidden, ca_pem: hidden}").unwrap();
        let shown = format!("{client:?} {}", written(&client, false).unwrap());
        assert!(!shown.contains("hidden"), "{shown}");
    }
}
