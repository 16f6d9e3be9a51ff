//! Secrets that can be told by their shape: the table `genai/data/secrets.tsv`.
//!
//! A shape is compiled when its anchor is first met. What fits must also look random, and have what its check asks for.

use super::bytes::{Text, is_token, is_word};
use super::checksum::ends_in_crc;
use super::entropy::{entropy, is_kebab};
use super::{CERTAIN, Hit, Kind, SHAPE};
use crate::dialects::table::rows;
use regex::{Regex, RegexBuilder};
use std::sync::{LazyLock, OnceLock};

/// What is asked beyond the shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Check {
    Nothing,
    /// The last six characters are a CRC of the others; without it the hit is less sure, not gone.
    Crc,
    Jwt,
    /// Upper and lower case and a digit.
    Mixed,
    /// Not words joined by hyphens.
    Kebab,
}

/// One row.
#[derive(Debug)]
pub(super) struct Shape {
    rule: &'static str,
    /// In lower case, as the automaton has it.
    pub(super) anchor: &'static str,
    /// The anchor as it is written in the shape, where the shape begins with it.
    exact: Option<&'static str>,
    pattern: &'static str,
    compiled: OnceLock<Regex>,
    entropy: f32,
    check: Check,
    word: bool,
    apart: bool,
    /// The shape begins before its anchor.
    looks_back: bool,
    ahead: usize,
}

static SHAPES: LazyLock<Vec<Shape>> =
    LazyLock::new(|| rows(include_str!("../../data/secrets.tsv"), 6).map(|row| Shape::read(&row)).collect());

pub(super) fn shapes() -> &'static [Shape] {
    &SHAPES
}

/// How far a shape may begin before its anchor.
const BACK: usize = 140;
/// Longest secret looked at: few have more than this, and theirs is said by their shape.
const AHEAD: usize = 320;
const FAR_AHEAD: usize = 1300;

impl Shape {
    fn read(row: &[&'static str]) -> Shape {
        let [rule, anchor, shape, least, check, edge] = row else { panic!("invariant: six cells a row") };
        let (looks_back, pattern) = shape.strip_prefix('<').map_or((false, *shape), |rest| (true, rest));
        let exact = pattern.get(..anchor.len()).filter(|begin| begin.eq_ignore_ascii_case(anchor));
        let check = match *check {
            "" => Check::Nothing,
            "crc32" => Check::Crc,
            "jwt" => Check::Jwt,
            "mixed" => Check::Mixed,
            "kebab" => Check::Kebab,
            other => panic!("invariant: `{other}` in genai/data/secrets.tsv is a check"),
        };
        let entropy = least.parse().expect("invariant: an entropy is a number");
        let is_long = pattern.contains(",1000}") || pattern.contains(",}") || pattern.contains(",400}") || pattern.ends_with('*');
        let ahead = if is_long { FAR_AHEAD } else { AHEAD };
        let (word, apart) = (*edge != "any", *edge == "apart");
        Shape { rule, anchor, exact, pattern, compiled: OnceLock::new(), entropy, check, word, apart, looks_back, ahead }
    }

    fn regex(&self) -> &Regex {
        self.compiled.get_or_init(|| {
            let pattern = if self.looks_back { self.pattern.to_owned() } else { format!("^(?:{})", self.pattern) };
            let built = RegexBuilder::new(&pattern).unicode(false).size_limit(4 << 20).build();
            built.expect("invariant: a shape of genai/data/secrets.tsv is a regular expression")
        })
    }

    fn is_plausible(&self, found: &[u8]) -> bool {
        let body = found.get(if self.looks_back { 0 } else { self.anchor.len() }..).unwrap_or_default();
        let body = if body.len() < 8 { found } else { body };
        let has = |is: fn(&u8) -> bool| body.iter().any(is);
        let checked = match self.check {
            Check::Nothing | Check::Crc => true,
            Check::Jwt => !body.windows(6).any(|part| part == b"xxxxxx"),
            Check::Mixed => has(u8::is_ascii_digit) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase),
            Check::Kebab => !is_kebab(body),
        };
        checked && entropy(body) >= self.entropy
    }
}

/// The secret whose anchor stands at `start..end`.
pub(super) fn at<'r>(text: &Text<'_>, shape: usize, start: usize, end: usize) -> Option<Hit<'r>> {
    let shape = SHAPES.get(shape)?;
    if shape.exact.is_some_and(|exact| text.slice(start, end) != exact.as_bytes())
        || (!shape.looks_back && !is_token(text.at(end)) && shape.exact.is_some())
    {
        return None;
    }
    let from = if shape.looks_back { text.run_back(start, is_token).max(start.saturating_sub(BACK)) } else { start };
    let until = text.run_within(end, shape.ahead, |b| is_token(b) || matches!(b, b'"' | b'\'' | b' '));
    let window = text.text.get(from..until)?;
    let found = shape.regex().find(window)?;
    let (found_start, found_end) = (from + found.start(), from + found.end());
    let covers = found_start <= start && start < found_end;
    let begins = !shape.word || text.begins_word(found_start);
    // More of the same behind it: something longer that only begins like this.
    let ends = !is_word(text.at(found_end)) || !is_word(text.before(found_end));
    let joins = |b: u8| is_word(b) || matches!(b, b'-' | b'~' | b'.');
    let joined = shape.apart && (joins(text.before(found_start)) || joins(text.at(found_end)));
    if joined || !covers || !begins || !ends || !shape.is_plausible(found.as_str().as_bytes()) {
        return None;
    }
    let kind = match shape.rule {
        "jwt" => Kind::Jwt,
        "canary" => Kind::Canary,
        _ => Kind::Secret,
    };
    let proven = shape.check == Check::Crc && found.as_str().get(4..).is_some_and(|body| ends_in_crc(body.as_bytes()));
    Some(Hit { start: found_start, end: found_end, kind, rule: shape.rule, score: if proven { CERTAIN } else { SHAPE } })
}

/// The secret of Azure around a `Q~` at `at`, which is too short to be looked for everywhere.
pub(super) fn around_tilde<'r>(text: &Text<'_>, at: usize) -> Option<Hit<'r>> {
    let shape = SHAPES.iter().position(|shape| shape.anchor == "q~")?;
    self::at(text, shape, at, at + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_compiles_and_has_its_anchor_in_lower_case() {
        assert!(shapes().len() > 150);
        for shape in shapes() {
            shape.regex();
            assert_eq!(shape.anchor, shape.anchor.to_ascii_lowercase(), "{}", shape.rule);
            assert!(shape.anchor.len() >= 2 || shape.looks_back, "{}", shape.rule);
        }
    }
}
