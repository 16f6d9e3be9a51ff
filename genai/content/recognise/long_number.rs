//! Long numbers, whatever they are: phone, card and account numbers in values of keys nobody knows.

const LONG: usize = 9;

/// Phone, card and account numbers: nine digits and more, also in groups. Digits inside words and identifiers do not count.
pub(in crate::content) fn has_long_number(text: &str) -> bool {
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
