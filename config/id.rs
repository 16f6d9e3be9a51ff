//! Ids of components (`type` or `type/name`) and pipelines (`signal` or `signal/name`).
//!
//! The rules are the Collector's: a type is a letter and up to 62 letters, digits or `_`; a name is 1 to 1024 characters
//! without white space, control characters or symbols.
//! Spaces around each part are trimmed.

use std::fmt;

/// `type` or `type/name`, as written by the user.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ComponentId {
    /// The component's type as the user spelled it (an alias stays an alias).
    pub kind: String,
    /// The part after the slash.
    pub name: Option<String>,
}

impl ComponentId {
    /// Parses an id; the error is the message without position.
    pub fn parse(text: &str) -> Result<ComponentId, String> {
        let (kind, name) = split(text)?;
        check_kind(text, kind)?;
        Ok(ComponentId { kind: kind.to_owned(), name: name.map(str::to_owned) })
    }
}

impl fmt::Display for ComponentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{}/{}", self.kind, name),
            None => f.write_str(&self.kind),
        }
    }
}

/// `signal` or `signal/name`; the signal is `traces`, `metrics` or `logs`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PipelineId {
    /// `traces`, `metrics` or `logs`.
    pub signal: String,
    /// The part after the slash.
    pub name: Option<String>,
}

impl PipelineId {
    /// Parses an id; the error is the message without position.
    pub fn parse(text: &str) -> Result<PipelineId, String> {
        let (signal, name) = split(text)?;
        match signal {
            "traces" | "metrics" | "logs" => {}
            "profiles" => return Err("pipelines of the signal `profiles` are not supported".to_owned()),
            _ => return Err(format!("unknown pipeline signal `{signal}`")),
        }
        Ok(PipelineId { signal: signal.to_owned(), name: name.map(str::to_owned) })
    }
}

impl fmt::Display for PipelineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{}/{}", self.signal, name),
            None => f.write_str(&self.signal),
        }
    }
}

/// The signals a pipeline may have, for hints.
pub(crate) const SIGNALS: [&str; 3] = ["traces", "metrics", "logs"];

fn split(text: &str) -> Result<(&str, Option<&str>), String> {
    let whole = text.trim();
    if whole.is_empty() {
        return Err("an id must not be empty".to_owned());
    }
    let Some((first, name)) = whole.split_once('/') else {
        return Ok((whole, None));
    };
    let (first, name) = (first.trim(), name.trim());
    if first.is_empty() {
        return Err(format!("in id `{whole}` the part before `/` should not be empty"));
    }
    if name.is_empty() {
        return Err(format!("in id `{whole}` the part after `/` should not be empty"));
    }
    check_name(whole, name)?;
    Ok((first, Some(name)))
}

fn check_kind(text: &str, kind: &str) -> Result<(), String> {
    let starts_well = kind.starts_with(|c: char| c.is_ascii_alphabetic());
    let goes_on_well = kind.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if starts_well && goes_on_well && kind.len() <= 63 {
        return Ok(());
    }
    Err(format!("invalid character in type `{kind}` of id `{}`", text.trim()))
}

fn check_name(text: &str, name: &str) -> Result<(), String> {
    if name.chars().count() > 1024 {
        return Err("the name of an id must not be longer than 1024 characters".to_owned());
    }
    if name.chars().any(is_forbidden_in_name) {
        return Err(format!("invalid character in name `{}` of id `{}`", name.escape_debug(), text.escape_debug()));
    }
    Ok(())
}

/// White space, control characters, and the ASCII characters that Unicode calls symbols.
///
/// Of the symbols beyond ASCII only the common blocks are known here: a full table would be a dependency for a check
/// that nobody meets by accident.
fn is_forbidden_in_name(c: char) -> bool {
    let ascii_symbol = matches!(c, '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' | '~');
    let other_symbol = matches!(c as u32,
        0xA2..=0xA9 | 0xAC | 0xAE..=0xB1 | 0xB4 | 0xB8 | 0xD7 | 0xF7
        | 0x2000..=0x200F | 0x2028..=0x202F | 0x205F..=0x206F | 0x20A0..=0x20C0
        | 0x2190..=0x23FF | 0x2500..=0x27BF | 0xE000..=0xF8FF | 0x1F300..=0x1FAFF);
    c.is_whitespace() || c.is_control() || ascii_symbol || other_symbol
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<(&str, Option<&str>), &str>) {
        let found = ComponentId::parse(text);
        let found = found.as_ref().map(|id| (id.kind.as_str(), id.name.as_deref())).map_err(String::as_str);
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn ids_are_split_and_trimmed() {
        check("otlp", Ok(("otlp", None)));
        check(" otlp / a ", Ok(("otlp", Some("a"))));
        check("otlp/a/b.c-d,@#:*_", Ok(("otlp", Some("a/b.c-d,@#:*_"))));
    }

    #[test]
    fn bad_ids_say_what_is_wrong() {
        check("", Err("an id must not be empty"));
        check("otlp/", Err("in id `otlp/` the part after `/` should not be empty"));
        check("/x", Err("in id `/x` the part before `/` should not be empty"));
        check("otlp-x", Err("invalid character in type `otlp-x` of id `otlp-x`"));
        check("otlp/a b", Err("invalid character in name `a b` of id `otlp/a b`"));
        check("otlp/a$b", Err("invalid character in name `a$b` of id `otlp/a$b`"));
    }

    #[test]
    fn a_pipeline_starts_with_a_signal() {
        assert_eq!(PipelineId::parse("logs/own").map(|id| id.to_string()), Ok("logs/own".to_owned()));
        assert_eq!(PipelineId::parse("spans"), Err("unknown pipeline signal `spans`".to_owned()));
        assert!(PipelineId::parse("profiles").is_err());
    }
}
