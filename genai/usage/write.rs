//! Writes canonical tokens and the decision about a record (`gen_ai.usage.*`, `chaperone.usage.*`).
//!
//! A number that changes is kept as it was in `chaperone.usage.raw`.

use super::{Decision, Reported, Role, Usage, Verdict};
use crate::keys;
use chaperone_proto::{KeyId, RecordMut, Value};

/// Writes what was decided. `reported` is what the record said before.
pub fn write(record: &mut RecordMut<'_>, role: Role, reported: &Reported, usage: Option<&Usage>, verdict: Verdict) {
    if verdict.resent {
        record.set(keys::CHAPERONE_USAGE_RESENT, true);
    }
    if let Some(usage) = usage {
        tokens(record, reported, usage);
    }
    let is_call = matches!(role, Role::Call { .. });
    if is_call && !record.as_ref().attrs().has(keys::CHAPERONE_LLM_REQUESTS) {
        record.append(keys::CHAPERONE_LLM_REQUESTS, 1);
    }
    if is_call || usage.is_some() {
        let source = if usage.is_some() { "reported" } else { "missing" };
        set_if_absent(record, keys::CHAPERONE_USAGE_SOURCE, source);
        scope(record, verdict.decision);
    }
}

/// Writes tokens that nobody reported, marked as what they are; before [`write`].
pub fn write_estimate(record: &mut RecordMut<'_>, usage: &Usage) {
    set_count(record, keys::GEN_AI_USAGE_INPUT_TOKENS, usage.tokens.input);
    set_count(record, keys::GEN_AI_USAGE_OUTPUT_TOKENS, usage.tokens.output);
    set_if_absent(record, keys::CHAPERONE_USAGE_SOURCE, "estimated");
}

fn scope(record: &mut RecordMut<'_>, decision: Decision) {
    let (scope, owner) = match decision {
        Decision::Owner => ("self", None),
        Decision::Duplicate(owner) => ("duplicate", owner),
        Decision::Aggregate => ("aggregate", None),
        Decision::Plain => return,
    };
    set_if_absent(record, keys::CHAPERONE_USAGE_SCOPE, scope);
    if let Some(owner) = owner {
        set_if_absent(record, keys::CHAPERONE_USAGE_DUPLICATE_OF, &owner.text());
    }
}

fn tokens(record: &mut RecordMut<'_>, reported: &Reported, usage: &Usage) {
    let (input, output) = (usage.tokens.input, usage.tokens.output);
    let changed = |sent: Option<u64>, now: u64| sent.is_some_and(|sent| sent != now);
    if changed(reported.input, input) || changed(reported.output, output) {
        let raw = [("input_tokens", reported.input), ("output_tokens", reported.output)];
        let raw = raw.into_iter().filter_map(|(name, count)| Some((name.to_owned(), Value::Int(int(count?)))));
        set_if_absent(record, keys::CHAPERONE_USAGE_RAW, &Value::Map(raw.collect()));
    }
    if reported.input.is_some() {
        set_count(record, keys::GEN_AI_USAGE_INPUT_TOKENS, input);
    }
    if reported.output.is_some() {
        set_count(record, keys::GEN_AI_USAGE_OUTPUT_TOKENS, output);
    }
    set_count(record, keys::CHAPERONE_USAGE_UNCACHED_INPUT_TOKENS, usage.uncached_input());
    if usage.cache_write() > 0 {
        set_count(record, keys::GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS, usage.cache_write());
        set_count(record, keys::CHAPERONE_USAGE_CACHE_WRITE_5M_TOKENS, usage.tokens.cache_write_5m);
        set_count(record, keys::CHAPERONE_USAGE_CACHE_WRITE_1H_TOKENS, usage.tokens.cache_write_1h);
    }
    set_if_absent(record, keys::CHAPERONE_USAGE_INPUT_BASIS, usage.basis.as_str());
}

fn set_count(record: &mut RecordMut<'_>, key: KeyId, count: u64) {
    let count = int(count);
    if record.as_ref().attrs().int(key) != Some(count) {
        record.set(key, count);
    }
}

fn set_if_absent<'v>(record: &mut RecordMut<'_>, key: KeyId, value: impl Into<chaperone_proto::ValueIn<'v>>) {
    if !record.as_ref().attrs().has(key) {
        record.append(key, value);
    }
}

fn int(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
