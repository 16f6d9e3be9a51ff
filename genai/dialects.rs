//! The dialects in which agents speak OTLP: who speaks (detection), what it means (mapping), how it is counted (settings).
//!
//! Tables in `genai/data/` hold what is data; code holds what a table cannot say.
//! Normalising is a function of one record: it reads no other record, no clock and no state.

mod settings;
mod table;

pub use settings::{CostFrom, EventNameAt, Inclusive, Settings, UsageAt, settings};
