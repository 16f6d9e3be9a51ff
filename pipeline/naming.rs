//! How names of own metrics are written out: with or without unit, type and scope, as a reader's settings say.
//!
//! The rules are those of OpenTelemetry's Prometheus exposition: a unit is spelt out and appended unless the name has it
//! already, sums that only grow end in `_total`, and labels of the scope stand on every series.

use crate::exposition::{Family, FamilyType};
use crate::own_names;

/// What is added to names and series.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Naming {
    /// Appends `_seconds`, `_bytes`.
    pub units: bool,
    /// Appends `_total` to counters.
    pub types: bool,
    /// Labels every series with the scope of this version.
    pub scope: Option<&'static str>,
    /// Further labels of every series.
    pub constant: Vec<(String, String)>,
}

/// The name of our scope.
const SCOPE: &str = "chaperone";

impl Naming {
    /// Renames and labels families; whoever is `target_info` stays as it is.
    pub fn apply(&self, families: &mut [Family]) {
        if *self == Naming::default() {
            return;
        }
        for family in families.iter_mut().filter(|family| family.name != "target_info") {
            if self.units {
                let unit = own_names::find(&family.name).map_or("", |known| known.unit);
                append(&mut family.name, unit_word(unit));
            }
            if self.types && family.kind == FamilyType::Counter {
                append(&mut family.name, "total");
            }
            for sample in &mut family.samples {
                if let Some(version) = self.scope {
                    let scope = [("otel_scope_name", SCOPE), ("otel_scope_schema_url", ""), ("otel_scope_version", version)];
                    sample.labels.extend(scope.map(|(key, value)| (key.to_owned(), value.to_owned())));
                }
                sample.labels.extend(self.constant.iter().cloned());
            }
        }
    }
}

fn append(name: &mut String, word: &str) {
    if !word.is_empty() && !name.strip_suffix(word).is_some_and(|rest| rest.ends_with('_')) {
        name.push('_');
        name.push_str(word);
    }
}

fn unit_word(unit: &str) -> &'static str {
    match unit {
        "s" => "seconds",
        "By" => "bytes",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::Sample;

    fn named(name: &str, kind: FamilyType, naming: &Naming) -> (String, Vec<(String, String)>) {
        let samples = vec![Sample::plain(vec![("a".into(), "b".into())], 1.0)];
        let mut families = [Family { name: name.into(), help: String::new(), kind, samples }];
        naming.apply(&mut families);
        let [family] = families;
        (family.name, family.samples[0].labels.clone())
    }

    #[test]
    fn suffixes_are_those_that_the_collector_writes() {
        let all = Naming { units: true, types: true, ..Naming::default() };
        for (name, kind, written) in [
            ("otelcol_receiver_accepted_spans", FamilyType::Counter, "otelcol_receiver_accepted_spans_total"),
            ("otelcol_process_cpu_seconds", FamilyType::Counter, "otelcol_process_cpu_seconds_total"),
            ("otelcol_process_uptime", FamilyType::Counter, "otelcol_process_uptime_seconds_total"),
            ("otelcol_process_memory_rss", FamilyType::Gauge, "otelcol_process_memory_rss_bytes"),
            ("otelcol_exporter_queue_size", FamilyType::Gauge, "otelcol_exporter_queue_size"),
            ("http_server_request_duration", FamilyType::Histogram, "http_server_request_duration_seconds"),
            ("promhttp_metric_handler_errors_total", FamilyType::Counter, "promhttp_metric_handler_errors_total"),
            ("target_info", FamilyType::Gauge, "target_info"),
        ] {
            assert_eq!(named(name, kind, &all).0, written);
            assert_eq!(named(name, kind, &Naming::default()).0, name);
        }
    }

    #[test]
    fn scope_and_constant_labels_stand_on_every_series() {
        let constant = vec![("service_name".to_owned(), "x".to_owned())];
        let naming = Naming { scope: Some("1.2"), constant, ..Naming::default() };
        let labels = named("otelcol_exporter_queue_size", FamilyType::Gauge, &naming).1;
        let keys: Vec<&str> = labels.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["a", "otel_scope_name", "otel_scope_schema_url", "otel_scope_version", "service_name"]);
    }
}
