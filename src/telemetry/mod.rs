//! `service::telemetry`: what logs look like and where they go, and where own metrics are exposed.
//!
//! The shape is the Collector's. What would export own telemetry over OTLP is refused by name, what would only be left out
//! is warned of; settings that change nothing here are accepted, so that a configuration need not be changed for them.

mod json_lines;
mod logs;

pub(crate) use logs::{Logs, LogsConfig, start_logs};

use chaperone_config::{Problems, UserConfig};
use chaperone_pipeline::{Level, Naming};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Anything;
use std::collections::BTreeMap;

/// What this process tells about itself.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TelemetryConfig {
    /// Logs on standard error.
    pub logs: LogsConfig,
    /// Own metrics.
    pub metrics: MetricsConfig,
    /// Own traces: none are made.
    pub traces: TracesConfig,
    /// Attributes of `target_info`; an empty one removes a default (`service.name`, `service.version`, `service.instance.id`).
    pub resource: BTreeMap<String, Option<String>>,
}

/// Own metrics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct MetricsConfig {
    /// `none`, `basic`, `normal` or `detailed`; `none` exposes nothing, `basic` leaves out the figures of `batch`, `detailed`
    /// adds durations, sizes, and causes of failures.
    pub level: String,
    /// Where they are exposed.
    pub readers: Vec<Reader>,
    /// Changes of names and labels; not part of this version.
    pub views: Vec<BTreeMap<String, Anything>>,
}

/// Own traces: none are made.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TracesConfig {
    /// Has no effect.
    pub level: String,
    /// Has no effect.
    pub propagators: Vec<String>,
    /// Ways of export; not part of this version.
    pub processors: Vec<BTreeMap<String, Anything>>,
    /// Has no effect.
    pub sampler: Option<BTreeMap<String, Anything>>,
    /// Has no effect.
    pub limits: Option<BTreeMap<String, Anything>>,
}

/// One way to read own metrics.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Reader {
    /// Whoever wants them asks for them.
    pub pull: Pull,
    /// Sends them on, over OTLP or to the console; not part of this version.
    pub periodic: Option<BTreeMap<String, Anything>>,
}

/// Whoever wants them asks for them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Pull {
    /// In which form.
    pub exporter: PullExporter,
}

/// In which form.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PullExporter {
    /// Prometheus text at `/metrics`.
    pub prometheus: Prometheus,
}

/// Prometheus text at `/metrics`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Prometheus {
    /// Host to listen on.
    pub host: String,
    /// Port to listen on; 0 lets the system choose, and it is printed.
    pub port: u16,
    /// Leaves out the labels of the scope: `otel_scope_name`, `otel_scope_schema_url`, `otel_scope_version`.
    pub without_scope_info: bool,
    /// Leaves units out of names: `_seconds`, `_bytes`.
    pub without_units: bool,
    /// Leaves `_total` out of the names of counters.
    pub without_type_suffix: bool,
    /// Attributes of the resource that stand on every series, not on `target_info` alone.
    pub with_resource_constant_labels: Option<ConstantLabels>,
}

/// Attributes of the resource by name; no patterns.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ConstantLabels {
    /// Names that are taken.
    pub included: Vec<String>,
    /// Names that are not taken, whatever `included` says.
    pub excluded: Vec<String>,
}

impl Default for MetricsConfig {
    fn default() -> Self {
        MetricsConfig { level: "normal".to_owned(), readers: vec![Reader::default()], views: Vec::new() }
    }
}

impl Default for Prometheus {
    fn default() -> Self {
        Prometheus {
            host: "localhost".to_owned(),
            port: 8888,
            without_scope_info: true,
            without_units: true,
            without_type_suffix: true,
            with_resource_constant_labels: None,
        }
    }
}

