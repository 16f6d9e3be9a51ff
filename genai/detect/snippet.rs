//! Masked evidence: what a tool call looked like, without any value of it.

use serde_json::Value as Json;

/// Longest snippet a finding carries, in characters.
pub const SNIPPET_CHARS: usize = 200;
const NAME_CHARS: usize = 80;
const KEYS_SHOWN: usize = 6;

/// `name(city, unit)`: a tool call with the names of its arguments and none of their values.
///
/// `arguments` is the recorded JSON text, if content was recorded; `bytes` its size, if only that is known.
pub fn call(name: &str, arguments: Option<&Json>, bytes: Option<i64>) -> String {
    let name = clip(name, NAME_CHARS);
    match (arguments, bytes) {
        (Some(Json::Object(pairs)), _) => {
            let mut keys: Vec<&str> = pairs.keys().take(KEYS_SHOWN).map(|key| if is_name(key) { key } else { "?" }).collect();
            if pairs.len() > KEYS_SHOWN {
                keys.push("...");
            }
            format!("{name}({})", keys.join(", "))
        }
        (_, Some(bytes)) if bytes > 0 => format!("{name}({bytes} bytes)"),
        _ => format!("{name}()"),
    }
}

/// Whether a key reads like a parameter's name. A model may also make keys of what it talks about: those are content.
fn is_name(key: &str) -> bool {
    key.len() <= 24
        && key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

/// A cycle of calls, cut to the length a finding may carry.
pub fn cycle<'a>(calls: impl Iterator<Item = &'a str>) -> String {
    let joined = calls.collect::<Vec<_>>().join(" -> ");
    clip(&joined, SNIPPET_CHARS)
}

/// At most `chars` characters, the last three dots where something was cut; control characters become spaces.
pub fn clip(text: &str, chars: usize) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    if text.chars().count() <= chars {
        return text.chars().map(clean).collect();
    }
    let mut out: String = text.chars().take(chars.saturating_sub(3)).map(clean).collect();
    out.push_str("...");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_arguments_never_show() {
        let arguments = serde_json::json!({"password": "hunter2", "user": "jane"});
        assert_eq!(call("login", Some(&arguments), Some(40)), "login(password, user)");
    }

    #[test]
    fn keys_that_are_no_names_do_not_show_either() {
        let arguments = serde_json::json!({"jane.doe@example.com": 1, "limit": 5});
        assert_eq!(call("search", Some(&arguments), None), "search(?, limit)");
    }

    #[test]
    fn without_content_the_size_stands_for_the_arguments() {
        assert_eq!(call("login", None, Some(40)), "login(40 bytes)");
        assert_eq!(call("login", None, None), "login()");
    }

    #[test]
    fn a_long_cycle_is_cut_to_200_characters() {
        let long = "x".repeat(150);
        let text = cycle([long.as_str(), long.as_str()].into_iter());
        assert_eq!(text.chars().count(), SNIPPET_CHARS);
        assert!(text.ends_with("..."));
    }
}
