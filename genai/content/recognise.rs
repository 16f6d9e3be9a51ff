//! Recognisers: does a text hold an e-mail address, a secret, or a long number?
//!
//! A small set that errs towards firing: what it fires on is only replaced where nobody knows the key.

/// Whether any recogniser fires.
pub(super) fn is_sensitive(text: &str) -> bool {
    has_email(text) || has_secret(text) || has_long_number(text)
}

fn has_email(text: &str) -> bool {
    let bytes = text.as_bytes();
    let at = |i: usize| bytes.get(i).copied().unwrap_or(0);
    let is_local = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'%' | b'+' | b'-');
    bytes.iter().enumerate().filter(|(_, byte)| **byte == b'@').any(|(i, _)| {
        let domain = bytes.get(i + 1..).unwrap_or_default();
        let host = domain.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.')).count();
        let host = domain.get(..host).unwrap_or_default();
        let dot = host.iter().position(|b| *b == b'.');
        i > 0 && is_local(at(i - 1)) && dot.is_some_and(|dot| dot > 0 && host.get(dot + 1).is_some_and(u8::is_ascii_alphanumeric))
    })
}

/// How secrets of well-known issuers begin, and how many characters follow at least.
const SECRETS: [(&str, usize); 17] = [
    ("sk-", 16),
    ("sk_live_", 8),
    ("sk_test_", 8),
    ("rk_live_", 8),
    ("ghp_", 16),
    ("gho_", 16),
    ("ghs_", 16),
    ("github_pat_", 16),
    ("glpat-", 16),
    ("xoxb-", 10),
    ("xoxp-", 10),
    ("AKIA", 16),
    ("ASIA", 16),
    ("AIza", 20),
    ("hf_", 16),
    ("npm_", 16),
    ("eyJ", 24),
];

/// What announces a secret, in lower case, and how many characters follow at least.
const ANNOUNCED: [(&str, usize); 8] = [
    ("bearer ", 16),
    ("basic ", 16),
    ("password=", 1),
    ("passwd=", 1),
    ("secret=", 1),
    ("api_key=", 1),
    ("apikey=", 1),
    ("access_token=", 1),
];

/// One pass over the text: only where a word begins, and only what begins with its first letter, is compared.
fn has_secret(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_token = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/' | b'+' | b'=');
    let follows = |rest: &[u8], least: usize| rest.iter().take_while(|b| is_token(b)).count() >= least;
    let mut before = b' ';
    for (i, byte) in bytes.iter().enumerate() {
        let begins = !before.is_ascii_alphanumeric() && before != b'_' && before != b'-';
        before = *byte;
        if !begins || !(byte.is_ascii_alphabetic() || *byte == b'-') {
            continue;
        }
        let word = bytes.get(i..).unwrap_or_default();
        let issued = SECRETS.iter().any(|(prefix, least)| {
            prefix.as_bytes().first() == Some(byte)
                && word.strip_prefix(prefix.as_bytes()).is_some_and(|rest| follows(rest, *least))
        });
        let announced = ANNOUNCED.iter().any(|(prefix, least)| {
            let (prefix, lower) = (prefix.as_bytes(), byte.to_ascii_lowercase());
            let head = word.get(..prefix.len()).unwrap_or_default();
            prefix.first() == Some(&lower)
                && head.eq_ignore_ascii_case(prefix)
                && follows(word.get(prefix.len()..).unwrap_or_default(), *least)
        });
        if issued || announced || word.starts_with(b"-----BEGIN ") {
            return true;
        }
    }
    false
}

const LONG: usize = 9;

/// Phone, card and account numbers: nine digits and more, also in groups. Digits inside words and identifiers do not count.
fn has_long_number(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_word = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let mut i = 0;
    while i < bytes.len() {
        let starts = bytes.get(i).is_some_and(u8::is_ascii_digit) && (i == 0 || !is_word(bytes.get(i - 1)));
        if !starts {
            i += 1;
            continue;
        }
        let (mut digits, mut end, mut last) = (0, i, i);
        while let Some(byte) = bytes.get(end) {
            let separates = matches!(byte, b' ' | b'-') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
            if byte.is_ascii_digit() {
                digits += 1;
                last = end;
            } else if !separates {
                break;
            }
            end += 1;
        }
        if digits >= LONG && !is_word(bytes.get(last + 1)) && !is_date(bytes.get(i..end).unwrap_or_default()) {
            return true;
        }
        i = end.max(i + 1);
    }
    false
}

/// `2026-11-21 10` and the like.
fn is_date(run: &[u8]) -> bool {
    run.len() >= 10 && run.get(4) == Some(&b'-') && run.get(7) == Some(&b'-') && run.len() <= 13
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_secrets_and_long_numbers_are_recognised() {
        for text in [
            "mail jane.doe@example.com now",
            "Authorization: Bearer abcdefghijklmnop1234",
            "key sk-abcdefghijklmnopqrst",
            "AKIAABCDEFGHIJKLMNOP",
            "eyJhbGciOiJIUzI1NiIsInR5cCI6.eyJzdWIiOiIxMjM0",
            "https://h/?api_key=1",
            "call +49 170 1234567",
            "card 4111 1111 1111 1111",
            "-----BEGIN PRIVATE KEY-----",
            "PASSWORD=x",
            "the api_key=1 and more",
        ] {
            assert!(is_sensitive(text), "{text}");
        }
    }

    #[test]
    fn names_ids_and_dates_are_not() {
        for text in [
            "gpt-4o-mini-2024-07-18",
            "chatcmpl-00001",
            "fbf8de97-1bab-44a3-82eb-94ff43f9dfbc",
            "0af7651916cd43dd8448eb211c80319c",
            "2026-11-21 10:57:37",
            "task-scheduler",
            "127.0.0.1:8199",
            "user@host",
            "C-1042",
        ] {
            assert!(!is_sensitive(text), "{text}");
        }
    }
}