impl UserConfig for TelemetryConfig {
    fn check(&self, problems: &mut Problems) {
        problems.within("logs", |problems| self.logs.check(problems));
        if !self.traces.processors.is_empty() {
            problems.error("traces.processors", "own traces are not part of this version");
        }
        if !self.metrics.views.is_empty() && !self.metrics.level.eq_ignore_ascii_case("detailed") {
            problems.error("metrics.views", "`views` can be set only when the level is `detailed`");
        } else if !self.metrics.views.is_empty() {
            problems.error("metrics.views", "`views` are not part of this version");
        }
        for (number, _) in self.metrics.readers.iter().enumerate().filter(|(_, reader)| reader.periodic.is_some()) {
            let hint = "Prometheus asks for them at localhost:8888 when `readers` is left out, or where a `pull` reader says";
            problems.error_hint(
                &format!("metrics.readers[{number}].periodic"),
                "own metrics are not sent on in this version",
                hint,
            );
        }
        if self.metrics.level.parse::<Level>().is_err() {
            let message = format!("unknown metrics level `{}`", self.metrics.level.escape_debug());
            problems.error_hint("metrics.level", message, "known here: `none`, `basic`, `normal`, `detailed`");
        } else if self.metrics.readers.is_empty() && self.metrics.exposed() {
            let hint = "leave `readers` out for localhost:8888, or set the level to `none`";
            problems.error_hint("metrics.readers", "a reader must exist when the metrics level is not `none`", hint);
        }
    }
}

impl Prometheus {
    /// How names are written out for this reader.
    pub fn naming(&self, resource: &[(String, String)]) -> Naming {
        let is_taken = |name: &String| {
            self.with_resource_constant_labels.as_ref().is_some_and(|wanted| {
                wanted.included.iter().any(|included| included == name)
                    && !wanted.excluded.iter().any(|excluded| excluded == name)
            })
        };
        let constant = resource.iter().filter(|(name, _)| is_taken(name));
        Naming {
            units: !self.without_units,
            types: !self.without_type_suffix,
            scope: (!self.without_scope_info).then_some(env!("CARGO_PKG_VERSION")),
            constant: constant.map(|(name, value)| (label(name), value.clone())).collect(),
        }
    }
}

/// A name of a resource attribute as a label.
pub(crate) fn label(name: &str) -> String {
    name.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}

impl MetricsConfig {
    /// Whether own metrics are exposed at all.
    pub fn exposed(&self) -> bool {
        self.level() != Level::None
    }
    /// How much is told.
    pub fn level(&self) -> Level {
        self.level.parse().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaperone_config::{Node, parse_settings};

    fn read(text: &str) -> Result<TelemetryConfig, String> {
        let node = Node::parse(text, "c.yaml").unwrap();
        parse_settings(&node, "service.telemetry").map_err(|problems| problems.to_string())
    }

    #[test]
    fn a_reader_that_sends_own_metrics_on_is_refused_by_name() {
        let problems = read("metrics: {readers: [{periodic: {exporter: {otlp: {protocol: grpc}}}}]}").unwrap_err();
        assert!(problems.contains("own metrics are not sent on in this version"), "{problems}");
        assert!(problems.contains("service.telemetry.metrics.readers[0].periodic"), "{problems}");
    }

    #[test]
    fn own_metrics_are_exposed_at_the_collectors_address_by_default() {
        let config = read("").unwrap();
        let prometheus = &config.metrics.readers[0].pull.exporter.prometheus;
        assert_eq!((prometheus.host.as_str(), prometheus.port), ("localhost", 8888));
        assert!(config.metrics.exposed());
        assert!(!read("metrics: {level: None}").unwrap().metrics.exposed());
    }

    #[test]
    fn a_reader_of_the_users_own_keeps_the_other_defaults() {
        let config = read("metrics: {readers: [{pull: {exporter: {prometheus: {port: 0}}}}]}").unwrap();
        let prometheus = &config.metrics.readers[0].pull.exporter.prometheus;
        assert_eq!((prometheus.host.as_str(), prometheus.port), ("localhost", 0));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let message = read("logs: {level: loud}\nmetrics:\n  readers: []\n").unwrap_err();
        assert_eq!(
            message,
            "error: unknown log level `loud`\n  --> c.yaml:1:15  service.telemetry.logs.level\n  \
             hint: known here: `debug`, `info`, `warn`, `error`\n\
             error: a reader must exist when the metrics level is not `none`\n  --> c.yaml:3:3  service.telemetry.metrics.readers\n  \
             hint: leave `readers` out for localhost:8888, or set the level to `none`"
        );
        assert!(read("metrics: {address: x}").unwrap_err().starts_with("error: unknown key `address`"));
    }
}
