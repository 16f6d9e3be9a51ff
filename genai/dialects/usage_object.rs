//! Usage objects: token counts inside JSON, as a provider's API answered or a framework passed it on.
//!
//! A table names one with the transform `usage-object` (totals and parts) or `usage-parts` (cache, reasoning and other parts only, where
//! the totals stand elsewhere or mean something else), often behind a path: `mlflow.spanOutputs#usage - usage-parts meta`.
//! `usage-buckets` is for disjoint buckets named `input*` and `output*` (Langfuse); an object with `prompt_tokens` is OpenAI's there too.
//! Spellings are data: `genai/data/usage_objects.tsv`. A count that the record has under its canonical key is never overwritten;
//! zeros of parts are not written. Numbers may be text.

use super::mapping::Transform;
use super::plan::Plan;
use super::table;
use crate::keys;
use chaperone_proto::{KeyId, RecordRef, Value, ValueRef};
use serde_json::{Map, Value as Json};
use std::sync::LazyLock;

struct Field {
    path: &'static str,
    count: &'static str,
    added: bool,
}

static FIELDS: LazyLock<Vec<Field>> = LazyLock::new(|| {
    let rows = table::rows(include_str!("../data/usage_objects.tsv"), 2);
    let field = |row: Vec<&'static str>| {
        let [path, count] = row[..] else { panic!("invariant: rows of usage_objects.tsv have two columns") };
        let added = count.starts_with('+');
        let count = count.trim_start_matches('+');
        assert!(key(count).is_some(), "invariant: `{count}` in usage_objects.tsv is a count");
        Field { path, count, added }
    };
    rows.map(field).collect()
});

fn key(count: &str) -> Option<KeyId> {
    Some(match count {
        "input" => keys::GEN_AI_USAGE_INPUT_TOKENS,
        "output" => keys::GEN_AI_USAGE_OUTPUT_TOKENS,
        "total" => keys::GEN_AI_USAGE_TOTAL_TOKENS,
        "cache_read" => keys::GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
        "cache_write" => keys::GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS,
        "cache_write_5m" => keys::CHAPERONE_USAGE_CACHE_WRITE_5M_TOKENS,
        "cache_write_1h" => keys::CHAPERONE_USAGE_CACHE_WRITE_1H_TOKENS,
        "reasoning" => keys::GEN_AI_USAGE_REASONING_OUTPUT_TOKENS,
        "audio_input" => keys::GEN_AI_USAGE_AUDIO_INPUT_TOKENS,
        "audio_output" => keys::GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS,
        "image_input" => keys::GEN_AI_USAGE_IMAGE_INPUT_TOKENS,
        "image_output" => keys::GEN_AI_USAGE_IMAGE_OUTPUT_TOKENS,
        _ => return None,
    })
}

/// Plans the counts of a usage object. What is no object is counted as failed.
pub(crate) fn add(record: RecordRef<'_>, transform: Transform, value: ValueRef<'_>, plan: &mut Plan) {
    let object = match value {
        ValueRef::Str(text) => super::json_paths::parse(text),
        other => Some(crate::record::plain(other)),
    };
    let Some(Json::Object(object)) = object else {
        plan.counts.failed += 1;
        return;
    };
    let counts = match transform {
        Transform::UsageBuckets if !object.contains_key("prompt_tokens") => buckets(&object),
        _ => fields(&object),
    };
    for (count, number) in counts {
        let is_total = matches!(count, "input" | "output");
        // A sum that nobody reported under its own key is for checking; it would be in the way of ours.
        let unwanted = count == "total" || (!is_total && number == 0) || (is_total && transform == Transform::UsageParts);
        let Some(key) = key(count).filter(|_| !unwanted) else { continue };
        if !record.attrs().has(key) {
            plan.add(key, Value::Int(number));
        }
    }
}

