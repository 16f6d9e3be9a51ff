//! Words of letters and digits: account numbers, identity numbers with letters in them, addresses of crypto currencies, and
//! tokens that begin too commonly to be anchored.

use super::bytes::{Text, is_word};
use super::checksum::{mod97, weighted};
use super::entropy::entropy;
use super::national::document;
use super::{CERTAIN, CONTEXT, Hit, Kind, SHAPE, wallet};

/// Lengths of IBANs by country (the registry of November 2026).
const IBAN_LENGTHS: &str = "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 \
    FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 \
    LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 \
    SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30";

/// A word of letters and digits that begins at `start` and ends at `end`. Returns where the search goes on.
pub(super) fn at<'r>(text: &Text<'_>, start: usize, end: usize, into: &mut Vec<Hit<'r>>) -> usize {
    let word = text.slice(start, end);
    if let Some(hit) = iban(text, start) {
        let end = hit.end;
        into.push(hit);
        return end;
    }
    let hit = |end: usize, kind: Kind, rule: &'static str, score: f32| Hit { start, end, kind, rule, score };
    if word.len() >= 25
        && let Some(rule) = wallet::currency(word)
    {
        into.push(hit(end, Kind::Wallet, rule, if rule == "ethereum" { SHAPE } else { CERTAIN }));
        return end;
    }
    if let Some((from, rule)) = token(text, start, end) {
        into.push(Hit {
            start: from,
            end: if rule == "airtable" { end + 65 } else { end },
            kind: Kind::Secret,
            rule,
            score: SHAPE,
        });
        return end;
    }
    if let Some((rule, score)) = identity(word) {
        into.push(hit(end, Kind::NationalId, rule, score));
        return end;
    }
    if let Some((end, rule)) = in_parts(text, start) {
        into.push(hit(end, Kind::NationalId, rule, CONTEXT));
        return end;
    }
    if document(text, start, word) {
        into.push(hit(end, Kind::NationalId, "document", CONTEXT));
    }
    end
}

/// Tokens that begin too commonly to be anchored: where they begin, and whose they are.
fn token(text: &Text<'_>, start: usize, end: usize) -> Option<(usize, &'static str)> {
    let word = text.slice(start, end);
    let is_hex = |bytes: &[u8]| bytes.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let is_random = |least: f32| entropy(word) >= least;
    match word {
        [b'S', b'K', rest @ ..] if rest.len() == 32 && is_hex(rest) && is_random(2.5) => Some((start, "twilio")),
        [b'A', b'C', rest @ ..] if rest.len() == 32 && is_hex(rest) && is_random(2.5) => Some((start, "twilio")),
        [b'b', b'_', rest @ ..] if rest.len() == 44 && is_random(3.5) => Some((start, "beamer")),
        [b'p', b'a', b't', rest @ ..] if rest.len() == 14 && text.at(end) == b'.' => {
            let secret = text.slice(end + 1, end + 65);
            (secret.len() == 64 && is_hex(secret) && !is_word(text.at(end + 65))).then_some((start, "airtable"))
        }
        // Vault's former form, `s.` in front.
        word if word.len() == 24
            && text.slice(start.saturating_sub(2), start) == b"s."
            && !word.contains(&b'_')
            && is_random(3.6) =>
        {
            let has = |is: fn(&u8) -> bool| word.iter().any(is);
            (has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase)).then_some((start - 2, "vault"))
        }
        // A hyphen may stand in it, so the word may be its first part only.
        [b'Y', b'C', ..] => {
            let whole = text.run(start, |b| is_word(b) || b == b'-');
            let token = text.slice(start, whole);
            (token.len() == 40 && whole == end && entropy(token) >= 3.8).then_some((start, "yandex"))
        }
        _ => None,
    }
}

fn iban<'r>(text: &Text<'_>, start: usize) -> Option<Hit<'r>> {
    const LONGEST: usize = 34;
    let letters = text.slice(start, start + 2);
    if !letters.iter().all(u8::is_ascii_alphabetic) || !text.slice(start + 2, start + 4).iter().all(u8::is_ascii_digit) {
        return None;
    }
    let country = letters.to_ascii_uppercase();
    let length: usize = IBAN_LENGTHS.split_ascii_whitespace().find_map(|entry| {
        entry.as_bytes().strip_prefix(country.as_slice()).and_then(|len| std::str::from_utf8(len).ok()?.parse().ok())
    })?;
    let mut account = Vec::with_capacity(LONGEST);
    let mut end = start;
    while account.len() < length {
        match text.at(end) {
            byte if byte.is_ascii_alphanumeric() => account.push(byte),
            // Printed in groups of four.
            b' ' | b'-' if account.len().is_multiple_of(4) && text.at(end + 1).is_ascii_alphanumeric() => {}
            _ => return None,
        }
        end += 1;
    }
    (!is_word(text.at(end)) && mod97(&account) == Some(1)).then_some(Hit {
        start,
        end,
        kind: Kind::Iban,
        rule: "iban",
        score: CERTAIN,
    })
}

