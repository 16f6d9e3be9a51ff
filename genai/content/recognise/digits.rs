//! One loop over digits and `@`: numbers with and without groups, words with digits in them, e-mail addresses.
//!
//! A number is read once with its groups and separators; cards, numbers of persons and telephones are told apart by how they are
//! grouped, by check digits, and by the words around.

use super::bytes::{Text, is_word};
use super::checksum::luhn;
use super::{CONTEXT, Hit, Kind, SHAPE, alnum, email, ip, national, phone};

/// A number with its groups.
#[derive(Debug, Default)]
pub(super) struct Number {
    /// Digits as numbers.
    pub(super) digits: Vec<u8>,
    /// Of each group: first byte, behind the last byte, first digit, what stands in front of it (0 = nothing).
    pub(super) groups: Vec<Group>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Position of its first digit in `digits`.
    pub(super) first: usize,
    /// The separator in front: its last byte that is no blank or bracket, else the blank or bracket.
    pub(super) separator: u8,
}

impl Group {
    pub(super) fn len(&self) -> usize {
        self.end - self.start
    }
}

/// Nothing with fewer digits is recognised; an IP address has four.
const FEWEST_DIGITS: usize = 4;
const MOST_GROUPS: usize = 12;
const MOST_DIGITS: usize = 48;

/// Everything in `text` that has digits or an `@`.
pub(super) fn find<'r>(text: &Text<'_>, into: &mut Vec<Hit<'r>>) {
    let (mut at, mut floor) = (0, 0);
    while let Some(next) = next(text.bytes, at) {
        at = next;
        if text.at(at) == b'@' {
            into.extend(email::around(text, at, 1));
            at += 1;
            continue;
        }
        let mut start = text.run_back(at, is_word).max(floor);
        if start < at && text.before(start) == b'\\' && matches!(text.at(start), b'n' | b't' | b'r') {
            start += 1;
        }
        let digits_end = text.run(at, |b| b.is_ascii_digit());
        let is_number = start == at && !is_word(text.at(digits_end));
        let glued_address = text.at(digits_end) == b':' || text.before(start) == b':';
        if glued_address
            && digits_end - start <= 4
            && let Some(hit) = ip::v6(text, if text.at(digits_end) == b':' { digits_end } else { start - 1 })
        {
            at = hit.end;
            floor = at;
            into.push(hit);
            continue;
        }
        if is_number {
            let number = read(text, at);
            if number.digits.len() < FEWEST_DIGITS {
                at = number.groups.last().map_or(digits_end, |group| group.end).max(digits_end);
                floor = at;
                continue;
            }
            at = number.groups.last().map_or(digits_end, |group| group.end).max(digits_end);
            numbers(text, &number, into);
        } else {
            let end = text.run(at, is_word);
            if text.before(end) == b'Q' && text.at(end) == b'~' {
                into.extend(super::secrets::around_tilde(text, end - 1));
            }
            at = alnum::at(text, start, end, into).max(digits_end);
        }
        floor = at;
    }
}

/// The next digit or `@`, eight bytes at a time as long as there is none.
fn next(bytes: &[u8], from: usize) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    let has_zero = |word: u64| word.wrapping_sub(ONES) & !word & TOPS;
    let (chunks, rest) = bytes.get(from..)?.as_chunks::<8>();
    let wanted = |chunk: &[u8; 8]| {
        let word = u64::from_le_bytes(*chunk);
        // `0` to `?` have one upper half.
        has_zero((word & (ONES * 0xf0)) ^ (ONES * 0x30)) | has_zero(word ^ (ONES * u64::from(b'@'))) != 0
    };
    let is = |byte: &u8| byte.is_ascii_digit() || *byte == b'@';
    for (i, chunk) in chunks.iter().enumerate() {
        if wanted(chunk)
            && let Some(found) = chunk.iter().position(is)
        {
            return Some(from + i * 8 + found);
        }
    }
    rest.iter().position(is).map(|found| from + chunks.len() * 8 + found)
}

/// Reads the groups of a number that begins at `start`.
fn read(text: &Text<'_>, start: usize) -> Number {
    let mut number = Number::default();
    let (mut at, mut separator) = (start, 0);
    while number.groups.len() < MOST_GROUPS && number.digits.len() < MOST_DIGITS {
        let end = text.run(at, |b| b.is_ascii_digit());
        let glued = is_word(text.at(end)) && !phone::has_extension(text, end);
        if glued && !number.groups.is_empty() {
            break;
        }
        number.groups.push(Group { start: at, end, first: number.digits.len(), separator });
        number.digits.extend(text.slice(at, end).iter().take(MOST_DIGITS).map(|byte| byte - b'0'));
        let next = text.run(end, |b| matches!(b, b' ' | b'-' | b'.' | b'/' | b'(' | b')'));
        let between = text.slice(end, next);
        if glued || between.is_empty() || between.len() > 2 || !text.at(next).is_ascii_digit() {
            break;
        }
        let sign = between.iter().find(|b| matches!(b, b'-' | b'.' | b'/')).or(between.first());
        separator = sign.copied().unwrap_or(b' ');
        at = next;
    }
    number
}

