//! Reads LiteLLM's `model_prices_and_context_window.json`: one flat entry a model, dimensions in suffixes of keys.
//!
//! `input_cost_per_token_above_272k_tokens_priority` is the input rate, above 272,000 input tokens, of the priority tier.
//! Prices are US dollars per single unit. Left out: prices by second, pixel, character, page, session, which telemetry does
//! not report, and hours of the day.

use super::rates::{Rate, RateKind, Rates};
use super::table::{Model, Provider, Since, Variant};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What rates are called, before their suffixes. A later one of a kind holds only where no earlier one is given.
const RATES: [(&str, RateKind); 17] = [
    ("input_cost_per_token", RateKind::Input),
    ("output_cost_per_token", RateKind::Output),
    ("cache_read_input_token_cost", RateKind::CacheRead),
    ("input_cost_per_token_cache_hit", RateKind::CacheRead),
    ("cache_creation_input_token_cost", RateKind::CacheWrite),
    ("cache_creation_input_token_cost_above_1hr", RateKind::CacheWrite1h),
    ("output_cost_per_reasoning_token", RateKind::Reasoning),
    ("input_cost_per_audio_token", RateKind::AudioInput),
    ("output_cost_per_audio_token", RateKind::AudioOutput),
    ("input_cost_per_image_token", RateKind::ImageInput),
    ("output_cost_per_image_token", RateKind::ImageOutput),
    ("input_cost_per_request", RateKind::Request),
    ("input_cost_per_query", RateKind::Request),
    ("cache_read_input_audio_token_cost", RateKind::CacheReadAudio),
    ("cache_read_input_token_cost_per_audio_token", RateKind::CacheReadAudio),
    ("cache_read_input_image_token_cost", RateKind::CacheReadImage),
    ("file_search_cost_per_1k_calls", RateKind::FileSearch),
];

/// Ways of asking: suffix of the keys, and what they are as a variant.
const WAYS: [(&str, &str, &str); 5] = [
    ("_batches", "processing", "batch"),
    ("_priority", "service_tier", "priority"),
    ("_flex", "service_tier", "flex"),
    ("_balanced", "service_tier", "balanced"),
    ("_ultrafast", "service_tier", "ultrafast"),
];

/// Providers with their models, and names of entries that were not understood.
pub(super) fn read(entries: &Map<String, Value>) -> (Vec<Provider>, Vec<String>) {
    let mut by_provider: BTreeMap<String, Vec<Model>> = BTreeMap::new();
    let mut skipped = Vec::new();
    for (name, entry) in entries {
        // The first entry of the published file explains the format.
        let Some(provider) = entry.get("litellm_provider").and_then(Value::as_str).filter(|_| name != "sample_spec") else {
            continue;
        };
        match model(name, entry) {
            Ok(Some(model)) => by_provider.entry(provider_id(provider)).or_default().push(model),
            Ok(None) => {}
            Err(NotUnderstood) => skipped.push(name.clone()),
        }
    }
    let provider = |(id, models): (String, Vec<Model>)| {
        let model_match = match id.as_str() {
            "openai" => "^gpt-|^o1|^o3|^o4|^chatgpt-|^text-embedding-",
            "anthropic" => "*claude",
            "google" => "^gemini-",
            "deepseek" => "^deepseek-",
            "x-ai" => "^grok-",
            _ => "-",
        };
        Provider { id: id.into(), model_match: model_match.into(), fallback: Vec::new(), models }
    };
    (by_provider.into_iter().map(provider).collect(), skipped)
}

struct NotUnderstood;

/// `None`: a model without a price of tokens.
fn model(name: &str, entry: &Value) -> Result<Option<Model>, NotUnderstood> {
    let name = name.to_ascii_lowercase();
    if name.contains(['|', '&', '\t', '\n']) {
        return Err(NotUnderstood);
    }
    let fields = entry.as_object().ok_or(NotUnderstood)?;
    let mut base = rates(fields, "")?;
    let searches = fields.get("search_context_cost_per_query").and_then(|sizes| sizes.get("search_context_size_medium"));
    if let Some(fee) = price(searches, RateKind::WebSearch)? {
        base = base.overlaid(&Rates::new(vec![(RateKind::WebSearch, Rate { base: fee, tiers: Vec::new() })]));
    }
    if base.has_no_token_rate() && !base.has_request_rate() {
        base = ranges(fields)?;
    }
    if base.has_no_token_rate() && !base.has_request_rate() {
        return Ok(None);
    }
    let mut variants = Vec::new();
    for (suffix, key, value) in WAYS {
        let rates = rates(fields, suffix)?;
        if rates != Rates::default() {
            variants.push(Variant { key: key.into(), value: value.into(), since: Since::Always, rates });
        }
    }
    let fast = entry.pointer("/provider_specific_entry/fast").and_then(Value::as_f64);
    if let Some(times) = fast {
        variants.push(Variant { key: "speed".into(), value: "fast".into(), since: Since::Always, rates: base.times(times) });
    }
    let context_window = fields.get("max_input_tokens").and_then(Value::as_u64).and_then(|tokens| tokens.try_into().ok());
    // Telemetry writes names with and without the provider before them.
    let bare = name.split_once('/').map_or(name.as_str(), |(_, rest)| rest);
    let pattern = if bare == name { format!("={name}") } else { format!("={bare}|={name}") };
    let prices = vec![(Since::Always, base)];
    Ok(Some(Model { id: name.into(), pattern: pattern.into(), context_window, prices, variants }))
}

