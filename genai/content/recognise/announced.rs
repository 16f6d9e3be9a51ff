//! Secrets that are told by what announces them: `api_key = "..."`, `Authorization: Bearer ...`, `password=...`, also as
//! members of JSON, of XML, and as an attribute's name.
//!
//! A value that only holds a secret's place, a word, a path or code is none.

use super::bytes::{Text, is_word};
use super::entropy::{entropy, is_stand_in};
use super::{CONTEXT, Hit, Kind};

/// How strict a value is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Tokens and keys: random.
    Token,
    /// Passwords: anything people think up.
    Password,
    /// Values of `Authorization`, with a scheme in front.
    Header,
    /// `Bearer` and `Basic` without the header's name.
    Scheme,
}

/// Words that announce a secret, in lower case, where they end a name.
pub(super) const WORDS: [(&str, Style); 34] = [
    ("token", Style::Token),
    ("secret", Style::Token),
    ("apikey", Style::Token),
    ("api_key", Style::Token),
    ("api-key", Style::Token),
    ("api key", Style::Token),
    ("accesskey", Style::Token),
    ("access_key", Style::Token),
    ("access-key", Style::Token),
    ("secretkey", Style::Token),
    ("secret_key", Style::Token),
    ("secret-key", Style::Token),
    ("privatekey", Style::Token),
    ("private_key", Style::Token),
    ("private-key", Style::Token),
    ("authkey", Style::Token),
    ("auth_key", Style::Token),
    ("encryption_key", Style::Token),
    ("signing_key", Style::Token),
    ("account_key", Style::Token),
    ("credential", Style::Token),
    ("credentials", Style::Token),
    ("auth", Style::Token),
    ("clientsecret", Style::Token),
    ("session_cookie", Style::Token),
    ("password", Style::Password),
    ("passwd", Style::Password),
    ("passphrase", Style::Password),
    ("passcode", Style::Password),
    ("pwd", Style::Password),
    ("kennwort", Style::Password),
    ("authorization", Style::Header),
    ("bearer ", Style::Scheme),
    ("basic ", Style::Scheme),
];

/// Parts of names that say it is no secret: public keys, counts of tokens, cursors.
const HARMLESS: [&str; 22] = [
    "public",
    "csrf",
    "xsrf",
    "max",
    "min",
    "num",
    "count",
    "total",
    "input",
    "output",
    "prompt",
    "completion",
    "cached",
    "stop",
    "eos",
    "bos",
    "pad",
    "next",
    "page",
    "continuation",
    "special",
    "authenticity",
];

/// What may follow the word within a name.
const TAILS: [&str; 9] = ["", "value", "b64", "base64", "dev", "prod", "live", "staging", "string"];

/// How strict the value of an attribute or member with this name is looked at, if the name announces a secret.
fn style_of(name: &str) -> Option<Style> {
    const LONGEST: usize = 120;
    let bare = |name: &[u8]| {
        let rest = name.iter().rev().take_while(|b| b.is_ascii_digit() || matches!(b, b'_' | b'-' | b'.' | b' ')).count();
        name.len() - rest
    };
    let name = name.as_bytes();
    let end = bare(name);
    if !(3..=LONGEST).contains(&end) {
        return None;
    }
    let ends_with = |name: &[u8], word: &str| {
        let from = name.len().checked_sub(word.len())?;
        name.get(from..)?.eq_ignore_ascii_case(word.as_bytes()).then_some(from)
    };
    let announced = |name: &[u8]| {
        let fits = |(word, style): &(&str, Style)| {
            let at = ends_with(name, word)?;
            (*style != Style::Scheme && begins(name, at, word)).then_some(*style)
        };
        WORDS.iter().find_map(fits)
    };
    let name = name.get(..end)?;
    let before_tail =
        || TAILS.iter().filter(|tail| !tail.is_empty()).find_map(|tail| name.get(..bare(name.get(..ends_with(name, tail)?)?)));
    let style = announced(name).or_else(|| announced(before_tail()?))?;
    (!is_harmless(name)).then_some(style)
}

fn is_tail(tail: &[u8]) -> bool {
    let tail = tail.trim_ascii_end();
    let bare: Vec<u8> = tail.iter().filter(|b| !matches!(b, b'_' | b'-' | b'.')).copied().collect();
    bare.iter().all(u8::is_ascii_digit) || TAILS.iter().any(|word| bare == word.as_bytes())
}

