//! Reads genai-prices' JSON: providers with models, match clauses as trees, prices by date, context and way of asking.
//!
//! Takes the official files (`{"starts_with": ...}`) and dumps of the Python package's own data, which name the kind of each
//! clause beside. Prices are US dollars per million tokens.
//! Clauses become the conditions of [`super::pattern`], regular expressions with the help of [`super::clauses`].

use super::clauses;
use super::rates::{Rate, RateKind, Rates};
use super::table::{Model, Provider, Since, Text, Variant};
use serde_json::{Map, Value};

/// What rates are called.
const RATES: [(&str, RateKind); 15] = [
    ("input_mtok", RateKind::Input),
    ("output_mtok", RateKind::Output),
    ("cache_read_mtok", RateKind::CacheRead),
    ("cache_write_mtok", RateKind::CacheWrite),
    ("cache_write_1h_mtok", RateKind::CacheWrite1h),
    ("output_reasoning_mtok", RateKind::Reasoning),
    ("input_audio_mtok", RateKind::AudioInput),
    ("output_audio_mtok", RateKind::AudioOutput),
    ("input_image_mtok", RateKind::ImageInput),
    ("output_image_mtok", RateKind::ImageOutput),
    ("requests_kcount", RateKind::Request),
    ("cache_audio_read_mtok", RateKind::CacheReadAudio),
    ("cache_image_read_mtok", RateKind::CacheReadImage),
    ("web_searches_kcount", RateKind::WebSearch),
    ("storage_searches_kcount", RateKind::FileSearch),
];

/// Providers with their models, and names of entries that were not understood.
pub(super) fn read(providers: &[Value]) -> (Vec<Provider>, Vec<String>) {
    let mut skipped = Vec::new();
    let read = |value: &Value| {
        let Some(id) = value.get("id").and_then(Value::as_str) else {
            skipped.push("a provider without id".to_owned());
            return None;
        };
        let mut models = Vec::new();
        for entry in value.get("models").and_then(Value::as_array).into_iter().flatten() {
            match model(entry) {
                Some(model) => models.push(model),
                None => skipped.push(format!("{id}/{}", entry.get("id").and_then(Value::as_str).unwrap_or("?"))),
            }
        }
        let fallback = value.get("fallback_model_providers").and_then(Value::as_array).into_iter().flatten();
        let fallback = fallback.filter_map(Value::as_str).map(|id| Text::Owned(id.to_owned())).collect();
        let model_match = value.get("model_match").and_then(clauses::pattern).unwrap_or_else(|| "-".to_owned());
        Some(Provider { id: id.to_owned().into(), model_match: model_match.into(), fallback, models })
    };
    let providers = providers.iter().filter_map(read).collect();
    (providers, skipped)
}

fn model(entry: &Value) -> Option<Model> {
    let id = entry.get("id")?.as_str()?.to_ascii_lowercase();
    let pattern = clauses::pattern(entry.get("match")?)?;
    let context_window = entry.get("context_window").and_then(Value::as_u64).and_then(|tokens| tokens.try_into().ok());
    let prices = match entry.get("prices")? {
        Value::Array(dated) => dated.iter().map(dated_rates).collect::<Option<_>>()?,
        Value::Object(flat) => vec![(Since::Always, rates(flat)?)],
        _ => return None,
    };
    let variants = entry.get("price_variants").and_then(Value::as_array).into_iter().flatten();
    let variants = variants.map(variant).collect::<Option<_>>()?;
    Some(Model { id: id.into(), pattern: pattern.into(), context_window, prices, variants })
}

fn dated_rates(entry: &Value) -> Option<(Since, Rates)> {
    Some((since(entry.get("constraint"))?, rates(entry.get("prices")?.as_object()?)?))
}

/// One condition a variant: the list has none with two.
fn variant(entry: &Value) -> Option<Variant> {
    let mut when = entry.get("when")?.as_object()?.iter();
    let (key, value) = when.next().filter(|_| when.len() == 0)?;
    let (since, rates) = dated_rates(entry)?;
    Some(Variant { key: key.clone().into(), value: value.as_str()?.to_owned().into(), since, rates })
}

fn since(constraint: Option<&Value>) -> Option<Since> {
    let Some(constraint) = constraint.filter(|value| !value.is_null()) else { return Some(Since::Always) };
    let text = |key: &str| constraint.get(key).and_then(Value::as_str);
    match (text("start_date"), text("start_time"), text("end_time")) {
        (Some(date), ..) => Since::parse(date),
        // `00:30:00Z`: hours and minutes are what is parsed.
        (None, Some(from), Some(to)) => Since::parse(&format!("{}-{}", from.get(..5)?, to.get(..5)?)),
        _ => None,
    }
}

fn rates(prices: &Map<String, Value>) -> Option<Rates> {
    let mut rates = Vec::new();
    for (key, kind) in RATES {
        if let Some(value) = prices.get(key).filter(|value| !value.is_null()) {
            rates.push((kind, rate(value)?));
        }
    }
    Some(Rates::new(rates))
}

fn rate(value: &Value) -> Option<Rate> {
    let nano = |value: &Value| value.as_f64().filter(|usd| (0.0..=1e9).contains(usd)).map(|usd| (usd * 1e9).round() as i64);
    if let Some(base) = nano(value) {
        return Some(Rate { base, tiers: Vec::new() });
    }
    let tier = |tier: &Value| Some((tier.get("start")?.as_u64()?, nano(tier.get("price")?)?));
    let tiers = value.get("tiers")?.as_array()?.iter().map(tier).collect::<Option<_>>()?;
    Some(Rate { base: nano(value.get("base")?)?, tiers })
}
