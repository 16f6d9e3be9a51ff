//! All price lists in the order in which they are asked: the user's, then the embedded one.

use super::lookup::Found;
use super::table::{PriceTable, embedded};

/// The lists of one collector.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PriceBook {
    own: Vec<PriceTable>,
}

impl PriceBook {
    /// With lists that come before the embedded one, the first first.
    pub fn new(own: Vec<PriceTable>) -> PriceBook {
        PriceBook { own }
    }

    /// Looks up a model by what the record says, as [`PriceTable::find`] does.
    ///
    /// An entry of the provider itself in a later list goes before another provider's in an earlier one.
    pub fn find(&self, provider: &str, model: &str) -> Found<'_> {
        let mut guess = Found::Nothing;
        for list in self.own.iter().chain([embedded()]) {
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
