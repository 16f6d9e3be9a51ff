//! What a record says about tokens, made canonical, and which record of a call owns them.
//!
//! One model call reaches us up to four times: as spans of two instrumentations, as a log, and again when a client retries.
//! [`tokens`](Reported) evens out what "input" includes; [`role`] says what a record is for counting; [`Window`] decides, first come
//! first counted, which record owns the tokens of a call; [`totals`](Totals) adds up what was decided.
//!
//! Nothing here knows prices, and nothing revises a decision.

mod cost;
mod estimate;
mod identity;
pub mod journal;
mod links;
mod role;
mod same_call;
mod siblings;
mod tokens;
mod totals;
mod window;
mod write;

pub use cost::{CostSource, Costed, Costing, OwnPrice, context_ratio, cost, cost_told, costed};
pub use estimate::{estimate, estimate_text};
pub use identity::Identity;
pub use links::TraceLinks;
pub use role::{Role, role};
pub use same_call::{Call, Senders, model_hash, text_hash, usage_of};
pub use tokens::{Basis, BasisReason, Reported, Usage, basis_reason, canonical};
pub use totals::Totals;
pub use window::{Decision, MatchRule, Verdict, Window};
pub use write::{write, write_estimate};

#[cfg(test)]
mod tests;
#[cfg(test)]
mod totals_tests;
#[cfg(test)]
mod window_tests;