/// `auth` must be a word of its own, the others may end a longer one.
fn begins(name: &[u8], at: usize, word: &str) -> bool {
    let before = at.checked_sub(1).and_then(|i| name.get(i)).copied().unwrap_or(b'.');
    !matches!(word, "auth" | "pwd") || !before.is_ascii_alphabetic()
}

fn is_harmless(name: &[u8]) -> bool {
    HARMLESS.iter().any(|word| name.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes())))
}

/// The value as a whole, where the name it stands under announces a secret and nothing else was found in it.
pub(super) fn find_named<'r>(text: &Text<'_>, into: &mut Vec<Hit<'r>>) {
    if text.name.is_empty() || text.bytes.contains(&b' ') && text.bytes.len() > 80 {
        return;
    }
    let Some(style) = style_of(text.name) else { return };
    let value = text.bytes;
    let accepted = match style {
        Style::Password => value.len() >= 4 && !is_stand_in(value),
        _ => !value.contains(&b' ') && value.len() >= 8 && !is_stand_in(value) && value.iter().any(u8::is_ascii_digit),
    };
    if accepted {
        into.push(Hit { start: 0, end: value.len(), kind: Kind::Secret, rule: "named", score: CONTEXT });
    }
}

/// The value behind the word at `start..end`.
pub(super) fn at<'r>(text: &Text<'_>, start: usize, end: usize, style: Style) -> Option<Hit<'r>> {
    let value = match style {
        Style::Scheme => behind_scheme(text, start, end)?,
        Style::Header => behind_header(text, end)?,
        Style::Token | Style::Password => behind_name(text, start, end, style)?,
    };
    let (start, end) = value;
    let whole = text.text.is_char_boundary(start) && text.text.is_char_boundary(end) && start < end;
    whole.then_some(Hit { start, end, kind: Kind::Secret, rule: "announced", score: CONTEXT })
}

/// Longer values are masked from their begin.
const LONGEST_VALUE: usize = 1000;

fn behind_scheme(text: &Text<'_>, start: usize, end: usize) -> Option<(usize, usize)> {
    if is_word(text.before(start)) || text.at(end) == b'$' {
        return None;
    }
    let stop = text.run_within(end, LONGEST_VALUE, is_value);
    let value = text.slice(end, stop);
    (value.len() >= 16
        && (value.iter().any(u8::is_ascii_digit) || entropy(value) > 3.5)
        && !is_stand_in(value)
        && !value.contains(&b'('))
    .then_some((end, stop))
}

fn behind_header(text: &Text<'_>, end: usize) -> Option<(usize, usize)> {
    let (mut at, _) = operator(text, end)?;
    let scheme = text.run(at, |b| b.is_ascii_alphabetic() || b == b'-');
    if text.at(scheme) == b' ' && scheme - at <= 12 {
        at = scheme + 1;
    }
    if text.at(at) == b'$' {
        return None;
    }
    let stop = text.run_within(at, LONGEST_VALUE, is_value);
    let value = text.slice(at, stop);
    let random = value.iter().any(u8::is_ascii_digit) || value.len() >= 16 || value.ends_with(b"=");
    (value.len() >= 8 && random && !is_stand_in(value)).then_some((at, stop))
}

fn behind_name(text: &Text<'_>, start: usize, end: usize, style: Style) -> Option<(usize, usize)> {
    const LONGEST_NAME: usize = 60;
    let is_name = |b: u8| is_word(b) || matches!(b, b'-' | b'.');
    let name_start = text.run_back(start, is_name).max(start.saturating_sub(LONGEST_NAME));
    let name_end = text.run_within(end, LONGEST_NAME, is_word);
    let begins = begins(
        text.slice(name_start, end),
        start - name_start,
        if text.slice(start, end).eq_ignore_ascii_case(b"auth") { "auth" } else { "" },
    );
    if !begins || !is_tail(text.slice(end, name_end)) || is_harmless(text.slice(name_start, name_end)) {
        return None;
    }
    let (at, op) = operator(text, name_end)?;
    let (at, quote) = opening_quote(text, at);
    if op == b',' && quote.is_none() {
        return None;
    }
    let stop = match quote {
        Some(quote) => text.run_within(at, LONGEST_VALUE, |b| b != quote && !matches!(b, b'\\' | b'\n' | b'\r')),
        None => text.run_within(at, LONGEST_VALUE, |b| is_value(b) && !(op == b'>' && b == b'<')),
    };
    let mut stop = stop;
    while quote.is_none() && matches!(text.before(stop), b'.' | b',' | b';' | b':' | b')') && stop > at {
        stop -= 1;
    }
    let value = text.slice(at, stop);
    let is_code = quote.is_none() && (matches!(text.at(stop), b'(' | b'[') || value.starts_with(b"$"));
    let accepted = match style {
        Style::Password => is_password(value, quote.is_some() || op == b'='),
        _ => is_random(value),
    };
    (!is_code && accepted && !is_place(value) && !is_stand_in(value)).then_some((at, stop))
}