fn fields(object: &Map<String, Json>) -> Vec<(&'static str, i64)> {
    let mut counts: Vec<(&'static str, i64)> = Vec::new();
    for field in FIELDS.iter() {
        let known = counts.iter().position(|(count, _)| *count == field.count);
        let Some(number) = at(object, field.path) else { continue };
        match known.and_then(|known| counts.get_mut(known)) {
            Some((_, sum)) if field.added => *sum = sum.saturating_add(number),
            Some(_) => {}
            None => counts.push((field.count, number)),
        }
    }
    counts
}

/// A field by its name, else inside objects.
fn at(object: &Map<String, Json>, path: &str) -> Option<i64> {
    if let Some(value) = object.get(path) {
        return number(value);
    }
    let (first, rest) = path.split_once('.')?;
    at(object.get(first)?.as_object()?, rest)
}

fn number(value: &Json) -> Option<i64> {
    match value {
        Json::Number(number) => number.as_i64().or_else(|| number.as_f64().filter(|n| n.fract() == 0.0).map(|n| n as i64)),
        Json::String(text) => text.trim().parse().ok(),
        _ => None,
    }
    .filter(|number| *number >= 0)
}

/// Disjoint buckets: `input` and `output` alone are what no other bucket of that side holds.
/// Audio is the exception: the emitter leaves it inside.
fn buckets(object: &Map<String, Json>) -> Vec<(&'static str, i64)> {
    let mut sums: [(&'static str, Option<i64>); 2] = [("input", None), ("output", None)];
    let mut counts: Vec<(&'static str, i64)> = Vec::new();
    for (name, value) in object {
        let Some(count) = number(value) else { continue };
        let (part, is_input) = match name.as_str() {
            "input" | "inputTokens" | "input_tokens" => (None, true),
            "output" | "outputTokens" | "output_tokens" => (None, false),
            "input_audio" | "input_audio_tokens" => (Some("audio_input"), true),
            "output_audio" | "output_audio_tokens" => (Some("audio_output"), false),
            name if name.contains("creation") && name.contains("5m") => (Some("cache_write_5m"), true),
            name if name.contains("creation") && name.contains("1h") => (Some("cache_write_1h"), true),
            name if name.contains("cache_creation") || name.contains("cache_write") => (Some("cache_write"), true),
            name if name.contains("cache_read") || name.contains("cached") => (Some("cache_read"), true),
            name if name.starts_with("output_reasoning") || name == "reasoning_tokens" => (Some("reasoning"), false),
            name if name.starts_with("input_") => (Some(""), true),
            name if name.starts_with("output_") => (Some(""), false),
            _ => continue,
        };
        let is_inside = matches!(part, Some("audio_input" | "audio_output"));
        if !is_inside && let Some((_, sum)) = sums.get_mut(usize::from(!is_input)) {
            *sum = Some(sum.unwrap_or(0).saturating_add(count));
        }
        let Some(part) = part.filter(|part| !part.is_empty()) else { continue };
        match counts.iter_mut().find(|(known, _)| *known == part) {
            Some((_, sum)) => *sum = sum.saturating_add(count),
            None => counts.push((part, count)),
        }
    }
    counts.extend(sums.into_iter().filter_map(|(name, sum)| Some((name, sum?))));
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(transform: Transform, json: &str) -> Vec<(&'static str, i64)> {
        let Json::Object(object) = serde_json::from_str(json).expect("JSON") else { panic!("an object") };
        let mut counts = match transform {
            Transform::UsageBuckets => buckets(&object),
            _ => fields(&object),
        };
        counts.retain(|(_, number)| *number > 0);
        counts.sort_unstable();
        counts
    }

    #[test]
    fn usage_objects_of_all_providers_are_read() {
        let expected = [("cache_read", 4), ("input", 10), ("output", 5), ("reasoning", 2)];
        for json in [
            r#"{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2}}"#,
            r#"{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details.cached_tokens":4,"completion_tokens_details.reasoning_tokens":"2"}"#,
            r#"{"input_tokens":10,"output_tokens":5,"input_tokens_details":{"cached_tokens":4},"output_tokens_details":{"reasoning_tokens":2}}"#,
            r#"{"input_tokens":10,"output_tokens":5,"input_token_details":{"cache_read":4},"output_token_details":{"reasoning":2}}"#,
            r#"{"promptTokenCount":10,"candidatesTokenCount":3,"cachedContentTokenCount":4,"thoughtsTokenCount":2}"#,
            r#"{"inputTokens":10,"outputTokens":5,"cachedInputTokens":4,"reasoningTokens":2}"#,
        ] {
            assert_eq!(counts(Transform::UsageObject, json), expected, "{json}");
        }
        let anthropic = r#"{"input_tokens":1,"output_tokens":2,"cache_read_input_tokens":3,"cache_creation_input_tokens":11,
            "cache_creation":{"ephemeral_5m_input_tokens":7,"ephemeral_1h_input_tokens":4}}"#;
        let expected =
            [("cache_read", 3), ("cache_write", 11), ("cache_write_1h", 4), ("cache_write_5m", 7), ("input", 1), ("output", 2)];
        assert_eq!(counts(Transform::UsageObject, anthropic), expected);
    }

    #[test]
    fn disjoint_buckets_add_up() {
        let json = r#"{"input":10,"input_cache_read":90,"input_cache_creation_1h":5,"output":3,"output_reasoning":2,"input_audio":1,"total":110}"#;
        let expected =
            [("audio_input", 1), ("cache_read", 90), ("cache_write_1h", 5), ("input", 105), ("output", 5), ("reasoning", 2)];
        assert_eq!(counts(Transform::UsageBuckets, json), expected);
    }

    #[test]
    fn what_is_no_count_is_left_out() {
        assert!(
            counts(Transform::UsageObject, r#"{"prompt_tokens":-1,"completion_tokens":"many","total_tokens":null}"#).is_empty()
        );
    }
}
