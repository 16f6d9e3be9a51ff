//! The shape of a value: what stays equal when an agent does the same thing again.
//!
//! Volatile values go by their form, not by the name of their key: UUIDs, ULIDs, times as seconds or milliseconds since 1970,
//! RFC 3339 times, and long hex digests. Text is trimmed, folded to lower case, its blanks collapsed, its quotes made one kind;
//! fractions are rounded to six significant digits. Keys and whole numbers stay.

use serde_json::{Map, Value as Json};

const VOLATILE: &str = "~";
/// 2014 to 2039: wide enough for what runs now, narrow enough to leave most other numbers of ten digits alone.
const SECONDS: std::ops::Range<f64> = 1.4e9..2.2e9;
const LONGEST_HEX: usize = 16;

/// The value without what changes from call to call.
pub fn shape(value: &Json) -> Json {
    match value {
        Json::String(text) => Json::String(text_shape(text)),
        Json::Number(number) => number.as_f64().map_or_else(|| value.clone(), number_shape),
        Json::Array(items) => Json::Array(items.iter().map(shape).collect()),
        Json::Object(pairs) => Json::Object(pairs.iter().map(|(key, value)| (key.clone(), shape(value))).collect::<Map<_, _>>()),
        Json::Null | Json::Bool(_) => value.clone(),
    }
}

fn number_shape(number: f64) -> Json {
    let is_time = [1.0, 1e3, 1e6, 1e9].iter().any(|unit| SECONDS.contains(&(number / unit)));
    if is_time {
        return Json::from(VOLATILE);
    }
    if number.fract() == 0.0 && number.abs() < 9e15 {
        return Json::from(number as i64);
    }
    Json::String(format!("{number:.5e}"))
}

fn text_shape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        push_word(word, &mut out);
    }
    out
}

/// Writes a word in lower case; a volatile value inside punctuation (`(id=...)`) goes, the punctuation stays.
fn push_word(word: &str, out: &mut String) {
    let mut rest = word;
    while !rest.is_empty() {
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | ':' | '.' | '+' | '_');
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (token, after) = rest.split_at(end);
        if is_volatile(token) {
            out.push_str(VOLATILE);
        } else {
            out.extend(token.chars().flat_map(char::to_lowercase));
        }
        let mut chars = after.chars();
        if let Some(mark) = chars.next() {
            out.push(if matches!(mark, '"' | '`') { '\'' } else { mark });
        }
        rest = chars.as_str();
    }
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
