//! Walks text that is JSON, or begins as JSON, token by token, and lets its strings and numbers be replaced.
//!
//! No grammar: what was cut off in the middle is walked to its end, and what is between tokens stays as it is.
//! The outcome is valid JSON wherever the text was.

use std::borrow::Cow;

/// Whether a text looks like JSON that has parts: an object, an array, or a quoted text.
pub(super) fn looks_like_json(text: &str) -> bool {
    matches!(text.trim_ascii_start().as_bytes().first(), Some(b'{' | b'[' | b'"'))
}

/// A token that may be replaced.
#[derive(Debug)]
pub(super) enum Token<'t> {
    /// Name of a member.
    Name(Cow<'t, str>),
    /// A string, with the name it stands under (empty in none).
    Text { name: &'t str, text: Cow<'t, str> },
    /// A number as it is written, with the name it stands under.
    Number { name: &'t str, text: &'t str },
}

/// Calls `replace` for every token; what it returns stands in the token's place, as a string. `None`: nothing changed.
pub(super) fn rewrite(text: &str, mut replace: impl FnMut(Token<'_>) -> Option<String>) -> Option<String> {
    let bytes = text.as_bytes();
    let (mut out, mut copied, mut at) = (String::new(), 0, 0);
    let mut name = String::new();
    while let Some(byte) = bytes.get(at) {
        let start = at;
        let (end, token) = match byte {
            b'"' => {
                let (inner_end, end) = string_end(bytes, at + 1);
                let inner = text.get(at + 1..inner_end).unwrap_or_default();
                let is_name = next_is_colon(bytes, end);
                let inner = unescape(inner);
                if is_name {
                    name = inner.clone().into_owned();
                    (end, Token::Name(inner))
                } else {
                    (end, Token::Text { name: &name, text: inner })
                }
            }
            b'0'..=b'9' | b'-' => {
                let is_number = |b: &u8| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E');
                let len = bytes.get(at..).unwrap_or_default().iter().take_while(|b| is_number(b)).count();
                (at + len, Token::Number { name: &name, text: text.get(at..at + len).unwrap_or_default() })
            }
            b'a'..=b'z' | b'A'..=b'Z' => {
                let word = bytes.get(at..).unwrap_or_default().iter().take_while(|b| b.is_ascii_alphanumeric()).count();
                at += word;
                continue;
            }
            _ => {
                at += 1;
                continue;
            }
        };
        at = end;
        if let Some(replaced) = replace(token) {
            out.push_str(text.get(copied..start).unwrap_or_default());
            quote(&mut out, &replaced);
            copied = end;
        }
    }
    (copied > 0).then(|| {
        out.push_str(text.get(copied..).unwrap_or_default());
        out
    })
}

/// Where the text of a string ends, and where the string itself does; the end of the input where it was cut off.
fn string_end(bytes: &[u8], mut at: usize) -> (usize, usize) {
    loop {
        match bytes.get(at) {
            None => return (bytes.len(), bytes.len()),
            Some(b'"') => return (at, at + 1),
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
        }
    }
}

fn next_is_colon(bytes: &[u8], at: usize) -> bool {
    bytes.get(at..).unwrap_or_default().iter().find(|b| !b.is_ascii_whitespace()) == Some(&b':')
}

/// The text of a string's inside; as it is written where its escapes are broken.
fn unescape(inner: &str) -> Cow<'_, str> {
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let whole = serde_json::from_str::<String>(&format!("\"{inner}\""));
    // A cut through an escape at the end leaves the rest readable.
    let cut = || inner.rfind('\\').and_then(|at| serde_json::from_str::<String>(&format!("\"{}\"", inner.get(..at)?)).ok());
    whole.ok().or_else(cut).map_or(Cow::Borrowed(inner), Cow::Owned)
}

fn quote(out: &mut String, text: &str) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

/// Cuts text to at most `most` bytes. JSON stays JSON: strings end where the room does, open brackets are closed, and members
/// behind are left out.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    if !looks_like_json(text) {
        let room = most.saturating_sub(CUT.len());
        return format!("{}{CUT}", text.get(..boundary(text, room)).unwrap_or_default());
    }
    cut_json(text, most)
}

