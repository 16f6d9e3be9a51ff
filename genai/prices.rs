//! What model calls cost: the embedded price list, how its names are matched, and the arithmetic.
//!
//! The list is `data/prices.tsv`, written by `cargo xtask prices` from the data of genai-prices 0.2.3 (MIT).
//! It is read once, when first asked for, and keeps slices of its text.
//! Money is counted in integers (nano-USD) and rounded once.
//! A model that the list does not know has no price: that is not the same as costing nothing.
//!
//! Left out: prices of pages, seconds and hours of audio or video, characters, sessions of interpreters and storage by the day:
//! no telemetry reports such counts.

mod book;
mod clauses;
mod compact;
mod file;
mod genai_prices;
mod litellm;
mod lookup;
mod memo;
mod names;
mod pattern;
mod rates;
mod reckon;
mod regions;
mod table;

pub use book::{Place, PriceBook};
pub use compact::compact;
pub use file::{PriceFile, PriceFileError, read_price_file};
pub use lookup::{Found, ModelPrices};
pub use memo::{Asking, PairMemo};
pub use names::{Billing, billing, clean_model, same_model_key};
pub use rates::{Rate, RateKind, Rates};
pub use reckon::{Cost, Line, NanoUsd, PriceContext, Tokens, reckon, reckon_told};
pub use regions::{Region, Uplift};
pub use table::{PriceTable, VERSION, embedded};

#[cfg(test)]
mod calls_tests;
#[cfg(test)]
mod lists_tests;
#[cfg(test)]
mod tests;
