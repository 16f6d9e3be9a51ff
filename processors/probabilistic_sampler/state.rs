//! What a record says about sampling that happened before it came: in a span's trace state, in a log's attributes.

use super::probability::{Randomness, Threshold};
use chaperone_proto::Attrs;

/// Attributes of log records that say it.
pub(super) const THRESHOLD: &str = "sampling.threshold";
pub(super) const RANDOMNESS: &str = "sampling.randomness";

/// Longest trace state, and longest part of OpenTelemetry in it.
const LONGEST: usize = 1024;
const LONGEST_OWN: usize = 256;
const MOST_PAIRS: usize = 32;

/// A trace state, or the attributes of a log record, cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// Threshold and randomness that came with a record, or that are to go on with it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub threshold: Option<Threshold>,
    pub randomness: Option<Randomness>,
}

impl Said {
    /// Raises the threshold; it never falls, since nothing that was dropped comes back.
    pub fn raise(&mut self, threshold: Threshold) {
        if self.threshold.is_none_or(|now| now <= threshold) {
            self.threshold = Some(threshold);
        }
    }

    /// What a log record's attributes say. Values that are not text say nothing.
    pub fn of_log(attrs: Attrs<'_>) -> Result<Said, Malformed> {
        let text = |key| attrs.get_named(key).and_then(|value| value.as_str()).filter(|text| !text.is_empty());
        Ok(Said {
            threshold: text(THRESHOLD).map(|text| Threshold::parse(text).ok_or(Malformed)).transpose()?,
            randomness: text(RANDOMNESS).map(|text| Randomness::parse(text).ok_or(Malformed)).transpose()?,
        })
    }
}

/// A span's trace state.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct TraceState<'a> {
    pub said: Said,
    /// What else stands in OpenTelemetry's part.
    own: Vec<(&'a str, &'a str)>,
    /// The parts of others.
    others: Vec<(&'a str, &'a str)>,
}

impl<'a> TraceState<'a> {
    pub fn parse(text: &'a str) -> Result<TraceState<'a>, Malformed> {
        let mut state = TraceState::default();
        if text.len() > LONGEST {
            return Err(Malformed);
        }
        for member in text.split(',').map(|member| member.trim_matches([' ', '\t'])).filter(|member| !member.is_empty()) {
            let (key, value) = member.split_once('=').ok_or(Malformed)?;
            if !is_key(key) || !is_value(value) {
                return Err(Malformed);
            }
            if key == "ot" {
                state.parse_own(value)?;
            } else {
                state.others.push((key, value));
            }
        }
        if state.others.len() >= MOST_PAIRS { Err(Malformed) } else { Ok(state) }
    }

    fn parse_own(&mut self, text: &'a str) -> Result<(), Malformed> {
        if text.len() > LONGEST_OWN {
            return Err(Malformed);
        }
        for field in text.split(';') {
            let (key, value) = field.split_once(':').ok_or(Malformed)?;
            let first = key.starts_with(|letter: char| letter.is_ascii_lowercase());
            let letters = key.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
            let valid = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
            if !first || !letters || !valid {
                return Err(Malformed);
            }
            match key {
                "th" => self.said.threshold = Some(Threshold::parse(value).ok_or(Malformed)?),
                "rv" => self.said.randomness = Some(Randomness::parse(value).ok_or(Malformed)?),
                _ => self.own.push((key, value)),
            }
        }
        Ok(())
    }

    /// The text that says this instead: OpenTelemetry's part first, in it randomness before threshold; the others in
    /// their order behind it.
    pub fn saying(&self, said: Said) -> String {
        let mut own: Vec<String> = Vec::new();
        own.extend(said.randomness.map(|randomness| format!("rv:{}", randomness.text())));
        own.extend(said.threshold.map(|threshold| format!("th:{}", threshold.text())));
        own.extend(self.own.iter().map(|(key, value)| format!("{key}:{value}")));
        let mut members: Vec<String> = Vec::new();
        if !own.is_empty() {
            members.push(format!("ot={}", own.join(";")));
        }
        members.extend(self.others.iter().map(|(key, value)| format!("{key}={value}")));
        members.join(",")
    }
}

/// A key of the W3C's grammar: `vendor` or `tenant@vendor`.
fn is_key(key: &str) -> bool {
    let letters = |text: &str| {
        text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'*' | b'/'))
    };
    let begins = |text: &str, digit: bool| {
        text.starts_with(|letter: char| letter.is_ascii_lowercase() || (digit && letter.is_ascii_digit()))
    };
    match key.split_once('@') {
        None => key.len() <= 256 && begins(key, false) && letters(key),
        Some((tenant, system)) => {
            let short = tenant.len() <= 241 && system.len() <= 14;
            short && begins(tenant, true) && letters(tenant) && begins(system, false) && letters(system)
        }
    }
}

/// Printable, without comma and equals sign, not ending in a blank.
fn is_value(value: &str) -> bool {
    let printable = value.bytes().all(|byte| (0x20..0x7f).contains(&byte) && byte != b',' && byte != b'=');
    printable && !value.is_empty() && value.len() <= 256 && !value.ends_with(' ')
}
