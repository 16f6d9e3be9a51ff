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
pub struct ModelPrices<'t> {
    /// Name of the list.
    pub(super) list: &'t str,
    pub(super) provider: &'t str,
    pub(super) model: &'t Model,
    /// The entry belongs to another provider than the one that was named: its price is a guess.
    pub(super) estimated: bool,
}

impl<'t> ModelPrices<'t> {
    /// Provider's id in the list.
    pub fn provider(&self) -> &'t str {
        self.provider
    }
    /// Model's id in the list.
    pub fn model(&self) -> &'t str {
        &self.model.id
    }
    /// Whether the entry belongs to another provider than the one that was named.
    pub fn is_estimate(&self) -> bool {
        self.estimated
    }
    /// Most input tokens the model takes, where the list knows.
    pub fn context_window(&self) -> Option<u32> {
        self.model.context_window
    }
}

/// What is known about the price of a model.
#[derive(Debug, Clone, Copy)]
pub enum Found<'t> {
    /// An entry.
    Listed(ModelPrices<'t>),
    /// Paid by subscription.
    Subscription,
    /// Nothing: the call is unpriced.
    Nothing,
}

const ENDINGS: [&str; 8] = ["-latest", "-preview", "-exp", "-001", "-002", ":thinking", ":nitro", ":floor"];
const MAKERS: [&str; 8] = ["anthropic", "amazon", "meta", "mistral", "cohere", "deepseek", "openai", "qwen"];

impl PriceTable {
    /// Looks up a model by what the record says. `provider`: `gen_ai.provider.name`, empty when absent.
    pub fn find(&self, provider: &str, model: &str) -> Found<'_> {
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
        // Lists of users have providers that nobody maps names to: these are called there as telemetry calls them.
        let by_prefix = || name.split_once('/').and_then(|(prefix, rest)| Some((self.provider(prefix)?, rest)));
        let (named, name) = match id.unwrap_or(provider) {
            "" => by_prefix().map_or((None, name), |(named, rest)| (Some(named), rest)),
            id => (self.provider(id), name),
        };
        let found = named.and_then(|named| self.of_provider(named, name)).or_else(|| self.guess(name, named));
        found.map_or(Found::Nothing, Found::Listed)
    }

    fn of_provider<'t>(&'t self, provider: &'t Provider, name: &str) -> Option<ModelPrices<'t>> {
        if name.starts_with("ft:") {
            // A tuned model has an entry of its own or no price: never that of its base.
            return self.own(provider, name);
        }
        let with_fallback = |name: &str| {
            let fallback = provider.fallback.iter().filter_map(|id| self.provider(id));
            std::iter::once(provider).chain(fallback).find_map(|provider| self.own(provider, name))
        };
        let found = spellings(name).iter().find_map(|spelling| with_fallback(spelling));
        if found.is_none() && provider.id == "aws" {
            // Bedrock's names begin with the maker; telemetry often leaves that out.
            let mut makers = MAKERS.iter().filter_map(|maker| self.own(provider, &format!("{maker}.{name}")));
            return makers.next();
        }
        found
    }

    fn own<'t>(&'t self, provider: &'t Provider, name: &str) -> Option<ModelPrices<'t>> {
        let model = provider.models.iter().find(|model| fits(&model.pattern, name))?;
        Some(ModelPrices { list: &self.name, provider: &provider.id, model, estimated: false })
    }

    /// The entry of whoever's model names look like this: certain when nobody was named, an estimate when somebody else was.
    fn guess(&self, name: &str, named: Option<&Provider>) -> Option<ModelPrices<'_>> {
        if name.starts_with("ft:") {
            return None;
        }
        let bare = name.rsplit('/').next().unwrap_or(name);
        let maker = self.providers.iter().find(|provider| fits(&provider.model_match, bare))?;
        let found = spellings(bare).iter().find_map(|spelling| self.own(maker, spelling))?;
        Some(ModelPrices { estimated: named.is_some(), ..found })
    }
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
