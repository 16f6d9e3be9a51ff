//! What a record costs by the prices of one configuration; shared by the processor and by whoever explains a cost.

use super::config::{Config, ModelAlias};
use super::lists::Lists;
use super::names::{Book, Known, OwnPrices};
use chaperone_config::{Node, parse_settings};
use chaperone_genai::dialects::Settings;
use chaperone_genai::keys;
use chaperone_genai::prices::{Found, Line, Rates};
use chaperone_genai::record::{event_time_ns, model};
use chaperone_genai::usage::{self, Costed, Usage};
use chaperone_pipeline::StartError;
use chaperone_proto::RecordRef;

/// The cost of a record, and what the lists have for its names.
pub(super) fn costed<'b>(
    record: RecordRef<'_>,
    usage: &Usage,
    settings: &Settings,
    (own, book, known): (&OwnPrices, &'b Book, &Known),
    tell: &mut dyn FnMut(Line),
) -> (Costed, Found<'b>) {
    let listed = book.found(known);
    let own = known.own.and_then(|at| own.get(at)).map(|(_, (rates, _))| rates);
    (usage::costed(record, usage, settings, own, listed, tell), listed)
}

/// The prices of a configuration, asked one record at a time.
pub struct Pricing {
    own: Vec<(super::config::OwnPrice, (Rates, String))>,
    aliases: Vec<ModelAlias>,
    lists: Lists,
}

/// What lists say of a record's provider and model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// The user gave the price in the processor's settings.
    Own,
    /// A list has it.
    Listed {
        /// Since when, or at which hours; `None` = it always held.
        in_force: Option<String>,
        /// It is another provider's.
        is_estimate: bool,
    },
    /// Paid by subscription.
    Subscription,
    /// Nobody has it.
    Nothing,
}

impl Pricing {
    /// With the processor's settings; null = defaults. Reads the files they name.
    pub fn of(settings: &Node) -> Result<Pricing, StartError> {
        let config: Config = parse_settings(settings, "gen_ai_cost").map_err(|problems| StartError::new(problems.to_string()))?;
        let own = config.prices.iter().map(|price| (price.clone(), price.rates())).collect();
        let lists = Lists::default();
        lists.read(&config.price_lists)?;
        Ok(Pricing { own, aliases: config.model_aliases, lists })
    }

    /// Reckons what a record costs, as the processor does, telling each line.
    pub fn tell(&self, record: RecordRef<'_>, usage: &Usage, settings: &Settings, tell: &mut dyn FnMut(Line)) -> Entry {
        let book = self.lists.book();
        let provider = record.attrs().str(keys::GEN_AI_PROVIDER_NAME).unwrap_or("");
        let known = book.ask(&self.own, &self.aliases).about(provider, model(record).unwrap_or(""));
        let (_, listed) = costed(record, usage, settings, (&self.own, &book, &known), tell);
        match listed {
            _ if known.own.is_some() => Entry::Own,
            Found::Listed(prices) => {
                Entry::Listed { in_force: prices.in_force(event_time_ns(record)), is_estimate: prices.is_estimate() }
            }
            Found::Subscription => Entry::Subscription,
            Found::Nothing => Entry::Nothing,
        }
    }
}
