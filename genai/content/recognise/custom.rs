//! Recognisers of the user's: patterns, canaries, and what is allowed, each with a limit.

use super::{CERTAIN, Hit, Kind, SHAPE};
use aho_corasick::AhoCorasick;
use regex::{Regex, RegexBuilder};
use thiserror::Error;

/// Most patterns of each sort.
pub const MAX_RECOGNIZERS: usize = 64;
/// Longest pattern.
pub const MAX_PATTERN_BYTES: usize = 1024;
/// Most canaries.
pub const MAX_CANARIES: usize = 1024;
const MAX_COMPILED_BYTES: usize = 1 << 20;
const SHORTEST_CANARY: usize = 6;

/// Why a recogniser of the user's was refused.
#[derive(Debug, Error)]
pub enum CustomError {
    /// The pattern is no regular expression, or a too costly one.
    #[error("pattern `{pattern}` is not usable: {source}")]
    Pattern {
        /// As written.
        pattern: String,
        /// What the compiler says.
        #[source]
        source: Box<regex::Error>,
    },
    /// The pattern fits the empty text, so it would be found everywhere.
    #[error("pattern `{0}` fits the empty text")]
    Empty(String),
    /// Too long.
    #[error("pattern is longer than {MAX_PATTERN_BYTES} bytes")]
    Long,
    /// Too many.
    #[error("more than {0} of them")]
    Many(usize),
    /// A canary that would be found by chance.
    #[error("canary `{0}` is shorter than {SHORTEST_CANARY} bytes")]
    Canary(String),
}

#[derive(Debug, Clone, Default)]
pub(super) struct Custom {
    patterns: Vec<(String, Regex)>,
    allowed: Vec<Regex>,
    canaries: Option<AhoCorasick>,
}

impl Custom {
    pub(super) fn add(&mut self, name: &str, pattern: &str) -> Result<(), CustomError> {
        if self.patterns.len() >= MAX_RECOGNIZERS {
            return Err(CustomError::Many(MAX_RECOGNIZERS));
        }
        self.patterns.push((name.to_owned(), compile(pattern, false)?));
        Ok(())
    }
    pub(super) fn allow(&mut self, pattern: &str) -> Result<(), CustomError> {
        if self.allowed.len() >= MAX_RECOGNIZERS {
            return Err(CustomError::Many(MAX_RECOGNIZERS));
        }
        self.allowed.push(compile(pattern, true)?);
        Ok(())
    }
    pub(super) fn set_canaries(&mut self, canaries: &[String]) -> Result<(), CustomError> {
        if canaries.len() > MAX_CANARIES {
            return Err(CustomError::Many(MAX_CANARIES));
        }
        if let Some(short) = canaries.iter().find(|canary| canary.len() < SHORTEST_CANARY) {
            return Err(CustomError::Canary(short.clone()));
        }
        let automaton = || AhoCorasick::new(canaries).expect("invariant: canaries within the limit fit one automaton");
        self.canaries = (!canaries.is_empty()).then(automaton);
        Ok(())
    }
    pub(super) fn find<'r>(&'r self, text: &str, into: &mut Vec<Hit<'r>>) {
        if let Some(canaries) = &self.canaries {
            let hit = |found: aho_corasick::Match| Hit {
                start: found.start(),
                end: found.end(),
                kind: Kind::Canary,
                rule: "canary",
                score: CERTAIN,
            };
            into.extend(canaries.find_iter(text).map(hit));
        }
        for (name, pattern) in &self.patterns {
            let hit = |found: regex::Match<'_>| Hit {
                start: found.start(),
                end: found.end(),
                kind: Kind::Custom,
                rule: name,
                score: SHAPE,
            };
            into.extend(pattern.find_iter(text).filter(|found| !found.is_empty()).map(hit));
        }
    }
    pub(super) fn is_empty(&self) -> bool {
        self.patterns.is_empty() && self.canaries.is_none()
    }
    pub(super) fn allows(&self, found: &str) -> bool {
        self.allowed.iter().any(|pattern| pattern.is_match(found))
    }
}

fn compile(pattern: &str, whole: bool) -> Result<Regex, CustomError> {
    if pattern.len() > MAX_PATTERN_BYTES {
        return Err(CustomError::Long);
    }
    let written = if whole { format!("^(?:{pattern})$") } else { pattern.to_owned() };
    let built = RegexBuilder::new(&written).size_limit(MAX_COMPILED_BYTES).build();
    let regex = built.map_err(|source| CustomError::Pattern { pattern: pattern.to_owned(), source: Box::new(source) })?;
    if regex.is_match("") { Err(CustomError::Empty(pattern.to_owned())) } else { Ok(regex) }
}
