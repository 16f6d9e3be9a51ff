//! What a provider and a model mean here: the entry that holds, what it is called, and which model it is.
//!
//! Finding out takes thousands of steps and depends on the two names alone, so it is done once a pair and book.

use super::config;
use chaperone_genai::prices::{Asking, Found, PairMemo, Place, PriceBook, Rates};
use chaperone_genai::usage::model_hash;
use std::sync::Arc;

/// Price lists in force, and what was found in them.
#[derive(Debug, Default)]
pub(super) struct Book {
    lists: PriceBook,
    known: PairMemo<Known>,
}

/// What is known of a provider and a model.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// Number of the user's own price.
    pub own: Option<usize>,
    place: Place,
    /// What stands in `chaperone.cost.price_id`.
    pub price_id: Arc<str>,
    /// For recognising records of one call.
    pub model: Option<u64>,
}

/// Prices of the user's own, with their rates and what they are called.
pub(super) type OwnPrices = [(config::OwnPrice, (Rates, String))];

impl Book {
    pub(super) fn new(lists: PriceBook) -> Book {
        Book { lists, known: PairMemo::default() }
    }

    /// Begins to ask for the records of one batch.
    pub(super) fn ask<'b>(&'b self, own: &'b OwnPrices, aliases: &'b [config::ModelAlias]) -> Asked<'b> {
        Asked { book: self, own, aliases, asking: self.known.ask() }
    }

    /// What stands in the lists for a pair.
    pub(super) fn found(&self, known: &Known) -> Found<'_> {
        self.lists.at(known.place)
    }

    #[cfg(test)]
    pub(super) fn lists(&self) -> &PriceBook {
        &self.lists
    }
}

/// The questions of one batch.
pub(super) struct Asked<'b> {
    book: &'b Book,
    own: &'b OwnPrices,
    aliases: &'b [config::ModelAlias],
    asking: Asking<'b, Known>,
}

impl Asked<'_> {
    pub(super) fn about(&mut self, provider: &str, model: &str) -> Known {
        let Asked { book, own, aliases, asking } = self;
        asking.get(provider, model, || {
            let alias = aliases.iter().find_map(|alias| alias.stands_for(provider, model));
            let (provider, model) = alias.unwrap_or((provider, model));
            let own_price = own.iter().position(|(price, _)| price.fits(provider, model));
            let found = book.lists.find(provider, model);
            let price_id: Arc<str> = match (own_price.and_then(|at| own.get(at)), found) {
                (Some((_, (_, name))), _) => name.as_str().into(),
                (None, Found::Listed(prices)) => prices.price_id().into(),
                (None, _) => "".into(),
            };
            let model = (!model.is_empty()).then(|| model_hash(model));
            Known { own: own_price, place: book.lists.place(found), price_id, model }
        })
    }
}
