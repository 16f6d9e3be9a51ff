//! The shape of a value: what stays equal when an agent does the same thing again.
//!
//! Volatile values go by their form, not by the name of their key: UUIDs, ULIDs, times as seconds or milliseconds since 1970,
//! RFC 3339 times, and long hex digests. Text is trimmed, folded to lower case, its blanks collapsed, its quotes made one kind;
//! fractions are rounded to six significant digits. Keys and whole numbers stay.

use crate::record::json_scan::plain_len;
use serde_json::Value as Json;

const VOLATILE: &str = "~";
/// 2014 to 2039: wide enough for what runs now, narrow enough to leave most other numbers of ten digits alone.
const SECONDS: std::ops::Range<f64> = 1.4e9..2.2e9;
const LONGEST_HEX: usize = 16;
/// Volatile values are at least as long as seconds since 1970.
const SHORTEST_VOLATILE: usize = 10;

/// The value without what changes from call to call, as JSON text with sorted keys.
pub fn shape(value: &Json) -> String {
    String::from_utf8(shape_bytes(value)).expect("invariant: shapes are made of texts, cut between characters")
}

/// The same as bytes, for those who only digest it.
pub(super) fn shape_bytes(value: &Json) -> Vec<u8> {
    // Most values are one text; its shape is hardly ever longer.
    let mut out = Vec::with_capacity(value.as_str().map_or(64, |text| text.len() + 2));
    write(value, &mut out);
    out
}

fn write(value: &Json, out: &mut Vec<u8>) {
    match value {
        Json::String(text) => quote(out, |out| push_text(text, out)),
        Json::Number(number) => match number.as_f64() {
            Some(number) => push_number(number, out),
            None => out.extend_from_slice(value.to_string().as_bytes()),
        },
        Json::Array(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        // The map of serde_json is sorted by key.
        Json::Object(pairs) => {
            out.push(b'{');
            for (at, (key, value)) in pairs.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                quote(out, |out| out.extend_from_slice(key.as_bytes()));
                out.push(b':');
                write(value, out);
            }
            out.push(b'}');
        }
        Json::Null => out.extend_from_slice(b"null"),
        Json::Bool(yes) => out.extend_from_slice(if *yes { b"true" } else { b"false" }),
    }
}

/// What `write` pushes, as a JSON string. Hardly any text needs to be escaped.
pub(super) fn quote(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let begin = out.len();
    out.push(b'"');
    write(out);
    let text = out.get(begin + 1..).unwrap_or_default();
    if plain_len(text) < text.len() {
        let escaped = Json::from(String::from_utf8_lossy(text)).to_string();
        out.truncate(begin);
        out.extend_from_slice(escaped.as_bytes());
    } else {
        out.push(b'"');
    }
}

fn push_number(number: f64, out: &mut Vec<u8>) {
    use std::io::Write;
    let is_time = [1.0, 1e3, 1e6, 1e9].iter().any(|unit| SECONDS.contains(&(number / unit)));
    // Writing to memory does not fail.
    let _ = if is_time {
        write!(out, "\"{VOLATILE}\"")
    } else if number.fract() == 0.0 && number.abs() < 9e15 {
        write!(out, "{}", number as i64)
    } else {
        write!(out, "\"{number:.5e}\"")
    };
}

/// What a byte of ASCII text is: a blank, part of a word, or a mark.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Blank,
    Part,
    Mark,
}

const KINDS: [Kind; 256] = {
    let mut kinds = [Kind::Mark; 256];
    let mut at = 0;
    while at < 128 {
        kinds[at] = match at as u8 {
            b' ' | b'\t'..=b'\r' => Kind::Blank,
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b':' | b'.' | b'+' | b'_' => Kind::Part,
            _ => Kind::Mark,
        };
        at += 1;
    }
    kinds
};

/// How a byte of ASCII text is written: lower case, one kind of blanks, one kind of quotes.
const FOLDED: [u8; 256] = {
    let mut folded = [0; 256];
    let mut at = 0;
    while at < 256 {
        folded[at] = match at as u8 {
            b'\t'..=b'\r' => b' ',
            b'"' | b'`' => b'\'',
            byte => byte.to_ascii_lowercase(),
        };
        at += 1;
    }
    folded
};

fn push_text(text: &str, out: &mut Vec<u8>) {
    let begin = out.len();
    if text.is_ascii() {
        push_ascii(text.trim(), out);
        return;
    }
    for word in text.split_whitespace() {
        if out.len() > begin {
            out.push(b' ');
        }
        if word.is_ascii() { push_ascii(word, out) } else { push_word(word, out) }
    }
}

/// Writes a word in lower case; a volatile value inside punctuation (`(id=...)`) goes, the punctuation stays.
fn push_word(word: &str, out: &mut Vec<u8>) {
    let push = |c: char, out: &mut Vec<u8>| out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    let mut rest = word;
    while !rest.is_empty() {
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | ':' | '.' | '+' | '_');
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (token, after) = rest.split_at(end);
        if is_volatile(token) {
            out.extend_from_slice(VOLATILE.as_bytes());
        } else {
            token.chars().flat_map(char::to_lowercase).for_each(|c| push(c, out));
        }
        let mut chars = after.chars();
        if let Some(mark) = chars.next() {
            push(if matches!(mark, '"' | '`') { '\'' } else { mark }, out);
        }
        rest = chars.as_str();
    }
}

