//! JSON text that an attribute limit cut off: what stands before the cut is read.
//!
//! Open lists and objects are closed behind the last whole member; a text that was cut keeps its beginning.
//! Only text that is no JSON as it stands comes here.

use serde_json::Value as Json;

/// The JSON that begins like this. `None` for what does not begin as an object or a list, or is broken in another way.
pub(crate) fn parse(text: &str) -> Option<Json> {
    let text = text.trim_start();
    if !text.starts_with(['{', '[']) {
        return None;
    }
    let cut = Cut::of(text)?;
    let closed = |kept: &str| {
        let mut whole = String::with_capacity(kept.len() + cut.open.len() + 1);
        whole.push_str(kept);
        whole
    };
    let with_text = cut.inside_text.map(|end| closed(text.get(..end).unwrap_or(text)) + "\"" + &cut.closing());
    let whole = with_text.and_then(|whole| serde_json::from_str(&whole).ok());
    whole.or_else(|| serde_json::from_str(&(closed(text.get(..cut.after_member)?) + &cut.closing())).ok())
}

/// Where a text was cut.
struct Cut {
    /// Brackets that are open.
    open: Vec<u8>,
    /// Behind the last whole member, or the last opening bracket.
    after_member: usize,
    /// In a text: the last place where it can end.
    inside_text: Option<usize>,
}

impl Cut {
    /// `None` if nothing is open, or brackets do not match.
    fn of(text: &str) -> Option<Cut> {
        let mut cut = Cut { open: Vec::new(), after_member: 0, inside_text: None };
        let mut bytes = text.bytes().enumerate();
        while let Some((at, byte)) = bytes.next() {
            match byte {
                b'"' => {
                    cut.inside_text = Some(at + 1);
                    while let Some((at, byte)) = bytes.next() {
                        match byte {
                            b'"' => {
                                cut.inside_text = None;
                                break;
                            }
                            // An escape is whole or not there; that of a code point has four digits more.
                            b'\\' => match bytes.next() {
                                Some((_, b'u')) => {
                                    if let Some((last, _)) = bytes.nth(3) {
                                        cut.inside_text = Some(last + 1);
                                    }
                                }
                                Some((escaped, _)) => cut.inside_text = Some(escaped + 1),
                                None => {}
                            },
                            _ => cut.inside_text = Some(at + 1),
                        }
                    }
                }
                b'{' | b'[' => {
                    cut.open.push(byte);
                    cut.after_member = at + 1;
                }
                b'}' | b']' => {
                    let opened = cut.open.pop()?;
                    if (opened == b'{') != (byte == b'}') {
                        return None;
                    }
                    cut.after_member = at + 1;
                }
                b',' => cut.after_member = at,
                _ => {}
            }
        }
        (!cut.open.is_empty()).then_some(cut)
    }

    fn closing(&self) -> String {
        self.open.iter().rev().map(|open| if *open == b'{' { '}' } else { ']' }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_stands_before_the_cut_is_read() {
        for (text, expected) in [
            (r#"{"a":1,"b":{"c":[1,2"#, json!({"a": 1, "b": {"c": [1]}})),
            (r#"{"a":1,"b":"begin"#, json!({"a": 1, "b": "begin"})),
            (r#"{"a":1,"b":"x\n\u00"#, json!({"a": 1, "b": "x\n"})),
            (r#"{"a":1,"b":"x\"#, json!({"a": 1, "b": "x"})),
            (r#"{"a":1,"ke"#, json!({"a": 1})),
            (r#"{"a":1,"key":"#, json!({"a": 1})),
            (r#"{"a":1,"key":tr"#, json!({"a": 1})),
            (r#"[{"role":"user","content":"hi"},{"role":"#, json!([{"role": "user", "content": "hi"}, {}])),
            ("{", json!({})),
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_broken_otherwise_stays_unread() {
        for text in ["", "plain", "\"text", "{'a': 1}", "{]", "{}}", "[1] and more", "[more"] {
            assert!(parse(text).is_none_or(|json| json == json!([])), "{text}");
        }
    }

    #[test]
    fn every_cut_of_a_document_is_read() {
        let whole = r#"{"id":"r1","choices":[{"message":{"content":"a \"b\" \u00e9\n","tool_calls":[{"id":"c1"}]},"n":-1.5e3}],"x":null}"#;
        for end in 1..whole.len() {
            let cut = whole.get(..end).expect("ASCII");
            let read = parse(cut).unwrap_or_else(|| panic!("{cut}"));
            assert!(read.get("id").is_none_or(|id| "r1".starts_with(id.as_str().expect("text"))), "{cut}");
        }
    }
}
