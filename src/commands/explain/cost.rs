//! What a record cost, line by line.

use super::account::settings;
use chaperone_genai::prices::{Line, RateKind};
use chaperone_genai::usage::{self, Reported};
use chaperone_genai::{keys, record};
use chaperone_processors::explain::{Entry, Pricing};
use chaperone_proto::{RecordRef, ValueRef};
use serde::Serialize;

/// The account of a cost.
#[derive(Debug, Serialize)]
pub struct Cost {
    /// `chaperone.cost.source`.
    pub source: String,
    pub total_usd: Option<f64>,
    pub provider: String,
    pub model: String,
    /// `list@version/provider/model`.
    pub price: Option<String>,
    pub tier: Option<String>,
    /// Since when, or at which hours of the day.
    pub in_force: Option<String>,
    /// The entry is another provider's.
    pub is_estimate: bool,
    pub lines: Vec<CostLine>,
    /// What the sender said, in its currency.
    pub reported: Option<String>,
    /// Where no price was found, what was looked for.
    pub why_not: Option<String>,
}

/// One product.
#[derive(Debug, Serialize)]
pub struct CostLine {
    /// What was counted.
    pub bucket: String,
    pub count: u64,
    /// Dollars for so many.
    pub rate_usd: f64,
    pub per: u64,
    /// Whose rate it is, where the bucket has none of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_of: Option<String>,
    pub usd: f64,
}

impl Cost {
    /// `None` where nothing was priced.
    pub fn of(stepped: RecordRef<'_>, costed: RecordRef<'_>, pricing: &Pricing) -> Option<Cost> {
        let attrs = costed.attrs();
        let source = attrs.str(keys::CHAPERONE_COST_SOURCE)?.to_owned();
        let settings = settings(stepped);
        let reported = Reported::read(stepped.attrs());
        let used = usage::usage_of(stepped, &reported, settings)?;
        let provider = stepped.attrs().str(keys::GEN_AI_PROVIDER_NAME).unwrap_or("");
        let model = record::model(stepped).unwrap_or("");
        let mut lines = Vec::new();
        let entry = pricing.tell(stepped, &used, settings, &mut |line| lines.push(in_numbers(&line)));
        let why_not = (source == "unpriced").then(|| why_not(&entry, provider, model));
        let (in_force, is_estimate) = match entry {
            Entry::Listed { in_force, is_estimate } => (in_force, is_estimate),
            _ => (None, false),
        };
        Some(Cost {
            why_not,
            total_usd: attrs.get(keys::CHAPERONE_COST_TOTAL).and_then(ValueRef::as_f64),
            provider: provider.to_owned(),
            model: model.to_owned(),
            price: attrs.str(keys::CHAPERONE_COST_PRICE_ID).map(str::to_owned),
            tier: attrs.str(keys::CHAPERONE_COST_TIER).map(str::to_owned),
            in_force,
            is_estimate,
            lines,
            reported: told(costed),
            source,
        })
    }
}

fn in_numbers(line: &Line) -> CostLine {
    let bucket = word(line.bucket);
    let rate_of = match line.rate_of {
        Some(kind) => Some(word(kind)).filter(|word| *word != bucket),
        None => Some("nothing".to_owned()),
    };
    let per = if line.bucket == RateKind::Request { 1_000 } else { 1_000_000 };
    CostLine { bucket, count: line.count, rate_usd: line.rate as f64 / 1e9, per, rate_of, usd: line.nanos() / 1e9 }
}

/// `CacheWrite1h` as `cache_write_1h`.
fn word(kind: RateKind) -> String {
    let mut word = String::new();
    for (at, letter) in format!("{kind:?}").char_indices() {
        if at > 0 && (letter.is_ascii_uppercase() || letter.is_ascii_digit()) {
            word.push('_');
        }
        word.push(letter.to_ascii_lowercase());
    }
    word
}

fn told(record: RecordRef<'_>) -> Option<String> {
    let attrs = record.attrs();
    let amount = attrs.get(keys::CHAPERONE_COST_REPORTED).and_then(ValueRef::as_f64)?;
    let currency = attrs.str(keys::CHAPERONE_COST_REPORTED_CURRENCY).unwrap_or("USD");
    Some(format!("{amount} {currency}"))
}

fn why_not(entry: &Entry, provider: &str, model: &str) -> String {
    match entry {
        Entry::Nothing => format!("no list has a price of model `{model}` by provider `{provider}`"),
        Entry::Subscription => "paid by subscription".to_owned(),
        Entry::Own | Entry::Listed { .. } => format!("the entry of model `{model}` has no price of tokens"),
    }
}
