//! What every exporter has in front of it: queue bounded by bytes, batching, retry, time-out.
//!
//! Exporters write none of this themselves; `timeout`, `retry_on_failure` and `sending_queue` are taken out of their
//! settings before they see them.

mod budget;

pub(crate) use budget::{Budget, Reservation};
