//! All price lists in the order in which they are asked: the user's, then the embedded one.

use super::lookup::{Found, ModelPrices};
use super::table::{PriceTable, embedded};

/// The lists of one collector.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PriceBook {
    own: Vec<PriceTable>,
}

/// Where in a book an entry stands: kept where a reference cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// List, provider and model by number; whether it is another provider's entry.
    Listed(u32, u32, u32, bool),
    /// Paid by subscription.
    Subscription,
    /// Nothing is known.
    Nothing,
}

impl PriceBook {
    /// Where in this book something was found.
    pub fn place(&self, found: Found<'_>) -> Place {
        let prices = match found {
            Found::Listed(prices) => prices,
            Found::Subscription => return Place::Subscription,
            Found::Nothing => return Place::Nothing,
        };
        for (list, table) in self.lists().enumerate() {
            for (provider, held) in table.providers.iter().enumerate() {
                if let Some(model) = held.models.iter().position(|model| std::ptr::eq(model, prices.model)) {
                    return Place::Listed(list as u32, provider as u32, model as u32, prices.estimated);
                }
            }
        }
        Place::Nothing
    }

    /// What stands at a place of this book.
    pub fn at(&self, place: Place) -> Found<'_> {
        let (list, provider, model, estimated) = match place {
            Place::Listed(list, provider, model, estimated) => (list, provider, model, estimated),
            Place::Subscription => return Found::Subscription,
            Place::Nothing => return Found::Nothing,
        };
        let table = self.own.get(list as usize).unwrap_or_else(|| embedded());
        let entry = table.providers.get(provider as usize).and_then(|held| Some((held, held.models.get(model as usize)?)));
        entry.map_or(Found::Nothing, |(held, model)| {
            Found::Listed(ModelPrices { list: &table.name, provider: &held.id, model, estimated })
        })
    }

    fn lists(&self) -> impl Iterator<Item = &PriceTable> {
        self.own.iter().chain([embedded()])
    }

    /// With lists that come before the embedded one, the first first.
    pub fn new(own: Vec<PriceTable>) -> PriceBook {
        PriceBook { own }
    }

    /// Looks up a model by what the record says, as [`PriceTable::find`] does.
    ///
    /// An entry of the provider itself in a later list goes before another provider's in an earlier one.
    pub fn find(&self, provider: &str, model: &str) -> Found<'_> {
        let mut guess = Found::Nothing;
        for list in self.lists() {
            match list.find(provider, model) {
                Found::Listed(prices) if prices.is_estimate() => {
                    if matches!(guess, Found::Nothing) {
                        guess = Found::Listed(prices);
                    }
                }
                Found::Nothing => {}
                certain => return certain,
            }
        }
        guess
    }
}