/// What the groups of a number are, from left to right.
fn numbers<'r>(text: &Text<'_>, number: &Number, into: &mut Vec<Hit<'r>>) {
    let mut g = 0;
    while let Some(group) = number.groups.get(g) {
        let rest = number.groups.get(g..).unwrap_or_default();
        if is_quad(rest) {
            into.extend(ip::v4(text, group.start));
            if ip::v4(text, group.start).is_some() || looks_private(text, group.start) {
                g += 4;
                continue;
            }
        }
        let found = card(text, number, rest).or_else(|| national::number(text, number, rest));
        if let Some((hit, groups)) = found {
            into.push(hit);
            g += groups;
            continue;
        }
        let dated = date(number, rest);
        if dated > 0 {
            g += dated;
            continue;
        }
        match phone::at(text, number, rest) {
            Some((hit, groups)) => {
                into.push(hit);
                g += groups;
            }
            None => g += 1,
        }
    }
}

fn is_quad(groups: &[Group]) -> bool {
    groups.len() >= 4
        && groups.iter().take(4).all(|group| group.len() <= 3)
        && groups.iter().skip(1).take(3).all(|group| group.separator == b'.')
}

/// An address of four numbers, whatever it belongs to, is no telephone number.
fn looks_private(text: &Text<'_>, start: usize) -> bool {
    let end = text.run_within(start, 17, |b| b.is_ascii_digit() || b == b'.');
    text.text.get(start..end).is_some_and(|written| written.trim_end_matches('.').parse::<std::net::Ipv4Addr>().is_ok())
}

/// How many groups a date takes: year first, or day and month first.
fn date(number: &Number, groups: &[Group]) -> usize {
    let value = |group: &Group| {
        let digits = number.digits.get(group.first..group.first + group.len()).unwrap_or_default();
        digits.iter().take(6).fold(0u32, |value, digit| value * 10 + u32::from(*digit))
    };
    let [one, two, three, rest @ ..] = groups else { return 0 };
    let same = two.separator == three.separator && matches!(two.separator, b'-' | b'.' | b'/');
    let ends = rest.first().is_none_or(|group| group.separator == b' ');
    let (a, b, c) = (value(one), value(two), value(three));
    let days = |day: u32, month: u32| (1..=31).contains(&day) && (1..=12).contains(&month);
    let year_first = one.len() == 4 && (1900..2100).contains(&a) && two.len() <= 2 && three.len() <= 2 && days(c, b);
    let year_last =
        three.len() == 4 && (1900..2100).contains(&c) && one.len() <= 2 && two.len() <= 2 && (days(a, b) || days(b, a));
    let short = [one, two, three].iter().all(|group| group.len() <= 2) && (days(a, b) || (days(b, a) && two.separator == b'/'));
    if same && ends && (year_first || year_last || short) { 3 } else { 0 }
}

/// Groupings of cards; one group alone is the commonest.
const CARD_GROUPS: [&[usize]; 6] = [&[4, 4, 4, 4], &[4, 4, 4, 4, 3], &[4, 6, 5], &[4, 6, 4], &[4, 4, 5], &[4, 4, 4, 1]];

/// A payment card: grouping, issuer's range, Luhn.
fn card<'r>(text: &Text<'_>, number: &Number, groups: &[Group]) -> Option<(Hit<'r>, usize)> {
    let first = groups.first()?;
    let fits = |shape: &&[usize]| {
        let same = groups.get(1).map(|group| group.separator);
        shape.len() <= groups.len()
            && shape.iter().zip(groups).all(|(len, group)| group.len() == *len)
            && groups
                .iter()
                .skip(1)
                .take(shape.len() - 1)
                .all(|group| Some(group.separator) == same && matches!(group.separator, b' ' | b'-'))
    };
    let count = match CARD_GROUPS.iter().rev().find(|shape| fits(shape)) {
        Some(shape) => shape.len(),
        None if (12..=19).contains(&first.len()) => 1,
        None => return None,
    };
    let last = groups.get(count - 1)?;
    let digits = number.digits.get(first.first..last.first + last.len())?;
    let known = issuer(digits);
    // Behind the word, any number with the right check digit is one.
    let issuer = known.unwrap_or("card");
    let sure = known.is_some_and(|issuer| issuer != "maestro" || digits.len() >= 16);
    let announced = || {
        text.announced_by(
            first.start,
            &["card", "cards", "credit", "debit", "visa", "maestro", "amex", "mastercard", "pan", "karte"],
        )
    };
    // A number of thirteen digits in front of words about time is a time.
    let accepted =
        luhn(digits) && !digits.iter().all(|digit| *digit == digits.first().copied().unwrap_or(0)) && (sure || announced());
    let score = if digits.len() >= 15 || announced() { SHAPE } else { CONTEXT };
    accepted.then_some((Hit { start: first.start, end: last.end, kind: Kind::Card, rule: issuer, score }, count))
}

/// Whose range a card's number is in, with the lengths that issuer gives out.
fn issuer(digits: &[u8]) -> Option<&'static str> {
    let head = digits.iter().take(4).fold(0u32, |value, digit| value * 10 + u32::from(*digit));
    let name = match (head, digits.len()) {
        (4000..=4999, 13 | 16 | 19) => "visa",
        (5100..=5599 | 2221..=2720, 16) => "mastercard",
        (3400..=3499 | 3700..=3799, 15) => "amex",
        (3000..=3059 | 3095 | 3600..=3699 | 3800..=3999, 14..=19) => "diners",
        (6011 | 6440..=6599, 16..=19) => "discover",
        (3528..=3589, 16..=19) | (2131 | 1800, 15) => "jcb",
        (6200..=6299 | 8100..=8171, 16..=19) => "unionpay",
        (2200..=2204, 16..=19) => "mir",
        (5000..=5099 | 5600..=5899 | 6000..=6999, 12..=19) => "maestro",
        _ => return None,
    };
    Some(name)
}
