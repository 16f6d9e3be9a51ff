//! What every exporter has in front of it: queue bounded by bytes, batching, retry, time-out, circuit breaker.
//!
//! Exporters write none of this themselves; `timeout`, `retry_on_failure`, `sending_queue` and `circuit_breaker` are taken
//! out of their settings before they see them.

mod breaker;
mod budget;
#[cfg(test)]
mod contract;
mod counters;
mod deliver;
mod health;
mod lane;
mod lines;
mod queue_settings;
mod retry_settings;
pub mod settings;
mod split;
mod waiting;

pub(crate) use budget::{Budget, Full, Reservation};
pub(crate) use deliver::consume;
pub(crate) use lane::{Lane, LaneContext, Stage};
pub(crate) use settings::FrontSettings;
