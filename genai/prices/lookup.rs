//! Which entry of the list holds for a provider and model.
//!
//! In this order: the provider's own models as named, with the date dashed, with `@` dashed, without endings that say nothing about the price;
//! then the models of the providers it falls back to; then, when nobody or nobody known provides it, the provider whose model
//! names look like this one. The last resort is marked as an estimate.

use super::names::{Billing, billing, clean_model, with_dashed_date, without_date};
use super::pattern::fits;
use super::table::{Model, PriceTable, Provider};
use std::borrow::Cow;

/// An entry of the price list. Cheap to copy.
#[derive(Debug, Clone, Copy)]
pub struct ModelPrices {
    pub(super) provider: &'static str,
    pub(super) model: &'static Model,
    /// The entry belongs to another provider than the one that was named: its price is a guess.
    pub(super) estimated: bool,
}

impl ModelPrices {
    /// Provider's id in the list.
    pub fn provider(&self) -> &'static str {
        self.provider
    }
    /// Model's id in the list.
    pub fn model(&self) -> &'static str {
        self.model.id
    }
    /// Most input tokens the model takes, where the list knows.
    pub fn context_window(&self) -> Option<u32> {
        self.model.context_window
    }
}

/// What is known about the price of a model.
#[derive(Debug, Clone, Copy)]
pub enum Found {
    /// An entry.
    Listed(ModelPrices),
    /// Paid by subscription.
    Subscription,
    /// Nothing: the call is unpriced.
    Nothing,
}

const ENDINGS: [&str; 8] = ["-latest", "-preview", "-exp", "-001", "-002", ":thinking", ":nitro", ":floor"];
const MAKERS: [&str; 8] = ["anthropic", "amazon", "meta", "mistral", "cohere", "deepseek", "openai", "qwen"];

impl PriceTable {
    /// Looks up a model by what the record says. `provider`: `gen_ai.provider.name`, empty when absent.
    pub fn find(&'static self, provider: &str, model: &str) -> Found {
        let clean = clean_model(model);
        let said = clean.billing.unwrap_or_else(|| billing(provider));
        let name: &str = &clean.name;
        let id = match said {
            Billing::Subscription => return Found::Subscription,
            Billing::SelfHosted => return Found::Nothing,
            Billing::List(id) => Some(id),
            Billing::Unknown => None,
        };
        if name.is_empty() || name.starts_with("arn:") {
            return Found::Nothing;
        }
        let named = id.and_then(|id| self.provider(id));
        let found = named.and_then(|named| self.of_provider(named, name)).or_else(|| self.guess(name, named));
        found.map_or(Found::Nothing, Found::Listed)
    }

    fn of_provider(&'static self, provider: &'static Provider, name: &str) -> Option<ModelPrices> {
        if name.starts_with("ft:") {
            // A tuned model has an entry of its own or no price: never that of its base.
            return own(provider, name);
        }
        let with_fallback = |name: &str| {
            let fallback = provider.fallback.iter().filter_map(|id| self.provider(id));
            std::iter::once(provider).chain(fallback).find_map(|provider| own(provider, name))
        };
        let found = spellings(name).iter().find_map(|spelling| with_fallback(spelling));
        if found.is_none() && provider.id == "aws" {
            // Bedrock's names begin with the maker; telemetry often leaves that out.
            let mut makers = MAKERS.iter().filter_map(|maker| own(provider, &format!("{maker}.{name}")));
            return makers.next();
        }
        found
    }

    /// The entry of whoever's model names look like this: certain when nobody was named, an estimate when somebody else was.
    fn guess(&'static self, name: &str, named: Option<&Provider>) -> Option<ModelPrices> {
        if name.starts_with("ft:") {
            return None;
        }
        let bare = name.rsplit('/').next().unwrap_or(name);
        let maker = self.providers.iter().find(|provider| fits(provider.model_match, bare))?;
        let found = spellings(bare).iter().find_map(|spelling| own(maker, spelling))?;
        Some(ModelPrices { estimated: named.is_some(), ..found })
    }
}

fn own(provider: &'static Provider, name: &str) -> Option<ModelPrices> {
    let model = provider.models.iter().find(|model| fits(model.pattern, name))?;
    Some(ModelPrices { provider: provider.id, model, estimated: false })
}

/// The name as it stands, then less and less exact.
fn spellings(name: &str) -> Vec<Cow<'_, str>> {
    let mut all: Vec<Cow<'_, str>> = vec![Cow::Borrowed(name)];
    all.extend(with_dashed_date(name).map(Cow::Owned));
    if name.contains('@') {
        all.push(Cow::Owned(name.replace('@', "-")));
    }
    if let Some((bare, _)) = name.split_once("-v").filter(|(_, version)| version.contains(':')) {
        all.push(Cow::Borrowed(bare));
    }
    all.extend(without_date(name).map(Cow::Borrowed));
    all.extend(ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)).map(Cow::Borrowed));
    if name.contains('.') {
        all.push(Cow::Owned(name.replace('.', "-")));
    }
    all
}
