//! What every exporter has in front of it: queue bounded by bytes, batching, retry, time-out.
//!
//! Exporters write none of this themselves; `timeout`, `retry_on_failure` and `sending_queue` are taken out of their
//! settings before they see them.

mod budget;
mod counters;
mod deliver;
mod health;
mod lane;
pub mod settings;
mod split;

pub(crate) use budget::{Budget, Full, Reservation};
pub(crate) use deliver::consume;
pub(crate) use lane::{Lane, LaneContext, Stage};
pub(crate) use settings::FrontSettings;
