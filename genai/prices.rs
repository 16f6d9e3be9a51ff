//! What model calls cost: the embedded price list, how its names are matched, and the arithmetic.
//!
//! The list is `data/prices.tsv`, written by `data/prices_convert.py` from the published package genai-prices 0.2.3 (MIT).
//! It is read once, when first asked for, and keeps slices of its text.
//! Money is counted in integers (nano-USD) and rounded once.
//! A model that the list does not know has no price: that is not the same as costing nothing.
//!
//! Left out: prices of pages, searches, seconds of audio and characters, which telemetry does not report as tokens.

mod lookup;
mod names;
mod pattern;
mod rates;
mod reckon;
mod table;

pub use lookup::{Found, ModelPrices};
pub use names::{Billing, billing, clean_model, same_model_key};
pub use rates::{Rate, RateKind, Rates};
pub use reckon::{Cost, NanoUsd, PriceContext, Tokens, reckon};
pub use table::{PriceTable, VERSION, embedded};

#[cfg(test)]
mod tests;