/// What stands between a name and its value; where the value begins, and the sign.
fn operator(text: &Text<'_>, name_end: usize) -> Option<(usize, u8)> {
    let blank = |b: u8| matches!(b, b' ' | b'\t');
    let mut at = name_end;
    if text.at(at) == b'\\' {
        at += 1;
    }
    let quoted = matches!(text.at(at), b'"' | b'\'' | b'`');
    at = text.run(at + usize::from(quoted), blank);
    // `var token string = "..."`.
    for word in ["string ", "String "] {
        if text.slice(at, at + word.len()) == word.as_bytes() {
            at += word.len();
        }
    }
    let signs = text.run(at, |b| matches!(b, b'=' | b':' | b'>' | b'?' | b'.' | b'|' | b'+'));
    let (sign, next) = match text.slice(at, signs) {
        [] if quoted && text.at(at) == b',' => (b',', at + 1),
        [] => return None,
        [b'>'] => (b'>', signs),
        signs_between if signs_between.contains(&b'=') => (b'=', signs),
        [b':', ..] => (b':', signs),
        _ => return None,
    };
    let breaks = |b: u8| blank(b) || (sign == b'>' && matches!(b, b'\n' | b'\r'));
    Some((text.run(next, breaks), sign))
}

/// Where the value begins behind its quote, and the quote.
fn opening_quote(text: &Text<'_>, at: usize) -> (usize, Option<u8>) {
    let escaped = usize::from(text.at(at) == b'\\');
    match text.at(at + escaped) {
        quote @ (b'"' | b'\'' | b'`') => (at + escaped + 1, Some(quote)),
        _ => (at, None),
    }
}

fn is_value(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'_'
                | b'.'
                | b'/'
                | b'+'
                | b'='
                | b'~'
                | b'%'
                | b':'
                | b'|'
                | b'!'
                | b'@'
                | b'#'
                | b'$'
                | b'^'
                | b'*'
                | b'{'
                | b'<'
        )
}

/// A file, an address or a version stands for itself.
fn is_place(value: &[u8]) -> bool {
    value.starts_with(b"http") || value.starts_with(b"./") || value.starts_with(b"file:") || value.starts_with(b"/")
}

fn is_password(value: &[u8], certain: bool) -> bool {
    let digit = value.iter().any(u8::is_ascii_digit);
    let letter = value.iter().any(u8::is_ascii_alphabetic);
    let is_path = value.contains(&b'.') && value.iter().all(|b| b.is_ascii_alphabetic() || matches!(b, b'.' | b'_'));
    let words = value.iter().filter(|b| **b == b' ').count();
    let long = if certain {
        !value.is_empty() && (letter || value.len() >= 4)
    } else {
        value.len() >= 6 && (digit || value.iter().any(u8::is_ascii_punctuation))
    };
    long && !is_path && words == 0 && value.len() <= 200
}

fn is_random(value: &[u8]) -> bool {
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    let has = |is: fn(&u8) -> bool| value.iter().any(is);
    if value.len() < 8 || value.contains(&b' ') {
        return false;
    }
    if digits == value.len() {
        return digits >= 12 && entropy(value) >= 2.0;
    }
    let joins = |b: &u8| matches!(b, b'-' | b'_' | b'.' | b'/' | b':');
    // Names and versions: parts that are letters or digits, not both.
    let plain = |part: &[u8]| part.iter().all(u8::is_ascii_alphabetic) || part.iter().all(u8::is_ascii_digit);
    let is_name =
        value.iter().any(joins) && (digits <= 2 || (digits <= 6 && value.split(joins).all(plain))) && !value.contains(&b'=');
    let least = if value.len() < 16 { 2.5 } else { 2.8 };
    let mixed = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    entropy(value) >= least && !is_name && (digits >= 1 || (value.len() >= 20 && mixed && entropy(value) >= 3.5))
}
