//! Numbers of bytes: `67108864`, `64MiB`, `1GB`.
//!
//! The Collector takes only integers; the text form is an addition.

use super::BYTE_SIZE_FORMAT;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A number of bytes: an integer, or text such as `64MiB`, `1GB`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct ByteSize(pub u64);

/// Largest first, so that printing finds the one that divides.
const UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("KB", 1_000),
    ("B", 1),
];

impl ByteSize {
    /// Mebibytes.
    pub const fn mib(n: u64) -> ByteSize {
        ByteSize(n << 20)
    }
    /// As a count for memory.
    pub const fn get(self) -> usize {
        self.0 as usize
    }
    /// Reads the text form; the error is the message without position.
    pub fn parse(text: &str) -> Result<ByteSize, String> {
        let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len()));
        let unit = unit.trim_start();
        if unit.is_empty() {
            return Err(format!("missing unit in size `{}`", text.escape_debug()));
        }
        let (_, scale) = UNITS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(unit))
            .ok_or_else(|| format!("unknown unit `{}` in size `{}`", unit.escape_debug(), text.escape_debug()))?;
        let invalid = || format!("invalid size `{}`", text.escape_debug());
        let bytes = match number.parse::<u64>() {
            Ok(number) => number.checked_mul(*scale),
            Err(_) => {
                let bytes = number.parse::<f64>().map_err(|_| invalid())? * *scale as f64;
                (bytes < 9e15).then_some(bytes as u64)
            }
        };
        bytes.map(ByteSize).ok_or_else(|| format!("the size `{}` is too large", text.escape_debug()))
    }
}

impl fmt::Display for ByteSize {
    /// In the largest unit that divides it; without a unit below a kibibyte.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let divides = |(_, scale): &&(&str, u64)| *scale > 1 && self.0 >= *scale && self.0.is_multiple_of(*scale);
        match UNITS.iter().find(divides) {
            Some((unit, scale)) => write!(f, "{}{unit}", self.0 / scale),
            None => self.0.fmt(f),
        }
    }
}

impl fmt::Debug for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for ByteSize {
    /// As an integer, the form that the Collector reads too.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ByteSizeVisitor)
    }
}

struct ByteSizeVisitor;

impl Visitor<'_> for ByteSizeVisitor {
    type Value = ByteSize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of bytes, or a size such as `64MiB`")
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<ByteSize, E> {
        ByteSize::parse(text).map_err(E::custom)
    }
    fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<ByteSize, E> {
        Ok(ByteSize(bytes))
    }
    fn visit_i64<E: de::Error>(self, bytes: i64) -> Result<ByteSize, E> {
        u64::try_from(bytes).map(ByteSize).map_err(|_| E::custom(format!("a size must not be negative, found `{bytes}`")))
    }
    fn visit_f64<E: de::Error>(self, bytes: f64) -> Result<ByteSize, E> {
        if bytes.fract() != 0.0 || !(0.0..9e15).contains(&bytes) {
            return Err(E::custom(format!("a size must be a whole number of bytes, found `{bytes}`")));
        }
        Ok(ByteSize(bytes as u64))
    }
}

impl JsonSchema for ByteSize {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ByteSize".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "integer"], "format": BYTE_SIZE_FORMAT})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_printed() {
        for (text, bytes) in [("64MiB", 64 << 20), ("1GB", 1_000_000_000), ("1.5 KiB", 1536), ("10kb", 10_000), ("7B", 7)] {
            assert_eq!(ByteSize::parse(text), Ok(ByteSize(bytes)), "{text}");
        }
        for (bytes, text) in [(64 << 20, "64MiB"), (1_000_000_000, "1GB"), (1536, "1536"), (3072, "3KiB"), (0, "0")] {
            assert_eq!(ByteSize(bytes).to_string(), text);
        }
    }

    #[test]
    fn bad_sizes_say_why() {
        assert_eq!(ByteSize::parse("5"), Err("missing unit in size `5`".to_owned()));
        assert_eq!(ByteSize::parse("5 apples"), Err("unknown unit `apples` in size `5 apples`".to_owned()));
        assert_eq!(ByteSize::parse("MiB"), Err("invalid size `MiB`".to_owned()));
        assert_eq!(ByteSize::parse("99999999999TiB"), Err("the size `99999999999TiB` is too large".to_owned()));
    }
}
