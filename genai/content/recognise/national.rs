//! Numbers that states give to people: identity, tax and insurance numbers, by their groups and check digits.
//!
//! A number whose check is weak, or which has none, counts only where the words in front say what it is.

use super::alnum::{app_token, chinese};
use super::bytes::{Text, is_word};
use super::checksum::{luhn, mod11_10, verhoeff, weighted};
use super::digits::{Group, Number};
use super::{CONTEXT, Hit, Kind, SHAPE};

/// Finland: date, sign of the century, serial, check character.
fn finnish(text: &Text<'_>, first: &Group) -> Option<usize> {
    let sign = matches!(text.at(first.end), b'-' | b'+' | b'A' | b'B');
    let serial = text.slice(first.end + 1, first.end + 4);
    if first.len() != 6 || !sign || serial.len() < 3 || !serial.iter().all(u8::is_ascii_digit) || is_word(text.at(first.end + 5))
    {
        return None;
    }
    let digits = text.slice(first.start, first.end).iter().chain(serial);
    let number = digits.fold(0u64, |n, b| n * 10 + u64::from(b - b'0'));
    let check = b"0123456789ABCDEFHJKLMNPRSTUVWXY".get((number % 31) as usize)?;
    (*check == text.at(first.end + 4) && !text.at(first.end + 4).is_ascii_digit()).then_some(first.end + 5)
}

const DOCUMENTS: [&str; 22] = [
    "license",
    "licence",
    "passport",
    "ssn",
    "social security",
    "national id",
    "identity card",
    "id card",
    "tax id",
    "taxpayer",
    "tin",
    "itin",
    "ein",
    "steuernummer",
    "ausweis",
    "insurance number",
    "medicare",
    "medicaid",
    "health card",
    "dni",
    "cedula",
    "personal number",
];

/// A number behind the words that say which document it is of.
pub(super) fn document(text: &Text<'_>, start: usize, word: &[u8]) -> bool {
    let digits = word.iter().filter(|byte| byte.is_ascii_digit()).count();
    (6..=18).contains(&word.len()) && digits >= 5 && digits * 2 > word.len() && text.announced_by(start, &DOCUMENTS)
}

/// The number a person got from a state that begins with the first of these groups, and how many groups it takes.
pub(super) fn number<'r>(text: &Text<'_>, number: &Number, groups: &[Group]) -> Option<(Hit<'r>, usize)> {
    let first = groups.first()?;
    let lens: Vec<usize> = groups.iter().map(Group::len).collect();
    let separator = groups.get(1).map_or(0, |group| group.separator);
    let hit = |count: usize, rule: &'static str, score: f32| {
        let end = groups.get(count - 1).map_or(first.end, |group| group.end);
        Some((Hit { start: first.start, end, kind: Kind::NationalId, rule, score }, count))
    };
    let digits = |count: usize| {
        let len: usize = lens.iter().take(count).sum();
        number.digits.get(first.first..first.first + len).unwrap_or_default()
    };
    let said = |words: &[&str]| text.announced_by(first.start, words);
    if let Some(end) = finnish(text, first) {
        return Some((
            Hit { start: first.start, end, kind: Kind::NationalId, rule: "fi_hetu", score: SHAPE },
            groups.iter().filter(|g| g.start < end).count().max(1),
        ));
    }
    match lens.as_slice() {
        [3, 2, 4, ..] if separator == b'-' && american(digits(3)) => return hit(3, "us_ssn", SHAPE),
        [3, 2, 4, ..] if said(&["ssn", "social security"]) => return hit(3, "us_ssn", CONTEXT),
        [3, 3, 3, 2, ..] if separator == b'.' && brazilian(digits(4)) => return hit(4, "br_cpf", SHAPE),
        [2, 3, 3, 4, 2, ..] if separator == b'.' => return hit(5, "br_cnpj", SHAPE),
        [3, 4, 4, 2, ..] if separator == b'.' && digits(4).starts_with(&[7, 5, 6]) => return hit(4, "ch_ahv", SHAPE),
        [2, 2, 2, 3, 2, ..] if separator == b'.' && belgian(digits(5)) => return hit(5, "be_nrn", SHAPE),
        [4, 4, 4, ..]
            if matches!(separator, b' ' | b'-') && digits(1).first().is_some_and(|d| *d >= 2) && verhoeff(digits(3)) =>
        {
            return hit(3, "in_aadhaar", SHAPE);
        }
        [6, 7, ..] if separator == b'-' && born(digits(1), 0) && digits(2).get(6).is_some_and(|d| (1..=8).contains(d)) => {
            return hit(2, "kr_rrn", SHAPE);
        }
        [6 | 8, 4, ..] if matches!(separator, b'-' | b'+') => {
            let all = digits(2);
            let short = all.get(all.len().saturating_sub(10)..).unwrap_or_default();
            if born(short, 0) && luhn(short) {
                return hit(2, "se_pnr", SHAPE);
            }
            if born(short, 1) && said(&["cpr", "personnummer", "person"]) {
                return hit(2, "dk_cpr", CONTEXT);
            }
        }
        [3, 3, 4, ..] if said(&["nhs"]) => return hit(3, "uk_nhs", CONTEXT),
        [3, 3, 3, ..] if said(&["sin", "social insurance"]) && luhn(digits(3)) => return hit(3, "ca_sin", SHAPE),
        [3, 3, 3, ..] if said(&["tfn", "tax file"]) => return hit(3, "au_tfn", CONTEXT),
        [4, 5, 1, ..] if said(&["medicare"]) => return hit(3, "au_medicare", CONTEXT),
        _ => {}
    }
    let alone = digits(1);
    if matches!(alone.len(), 15 | 16)
        && let Some(end) = app_token(text, first.end)
    {
        return Some((Hit { start: first.start, end, kind: Kind::Secret, rule: "facebook", score: SHAPE }, 1));
    }
    match alone.len() {
        // Spans all groups: `2270-66-1551` behind "license number is".
        _ if lens.iter().take(3).sum::<usize>() >= 6
            && alone.len() <= 6
            && groups.len() <= 3
            && separator == b'-'
            && said(&DOCUMENTS) =>
        {
            return hit(groups.len(), "document", CONTEXT);
        }
        9 if said(&["ssn", "social security"]) => return hit(1, "us_ssn", CONTEXT),
        9 if said(&["bsn", "burgerservicenummer"]) => return hit(1, "nl_bsn", CONTEXT),
        9 if said(&["nif", "contribuinte"]) => return hit(1, "pt_nif", CONTEXT),
        10 if said(&["nhs"]) => return hit(1, "uk_nhs", CONTEXT),
        11 if german(alone) => return hit(1, "de_tax", SHAPE),
        11 if said(&["pesel"]) => return hit(1, "pl_pesel", CONTEXT),
        11 if said(&["cpf"]) && brazilian(alone) => return hit(1, "br_cpf", SHAPE),
        11 if said(&["kimlik", "tckn"]) => return hit(1, "tr_tckn", CONTEXT),
        12 if said(&["aadhaar", "uidai"]) && verhoeff(alone) => return hit(1, "in_aadhaar", SHAPE),
        12 if said(&["my number", "kojin"]) => return hit(1, "jp_my_number", CONTEXT),
        13 if born(alone, 0) && alone.get(10).is_some_and(|d| *d <= 2) && luhn(alone) => return hit(1, "za_id", SHAPE),
        15 if french(alone) => return hit(1, "fr_nir", SHAPE),
        18 if chinese(text.slice(first.start, first.end)) => return hit(1, "cn_id", SHAPE),
        _ => {}
    }
    if document(text, first.start, text.slice(first.start, first.end)) { hit(1, "document", CONTEXT) } else { None }
}

