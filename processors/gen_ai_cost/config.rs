//! Settings of the `gen_ai_cost` processor.

use chaperone_config::{Problems, UserConfig};
use chaperone_genai::prices::{Rate, RateKind, Rates, clean_model};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the processor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Prices of your own. They come before the embedded list; the first entry that fits counts.
    pub prices: Vec<OwnPrice>,
    /// Records that are remembered so that each call is counted once. The oldest go first; about 700 bytes a call,
    /// 120 any other record.
    pub max_records: usize,
}

/// The price of one model, in US dollars per million tokens.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OwnPrice {
    /// Name of the model as it is reported. Required.
    pub model: String,
    /// Provider as it is reported, such as `azure.ai.openai`. Empty means any.
    pub provider: String,
    /// Input that was not cached. Required.
    pub input: f64,
    /// Output. Required for models that answer.
    pub output: f64,
    /// Input read from a cache. Without it, it costs what input costs.
    pub cache_read: Option<f64>,
    /// Input written to a cache. Without it, it costs what input costs.
    pub cache_write: Option<f64>,
    /// Input written to a cache for an hour. Without it, it costs what `cache_write` costs.
    pub cache_write_1h: Option<f64>,
    /// Reasoning. Without it, it costs what output costs.
    pub reasoning: Option<f64>,
}

impl Default for Config {
    fn default() -> Config {
        Config { prices: Vec::new(), max_records: 131_072 }
    }
}

impl UserConfig for Config {
    fn check(&self, problems: &mut Problems) {
        if self.max_records == 0 {
            problems.error("max_records", "must be at least 1");
        }
        for (at, price) in self.prices.iter().enumerate() {
            problems.within(&format!("prices[{at}]"), |problems| price.check(problems));
        }
    }
}

impl OwnPrice {
    fn check(&self, problems: &mut Problems) {
        if self.model.trim().is_empty() {
            problems.error("model", "must name a model");
        }
        for (field, usd) in self.rates_by_field() {
            if !usd.is_finite() || !(0.0..=1e6).contains(&usd) {
                problems.error(field, format!("`{usd}` is no price in US dollars per million tokens"));
            }
        }
    }

    fn rates_by_field(&self) -> impl Iterator<Item = (&'static str, f64)> {
        let always = [("input", Some(self.input)), ("output", Some(self.output))];
        let optional = [
            ("cache_read", self.cache_read),
            ("cache_write", self.cache_write),
            ("cache_write_1h", self.cache_write_1h),
            ("reasoning", self.reasoning),
        ];
        always.into_iter().chain(optional).filter_map(|(field, usd)| Some((field, usd?)))
    }

    /// Whether the entry is about this provider and model, both as reported.
    pub(super) fn fits(&self, provider: &str, model: &str) -> bool {
        let provider_fits = self.provider.is_empty() || self.provider.eq_ignore_ascii_case(provider);
        provider_fits && (self.model == model || clean_model(&self.model).name == clean_model(model).name)
    }

    /// Its rates, and what stands in `chaperone.cost.price_id`.
    pub(super) fn rates(&self) -> (Rates, String) {
        let kind = |field| match field {
            "input" => RateKind::Input,
            "output" => RateKind::Output,
            "cache_read" => RateKind::CacheRead,
            "cache_write" => RateKind::CacheWrite,
            "cache_write_1h" => RateKind::CacheWrite1h,
            _ => RateKind::Reasoning,
        };
        let rates = self.rates_by_field().map(|(field, usd)| (kind(field), Rate::flat(usd))).collect();
        let provider = if self.provider.is_empty() { "any" } else { &self.provider };
        (Rates::new(rates), format!("settings/{provider}/{}", self.model))
    }
}
