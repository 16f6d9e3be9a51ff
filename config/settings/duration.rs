//! Spans of time in the syntax of the Collector: `300ms`, `1.5s`, `1h30m`.
//!
//! A bare number is nanoseconds, as there; text without a unit is refused.
//! Negative ones are refused here once, so that no component has to.

use super::DURATION_FORMAT;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A span of time in Go's syntax: `300ms`, `1.5s`, `1h30m`. A bare number is nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Duration(pub std::time::Duration);

impl Duration {
    /// Whole seconds.
    pub const fn from_secs(secs: u64) -> Duration {
        Duration(std::time::Duration::from_secs(secs))
    }
    /// Milliseconds.
    pub const fn from_millis(millis: u64) -> Duration {
        Duration(std::time::Duration::from_millis(millis))
    }
    /// The standard type.
    pub const fn get(self) -> std::time::Duration {
        self.0
    }
    /// Whether it is no time at all; many settings mean "never" or "off" by it.
    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }
    /// Reads the text form; the error is the message without position.
    ///
    /// At most about 292 years, the range of the Collector's own type.
    pub fn parse(text: &str) -> Result<Duration, String> {
        let invalid = || format!("invalid duration `{}`", text.escape_debug());
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        if unsigned == "0" {
            return Ok(Duration::default());
        }
        if unsigned.is_empty() {
            return Err(invalid());
        }
        let mut nanos: u128 = 0;
        let mut rest = unsigned;
        while !rest.is_empty() {
            let (number, after) = split_at_first(rest, |c| !c.is_ascii_digit() && c != '.');
            let (unit, after) = split_at_first(after, |c| c.is_ascii_digit() || c == '.');
            if unit.is_empty() {
                return Err(format!("missing unit in duration `{}`", text.escape_debug()));
            }
            let scale = unit_nanos(unit)
                .ok_or_else(|| format!("unknown unit `{}` in duration `{}`", unit.escape_debug(), text.escape_debug()))?;
            nanos += scaled(number, scale).ok_or_else(invalid)?;
            rest = after;
        }
        if negative && nanos > 0 {
            return Err(format!("a duration must not be negative, found `{}`", text.escape_debug()));
        }
        from_nanos(nanos).ok_or_else(|| format!("the duration `{}` is too long", text.escape_debug()))
    }
}

fn split_at_first(text: &str, stop: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(stop).unwrap_or(text.len()))
}

fn unit_nanos(unit: &str) -> Option<u128> {
    Some(match unit {
        "ns" => 1,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

/// `number` times `scale`; digits after what a nanosecond can hold are cut.
fn scaled(number: &str, scale: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || whole.len() > 19 || fraction.contains('.') {
        return None;
    }
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    // Fifteen digits of an hour are less than a nanosecond, and the product stays far below 128 bits.
    let fraction = fraction.get(..15).unwrap_or(fraction);
    let parts: u128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    Some(whole.checked_mul(scale)? + parts * scale / 10_u128.pow(fraction.len() as u32))
}

fn from_nanos(nanos: u128) -> Option<Duration> {
    let nanos = u64::try_from(nanos).ok().filter(|nanos| *nanos <= i64::MAX as u64)?;
    Some(Duration(std::time::Duration::from_nanos(nanos)))
}

impl fmt::Display for Duration {
    /// The shortest text that reads back as the same span: `1h30m`, `1.5s`, `300ms`, `0s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        if nanos == 0 {
            return f.write_str("0s");
        }
        if nanos < 1_000_000_000 {
            let (unit, scale) = match nanos {
                1_000_000.. => ("ms", 1_000_000),
                1_000.. => ("us", 1_000),
                _ => ("ns", 1),
            };
            return decimal(f, nanos, scale, unit);
        }
        let (minutes, rest) = (nanos / 60_000_000_000, nanos % 60_000_000_000);
        let (hours, minutes) = (minutes / 60, minutes % 60);
        if hours > 0 {
            write!(f, "{hours}h")?;
        }
        if minutes > 0 {
            write!(f, "{minutes}m")?;
        }
        if rest > 0 { decimal(f, rest, 1_000_000_000, "s") } else { Ok(()) }
    }
}

fn decimal(f: &mut fmt::Formatter<'_>, nanos: u128, scale: u128, unit: &str) -> fmt::Result {
    let (whole, rest) = (nanos / scale, nanos % scale);
    if rest == 0 {
        return write!(f, "{whole}{unit}");
    }
    let digits = scale.ilog10() as usize;
    let fraction = format!("{rest:0digits$}");
    write!(f, "{whole}.{}{unit}", fraction.trim_end_matches('0'))
}

impl fmt::Debug for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<std::time::Duration> for Duration {
    fn from(duration: std::time::Duration) -> Self {
        Duration(duration)
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DurationVisitor)
    }
}

