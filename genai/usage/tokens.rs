//! Token counts as reported, and as the conventions count them.
//!
//! Canonical input includes cache reads and writes, canonical output includes reasoning; the buckets are disjoint parts.
//! Providers and emitters disagree on what "input" includes. Numbers decide where they can; else the dialect's settings; what is
//! then still open is taken as inclusive and marked `assumed`.
//! Totals are only ever checked against, never added.

use crate::dialects::Inclusive;
use crate::keys;
use crate::prices::Tokens;
use chaperone_proto::{Attrs, KeyId, ValueRef};

/// Token counts as they stand on a record under canonical names. `None` = not reported, which is not zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reported {
    /// Input; with or without cached tokens.
    pub input: Option<u64>,
    /// Output; with or without reasoning.
    pub output: Option<u64>,
    /// Read from a cache.
    pub cache_read: u64,
    /// Written to a cache.
    pub cache_write: Option<u64>,
    /// Of these, for five minutes.
    pub cache_write_5m: Option<u64>,
    /// Of these, for an hour.
    pub cache_write_1h: Option<u64>,
    /// Reasoning.
    pub reasoning: u64,
    /// Sum as the sender sees it.
    pub total: Option<u64>,
    /// Input that is in no part, where the sender says it.
    pub uncached: Option<u64>,
    /// Audio in the input.
    pub audio_input: u64,
    /// Audio in the output.
    pub audio_output: u64,
    /// Images in the input.
    pub image_input: u64,
    /// Images in the output.
    pub image_output: u64,
    /// Audio that was read from a cache: part of both.
    pub audio_cache_read: u64,
    /// Images that were read from a cache: part of both.
    pub image_cache_read: u64,
    /// Searches of the web that the provider ran.
    pub web_searches: u64,
    /// Searches in files that the provider ran.
    pub file_searches: u64,
}

impl Reported {
    /// Reads the counts of a record.
    pub fn read(attrs: Attrs<'_>) -> Reported {
        let get = |key: KeyId| attrs.get(key).and_then(count);
        let output = get(keys::GEN_AI_USAGE_OUTPUT_TOKENS).or_else(|| get(keys::GEN_AI_USAGE_COMPLETION_TOKENS));
        let input = get(keys::GEN_AI_USAGE_INPUT_TOKENS).or_else(|| get(keys::GEN_AI_USAGE_PROMPT_TOKENS));
        if input.is_none() && output.is_none() {
            return Reported::default();
        }
        let or_zero = |key: KeyId| get(key).unwrap_or(0);
        Reported {
            input,
            output,
            cache_read: or_zero(keys::GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS),
            cache_write: get(keys::GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS)
                .or_else(|| get(keys::GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS)),
            cache_write_5m: get(keys::CHAPERONE_USAGE_CACHE_WRITE_5M_TOKENS),
            cache_write_1h: get(keys::CHAPERONE_USAGE_CACHE_WRITE_1H_TOKENS),
            reasoning: or_zero(keys::GEN_AI_USAGE_REASONING_OUTPUT_TOKENS),
            uncached: get(keys::CHAPERONE_USAGE_UNCACHED_INPUT_TOKENS),
            total: get(keys::GEN_AI_USAGE_TOTAL_TOKENS).or_else(|| get(keys::LLM_TOKEN_COUNT_TOTAL)),
            audio_input: or_zero(keys::GEN_AI_USAGE_AUDIO_INPUT_TOKENS),
            audio_output: or_zero(keys::GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS),
            image_input: or_zero(keys::GEN_AI_USAGE_IMAGE_INPUT_TOKENS),
            image_output: or_zero(keys::GEN_AI_USAGE_IMAGE_OUTPUT_TOKENS),
            audio_cache_read: or_zero(keys::GEN_AI_USAGE_AUDIO_CACHE_READ_INPUT_TOKENS),
            image_cache_read: or_zero(keys::GEN_AI_USAGE_IMAGE_CACHE_READ_INPUT_TOKENS),
            web_searches: or_zero(keys::CHAPERONE_USAGE_WEB_SEARCHES),
            file_searches: or_zero(keys::CHAPERONE_USAGE_FILE_SEARCHES),
        }
    }

    /// Whether the record carries usage at all. Zeros are usage.
    pub fn is_present(&self) -> bool {
        self.input.is_some() || self.output.is_some()
    }
}

/// A count, however it was spelled. Negative numbers are no counts.
fn count(value: ValueRef<'_>) -> Option<u64> {
    match value {
        ValueRef::Int(number) => u64::try_from(number).ok(),
        ValueRef::Double(number) if (0.0..1e15).contains(&number) => Some(number as u64),
        ValueRef::Str(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// What the canonical input was made from: `chaperone.usage.input_basis`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The reported input included cached tokens, or there were none.
    Inclusive,
    /// It did not: they were added.
    ExclusiveFixed,
    /// Nothing tells; taken as inclusive.
    Assumed,
}

impl Basis {
    /// The attribute's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Basis::Inclusive => "inclusive",
            Basis::ExclusiveFixed => "exclusive_fixed",
            Basis::Assumed => "assumed",
        }
    }
}