/// The last begin of a character up to `at`.
fn boundary(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// What stands at the end of a text that was cut.
const CUT: &str = "...";

fn cut_json(text: &str, most: usize) -> String {
    let bytes = text.as_bytes();
    let mut closers: Vec<u8> = Vec::new();
    // Where everything so far is whole, and what would close it.
    let mut whole = (0, Vec::new());
    let (mut at, mut expects_name) = (0, false);
    let fits = |end: usize, closers: &[u8]| end + closers.len() <= most;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' => {
                closers.push(if *byte == b'{' { b'}' } else { b']' });
                expects_name = *byte == b'{';
                at += 1;
                if !fits(at, &closers) {
                    break;
                }
                whole = (at, closers.clone());
            }
            b'}' | b']' => {
                closers.pop();
                expects_name = false;
                at += 1;
                if !fits(at, &closers) {
                    break;
                }
                whole = (at, closers.clone());
            }
            b'"' => {
                let (inner_end, end) = string_end(bytes, at + 1);
                let is_name = expects_name && next_is_colon(bytes, end);
                if !fits(end, &closers) {
                    let room = most.saturating_sub(closers.len() + CUT.len() + 1);
                    if !is_name && room > at + 1 {
                        let inner = cut_inside(text, at + 1, room.min(inner_end));
                        let mut out = text.get(..inner).unwrap_or_default().to_owned();
                        out.push_str(CUT);
                        out.push('"');
                        return closed(out, &closers);
                    }
                    break;
                }
                at = end;
                if !is_name {
                    whole = (at, closers.clone());
                }
            }
            b',' => {
                expects_name = closers.last() == Some(&b'}');
                at += 1;
            }
            b':' => {
                expects_name = false;
                at += 1;
            }
            byte if byte.is_ascii_whitespace() => at += 1,
            _ => {
                let is_scalar = |b: &u8| !matches!(b, b',' | b'}' | b']' | b'"' | b'{' | b'[' | b':') && !b.is_ascii_whitespace();
                at += bytes.get(at..).unwrap_or_default().iter().take_while(|b| is_scalar(b)).count().max(1);
                if !fits(at, &closers) {
                    break;
                }
                whole = (at, closers.clone());
            }
        }
    }
    closed(text.get(..whole.0).unwrap_or_default().to_owned(), &whole.1)
}

/// The last place up to `room` where a string's inside may be cut: between characters and between escapes.
fn cut_inside(text: &str, start: usize, room: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = start;
    loop {
        let step = match bytes.get(at) {
            Some(b'\\') if bytes.get(at + 1) == Some(&b'u') => 6,
            Some(b'\\') => 2,
            _ => 1,
        };
        if at + step > room {
            return boundary(text, at.min(room));
        }
        at += step;
    }
}

fn closed(mut out: String, closers: &[u8]) -> String {
    out.extend(closers.iter().rev().map(|byte| char::from(*byte)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shouted(text: &str) -> Option<String> {
        rewrite(text, |token| match token {
            Token::Name(name) if name == "who" => Some("WHO".to_owned()),
            Token::Text { name: "say", text } => Some(text.to_uppercase()),
            Token::Number { text: "7", .. } => Some("seven".to_owned()),
            _ => None,
        })
    }

    #[test]
    fn strings_names_and_numbers_are_replaced_and_the_rest_stays() {
        assert_eq!(shouted(r#"{"say": "hi\n\"you\"", "n": [7, 77]}"#).unwrap(), r#"{"say": "HI\n\"YOU\"", "n": ["seven", 77]}"#);
        assert_eq!(shouted(r#"{"who" : null, "b": true}"#).unwrap(), r#"{"WHO" : null, "b": true}"#);
        assert_eq!(shouted(r#"{"a": 1}"#), None);
        assert_eq!(shouted(r#"{"say": "cut of"#).unwrap(), r#"{"say": "CUT OF""#);
    }

    #[test]
    fn json_that_is_cut_is_json() {
        let text = r#"[{"role":"user","content":"hello \u00e9 there","n":12},{"role":"assistant","content":"bye"}]"#;
        for most in 2..text.len() {
            let short = cut(text, most);
            assert!(short.len() <= most, "{most}: {short}");
            assert!(serde_json::from_str::<serde_json::Value>(&short).is_ok(), "{most}: {short}");
        }
        assert_eq!(cut("plain text here", 8), "plain...");
    }

    proptest! {
        #[test]
        fn any_json_is_json_when_cut(parts in prop::collection::vec(("[a-z\"\\\\\u{e9}]{0,8}", any::<i32>(), "[ -~\u{20ac}]{0,20}"), 0..8), most in 2usize..300) {
            let items: Vec<_> = parts.iter().map(|(k, n, t)| serde_json::json!({k.as_str(): [n, t, {"deep": t}], "b": true})).collect();
            let short = cut(&serde_json::Value::from(items).to_string(), most);
            prop_assert!(short.len() <= most);
            prop_assert!(serde_json::from_str::<serde_json::Value>(&short).is_ok(), "{}", short);
        }
    }
}