struct DurationVisitor;

impl Visitor<'_> for DurationVisitor {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration such as `300ms` or `1h30m`")
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
        Duration::parse(text).map_err(E::custom)
    }
    fn visit_u64<E: de::Error>(self, nanos: u64) -> Result<Duration, E> {
        from_nanos(nanos.into()).ok_or_else(|| E::custom(format!("the duration `{nanos}` is too long")))
    }
    fn visit_i64<E: de::Error>(self, nanos: i64) -> Result<Duration, E> {
        match u64::try_from(nanos) {
            Ok(nanos) => self.visit_u64(nanos),
            Err(_) => Err(E::custom(format!("a duration must not be negative, found `{nanos}`"))),
        }
    }
    fn visit_f64<E: de::Error>(self, nanos: f64) -> Result<Duration, E> {
        if !(0.0..9.2e18).contains(&nanos) {
            return Err(E::custom(format!("a duration must not be negative or endless, found `{nanos}`")));
        }
        self.visit_u64(nanos as u64)
    }
}

impl JsonSchema for Duration {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "number"], "format": DURATION_FORMAT})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_durations_are_read() {
        for (text, nanos) in [
            ("0", 0),
            ("0s", 0),
            ("-0s", 0),
            ("300ms", 300_000_000),
            ("1.5s", 1_500_000_000),
            ("+1h30m", 5_400_000_000_000),
            (".5m", 30_000_000_000),
            ("1.h", 3_600_000_000_000),
            ("0.1us", 100),
            ("1.00000000000000000000001s", 1_000_000_000),
            ("2540400h10m10s", 9_145_440_610_000_000_000),
        ] {
            assert_eq!(Duration::parse(text).map(|duration| duration.get().as_nanos()), Ok(nanos), "{text}");
        }
    }

    #[test]
    fn bad_durations_say_why() {
        for (text, message) in [
            ("", "invalid duration ``"),
            ("5", "missing unit in duration `5`"),
            ("1d", "unknown unit `d` in duration `1d`"),
            ("abc", "unknown unit `abc` in duration `abc`"),
            ("1..5s", "invalid duration `1..5s`"),
            ("-1s", "a duration must not be negative, found `-1s`"),
            ("9999999h", "the duration `9999999h` is too long"),
        ] {
            assert_eq!(Duration::parse(text), Err(message.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_printed_reads_back() {
        for (nanos, text) in [
            (0, "0s"),
            (1, "1ns"),
            (1_500, "1.5us"),
            (300_000_000, "300ms"),
            (1_500_000_000, "1.5s"),
            (90_000_000_000, "1m30s"),
            (5_400_000_000_000, "1h30m"),
            (3_600_000_000_001, "1h0.000000001s"),
        ] {
            let duration = Duration(std::time::Duration::from_nanos(nanos));
            assert_eq!(duration.to_string(), text);
            assert_eq!(Duration::parse(text), Ok(duration));
        }
    }
}
