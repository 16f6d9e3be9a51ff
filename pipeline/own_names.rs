//! The Collector's own metrics that we serve: their units, and from which level on they are shown.
//!
//! Names are the Collector's without suffixes, as its default exposition writes them. `docs/own-metrics.md` has the same list
//! for readers, and those that are absent with the reason.

use std::fmt;
use std::str::FromStr;

/// How much is told about itself: `service::telemetry::metrics::level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[repr(u8)]
pub enum Level {
    /// Nothing.
    None,
    /// Without the figures of the `batch` processor.
    Basic,
    /// Without durations, sizes, and causes of failures.
    #[default]
    Normal,
    /// Everything.
    Detailed,
}

const LEVELS: [(Level, &str); 4] =
    [(Level::None, "none"), (Level::Basic, "basic"), (Level::Normal, "normal"), (Level::Detailed, "detailed")];

impl Level {
    pub(crate) fn of(number: u8) -> Level {
        LEVELS.get(usize::from(number)).map_or(Level::Normal, |(level, _)| *level)
    }
}

impl FromStr for Level {
    type Err = UnknownLevel;
    /// In any case of letters.
    fn from_str(text: &str) -> Result<Level, UnknownLevel> {
        let found = LEVELS.iter().find(|(_, name)| name.eq_ignore_ascii_case(text));
        found.map(|(level, _)| *level).ok_or_else(|| UnknownLevel(text.to_owned()))
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(LEVELS[*self as usize].1)
    }
}

/// No level is called this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown metrics level `{0}`")]
pub struct UnknownLevel(String);

/// One of the Collector's metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnName {
    /// Without suffixes of unit and type.
    pub name: &'static str,
    /// In UCUM: `s`, `By`; what is in braces is a note and no part of a name.
    pub unit: &'static str,
    /// Shown from this level on.
    pub level: Level,
}

/// What is known of a name; `None` for those that are ours alone.
pub fn find(name: &str) -> Option<&'static OwnName> {
    ALL.iter().find(|known| known.name == name)
}

const fn name(name: &'static str, unit: &'static str, level: Level) -> OwnName {
    OwnName { name, unit, level }
}
const fn basic(named: &'static str, unit: &'static str) -> OwnName {
    name(named, unit, Level::Basic)
}
const fn detailed(named: &'static str, unit: &'static str) -> OwnName {
    name(named, unit, Level::Detailed)
}

/// Every one, by part of the Collector.
pub const ALL: &[OwnName] = &[
    basic("otelcol_receiver_accepted_spans", "{span}"),
    basic("otelcol_receiver_accepted_metric_points", "{datapoint}"),
    basic("otelcol_receiver_accepted_log_records", "{record}"),
    basic("otelcol_receiver_refused_spans", "{span}"),
    basic("otelcol_receiver_refused_metric_points", "{datapoint}"),
    basic("otelcol_receiver_refused_log_records", "{record}"),
    basic("otelcol_receiver_failed_spans", "{span}"),
    basic("otelcol_receiver_failed_metric_points", "{datapoint}"),
    basic("otelcol_receiver_failed_log_records", "{record}"),
    basic("otelcol_processor_incoming_items", "{item}"),
    basic("otelcol_processor_outgoing_items", "{item}"),
    detailed("otelcol_processor_internal_duration", "s"),
    name("otelcol_processor_batch_batch_send_size", "{unit}", Level::Normal),
    detailed("otelcol_processor_batch_batch_send_size_bytes", "By"),
    name("otelcol_processor_batch_batch_size_trigger_send", "{time}", Level::Normal),
    name("otelcol_processor_batch_timeout_trigger_send", "{time}", Level::Normal),
    name("otelcol_processor_batch_metadata_cardinality", "{combination}", Level::Normal),
    basic("otelcol_processor_memory_limiter_accepted_spans", "{span}"),
    basic("otelcol_processor_memory_limiter_accepted_metric_points", "{datapoint}"),
    basic("otelcol_processor_memory_limiter_accepted_log_records", "{record}"),
    basic("otelcol_processor_memory_limiter_refused_spans", "{span}"),
    basic("otelcol_processor_memory_limiter_refused_metric_points", "{datapoint}"),
    basic("otelcol_processor_memory_limiter_refused_log_records", "{record}"),
    basic("otelcol_processor_probabilistic_sampler_count_traces_sampled", "{trace}"),
    basic("otelcol_processor_probabilistic_sampler_count_logs_sampled", "{record}"),
    basic("otelcol_exporter_sent_spans", "{span}"),
    basic("otelcol_exporter_sent_metric_points", "{datapoint}"),
    basic("otelcol_exporter_sent_log_records", "{record}"),
    basic("otelcol_exporter_send_failed_spans", "{span}"),
    basic("otelcol_exporter_send_failed_metric_points", "{datapoint}"),
    basic("otelcol_exporter_send_failed_log_records", "{record}"),
    basic("otelcol_exporter_enqueue_failed_spans", "{span}"),
    basic("otelcol_exporter_enqueue_failed_metric_points", "{datapoint}"),
    basic("otelcol_exporter_enqueue_failed_log_records", "{record}"),
    basic("otelcol_exporter_queue_size", "{batch}"),
    basic("otelcol_exporter_queue_capacity", "{batch}"),
    basic("otelcol_exporter_in_flight_requests", "{request}"),
    detailed("otelcol_exporter_enqueue_size", "{unit}"),
    detailed("otelcol_exporter_enqueue_size_bytes", "By"),
    detailed("otelcol_exporter_queue_batch_send_size", "{unit}"),
    detailed("otelcol_exporter_queue_batch_send_size_bytes", "By"),
    basic("otelcol_process_cpu_seconds", "s"),
    basic("otelcol_process_memory_rss", "By"),
    basic("otelcol_process_uptime", "s"),
    basic("otelcol_process_runtime_heap_alloc_bytes", "By"),
    basic("otelcol_process_runtime_total_sys_memory_bytes", "By"),
    detailed("http_server_request_duration", "s"),
    detailed("http_server_request_body_size", "By"),
    detailed("http_server_response_body_size", "By"),
    detailed("http_client_request_duration", "s"),
    detailed("http_client_request_body_size", "By"),
    detailed("rpc_server_call_duration", "s"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_in_any_case_and_ordered() {
        assert_eq!("Detailed".parse(), Ok(Level::Detailed));
        assert_eq!("x".parse::<Level>().unwrap_err().to_string(), "unknown metrics level `x`");
        assert!(Level::None < Level::Basic && Level::Basic < Level::Normal && Level::Normal < Level::Detailed);
        for (level, name) in LEVELS {
            assert_eq!((level.to_string().as_str(), Level::of(level as u8)), (name, level));
        }
    }

    #[test]
    fn no_name_is_listed_twice() {
        for (index, one) in ALL.iter().enumerate() {
            assert!(ALL[..index].iter().all(|before| before.name != one.name), "{}", one.name);
        }
    }
}