/// The rates of one way of asking; prices of other units than tokens are no rates.
fn rates(fields: &Map<String, Value>, way: &str) -> Result<Rates, NotUnderstood> {
    let mut rates: Vec<(RateKind, Rate)> = Vec::new();
    for (key, kind) in RATES {
        let Some(base) = price(fields.get(&format!("{key}{way}")), kind)? else { continue };
        if rates.iter().any(|(held, _)| *held == kind) {
            continue;
        }
        let mut tiers = Vec::new();
        for (field, value) in fields {
            let above = field.strip_prefix(key).and_then(|rest| rest.strip_prefix("_above_"));
            let start = above.and_then(|rest| rest.strip_suffix(way)).and_then(|rest| rest.strip_suffix("k_tokens"));
            let Some(start) = start.and_then(|thousands| thousands.parse::<u64>().ok()) else { continue };
            tiers.extend(price(Some(value), kind)?.map(|price| (start * 1000, price)));
        }
        tiers.sort_unstable();
        rates.push((kind, Rate { base, tiers }));
    }
    Ok(Rates::new(rates))
}

/// `tiered_pricing`: ranges of input tokens instead of suffixes.
fn ranges(fields: &Map<String, Value>) -> Result<Rates, NotUnderstood> {
    let Some(ranges) = fields.get("tiered_pricing").and_then(Value::as_array) else { return Ok(Rates::default()) };
    let mut rates: Vec<(RateKind, Rate)> = Vec::new();
    for range in ranges {
        let bounds = range.get("range").and_then(Value::as_array).ok_or(NotUnderstood)?;
        let start = bounds.first().and_then(Value::as_f64).ok_or(NotUnderstood)? as u64;
        for (key, kind) in RATES {
            let Some(price) = price(range.get(key), kind)? else { continue };
            match rates.iter_mut().find(|(held, _)| *held == kind) {
                Some((_, rate)) => rate.tiers.push((start, price)),
                None => rates.push((kind, Rate { base: price, tiers: Vec::new() })),
            }
        }
    }
    Ok(Rates::new(rates))
}

/// Dollars for one unit as nano-dollars for a million (requests: a thousand).
fn price(value: Option<&Value>, kind: RateKind) -> Result<Option<i64>, NotUnderstood> {
    let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(None) };
    let usd = value.as_f64().filter(|usd| (0.0..=1000.0).contains(usd)).ok_or(NotUnderstood)?;
    let units = match kind {
        RateKind::FileSearch => 1.0,
        kind if kind.is_fee() => 1e3,
        _ => 1e6,
    };
    Ok(Some((usd * units * 1e9).round() as i64))
}

