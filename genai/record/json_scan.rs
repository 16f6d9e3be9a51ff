//! A walk over JSON text that stops only where it is wanted: nothing is copied, and strings are jumped over.
//!
//! Conversations are long and what is looked for in them is short, so most of the text is only skipped.
//! Text that is cut short or malformed ends the walk: what stood before the fault was visited.
//! Names are compared as they are spelled; a name spelled with escapes is not found.

use memchr::{memchr_iter, memchr2};

/// Whether a text may hold a part of a tool call or of its result; most do not.
pub(crate) fn may_call_tools(text: &[u8]) -> bool {
    memchr_iter(b'_', text).any(|at| {
        let (before, after) = text.split_at(at);
        before.ends_with(b"tool") && after.starts_with(b"_call")
    })
}

/// How many bytes of a text stand in JSON as they are, before one that needs an escape or the end.
pub(crate) fn plain_len(text: &[u8]) -> usize {
    const BLOCK: usize = 32;
    let needs_escape = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    let (blocks, _) = text.as_chunks::<BLOCK>();
    // No early end within a block: so it is compared at once.
    let clean = blocks.iter().take_while(|block| !block.iter().fold(false, |found, byte| found | needs_escape(*byte))).count();
    let rest = text.get(clean * BLOCK..).unwrap_or_default();
    clean * BLOCK + rest.iter().position(|byte| needs_escape(*byte)).unwrap_or(rest.len())
}

/// The parts of the wanted type in messages by the conventions, each as JSON text, in order.
pub(crate) fn parts<'a>(messages: &'a str, mut is_wanted: impl FnMut(&str) -> bool, mut found: impl FnMut(&'a str)) {
    let mut walk = Walk { text: messages, at: 0 };
    walk.elements(|walk| {
        walk.members(|walk, name| {
            if name != "parts" {
                return walk.skip();
            }
            walk.elements(|walk| {
                let part = walk.value()?;
                let of_part = Walk { text: part, at: 0 };
                if of_part.text_member("type").is_some_and(&mut is_wanted) {
                    found(part);
                }
                Some(())
            })
        })
    });
}

/// The value of a member of an object, as JSON text.
pub(crate) fn member<'a>(object: &'a str, wanted: &str) -> Option<&'a str> {
    let mut found = None;
    let mut walk = Walk { text: object, at: 0 };
    walk.members(|walk, name| {
        if name == wanted {
            found = walk.value();
            // The rest is of no interest.
            return None;
        }
        walk.skip()
    });
    found
}

