//! Reads `Content-Type`: the type in any case, parameters skipped if they are well formed, refused if not.
//!
//! A parameter is a token, `=`, and a token or a text in quotes; none comes twice, and one `;` may stand at the end.

use super::answers::{JSON, PROTOBUF};
use chaperone_pipeline::Encoding;

/// The encoding that a content type names, if it is one of ours.
pub(super) fn encoding(content_type: &str) -> Option<Encoding> {
    let (media_type, parameters) = content_type.split_at(content_type.find(';').unwrap_or(content_type.len()));
    let media_type = media_type.trim();
    let encoding = if media_type.eq_ignore_ascii_case(PROTOBUF) {
        Encoding::Protobuf
    } else if media_type.eq_ignore_ascii_case(JSON) {
        Encoding::Json
    } else {
        return None;
    };
    are_well_formed(parameters).then_some(encoding)
}

fn are_well_formed(parameters: &str) -> bool {
    let mut rest = parameters.trim();
    let mut seen: Vec<String> = Vec::new();
    while let Some(after) = rest.strip_prefix(';') {
        let after = after.trim_start();
        if after.is_empty() {
            return true;
        }
        let (name, after) = token(after);
        let Some(after) = after.trim_start().strip_prefix('=') else { return false };
        let Some(after) = value(after.trim_start()) else { return false };
        let name = name.to_ascii_lowercase();
        if name.is_empty() || seen.contains(&name) {
            return false;
        }
        seen.push(name);
        rest = after.trim_start();
    }
    rest.is_empty()
}

/// What follows a value; `None` when there is none.
fn value(text: &str) -> Option<&str> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let (value, after) = token(text);
        return (!value.is_empty()).then_some(after);
    };
    loop {
        rest = rest.trim_start_matches(|c| c != '"' && c != '\\');
        match rest.strip_prefix('\\') {
            // Whatever follows a backslash is part of the text.
            Some(after) => {
                let mut characters = after.chars();
                characters.next()?;
                rest = characters.as_str();
            }
            None => return rest.strip_prefix('"'),
        }
    }
}

/// The characters of names and plain values, and what follows them.
fn token(text: &str) -> (&str, &str) {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    text.split_at(text.find(|c| !is_part(c)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_well_formed_parameters_do_not_matter() {
        for good in [
            "application/json",
            " application/json ",
            "APPLICATION/JSON; charset=utf-8",
            "application/json;",
            "application/json ;x=y",
            "application/json; charset=\"utf-8\"; q=\"a;\\\"b\"",
            "application/json; x*=utf-8''a",
        ] {
            assert_eq!(encoding(good), Some(Encoding::Json), "{good}");
        }
        assert_eq!(encoding("application/x-protobuf"), Some(Encoding::Protobuf));
    }

    #[test]
    fn other_types_and_malformed_parameters_are_not_ours() {
        for bad in [
            "",
            ";",
            "application/protobuf",
            "application /json",
            "application/json/x",
            "application/json, application/json",
            "application/json; charset",
            "application/json; =x",
            "application/json;;x=1",
            "application/json; a=b c",
            "application/json; q=\"a",
            "application/json; q=\"a\\",
            "application/json;charset=a;charset=b",
        ] {
            assert_eq!(encoding(bad), None, "{bad}");
        }
    }
}