/// LiteLLM's word for a provider as the ids that names of telemetry are mapped to.
fn provider_id(provider: &str) -> String {
    match provider {
        "text-completion-openai" | "chatgpt" => "openai",
        "azure" | "azure_ai" | "azure_text" => "azure",
        "gemini" => "google",
        "xai" => "x-ai",
        "moonshot" => "moonshotai",
        "voyage" => "voyageai",
        "together_ai" => "together",
        "cohere_chat" => "cohere",
        "codestral" | "text-completion-codestral" => "mistral",
        vertex if vertex.starts_with("vertex_ai") => "google",
        bedrock if bedrock.starts_with("bedrock") || bedrock == "amazon_nova" => "aws",
        fireworks if fireworks.starts_with("fireworks_ai") => "fireworks",
        other => other,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::{Cost, Found, PriceContext, PriceFileError, Tokens, read_price_file};

    const FILE: &str = r#"{
        "sample_spec": {"litellm_provider": "one of the providers", "input_cost_per_token": 0.0},
        "gpt-x": {"litellm_provider": "openai", "input_cost_per_token": 5e-06, "output_cost_per_token": 3e-05,
            "cache_read_input_token_cost": 5e-07, "input_cost_per_token_above_272k_tokens": 1e-05,
            "input_cost_per_token_flex": 2.5e-06, "output_cost_per_token_flex": 1.5e-05,
            "input_cost_per_token_above_272k_tokens_flex": 4e-06, "input_cost_per_token_batches": 1e-06, "max_input_tokens": 1000000},
        "claude-x": {"litellm_provider": "anthropic", "input_cost_per_token": 3e-06, "output_cost_per_token": 1.5e-05,
            "cache_creation_input_token_cost": 3.75e-06, "cache_creation_input_token_cost_above_1hr": 6e-06,
            "provider_specific_entry": {"us": 1.1, "fast": 2.0}},
        "vertex_ai/claude-x@20260101": {"litellm_provider": "vertex_ai-anthropic_models", "input_cost_per_token": 4e-06},
        "dashscope/qwen-x": {"litellm_provider": "dashscope", "tiered_pricing": [
            {"input_cost_per_token": 4e-07, "output_cost_per_token": 1.2e-06, "range": [0, 256000.0]},
            {"input_cost_per_token": 1.2e-06, "output_cost_per_token": 3.6e-06, "range": [256000.0, 1000000.0]}]},
        "speech-x": {"litellm_provider": "openai", "input_cost_per_second": 0.0001},
        "odd": {"litellm_provider": "openai", "input_cost_per_token": "cheap"}
    }"#;

    fn cost(provider: &str, model: &str, tokens: Tokens, context: PriceContext<'_>) -> Cost {
        let file = read_price_file(FILE, "litellm@test").unwrap();
        let Found::Listed(prices) = file.table.find(provider, model) else { panic!("{provider} {model} is not listed") };
        prices.cost(&tokens, &context).unwrap()
    }

    #[test]
    fn suffixes_are_tiers_and_ways_of_asking() {
        let tokens = |input| Tokens { input, ..Tokens::default() };
        let way = |service_tier| PriceContext { service_tier, ..PriceContext::default() };
        let total = |input, tier| cost("openai", "gpt-x", tokens(input), way(tier)).total.usd();
        assert_eq!(total(272_000, None), 1.36);
        assert_eq!(total(272_001, None), 2.72001, "a tier holds for the whole request");
        assert_eq!(total(100_000, Some("flex")), 0.25);
        assert_eq!(total(300_000, Some("flex")), 1.2);
        assert_eq!(total(100_000, Some("batch")), 0.1);
        assert_eq!(cost("openai", "gpt-x", tokens(1), way(None)).price_id, "litellm@test/openai/gpt-x");
    }

    #[test]
    fn an_hours_cache_and_fast_answers_have_their_price() {
        let write = Tokens { input: 1_000_000, cache_write_1h: 1_000_000, ..Tokens::default() };
        assert_eq!(cost("anthropic", "claude-x", write, PriceContext::default()).total.usd(), 6.0);
        let input = Tokens { input: 1_000_000, ..Tokens::default() };
        let fast = PriceContext { speed: Some("fast"), ..PriceContext::default() };
        assert_eq!(cost("anthropic", "claude-x", input, fast).total.usd(), 6.0);
        assert_eq!(cost("gcp.vertex_ai", "claude-x@20260101", input, PriceContext::default()).total.usd(), 4.0);
    }

    #[test]
    fn ranges_are_tiers() {
        let input = |input| Tokens { input, ..Tokens::default() };
        assert_eq!(cost("dashscope", "qwen-x", input(200_000), PriceContext::default()).total.usd(), 0.08);
        assert_eq!(cost("dashscope", "qwen-x", input(500_000), PriceContext::default()).total.usd(), 0.6);
    }

    #[test]
    fn odd_entries_are_told_and_the_rest_holds() {
        let file = read_price_file(FILE, "x").unwrap();
        assert_eq!(file.skipped, ["odd"]);
        assert_eq!(file.table.models(), 4, "neither the sample nor what is paid by the second");
    }

    #[test]
    fn what_is_no_price_list_says_so() {
        assert!(matches!(read_price_file("prices: 1", "x"), Err(PriceFileError::Json(_))));
        assert!(matches!(read_price_file("{\"a\": 1}", "x"), Err(PriceFileError::Unknown)));
        assert!(matches!(read_price_file("[1]", "x"), Err(PriceFileError::Unknown)));
        let none = r#"{"a": {"litellm_provider": "openai"}}"#;
        assert!(matches!(read_price_file(none, "x"), Err(PriceFileError::Empty)));
    }
}
