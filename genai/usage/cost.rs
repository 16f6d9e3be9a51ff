//! What a record cost, and who says so (`chaperone.cost.*`).
//!
//! The computed price is the cost. What a sender reported takes its place only when a provider or gateway said it, or when nothing can
//! be computed; a reported zero for tokens that were not served from a gateway's cache is no report.
//! Other currencies than the US dollar are kept as they are and never counted.

use super::Usage;
use crate::dialects::{CostFrom, Settings};
use crate::keys;
use crate::prices::{Cost, Found, Line, PriceContext, Rates, Region, reckon_told};
use crate::record::event_time_ns;
use chaperone_proto::{Attrs, KeyId, RecordMut, RecordRef, Value, ValueIn, ValueRef};

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

/// A cost before it is written: what it needs to know of names, its caller has at hand.
#[derive(Debug, Clone, PartialEq)]
pub struct Costed {
    /// Who says so.
    pub source: CostSource,
    /// US dollars, when somebody knows.
    pub total: Option<f64>,
    /// What was computed, when that is the cost.
    pub computed: Option<Cost>,
    /// When the prices came into force, where the list says so.
    pub price_since: Option<String>,
    /// Reported and computed cost differ by more than a twentieth.
    pub differs: bool,
}

impl Costed {
    fn of(source: CostSource, total: Option<f64>) -> Costed {
        Costed { source, total, computed: None, price_since: None, differs: false }
    }

    fn each<'a>(&'a self, price_id: &'a str, mut put: impl FnMut(KeyId, ValueIn<'a>)) {
        if let Some(total) = self.total {
            put(keys::CHAPERONE_COST_TOTAL, total.into());
        }
        let Some(cost) = &self.computed else { return };
        put(keys::CHAPERONE_COST_INPUT, cost.input.usd().into());
        put(keys::CHAPERONE_COST_OUTPUT, cost.output.usd().into());
        put(keys::CHAPERONE_COST_CACHE, cost.cache.usd().into());
        put(keys::CHAPERONE_COST_PRICE_ID, price_id.into());
        if cost.tool.0 > 0 {
            put(keys::CHAPERONE_COST_TOOL, cost.tool.usd().into());
        }
        if let Some(since) = &self.price_since {
            put(keys::CHAPERONE_COST_PRICE_SINCE, since.as_str().into());
        }
        if let Some(tier) = &cost.tier {
            put(keys::CHAPERONE_COST_TIER, tier.as_str().into());
        }
    }

    /// Writes it on a record. `price_id`: what the entry is called that it was computed with.
    pub fn write(&self, price_id: &str, record: &mut RecordMut<'_>) {
        record.append(keys::CHAPERONE_COST_SOURCE, self.source.as_str());
        self.each(price_id, |key, value| record.set(key, value));
    }
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
    let price_id = match (&own, listed) {
        (Some(own), _) => own.price_id.to_owned(),
        (None, Found::Listed(prices)) => prices.price_id(),
        (None, _) => String::new(),
    };
    let costed = costed(record, usage, settings, own.map(|own| own.rates), listed, tell);
    let mut attributes = Vec::new();
    costed.each(&price_id, |key, value| attributes.push((key, owned(value))));
    Costing { source: costed.source, attributes, differs: costed.differs }
}

fn owned(value: ValueIn<'_>) -> Value {
    match value {
        ValueIn::Str(text) => Value::Str(text.to_owned()),
        ValueIn::Double(number) => Value::Double(number),
        _ => Value::Empty,
    }
}

/// What the record cost and who says so: the decision behind [`cost`]. `own`: rates that a user gave for the model.
pub fn costed(
    record: RecordRef<'_>,
    usage: &Usage,
    settings: &Settings,
    own: Option<&Rates>,
    listed: Found<'_>,
    tell: &mut dyn FnMut(Line),
) -> Costed {
    let attrs = record.attrs();
    let is_cache_hit = is_true(attrs.get(keys::LITELLM_CACHE_HIT));
    let reported = reported(attrs, usage, is_cache_hit);
    if is_cache_hit {
        return Costed::of(CostSource::CacheHit, Some(0.0));
    }
    let context = context(record);
    let computed = match (own, listed) {
        (Some(own), _) => reckon_told(own, &usage.tokens, context.requests, tell),
        (None, Found::Listed(prices)) => prices.amounts(&usage.tokens, &context, tell),
        (None, Found::Subscription) if reported.is_none() => return Costed::of(CostSource::Subscription, None),
        (None, Found::Subscription | Found::Nothing) => None,
    };
    let differs = match (&computed, reported) {
        (Some(cost), Some(usd)) => (cost.total.usd() - usd).abs() > 0.05 * usd.max(cost.total.usd()),
        _ => false,
    };
    let is_of_provider =
        || settings.cost_from == CostFrom::Provider || attrs.str(keys::CHAPERONE_COST_REPORTED_SOURCE) == Some("provider");
    match (computed, reported) {
        (computed, Some(usd)) if computed.is_none() || is_of_provider() => {
            Costed { differs, ..Costed::of(CostSource::Reported, Some(usd)) }
        }
        (Some(cost), _) => {
            let source = if cost.estimated { CostSource::Estimated } else { CostSource::Computed };
            let price_since = match (own, listed) {
                (None, Found::Listed(prices)) => prices.in_force(context.unix_ns),
                _ => None,
            };
            Costed { source, total: Some(cost.total.usd()), computed: Some(cost), price_since, differs }
        }
        (None, _) => Costed { differs, ..Costed::of(CostSource::Unpriced, None) },
    }
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
        region: Region {
            said: attrs.str(keys::CHAPERONE_REQUEST_REGION),
            server: attrs.str(keys::SERVER_ADDRESS).unwrap_or(""),
            model: crate::record::model(record).unwrap_or(""),
        },
    }
}

fn is_true(value: Option<ValueRef<'_>>) -> bool {
    match value {
        Some(ValueRef::Bool(yes)) => yes,
        Some(ValueRef::Str(text)) => text.eq_ignore_ascii_case("true"),
        _ => false,
    }
}
