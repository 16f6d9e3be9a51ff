//! What became of a post, as a `chaperone.notification` record for `own_events`.

use super::payload::Alert;
use chaperone_genai::{event_names, keys};
use chaperone_pipeline::{Host, Now};
use chaperone_proto::LogsBuilder;

/// What became of one post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Delivery {
    /// Taken.
    Delivered,
    /// Not this time; the front decides when to try again. Holds `error.type`.
    Failed(String),
    /// Refused for good. Holds `error.type`.
    Refused(String),
}

/// Reports one post of `alert` that began at `began`.
pub(super) fn report(host: &Host, alert: &Alert, attempt: u32, began: Now, delivery: &Delivery) {
    let now = host.clock().now();
    let latency = now.mono.saturating_sub(began.mono).as_secs_f64();
    let channel = host.id().to_string();
    let (outcome, error, severity) = match delivery {
        Delivery::Delivered => ("delivered", None, (9, "INFO")),
        Delivery::Failed(error) => ("failed", Some(error), (13, "WARN")),
        Delivery::Refused(error) => ("refused", Some(error), (17, "ERROR")),
    };
    let mut logs = LogsBuilder::new(&[], "chaperone");
    let mut record = logs.record(now.unix_ns);
    record
        .event_name(event_names::NOTIFICATION)
        .severity(severity.0, severity.1)
        .body(&format!("alert {} through {channel}: {outcome}", alert.id))
        .attr(keys::CHAPERONE_NOTIFICATION_ALERT_ID, alert.id.as_str())
        .attr(keys::CHAPERONE_NOTIFICATION_CHANNEL, channel.as_str())
        .attr(keys::CHAPERONE_NOTIFICATION_OUTCOME, outcome)
        .attr(keys::CHAPERONE_NOTIFICATION_ATTEMPT, i64::from(attempt))
        .attr(keys::CHAPERONE_NOTIFICATION_LATENCY, latency);
    if let Some(error) = error {
        record.attr(keys::ERROR_TYPE, error.as_str());
    }
    drop(record);
    host.report(logs.finish());
}
