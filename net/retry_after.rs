//! The `Retry-After` header: seconds, or a date in the one format that HTTP still writes.

use std::time::Duration;

/// The pause that a header value asks for at `now_unix`; `None` when it says nothing readable. A past date is no pause.
pub fn parse(value: &str, now_unix: u64) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = parse_date(value)?;
    Some(Duration::from_secs(at.saturating_sub(now_unix)))
}

/// Seconds since 1970 of `Sun, 06 Nov 1994 08:49:37 GMT`.
fn parse_date(text: &str) -> Option<u64> {
    let (_weekday, rest) = text.split_once(", ")?;
    let mut words = rest.split(' ');
    let day: i64 = words.next()?.parse().ok()?;
    let month = month_number(words.next()?)?;
    let year: i64 = words.next()?.parse().ok()?;
    let mut clock = words.next()?.split(':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let zone_is_gmt = words.next() == Some("GMT") && words.next().is_none() && clock.next().is_none();
    let in_range = (1..=31).contains(&day)
        && (1970..=9999).contains(&year)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..=60).contains(&second);
    if !zone_is_gmt || !in_range {
        return None;
    }
    let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    u64::try_from(seconds).ok()
}

fn month_number(name: &str) -> Option<i64> {
    const NAMES: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    NAMES.iter().position(|known| *known == name).map(|index| index as i64 + 1)
}

/// Days of the proleptic Gregorian calendar, counted in years that begin in March, so that leap days come last.
pub(crate) fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, now_unix: u64, expected: Option<u64>) {
        assert_eq!(parse(value, now_unix), expected.map(Duration::from_secs), "{value}");
    }

    #[test]
    fn seconds_and_dates_are_read_and_junk_is_ignored() {
        check("120", 0, Some(120));
        check(" 0 ", 0, Some(0));
        check("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_770, Some(7));
        check("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_780, Some(0));
        check("Thu, 01 Jan 1970 00:00:10 GMT", 0, Some(10));
        check("Mon, 29 Feb 2096 00:00:00 GMT", 3_981_311_990, Some(10));
        for junk in ["", "soon", "-1", "1.5", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Foo 1994 08:49:37 GMT"] {
            check(junk, 0, None);
        }
    }
}