/// Area, group and serial of a social security or taxpayer number.
fn american(digits: &[u8]) -> bool {
    let value = |from: usize, to: usize| {
        digits.get(from..to).unwrap_or_default().iter().fold(0u32, |n, digit| n * 10 + u32::from(*digit))
    };
    let (area, group, serial) = (value(0, 3), value(3, 5), value(5, 9));
    let taxpayer = area >= 900 && matches!(group, 50..=65 | 70..=88 | 90..=92 | 94..=99);
    area != 0 && area != 666 && (area < 900 || taxpayer) && group != 0 && serial != 0
}

fn brazilian(digits: &[u8]) -> bool {
    let check = |count: usize| {
        let weights: Vec<u32> = (2..=count as u32 + 1).rev().collect();
        (weighted(digits.get(..count).unwrap_or_default(), &weights) * 10 % 11 % 10) as u8
    };
    digits.len() == 11
        && digits.iter().any(|digit| Some(digit) != digits.first())
        && digits.get(9) == Some(&check(9))
        && digits.get(10) == Some(&check(10))
}

fn belgian(digits: &[u8]) -> bool {
    let value = |from: usize, to: usize| {
        digits.get(from..to).unwrap_or_default().iter().fold(0u64, |n, digit| n * 10 + u64::from(*digit))
    };
    let check = value(9, 11);
    97 - value(0, 9) % 97 == check || 97 - (2_000_000_000 + value(0, 9)) % 97 == check
}

fn german(digits: &[u8]) -> bool {
    let mut counts = [0u8; 10];
    for digit in digits.iter().take(10) {
        if let Some(count) = counts.get_mut(usize::from(*digit)) {
            *count += 1;
        }
    }
    let repeated = counts.iter().filter(|count| **count > 1).count() == 1 && counts.iter().all(|count| *count <= 3);
    digits.first() != Some(&0) && repeated && mod11_10(digits)
}

fn french(digits: &[u8]) -> bool {
    let value = |from: usize, to: usize| {
        digits.get(from..to).unwrap_or_default().iter().fold(0u64, |n, digit| n * 10 + u64::from(*digit))
    };
    matches!(digits.first(), Some(1 | 2)) && (1..=12).contains(&value(3, 5)) && 97 - value(0, 13) % 97 == value(13, 15)
}

/// Whether six digits are a date: year first, or (`order` 1) day first.
fn born(digits: &[u8], order: usize) -> bool {
    let value =
        |from: usize| digits.get(from..from + 2).unwrap_or_default().iter().fold(0u32, |n, digit| n * 10 + u32::from(*digit));
    let (month, day) = if order == 0 { (value(2), value(4)) } else { (value(2), value(0)) };
    (1..=12).contains(&month) && (1..=31).contains(&day)
}
