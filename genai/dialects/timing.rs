//! Times that an emitter gives as points: seconds since the span began.
//!
//! Read: nanoseconds since 1970, and dates with times as text (`2026-11-21T03:34:15.250Z`, with an offset, or without one = UTC).
//! A table names such a source with `since-start`; `event:NAME#@time` is the time of a span event.

use chaperone_proto::{RecordRef, ValueRef};

/// Seconds from the span's start to this point. `None` before the start, without a span, or for what is no time.
pub(crate) fn seconds_since_start(record: RecordRef<'_>, value: ValueRef<'_>) -> Option<f64> {
    let start = i128::from(record.as_span()?.start_ns());
    let point = match value {
        ValueRef::Int(nanoseconds) => i128::from(nanoseconds),
        ValueRef::Str(text) => point_in_time(text.trim())?,
        _ => return None,
    };
    let passed = point - start;
    (start > 0 && passed >= 0).then(|| passed as f64 / 1e9)
}

/// Nanoseconds since 1970.
fn point_in_time(text: &str) -> Option<i128> {
    if let Ok(nanoseconds) = text.parse::<i64>() {
        return Some(i128::from(nanoseconds));
    }
    let (date, time) = text.split_once(['T', ' '])?;
    let [year, month, day] = numbers(date, '-')?;
    let (time, offset) = match time.find(['Z', '+', '-']) {
        Some(at) => (time.get(..at)?, offset_seconds(time.get(at..)?)?),
        None => (time, 0),
    };
    let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
    let [hour, minute, second] = numbers(clock, ':')?;
    let is_real = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    let fraction: i128 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset;
    is_real.then_some(i128::from(seconds) * 1_000_000_000 + fraction)
}

fn numbers(text: &str, separator: char) -> Option<[i64; 3]> {
    let mut parts = text.split(separator).map(|part| part.parse().ok().filter(|number: &i64| (0..10_000).contains(number)));
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(numbers)
}

/// `Z`, `+02:00`, `-0530`.
fn offset_seconds(text: &str) -> Option<i64> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("Z", _) => return Some(0),
        ("-", digits) => (-1, digits),
        (_, digits) => (1, digits),
    };
    let digits: String = digits.chars().filter(|c| *c != ':').collect();
    let (hours, minutes) = digits.split_at_checked(2)?;
    let minutes: i64 = if minutes.is_empty() { 0 } else { minutes.parse().ok()? };
    Some(sign * (hours.parse::<i64>().ok()? * 3600 + minutes * 60))
}

/// Days from 1970 to a date of the Gregorian calendar; years begin in March here, so that leap days come last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let in_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    365 * year + year / 4 - year / 100 + year / 400 + in_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_in_time_are_read_in_all_usual_spellings() {
        for (text, milliseconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:00:00.5Z", 951_825_600_500),
            ("2026-11-21T03:34:15.250000+00:00", 1_795_232_055_250),
            ("2026-11-21 04:34:15.250+0100", 1_795_232_055_250),
            ("2026-11-21T03:34:15.250", 1_795_232_055_250),
            ("1795232055250000000", 1_795_232_055_250),
        ] {
            assert_eq!(point_in_time(text), Some(milliseconds * 1_000_000), "{text}");
        }
        for text in ["", "soon", "2026-13-01T00:00:00Z", "2026-11-21", "2026-11-21T25:00:00Z", "2026-11-21T00:00", "T"] {
            assert_eq!(point_in_time(text), None, "{text}");
        }
    }
}
