//! Rules: when something that is known about agents becomes an alert, and when the alert is over.
//!
//! A rule file holds groups of rules; the connector `agent_rules` reads the YAML and hands typed rules in.
//! `when` reads detectors' findings for now: `detector('loop').repeats >= 4`, joined by `&&` and `||`.
//! State is one instance a rule and key; its life is inactive, pending, firing, resolved.
//! The surprise: a silent detector is no missing data; what a finding does not know is (`no_data`).

pub mod alert;
pub mod engine;
pub mod expression;
mod expression_parser;
pub mod instance;
pub mod model;
pub mod notify;
pub mod template;

#[cfg(test)]
mod tests;

pub use alert::{Alert, State};
pub use engine::{Engine, EngineSettings};
pub use expression::Expression;
pub use model::{Aggregate, Enabled, Group, Let, NoData, Rule, TestFile};
pub use notify::{Ledger, Verdict};
pub use template::Template;

/// The rules that come with the program, as a rule file (`builtin:presets`).
pub const PRESETS: &str = include_str!("../data/presets.yaml");
