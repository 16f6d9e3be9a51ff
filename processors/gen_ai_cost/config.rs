//! Settings of the `gen_ai_cost` processor.

use chaperone_config::{Duration, Problems, UserConfig};
use chaperone_genai::prices::{Rate, RateKind, Rates, clean_model};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the processor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Prices of your own. They come before the embedded list; the first entry that fits counts.
    pub prices: Vec<OwnPrice>,
    /// Price lists of your own, as LiteLLM or genai-prices publish them; they come after `prices` and before the embedded
    /// list, the first first. A file that changes is read again; nothing is ever fetched.
    pub price_lists: Vec<PriceList>,
    /// Names that stand for other models: inference profiles, deployments, aliases of a gateway.
    pub model_aliases: Vec<ModelAlias>,
    /// What calls get whose wire carries no usage: `off` leaves them `missing`, `on` counts their messages roughly and marks
    /// tokens and cost `estimated`.
    pub estimate_tokens: EstimateTokens,
    /// How often files of `price_lists` are looked at for changes. 0 never does.
    pub reload_interval: Duration,
    /// Records that are remembered so that each call is counted once. The oldest go first; about 700 bytes a call,
    /// 120 any other record.
    pub max_records: usize,
    /// Id of a storage extension; without one, what was counted is forgotten with the process.
    pub storage: Option<String>,
}

/// Whether calls without usage get an estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EstimateTokens {
    /// They have none.
    #[default]
    Off,
    /// They get one.
    On,
}

/// A name that stands for another model.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ModelAlias {
    /// Name as it is reported: an ARN, a deployment. Required.
    pub model: String,
    /// Name that price lists know it by. Required.
    pub price_as: String,
    /// Provider as it is reported, such as `azure.ai.openai`. Empty means any.
    pub provider: String,
    /// Provider whose price holds. Empty means the reported one.
    pub price_provider: String,
}

impl ModelAlias {
    /// Provider and model to look up instead of these.
    pub(super) fn stands_for<'a>(&'a self, provider: &'a str, model: &str) -> Option<(&'a str, &'a str)> {
        let provider_fits = self.provider.is_empty() || self.provider.eq_ignore_ascii_case(provider);
        let fits = provider_fits && self.model.eq_ignore_ascii_case(model.trim());
        let provider = if self.price_provider.is_empty() { provider } else { &self.price_provider };
        fits.then_some((provider, &*self.price_as))
    }
}

/// A price list in a file.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PriceList {
    /// The file: JSON of LiteLLM or of genai-prices. Required.
    pub path: String,
    /// What stands before provider and model in `chaperone.cost.price_id`, such as `litellm@1.109.1`. Empty means the name
    /// of the file.
    pub name: String,
}

impl PriceList {
    pub(super) fn name(&self) -> &str {
        let file = std::path::Path::new(&self.path).file_stem().and_then(std::ffi::OsStr::to_str);
        if self.name.is_empty() { file.unwrap_or(&self.path) } else { &self.name }
    }
}

/// The price of one model, in US dollars per million tokens.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OwnPrice {
    /// Name of the model as it is reported; `*` means any of the provider's. Required.
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
        let (prices, price_lists, model_aliases) = (Vec::new(), Vec::new(), Vec::new());
        let estimate_tokens = EstimateTokens::Off;
        Config {
            prices,
            price_lists,
            model_aliases,
            estimate_tokens,
            reload_interval: Duration::from_secs(30),
            max_records: 131_072,
            storage: None,
        }
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
        for (at, alias) in self.model_aliases.iter().enumerate() {
            for (field, name) in [("model", &alias.model), ("price_as", &alias.price_as)] {
                if name.trim().is_empty() {
                    problems.error(&format!("model_aliases[{at}].{field}"), "must name a model");
                }
            }
        }
        for (at, list) in self.price_lists.iter().enumerate().filter(|(_, list)| list.path.trim().is_empty()) {
            problems.error(&format!("price_lists[{at}].path"), format!("`{}` names no file", list.path));
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
        provider_fits && (self.model == "*" || self.model == model || clean_model(&self.model).name == clean_model(model).name)
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