/// What a basis was decided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BasisReason {
    /// No cached tokens are reported: input is input.
    NoCache,
    /// More cached tokens than input: they cannot be part of it.
    MoreThanInput,
    /// The reported total is input, output and cached tokens together.
    TotalCountsThemApart,
    /// The sender says how much input was not cached.
    Uncached {
        /// Whether that is all of the reported input.
        exclusive: bool,
    },
    /// The numbers do not tell; the dialect's setting does.
    Dialect(Inclusive),
    /// The numbers do not tell, and the dialect follows the provider.
    Provider {
        /// Whether this provider's input leaves cached tokens out.
        exclusive: bool,
    },
    /// Nothing tells.
    Nothing,
}

impl BasisReason {
    /// The basis that follows.
    pub fn basis(self) -> Basis {
        match self {
            BasisReason::MoreThanInput | BasisReason::TotalCountsThemApart => Basis::ExclusiveFixed,
            BasisReason::Uncached { exclusive: true } => Basis::ExclusiveFixed,
            BasisReason::Uncached { exclusive: false } => Basis::Inclusive,
            BasisReason::Dialect(Inclusive::No) | BasisReason::Provider { exclusive: true } => Basis::ExclusiveFixed,
            BasisReason::NoCache | BasisReason::Dialect(_) | BasisReason::Provider { exclusive: false } => Basis::Inclusive,
            BasisReason::Nothing => Basis::Assumed,
        }
    }
}

/// Canonical token counts of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Canonical totals and their disjoint parts.
    pub tokens: Tokens,
    /// How the input came about.
    pub basis: Basis,
}

impl Usage {
    /// Input that was neither read from nor written to a cache.
    pub fn uncached_input(&self) -> u64 {
        let tokens = &self.tokens;
        tokens.input.saturating_sub(tokens.cache_read + tokens.cache_write_5m + tokens.cache_write_1h)
    }

    /// Written to a cache, for whatever time.
    pub fn cache_write(&self) -> u64 {
        self.tokens.cache_write_5m + self.tokens.cache_write_1h
    }
}

/// Makes reported counts canonical. `provider`: `gen_ai.provider.name`, for dialects whose habit depends on it.
pub fn canonical(reported: &Reported, inclusive: Inclusive, provider: &str) -> Usage {
    let (write_5m, write_1h) = cache_writes(reported);
    let parts = reported.cache_read.saturating_add(write_5m).saturating_add(write_1h);
    let sent_input = reported.input.unwrap_or(0);
    let sent_output = reported.output.unwrap_or(0);

    let basis = reason_of(reported, parts, inclusive, provider).basis();
    let input = if basis == Basis::ExclusiveFixed { sent_input.saturating_add(parts) } else { sent_input };

    // Reasoning stands outside the output when it is more than that, or when only so the total comes out.
    let with_reasoning = sent_output.saturating_add(reported.reasoning);
    let total_has_it = |input: u64| reported.total == Some(input.saturating_add(with_reasoning));
    let is_outside =
        reported.reasoning > sent_output || (reported.reasoning > 0 && (total_has_it(sent_input) || total_has_it(input)));
    let output = if is_outside { with_reasoning } else { sent_output };

    let tokens = Tokens {
        input,
        output,
        cache_read: reported.cache_read,
        cache_write_5m: write_5m,
        cache_write_1h: write_1h,
        reasoning: reported.reasoning,
        audio_input: reported.audio_input.saturating_sub(reported.audio_cache_read),
        audio_output: reported.audio_output,
        image_input: reported.image_input.saturating_sub(reported.image_cache_read),
        image_output: reported.image_output,
        cache_read_audio: reported.audio_cache_read,
        cache_read_image: reported.image_cache_read,
        web_searches: reported.web_searches,
        file_searches: reported.file_searches,
    };
    Usage { tokens, basis }
}

/// What decides whether the reported input includes cached tokens.
pub fn basis_reason(reported: &Reported, inclusive: Inclusive, provider: &str) -> BasisReason {
    let (write_5m, write_1h) = cache_writes(reported);
    let parts = reported.cache_read.saturating_add(write_5m).saturating_add(write_1h);
    reason_of(reported, parts, inclusive, provider)
}

fn reason_of(reported: &Reported, parts: u64, inclusive: Inclusive, provider: &str) -> BasisReason {
    let input = reported.input.unwrap_or(0);
    if parts == 0 {
        return BasisReason::NoCache;
    }
    match reported.uncached {
        Some(uncached) if uncached.saturating_add(parts) == input => return BasisReason::Uncached { exclusive: false },
        Some(uncached) if uncached == input => return BasisReason::Uncached { exclusive: true },
        _ => {}
    }
    if parts > input {
        return BasisReason::MoreThanInput;
    }
    if reported.total == Some(input + reported.output.unwrap_or(0) + parts) {
        return BasisReason::TotalCountsThemApart;
    }
    match inclusive {
        Inclusive::Yes | Inclusive::No => BasisReason::Dialect(inclusive),
        Inclusive::ByProvider => BasisReason::Provider { exclusive: matches!(provider, "anthropic" | "aws.bedrock") },
        Inclusive::Test => BasisReason::Nothing,
    }
}

/// Cache writes for five minutes (or for the only time there is) and for an hour.
fn cache_writes(reported: &Reported) -> (u64, u64) {
    let hour = reported.cache_write_1h.unwrap_or(0);
    match (reported.cache_write, reported.cache_write_5m) {
        (Some(all), _) => (all.saturating_sub(hour), hour),
        (None, Some(short)) => (short, hour),
        (None, None) => (0, hour),
    }
}
