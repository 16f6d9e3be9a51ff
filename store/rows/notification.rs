//! One row for each attempt to deliver an alert, from the `chaperone.notification` events of channel exporters.

use super::read::*;
use crate::cell::{kind::*, row};
use chaperone_genai::keys;
use chaperone_proto::RecordRef;

row! {
    /// One attempt.
    NotificationRow in "agent_notifications", "notifications" by at_ns {
        LowText tenant "Tenant",
        Time at_ns "At",
        Text alert_id "AlertId",
        Id record_id "RecordId",
        LowText channel "Channel",
        LowText outcome "Outcome",
        U8 attempt "Attempt",
        U32 latency_ms "LatencyMs",
        LowText error_type "ErrorType",
    }
}

impl<'a> NotificationRow<'a> {
    /// The row of one event.
    pub(crate) fn read(record: RecordRef<'a>) -> NotificationRow<'a> {
        let attrs = record.attrs();
        NotificationRow {
            tenant: own_or_resource(record, keys::CHAPERONE_TENANT),
            at_ns: timestamp(record),
            alert_id: text(attrs, keys::CHAPERONE_NOTIFICATION_ALERT_ID),
            record_id: record_id(record),
            channel: text(attrs, keys::CHAPERONE_NOTIFICATION_CHANNEL),
            outcome: text(attrs, keys::CHAPERONE_NOTIFICATION_OUTCOME),
            attempt: u16_or(attrs, keys::CHAPERONE_NOTIFICATION_ATTEMPT, 1).try_into().unwrap_or(u8::MAX),
            latency_ms: (float(attrs, keys::CHAPERONE_NOTIFICATION_LATENCY) * 1e3).round() as u32,
            error_type: text(attrs, keys::ERROR_TYPE),
        }
    }
}