/// A place in a text.
#[derive(Debug, Clone, Copy)]
struct Walk<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Walk<'a> {
    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    fn next(&mut self) -> Option<u8> {
        loop {
            let byte = *self.bytes().get(self.at)?;
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    fn take(&mut self, wanted: u8) -> Option<()> {
        (self.next()? == wanted).then(|| self.at += 1)
    }

    /// Visits the elements of an array; `None` when there is none, or it ends early. A value of another kind is skipped.
    fn elements(&mut self, mut visit: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        if self.next()? != b'[' {
            return self.skip();
        }
        self.at += 1;
        if self.next()? == b']' {
            self.at += 1;
            return Some(());
        }
        loop {
            visit(self)?;
            match self.next()? {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Some(());
                }
                _ => return None,
            }
        }
    }

    /// Visits the members of an object by name. A value of another kind is skipped.
    fn members(&mut self, mut visit: impl FnMut(&mut Self, &'a str) -> Option<()>) -> Option<()> {
        if self.next()? != b'{' {
            return self.skip();
        }
        self.at += 1;
        if self.next()? == b'}' {
            self.at += 1;
            return Some(());
        }
        loop {
            self.next()?;
            let name = self.string()?;
            self.take(b':')?;
            visit(self, name)?;
            match self.next()? {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Some(());
                }
                _ => return None,
            }
        }
    }

    /// The text of a member of an object, as it is spelled.
    fn text_member(mut self, wanted: &str) -> Option<&'a str> {
        let mut found = None;
        self.members(|walk, name| {
            if name == wanted && walk.next()? == b'"' {
                found = walk.string();
                // The rest is of no interest.
                return None;
            }
            walk.skip()
        });
        found
    }

    /// The value that begins here, as text.
    fn value(&mut self) -> Option<&'a str> {
        self.next()?;
        let start = self.at;
        self.skip()?;
        self.text.get(start..self.at)
    }

    /// A string without its quotes, as it is spelled.
    fn string(&mut self) -> Option<&'a str> {
        let start = self.at + 1;
        self.skip_string()?;
        self.text.get(start..self.at - 1)
    }

    fn skip_string(&mut self) -> Option<()> {
        if *self.bytes().get(self.at)? != b'"' {
            return None;
        }
        let mut at = self.at + 1;
        loop {
            at += memchr2(b'"', b'\\', self.bytes().get(at..)?)?;
            if self.bytes().get(at) == Some(&b'"') {
                self.at = at + 1;
                return Some(());
            }
            at += 2;
        }
    }

    /// Skips the value that begins here, however deep it is.
    fn skip(&mut self) -> Option<()> {
        let mut depth = 0usize;
        loop {
            match self.next()? {
                b'"' => self.skip_string()?,
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                    continue;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b',' | b':' if depth > 0 => {
                    self.at += 1;
                    continue;
                }
                b',' | b':' => return None,
                _ => self.skip_word(),
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    /// A number or a literal.
    fn skip_word(&mut self) {
        let ends = |byte: &u8| matches!(byte, b',' | b':' | b']' | b'}' | b'"' | b'[' | b'{' | b' ' | b'\n' | b'\r' | b'\t');
        let rest = self.bytes().get(self.at..).unwrap_or_default();
        self.at += rest.iter().position(ends).unwrap_or(rest.len()).max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(messages: &str) -> Vec<&str> {
        let mut all = Vec::new();
        parts(messages, |kind| kind == "tool_call", |part| all.push(part));
        all
    }

    #[test]
    fn parts_are_found_wherever_they_stand_and_as_they_are_spelled() {
        let messages = r#" [ {"role":"user","parts":[{"type":"text","content":"say \"tool_call\" \\"}]},
            {"parts" : [ {"arguments":{"type":"tool_call","a":[1,2,{"b":"}"}]}, "type" : "tool_call" }, 7, null, "tool_call",
            {"type":"tool_call"} ], "role":"assistant", "finish_reason":"stop"}, [], {"parts":null}, {} ] "#;
        let expected =
            [r#"{"arguments":{"type":"tool_call","a":[1,2,{"b":"}"}]}, "type" : "tool_call" }"#, r#"{"type":"tool_call"}"#];
        assert_eq!(found(messages), expected);
    }

    #[test]
    fn a_member_is_found_by_its_name_as_it_is_spelled() {
        let object = r#" {"a":{"id":1}, "id" : "x\"y" , "id":2}"#;
        assert_eq!((member(object, "id"), member(object, "a")), (Some(r#""x\"y""#), Some(r#"{"id":1}"#)));
        assert_eq!((member(object, "b"), member("[]", "id"), member(r#"{"id":"x"#, "id")), (None, None, None));
    }

    #[test]
    fn what_stands_before_a_cut_is_found() {
        let messages = r#"[{"parts":[{"type":"tool_call","id":"1"},{"type":"tool_call","id":"2"}]},{"parts":[{"type":"tool_call","id":"3"}]}]"#;
        for end in 0..messages.len() {
            let count = found(&messages[..end]).len();
            let whole = ["\"1\"}", "\"2\"}", "\"3\"}"].iter().filter(|id| messages[..end].contains(**id)).count();
            assert_eq!(count, whole, "{}", &messages[..end]);
        }
    }

    #[test]
    fn other_text_holds_nothing() {
        for text in
            ["", "[", "{}", "tool_call", "]", "[}", r#"["#, r#"[{"parts":[{"type":"tool_call""#, "\"", "[[[[", ",", "[1 2]"]
        {
            assert_eq!(found(text), Vec::<&str>::new(), "{text}");
        }
        let deep = format!("[{{\"parts\":[{}", "[".repeat(1 << 20));
        assert!(found(&deep).is_empty());
    }

    #[test]
    fn a_text_that_may_hold_a_tool_call_is_told_from_others() {
        assert!(may_call_tools(br#"[{"type":"tool_call"}]"#) && may_call_tools(b"tool_call"));
        for text in ["", "_", "tool_cal", "tool call", "a_b tool_ call", "ool_call"] {
            assert!(!may_call_tools(text.as_bytes()), "{text}");
        }
    }
}
