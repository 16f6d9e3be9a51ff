//! Telephone numbers: international ones by `+`, those of North America and with a leading 0 by their groups, others by the words
//! in front of or behind them.

use super::bytes::{Text, is_word};
use super::digits::{Group, Number};
use super::{CONTEXT, Hit, Kind, SHAPE};

/// Nobody's number is shorter.
const FEWEST_DIGITS: usize = 6;

const IN_FRONT: [&str; 30] = [
    "phone",
    "telephone",
    "telefon",
    "tel",
    "mobile",
    "mob",
    "cell",
    "cellphone",
    "fax",
    "call",
    "calling",
    "callback",
    "dial",
    "sms",
    "text me",
    "whatsapp",
    "signal",
    "contact",
    "reach",
    "message",
    "messages",
    "answering",
    "hotline",
    "desk",
    "office",
    "ring",
    "handy",
    "voicemail",
    "landline",
    "pager",
];
const BEHIND: [&str; 10] = ["office", "fax", "mobile", "phone", "cell", "home", "work", "desk", "direct", "landline"];

/// Whether an extension follows: `x0135`, `ext. 12`.
pub(super) fn has_extension(text: &Text<'_>, end: usize) -> bool {
    matches!(text.at(end), b'x' | b'X') && text.at(end + 1).is_ascii_digit() && {
        let stop = text.run(end + 1, |b| b.is_ascii_digit());
        stop - end <= 7 && !is_word(text.at(stop))
    }
}

/// A telephone number that begins with the first of these groups, and how many groups it takes.
pub(super) fn at<'r>(text: &Text<'_>, number: &Number, groups: &[Group]) -> Option<(Hit<'r>, usize)> {
    let first = groups.first()?;
    if groups.iter().map(Group::len).sum::<usize>() < FEWEST_DIGITS {
        return None;
    }
    let (start, plus) = begin(text, first.start);
    // A decimal number, a part of a version, of a path.
    if matches!(text.before(start), b'.' | b'/' | b'-' | b'_' | b':' | b'#' | b'$' | b'=') && !plus && !separates(text, start) {
        return None;
    }
    let grouped = |count: usize| groups.get(..count).unwrap_or_default();
    let ends_at = |count: usize| grouped(count).last().map_or(first.end, |group| group.end);
    let hit = |count: usize, rule: &'static str, score: f32| {
        let end = ends_at(count);
        let end = if has_extension(text, end) { text.run(end + 1, |b| b.is_ascii_digit()) } else { end };
        (Hit { start, end, kind: Kind::Phone, rule, score }, count)
    };
    let total = |count: usize| grouped(count).iter().map(Group::len).sum::<usize>();
    let lens: Vec<usize> = groups.iter().map(Group::len).collect();
    let digit = |i: usize| number.digits.get(first.first + i).copied().unwrap_or(0);
    let most = (1..=groups.len()).rev().find(|count| total(*count) <= 15)?;
    let whole = total(most);
    let followed = |count: usize| {
        let end = ends_at(count);
        let end = if has_extension(text, end) { text.run(end + 1, |b| b.is_ascii_digit()) } else { end };
        text.followed_by(end, &BEHIND)
    };
    if plus && digit(0) != 0 && (8..=15).contains(&whole) {
        return Some(hit(most, "international", SHAPE));
    }
    let announced = text.announced_by(start, &IN_FRONT);
    // 001-518-640-0854, 1-518-640-0854, 518-640-0854.
    let skip = usize::from(matches!((lens.first(), digit(0), digit(2)), (Some(1), 1, _) | (Some(3), 0, 1)));
    if let Some([area, exchange, line]) = lens.get(skip..skip + 3)
        && (*area, *exchange, *line) == (3, 3, 4)
    {
        let offset = grouped(skip).iter().map(Group::len).sum::<usize>();
        let assigned = digit(offset) >= 2 && digit(offset + 3) >= 2;
        let separated = groups.iter().skip(1).take(skip + 2).all(|group| group.separator != b'/');
        if separated && (assigned || announced || skip == 1 || followed(skip + 3) || has_extension(text, ends_at(skip + 3))) {
            return Some(hit(skip + 3, "north_america", if assigned { SHAPE } else { CONTEXT }));
        }
    }
    let trunk = digit(0) == 0 && digit(1) != 0 && groups.len() >= 2 && (9..=12).contains(&whole);
    let uniform =
        groups.iter().skip(1).take(most.saturating_sub(1)).all(|group| matches!(group.separator, b' ' | b'-' | b'.' | b'/'));
    // `0.123 0.456` are decimals.
    let decimal = lens.first() == Some(&1) && groups.get(1).is_some_and(|group| group.separator == b'.');
    if trunk && uniform && !decimal && lens.iter().take(most).all(|len| *len <= 8) {
        return Some(hit(most, "national", CONTEXT));
    }
    let said = (announced && (6..=13).contains(&whole)) || ((6..=13).contains(&whole) && followed(most));
    (said && !decimal).then(|| hit(most, "announced", CONTEXT))
}

/// Where the number begins with its `+` and opening bracket, and whether it has a `+`.
fn begin(text: &Text<'_>, digit: usize) -> (usize, bool) {
    let mut start = digit;
    if text.before(start) == b'(' {
        start -= 1;
    }
    let blank = usize::from(text.before(start) == b' ' && start >= 2 && text.at(start - 2) == b'+');
    if text.before(start - blank) == b'+' { (start - blank - 1, true) } else { (start, false) }
}

/// Whether what stands in front separates rather than belongs: `tel:`, `=` of a pair, `-` behind a word.
fn separates(text: &Text<'_>, start: usize) -> bool {
    match text.before(start) {
        b':' | b'=' | b'#' => !text.before(start - 1).is_ascii_digit(),
        _ => false,
    }
}