/// Which country's number a word is, by its check letter or digit.
fn identity(word: &[u8]) -> Option<(&'static str, f32)> {
    let upper = word.to_ascii_uppercase();
    let shape: Vec<u8> = upper.iter().map(|byte| if byte.is_ascii_digit() { b'9' } else { b'A' }).collect();
    let number = |from: usize, to: usize| {
        upper.get(from..to)?.iter().try_fold(0u64, |n, b| b.is_ascii_digit().then(|| n * 10 + u64::from(b - b'0')))
    };
    let letter = |i: usize| upper.get(i).copied().unwrap_or(0);
    match shape.as_slice() {
        // Spain: DNI and NIE.
        b"99999999A" => (spanish(number(0, 8)?) == Some(letter(8))).then_some(("es_dni", SHAPE)),
        b"A9999999A" => match letter(0) {
            first @ b'X'..=b'Z' => {
                (spanish(number(1, 8)? + 10_000_000 * u64::from(first - b'X')) == Some(letter(8))).then_some(("es_nie", SHAPE))
            }
            first @ (b'S' | b'T' | b'F' | b'G') => (singapore(first, &upper) == Some(letter(8))).then_some(("sg_nric", SHAPE)),
            _ => None,
        },
        // Italy: codice fiscale.
        b"AAAAAA99A99A999A" => italian(&upper).then_some(("it_cf", SHAPE)),
        // United Kingdom: national insurance.
        b"AA999999A" => {
            let first = !matches!(letter(0), b'D' | b'F' | b'I' | b'Q' | b'U' | b'V');
            let second = !matches!(letter(1), b'D' | b'F' | b'I' | b'O' | b'Q' | b'U' | b'V');
            (first && second && matches!(letter(8), b'A'..=b'D')).then_some(("uk_nino", SHAPE))
        }
        // India: permanent account number.
        b"AAAAA9999A" if word.iter().all(|b| !b.is_ascii_lowercase()) => {
            matches!(letter(3), b'A' | b'B' | b'C' | b'F' | b'G' | b'H' | b'J' | b'L' | b'P' | b'T').then_some(("in_pan", SHAPE))
        }
        // Mexico: CURP.
        [b'A', b'A', b'A', b'A', b'9', b'9', b'9', b'9', b'9', b'9', b'A', b'A', b'A', b'A', b'A', b'A', _, b'9'] => {
            matches!(letter(10), b'H' | b'M' | b'X').then_some(("mx_curp", SHAPE))
        }
        // China: the last digit may be X.
        b"99999999999999999A" if letter(17) == b'X' => chinese(&upper).then_some(("cn_id", SHAPE)),
        _ => None,
    }
}

fn spanish(number: u64) -> Option<u8> {
    b"TRWAGMYFPDXBNJZSQVHLCKE".get((number % 23) as usize).copied()
}

fn singapore(first: u8, upper: &[u8]) -> Option<u8> {
    let digits: Vec<u8> = upper.get(1..8)?.iter().map(|byte| byte - b'0').collect();
    let sum = weighted(&digits, &[2, 7, 6, 5, 4, 3, 2]) + if matches!(first, b'T' | b'G') { 4 } else { 0 };
    let letters: &[u8; 11] = if matches!(first, b'S' | b'T') { b"JZIHGFEDCBA" } else { b"XWUTRQPNMLK" };
    letters.get((sum % 11) as usize).copied()
}

fn italian(upper: &[u8]) -> bool {
    const ODD: [u32; 36] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25,
        24, 23,
    ];
    let value = |byte: u8| if byte.is_ascii_digit() { usize::from(byte - b'0') } else { usize::from(byte - b'A') + 10 };
    let sum: u32 = upper
        .iter()
        .take(15)
        .enumerate()
        .map(|(i, byte)| match (i % 2, value(*byte)) {
            (0, value) => ODD.get(value).copied().unwrap_or(0),
            (_, value) if value < 10 => value as u32,
            (_, value) => value as u32 - 10,
        })
        .sum();
    upper.get(15).is_some_and(|check| u32::from(check - b'A') == sum % 26)
}

pub(super) fn chinese(text: &[u8]) -> bool {
    let digits: Vec<u8> = text.iter().take(17).map(|byte| byte - b'0').collect();
    let sum = weighted(&digits, &[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
    let born = |from: usize, to: usize| {
        digits.get(from..to).unwrap_or_default().iter().fold(0u32, |n, digit| n * 10 + u32::from(*digit))
    };
    let dated = (1900..2100).contains(&born(6, 10)) && (1..=12).contains(&born(10, 12)) && (1..=31).contains(&born(12, 14));
    dated && text.get(17) == b"10X98765432".get((sum % 11) as usize)
}

/// Numbers in parts that have letters: Finland's `131052-308T`, a national insurance number in pairs.
fn in_parts(text: &Text<'_>, start: usize) -> Option<(usize, &'static str)> {
    let pair = |at: usize| text.slice(at, at + 2).len() == 2 && text.slice(at, at + 2).iter().all(u8::is_ascii_digit);
    let upper = |at: usize| text.at(at).is_ascii_uppercase();
    let spaced = upper(start)
        && upper(start + 1)
        && text.at(start + 2) == b' '
        && (0..3).all(|i| pair(start + 3 + 3 * i) && text.at(start + 5 + 3 * i) == b' ');
    if spaced && matches!(text.at(start + 12), b'A'..=b'D') && !is_word(text.at(start + 13)) {
        return Some((start + 13, "uk_nino"));
    }
    None
}

/// `|` or its escape and 27 characters: an app's number and its secret.
pub(super) fn app_token(text: &Text<'_>, end: usize) -> Option<usize> {
    let secret = match text.slice(end, end + 3) {
        [b'|', ..] => end + 1,
        b"%7C" => end + 3,
        _ => return None,
    };
    let stop = text.run(secret, |b| is_word(b) || b == b'-');
    (stop - secret == 27 && entropy(text.slice(secret, stop)) >= 3.0).then_some(stop)
}
