//! What a record cost, and who says so (`chaperone.cost.*`).
//!
//! The computed price is the cost. What a sender reported takes its place only when a provider or gateway said it, or when nothing can
//! be computed; a reported zero for tokens that were not served from a gateway's cache is no report.
//! Other currencies than the US dollar are kept as they are and never counted.

use super::Usage;
use crate::dialects::{CostFrom, Settings};
use crate::keys;
use crate::prices::{Cost, Found, Line, PriceContext, Rates, reckon_told};
use crate::record::event_time_ns;
use chaperone_proto::{Attrs, KeyId, RecordRef, Value, ValueRef};

/// Where a cost comes from: `chaperone.cost.source`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CostSource {
    /// A provider or gateway, or an SDK where nothing could be computed.
    Reported,
    /// Tokens times the list's prices.
    Computed,
    /// The same with another provider's prices.
    Estimated,
    /// Paid by subscription.
    Subscription,
    /// A gateway answered from its cache.
    CacheHit,
    /// Nobody knows.
    Unpriced,
}

impl CostSource {
    /// All sources.
    pub const ALL: [CostSource; 6] = [
        CostSource::Reported,
        CostSource::Computed,
        CostSource::Estimated,
        CostSource::Subscription,
        CostSource::CacheHit,
        CostSource::Unpriced,
    ];

    /// The attribute's value.
    pub fn as_str(self) -> &'static str {
        match self {
            CostSource::Reported => "reported",
            CostSource::Computed => "computed",
            CostSource::Estimated => "estimated",
            CostSource::Subscription => "subscription",
            CostSource::CacheHit => "cache_hit",
            CostSource::Unpriced => "unpriced",
        }
    }
}

/// The cost of one record.
#[derive(Debug, Clone, PartialEq)]
pub struct Costing {
    /// Who says so.
    pub source: CostSource,
    /// Attributes to write.
    pub attributes: Vec<(KeyId, Value)>,
    /// Reported and computed cost differ by more than a twentieth.
    pub differs: bool,
}

/// Prices a user gave for a model.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnPrice<'a> {
    /// Its rates.
    pub rates: &'a Rates,
    /// What stands in `chaperone.cost.price_id`.
    pub price_id: &'a str,
}

/// The cost of a record with usage.
pub fn cost(record: RecordRef<'_>, usage: &Usage, settings: &Settings, own: Option<OwnPrice<'_>>, listed: Found<'_>) -> Costing {
    cost_told(record, usage, settings, own, listed, &mut |_| {})
}

/// The same, telling each line of the sum.
pub fn cost_told(
    record: RecordRef<'_>,
    usage: &Usage,
    settings: &Settings,
    own: Option<OwnPrice<'_>>,
    listed: Found<'_>,
    tell: &mut dyn FnMut(Line),
) -> Costing {
    let attrs = record.attrs();
    let is_cache_hit = is_true(attrs.get(keys::LITELLM_CACHE_HIT));
    let reported = reported(attrs, usage, is_cache_hit);
    if is_cache_hit {
        let zero = vec![(keys::CHAPERONE_COST_TOTAL, Value::Double(0.0))];
        return Costing { source: CostSource::CacheHit, attributes: zero, differs: false };
    }
    let from_provider =
        settings.cost_from == CostFrom::Provider || attrs.str(keys::CHAPERONE_COST_REPORTED_SOURCE) == Some("provider");
    let context = context(record);
    let computed = match (own, listed) {
        (Some(own), _) => {
            let cost = reckon_told(own.rates, &usage.tokens, context.requests, tell);
            cost.map(|cost| Cost { price_id: own.price_id.to_owned(), ..cost })
        }
        (None, Found::Listed(prices)) => prices.cost_told(&usage.tokens, &context, tell),
        (None, Found::Subscription) if reported.is_none() => {
            return Costing { source: CostSource::Subscription, attributes: Vec::new(), differs: false };
        }
        (None, Found::Subscription | Found::Nothing) => None,
    };
    let differs = match (&computed, reported) {
        (Some(cost), Some(usd)) => (cost.total.usd() - usd).abs() > 0.05 * usd.max(cost.total.usd()),
        _ => false,
    };
    match (computed, reported) {
        (computed, Some(usd)) if from_provider || computed.is_none() => {
            let total = vec![(keys::CHAPERONE_COST_TOTAL, Value::Double(usd))];
            Costing { source: CostSource::Reported, attributes: total, differs }
        }
        (Some(cost), _) => computed_attributes(&cost, differs),
        (None, _) => Costing { source: CostSource::Unpriced, attributes: Vec::new(), differs },
    }
}

fn computed_attributes(cost: &Cost, differs: bool) -> Costing {
    let mut attributes = vec![
        (keys::CHAPERONE_COST_TOTAL, Value::Double(cost.total.usd())),
        (keys::CHAPERONE_COST_INPUT, Value::Double(cost.input.usd())),
        (keys::CHAPERONE_COST_OUTPUT, Value::Double(cost.output.usd())),
        (keys::CHAPERONE_COST_CACHE, Value::Double(cost.cache.usd())),
        (keys::CHAPERONE_COST_PRICE_ID, Value::Str(cost.price_id.clone())),
    ];
    attributes.extend(cost.tier.as_ref().map(|tier| (keys::CHAPERONE_COST_TIER, Value::Str(tier.clone()))));
    let source = if cost.estimated { CostSource::Estimated } else { CostSource::Computed };
    Costing { source, attributes, differs }
}

/// How much of the model's window the input took, where the list knows the window.
pub fn context_ratio(usage: &Usage, listed: Found<'_>) -> Option<f64> {
    let Found::Listed(prices) = listed else { return None };
    let window = f64::from(prices.context_window().filter(|window| *window > 0)?);
    Some((usage.tokens.input as f64 / window).min(1.0))
}

/// What the sender said, in US dollars, if it is worth anything.
fn reported(attrs: Attrs<'_>, usage: &Usage, is_cache_hit: bool) -> Option<f64> {
    let usd = attrs.get(keys::CHAPERONE_COST_REPORTED).and_then(ValueRef::as_f64)?;
    let currency = attrs.str(keys::CHAPERONE_COST_REPORTED_CURRENCY).unwrap_or("USD");
    let says_nothing = usd == 0.0 && !is_cache_hit && (usage.tokens.input > 0 || usage.tokens.output > 0);
    (usd.is_finite() && usd >= 0.0 && !says_nothing && currency.eq_ignore_ascii_case("usd")).then_some(usd)
}

fn context(record: RecordRef<'_>) -> PriceContext<'_> {
    let attrs = record.attrs();
    // What answered decides; what was asked for only when it was a tier by name.
    let answered = attrs.str(keys::OPENAI_RESPONSE_SERVICE_TIER).or_else(|| attrs.str(keys::ANTHROPIC_RESPONSE_SERVICE_TIER));
    let asked = attrs.str(keys::OPENAI_REQUEST_SERVICE_TIER).filter(|tier| *tier != "auto");
    PriceContext {
        unix_ns: event_time_ns(record),
        service_tier: answered.or(asked),
        speed: attrs.str(keys::CHAPERONE_REQUEST_SPEED),
        requests: attrs.int(keys::CHAPERONE_LLM_REQUESTS).and_then(|n| u64::try_from(n).ok()).unwrap_or(1),
    }
}

fn is_true(value: Option<ValueRef<'_>>) -> bool {
    match value {
        Some(ValueRef::Bool(yes)) => yes,
        Some(ValueRef::Str(text)) => text.eq_ignore_ascii_case("true"),
        _ => false,
    }
}
