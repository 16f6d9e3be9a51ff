//! `chaperone.dialect.name` and `.version`: the conventions' generation for otel-genai, else the emitter's version.
//!
//! The generation is read from the attributes of each record: schema URLs are often missing or wrong.

use super::gather::Gathered;
use super::origin::Origin;
use super::plan::Plan;
use crate::keys;
use chaperone_proto::RecordRef;

pub(crate) fn add(record: RecordRef<'_>, origin: &Origin, gathered: &Gathered<'_>, plan: &mut Plan) {
    let has = |key| record.attrs().has(key);
    // A record that was named before was looked at as received then; now it has attributes of ours.
    if has(keys::CHAPERONE_DIALECT_NAME) {
        return;
    }
    plan.add_str(keys::CHAPERONE_DIALECT_NAME, origin.dialect.id());
    if has(keys::CHAPERONE_DIALECT_VERSION) {
        return;
    }
    let version = if origin.is_of_conventions { of_conventions(record, gathered.has_modality) } else { record.scope().version() };
    if !version.is_empty() {
        plan.add_str(keys::CHAPERONE_DIALECT_VERSION, version);
    }
}

/// `g0` (up to 1.26), `g1` (to 1.36), `g2` (to 1.41), `g3` (development since), or `mixed`; empty when nothing tells.
fn of_conventions(record: RecordRef<'_>, has_modality: bool) -> &'static str {
    let attrs = record.attrs();
    let has = |key| attrs.has(key);
    let (system, provider) = (has(keys::GEN_AI_SYSTEM), has(keys::GEN_AI_PROVIDER_NAME));
    let old_usage = has(keys::GEN_AI_USAGE_PROMPT_TOKENS) || has(keys::GEN_AI_PROMPT);
    let newest = [
        keys::GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS,
        keys::GEN_AI_REQUEST_REASONING_LEVEL,
        keys::GEN_AI_CONVERSATION_COMPACTED,
        keys::GEN_AI_RETRIEVAL_TOP_K,
    ];
    let newest = newest.into_iter().any(has) || has_modality;
    let both = (system && provider) || (old_usage && (provider || has(keys::GEN_AI_USAGE_INPUT_TOKENS)));
    if both {
        "mixed"
    } else if newest {
        "g3"
    } else if old_usage {
        "g0"
    } else if system {
        "g1"
    } else if provider || has(keys::GEN_AI_INPUT_MESSAGES) || has(keys::GEN_AI_OUTPUT_MESSAGES) {
        "g2"
    } else {
        ""
    }
}

/// Usage by modality, which the newest generation has.
pub(crate) fn is_modality_usage(key: &str) -> bool {
    let usage = keys::name_in_convention(key).and_then(|rest| rest.strip_prefix("usage."));
    usage.is_some_and(|usage| ["text.", "image.", "audio."].iter().any(|modality| usage.starts_with(modality)))
}