/// The same for all words of trimmed ASCII text, which is nearly all that agents send: stretches of it are folded at once.
fn push_ascii(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let fold = |from: usize, to: usize, out: &mut Vec<u8>| {
        let stretch = bytes.get(from..to).unwrap_or_default();
        out.extend(stretch.iter().map(|byte| FOLDED[usize::from(*byte)]));
    };
    out.reserve(bytes.len());
    // Up to `done` it is written; a word begins after `before`, the number of bytes up to the last that is no part of one.
    let (mut done, mut before, mut blank) = (0, 0, false);
    for (at, byte) in bytes.iter().enumerate() {
        let kind = KINDS[usize::from(*byte)];
        if kind == Kind::Part {
            blank = false;
            continue;
        }
        if at - before >= SHORTEST_VOLATILE && may_be_volatile(text.get(before..at)) {
            fold(done, before, out);
            out.extend_from_slice(VOLATILE.as_bytes());
            done = at;
        }
        before = at + 1;
        if kind == Kind::Blank {
            if blank {
                fold(done, at, out);
                done = at + 1;
            }
            blank = true;
        } else {
            blank = false;
        }
    }
    if bytes.len() - before >= SHORTEST_VOLATILE && may_be_volatile(text.get(before..)) {
        fold(done, before, out);
        out.extend_from_slice(VOLATILE.as_bytes());
        done = bytes.len();
    }
    fold(done, bytes.len(), out);
}

/// Long words of prose hold no digit; of volatile values only a UUID may do without.
fn may_be_volatile(token: Option<&str>) -> bool {
    let token = token.unwrap_or_default();
    (token.len() >= 36 || token.bytes().any(|byte| byte.is_ascii_digit())) && is_volatile(token)
}

fn is_volatile(token: &str) -> bool {
    let token = token.trim_matches(['.', ':', '-', '_']);
    // Ids often carry a prefix: `req_01JD...`, `order-4f2c...`.
    let last = token.rsplit('_').next().unwrap_or(token);
    is_uuid(token)
        || is_uuid(last)
        || is_ulid(token)
        || is_ulid(last)
        || is_epoch(token)
        || is_time(token)
        || is_long_hex(token)
        || is_long_hex(last)
}

fn is_uuid(token: &str) -> bool {
    let bytes = token.as_bytes();
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// 26 characters of Crockford's base 32 that begin with a digit up to 7; all letters of one case.
fn is_ulid(token: &str) -> bool {
    let bytes = token.as_bytes();
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() && !matches!(byte.to_ascii_uppercase(), b'I' | b'L' | b'O' | b'U');
    bytes.len() == 26
        && matches!(bytes.first(), Some(b'0'..=b'7'))
        && bytes.iter().all(allowed)
        && bytes.iter().any(u8::is_ascii_digit)
}

/// Seconds, milliseconds, microseconds or nanoseconds since 1970, 2014 to 2039.
fn is_epoch(token: &str) -> bool {
    let whole = token.split('.').next().unwrap_or(token);
    let digits = whole.len();
    matches!(digits, 10 | 13 | 16 | 19)
        && token.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && whole.get(..10).and_then(|head| head.parse::<f64>().ok()).is_some_and(|head| SECONDS.contains(&head))
}

/// `2026-11-20T10:00:00.123Z`, `2026-11-20T10:00:00+01:00`; a date alone is data.
fn is_time(token: &str) -> bool {
    let bytes = token.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mark = |at: usize, wanted: u8| bytes.get(at).is_some_and(|byte| byte.eq_ignore_ascii_case(&wanted));
    bytes.len() >= 16
        && [0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15].into_iter().all(digit)
        && mark(4, b'-')
        && mark(7, b'-')
        && mark(10, b'T')
        && mark(13, b':')
}

fn is_long_hex(token: &str) -> bool {
    token.len() >= LONGEST_HEX
        && token.bytes().all(|byte| byte.is_ascii_hexdigit())
        && token.bytes().any(|byte| byte.is_ascii_digit())
        && token.bytes().any(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn slow(text: &str) -> String {
        let mut out = Vec::new();
        for word in text.split_whitespace() {
            if !out.is_empty() {
                out.push(b' ');
            }
            push_word(word, &mut out);
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn ascii_text_has_the_shape_that_any_text_has() {
        let texts = [
            "",
            "  ",
            "Weather \t in\nParis ",
            "(id=9fb7fdb9-4848-4168-8f13-c0df746dcfd4), \"quoted\" and `code`",
            "{\"request\": \"req_01JD5ZK3V9Q8M2X7R4T6W1Y0AB\", \"at\": 1795230902}",
            "at 2026-11-20T10:00:00.123Z. Done; sha=4f2c9a1b7d8e6f50!",
            "1795230902",
            "\u{1}\\ x\u{c}y",
            "a  \u{b} b9fb7fdb9-4848-4168-8f13-c0df746dcfd4   aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee  ",
            "1795230902  1795230902,1795230902\t(1795230902) unmistakeable X1795230902",
            "Gr\u{fc}\u{df}e AN 1795230902  Stra\u{df}e\u{a0}\"x\" `y`",
        ];
        for text in texts {
            let mut fast = Vec::new();
            push_text(text, &mut fast);
            assert_eq!(String::from_utf8(fast).unwrap(), slow(text), "{text:?}");
        }
    }

    #[test]
    fn a_shape_is_json_with_sorted_keys() {
        let value = json!({"b": ["X\\y", 1.25, 7, null, true], "a\"": "It's \u{e9}\u{c9}"});
        let text = shape(&value);
        assert_eq!(text, "{\"a\\\"\":\"it's \u{e9}\u{e9}\",\"b\":[\"x\\\\y\",\"1.25000e0\",7,null,true]}");
        assert!(serde_json::from_str::<Json>(&text).is_ok());
    }
}
