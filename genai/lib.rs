//! What is true of an agent, as pure code: dialects, usage, prices, steps, detectors, rules, content policy.
//!
//! No socket, no file, no clock, no YAML: time, tables and settings are handed in.

#![warn(missing_docs)]

pub mod content;
pub mod decisions;
pub mod detect;
pub mod dialects;
pub mod event_names;
mod fast_hash;
pub mod keys;
pub mod metric_names;
pub mod native_metrics;
pub mod prices;
pub mod record;
pub mod rules;
pub mod runs;
pub mod steps;
pub mod usage;
