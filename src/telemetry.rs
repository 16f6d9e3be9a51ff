//! `service::telemetry`: the level of the logs, and where own metrics are exposed.
//!
//! The shape is the Collector's; what is not here yet (OTLP readers, traces of its own, JSON logs) is an unknown key.

use chaperone_config::{Problems, UserConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// What this process tells about itself.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TelemetryConfig {
    /// Logs on standard error.
    pub logs: LogsConfig,
    /// Own metrics.
    pub metrics: MetricsConfig,
    /// Attributes of `target_info`; an empty one removes a default (`service.name`, `service.version`, `service.instance.id`).
    pub resource: BTreeMap<String, Option<String>>,
}

/// Logs on standard error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LogsConfig {
    /// `debug`, `info`, `warn` or `error`.
    pub level: String,
}

/// Own metrics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct MetricsConfig {
    /// `none`, `basic`, `normal` or `detailed`; `none` exposes nothing, the others are the same for now.
    pub level: String,
    /// Where they are exposed.
    pub readers: Vec<Reader>,
}

/// One way to read own metrics.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Reader {
    /// Whoever wants them asks for them.
    pub pull: Pull,
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
    /// Leaves out labels of the scope; only `true` for now.
    pub without_scope_info: bool,
    /// Leaves units out of names; only `true` for now.
    pub without_units: bool,
    /// Leaves `_total` out of names; only `true` for now.
    pub without_type_suffix: bool,
}

impl Default for LogsConfig {
    fn default() -> Self {
        LogsConfig { level: "info".to_owned() }
    }
}

impl Default for MetricsConfig {
    fn default() -> Self {
        MetricsConfig { level: "normal".to_owned(), readers: vec![Reader::default()] }
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
        }
    }
}

const LOG_LEVELS: [&str; 4] = ["debug", "info", "warn", "error"];
const METRIC_LEVELS: [&str; 4] = ["none", "basic", "normal", "detailed"];

impl UserConfig for TelemetryConfig {
    fn check(&self, problems: &mut Problems) {
        let known = |levels: &[&str], level: &str| levels.iter().any(|known| known.eq_ignore_ascii_case(level));
        if !known(&LOG_LEVELS, &self.logs.level) {
            let message = format!("unknown log level `{}`", self.logs.level.escape_debug());
            problems.error_hint("logs.level", message, "known here: `debug`, `info`, `warn`, `error`");
        }
        if !known(&METRIC_LEVELS, &self.metrics.level) {
            let message = format!("unknown metrics level `{}`", self.metrics.level.escape_debug());
            problems.error_hint("metrics.level", message, "known here: `none`, `basic`, `normal`, `detailed`");
        } else if self.metrics.readers.is_empty() && self.metrics.exposed() {
            let hint = "leave `readers` out for localhost:8888, or set the level to `none`";
            problems.error_hint("metrics.readers", "a reader must exist when the metrics level is not `none`", hint);
        }
        for (index, reader) in self.metrics.readers.iter().enumerate() {
            let Prometheus { without_scope_info, without_units, without_type_suffix, .. } = reader.pull.exporter.prometheus;
            let switches = [
                ("without_scope_info", without_scope_info),
                ("without_units", without_units),
                ("without_type_suffix", without_type_suffix),
            ];
            for (name, _) in switches.iter().filter(|(_, on)| !on) {
                let path = format!("metrics.readers[{index}].pull.exporter.prometheus.{name}");
                problems.error(&path, format!("`{name}: false` is not supported yet"));
            }
        }
    }
}

impl MetricsConfig {
    /// Whether own metrics are exposed at all.
    pub fn exposed(&self) -> bool {
        !self.level.eq_ignore_ascii_case("none")
    }
}

/// Starts logging to standard error, once a process. `RUST_LOG` wins over `level`.
///
/// Standard error is for people: time, level, message, fields; colours only on a terminal.
pub(crate) fn start_logs(level: &str) {
    let filter = match std::env::var("RUST_LOG") {
        Ok(directives) if !directives.is_empty() => EnvFilter::new(directives),
        // What the transport says below `warn` is of no use to an operator.
        _ => EnvFilter::new(format!("{level},h2=warn,hyper=warn,hyper_util=warn,tonic=warn,tower=warn")),
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // It fails when a library user has set up logging: theirs stays.
    let _ = builder.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init();
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
