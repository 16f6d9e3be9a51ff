//! Are two records of one call? The facts that decide it, small enough to remember for thousands of calls.
//!
//! Names and ids are kept as 64-bit hashes: within a window of some hundred thousand records two different ones
//! do not meet by chance.

use super::{Identity, Reported, Usage};
use crate::dialects::Settings;
pub use crate::fast_hash::text_hash;
use crate::keys;
use crate::prices::same_model_key;
use crate::record::{event_time_ns, model};
use chaperone_proto::{Attrs, RecordRef, Signal, ValueRef};

/// How far a log's event time may lie from the call it tells about.
const LOG_SLACK_NS: u64 = 2_000_000_000;

/// What is remembered of a record that stands for a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Which record; `None` is never recognised again.
    pub identity: Option<Identity>,
    /// Sender, as a hash.
    pub resource: u64,
    /// Scope name, as a hash.
    pub scope: u64,
    /// Signal.
    pub signal: Signal,
    /// Trace.
    pub trace: Option<[u8; 16]>,
    /// Span id: a log's too.
    pub span: Option<[u8; 8]>,
    /// Request id, as a hash.
    pub request_id: Option<u64>,
    /// Response id, as a hash.
    pub response_id: Option<u64>,
    /// Canonical input and output tokens, when the record has usage.
    pub tokens: Option<(u64, u64)>,
    /// Model without provider prefix and date, as a hash.
    pub model: Option<u64>,
    /// Interval in nanoseconds since 1970; a log's is widened.
    pub interval: (u64, u64),
    /// Whether it may own tokens.
    pub may_own: bool,
}

impl Call {
    /// The facts of a record. `usage` is `None` when it reports none.
    ///
    /// `sender`: hash of its resource ([`Senders`]).
    pub fn of(record: RecordRef<'_>, sender: u64, usage: Option<&Usage>, may_own: bool) -> Call {
        let scope = text_hash(record.scope().name());
        Call::known(record, (sender, scope), model(record).map(model_hash), usage, may_own)
    }

    /// The same where the hashes of its scope ([`Senders::scope_of`]) and of its model ([`model_hash`]) are at hand.
    pub fn known(
        record: RecordRef<'_>,
        (sender, scope): (u64, u64),
        model: Option<u64>,
        usage: Option<&Usage>,
        may_own: bool,
    ) -> Call {
        let attrs = record.attrs();
        let id = |key| attrs.str(key).filter(|id| !id.is_empty()).map(text_hash);
        let interval = match record {
            RecordRef::Span(span) => (span.start_ns(), span.end_ns()),
            RecordRef::Log(_) => {
                let at = event_time_ns(record);
                (at.saturating_sub(LOG_SLACK_NS), at.saturating_add(LOG_SLACK_NS))
            }
        };
        Call {
            identity: Identity::of(record),
            resource: sender,
            scope,
            signal: record.signal(),
            trace: record.trace_id(),
            span: record.span_id(),
            request_id: id(keys::CHAPERONE_REQUEST_ID),
            response_id: id(keys::GEN_AI_RESPONSE_ID),
            tokens: usage.map(|usage| (usage.tokens.input, usage.tokens.output)),
            model,
            interval,
            may_own,
        }
    }

    /// Request and response ids; both kinds are one space, since senders mix them up.
    pub(super) fn ids(&self) -> impl Iterator<Item = u64> + use<> {
        self.request_id.into_iter().chain(self.response_id)
    }

    /// Whether both name an id of the same kind and it differs.
    pub(super) fn names_another(&self, other: &Call) -> bool {
        let differ = |left: Option<u64>, right: Option<u64>| left.is_some() && right.is_some() && left != right;
        differ(self.request_id, other.request_id) || differ(self.response_id, other.response_id)
    }

    pub(super) fn is_same_emitter(&self, other: &Call) -> bool {
        self.scope == other.scope && self.signal == other.signal
    }

    /// Rule (c) but for its one-to-one part: other scope or signal, equal tokens, no different model, overlapping intervals.
    pub(super) fn looks_like(&self, other: &Call) -> bool {
        let model_fits = self.model.is_none() || other.model.is_none() || self.model == other.model;
        let overlaps = self.interval.0 <= other.interval.1 && other.interval.0 <= self.interval.1;
        !self.is_same_emitter(other) && self.tokens == other.tokens && model_fits && overlaps
    }
}

/// Reads what a record reports and makes it canonical. `None` when it reports no usage.
///
/// A record that carries `chaperone.usage.input_basis` was made canonical before and is left as it is.
pub fn usage_of(record: RecordRef<'_>, reported: &Reported, settings: &Settings) -> Option<Usage> {
    if !reported.is_present() {
        return None;
    }
    let attrs = record.attrs();
    let provider = attrs.str(keys::GEN_AI_PROVIDER_NAME).unwrap_or("");
    let mut usage = super::canonical(reported, settings.inclusive, provider);
    if let Some(basis) = attrs.str(keys::CHAPERONE_USAGE_INPUT_BASIS) {
        usage.tokens.input = reported.input.unwrap_or(0);
        usage.tokens.output = reported.output.unwrap_or(0);
        usage.basis = match basis {
            "exclusive_fixed" => super::Basis::ExclusiveFixed,
            "assumed" => super::Basis::Assumed,
            _ => super::Basis::Inclusive,
        };
    }
    Some(usage)
}

/// A hash of what records of one call call their model: without provider prefix and date.
pub fn model_hash(model: &str) -> u64 {
    text_hash(&same_model_key(model))
}

/// Hashes of the senders of one batch: each resource is hashed once.
#[derive(Debug, Default)]
pub struct Senders {
    last: Option<(usize, u64)>,
    last_scope: Option<(usize, u64)>,
}

impl Senders {
    /// The sender of a record: its service instance where it names one, else all of its resource attributes in any order.
    pub fn of(&mut self, record: RecordRef<'_>) -> u64 {
        let resource = record.resource();
        if let Some((index, hash)) = self.last
            && index == resource.index()
        {
            return hash;
        }
        let attrs = resource.attrs();
        let instance = attrs.str(keys::SERVICE_INSTANCE_ID);
        let named = |instance| text_hash(instance) ^ text_hash(attrs.str(keys::SERVICE_NAME).unwrap_or(""));
        let hash = instance.map_or_else(|| attributes_hash(attrs), named);
        self.last = Some((resource.index(), hash));
        hash
    }

    /// A hash of the name of a record's scope.
    pub fn scope_of(&mut self, record: RecordRef<'_>) -> u64 {
        let scope = record.scope();
        match self.last_scope {
            Some((index, hash)) if index == scope.index() => hash,
            _ => {
                let hash = text_hash(scope.name());
                self.last_scope = Some((scope.index(), hash));
                hash
            }
        }
    }
}

fn attributes_hash(attrs: Attrs<'_>) -> u64 {
    let mut text = String::new();
    attrs.iter().fold(0u64, |sum, (key, value)| {
        text.clear();
        text.push_str(key.name);
        text.push('\u{1f}');
        match value {
            ValueRef::Str(value) => text.push_str(value),
            other => other.write_json(&mut text),
        }
        sum.wrapping_add(text_hash(&text))
    })
}
