//! `service::telemetry::logs`: the settings, and the start of logging.
//!
//! Logs are for people and go to standard error unless told otherwise; there are no callers and no stack traces in them.

use super::json_lines::JsonLines;
use chaperone_config::{Duration, Problems};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

/// Logs of this process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LogsConfig {
    /// `debug`, `info`, `warn` or `error`.
    pub level: String,
    /// `console` for people, `json` for machines: one object a line with `level`, `ts`, `msg` and the fields.
    pub encoding: Encoding,
    /// Where they go: `stderr` or `stdout`.
    pub output_paths: Vec<String>,
    /// Fields of every line; JSON only.
    pub initial_fields: BTreeMap<String, Value>,
    /// Has no effect: what logging itself has to say goes to standard error.
    pub error_output_paths: Vec<String>,
    /// Has no effect.
    pub development: bool,
    /// Has no effect: logs have no callers.
    pub disable_caller: bool,
    /// Has no effect: logs have no stack traces.
    pub disable_stacktrace: bool,
    /// Has no effect: console lines have no resource.
    pub disable_zap_resource: bool,
    /// Leaving out repeated lines; every line is written here.
    pub sampling: SamplingConfig,
    /// Ways of export; not part of this version.
    pub processors: Vec<BTreeMap<String, Value>>,
}

/// What a line looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Encoding {
    /// For people.
    #[default]
    Console,
    /// For machines.
    Json,
}

/// Leaving out repeated lines.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SamplingConfig {
    /// Whether repeated lines are left out; only `false` for now.
    pub enabled: bool,
    /// Has no effect.
    pub tick: Duration,
    /// Has no effect.
    pub initial: u64,
    /// Has no effect.
    pub thereafter: u64,
}

impl Default for LogsConfig {
    fn default() -> Self {
        LogsConfig {
            level: "info".to_owned(),
            encoding: Encoding::Console,
            output_paths: vec!["stderr".to_owned()],
            initial_fields: BTreeMap::new(),
            error_output_paths: vec!["stderr".to_owned()],
            development: false,
            disable_caller: false,
            disable_stacktrace: false,
            disable_zap_resource: false,
            sampling: SamplingConfig::default(),
            processors: Vec::new(),
        }
    }
}

const LEVELS: [&str; 4] = ["debug", "info", "warn", "error"];

impl LogsConfig {
    /// Of a command that only speaks up when something is odd.
    pub fn of_level(level: &str) -> LogsConfig {
        LogsConfig { level: level.to_owned(), ..LogsConfig::default() }
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        if !LEVELS.iter().any(|known| known.eq_ignore_ascii_case(&self.level)) {
            let message = format!("unknown log level `{}`", self.level.escape_debug());
            problems.error_hint("level", message, "known here: `debug`, `info`, `warn`, `error`");
        }
        for (index, path) in self.output_paths.iter().enumerate().filter(|(_, path)| !is_output(path)) {
            let message = format!("logs cannot go to `{}`", path.escape_debug());
            problems.error_hint(&format!("output_paths[{index}]"), message, "`stderr` and `stdout` are known");
        }
        if self.output_paths.len() > 1 {
            problems.error("output_paths", "logs go to one place");
        }
        if self.sampling.enabled {
            problems.warning("sampling", "repeated lines are not left out: every line is written");
        }
        if !self.processors.is_empty() {
            problems.error("processors", "the export of own logs is not part of this version");
        }
    }
}

fn is_output(path: &str) -> bool {
    matches!(path, "stderr" | "stdout")
}

/// What became of logging: its level can be changed while it runs.
pub(crate) struct Logs {
    config: LogsConfig,
    set_filter: Box<dyn Fn(EnvFilter)>,
}

impl Logs {
    /// Follows a configuration that was read again: the level at once, the rest after a restart, which is said.
    pub fn follow(&mut self, config: &LogsConfig) {
        if config.level != self.config.level {
            (self.set_filter)(filter(&config.level));
        }
        let others = LogsConfig { level: self.config.level.clone(), ..config.clone() };
        if others != self.config {
            tracing::warn!("settings of `service::telemetry::logs` other than `level` take effect after a restart");
        }
        self.config = LogsConfig { level: config.level.clone(), ..self.config.clone() };
    }
}

fn filter(level: &str) -> EnvFilter {
    match std::env::var("RUST_LOG") {
        Ok(directives) if !directives.is_empty() => EnvFilter::new(directives),
        // What the transport says below `warn` is of no use to an operator.
        _ => EnvFilter::new(format!("{level},h2=warn,hyper=warn,hyper_util=warn,tonic=warn,tower=warn")),
    }
}

/// Starts logging, once a process. `RUST_LOG` wins over the level.
pub(crate) fn start_logs(config: &LogsConfig) -> Logs {
    let (writer, is_terminal) = match config.output_paths.first().map(String::as_str) {
        Some("stdout") => (BoxMakeWriter::new(io::stdout), io::stdout().is_terminal()),
        Some(_) => (BoxMakeWriter::new(io::stderr), io::stderr().is_terminal()),
        None => (BoxMakeWriter::new(io::sink), false),
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter(&config.level)).with_writer(writer);
    // Starting fails when a library user has set up logging: theirs stays. So does setting a filter that nobody uses.
    let set_filter: Box<dyn Fn(EnvFilter)> = match config.encoding {
        Encoding::Console => {
            let builder = builder.with_ansi(is_terminal).with_target(false).with_filter_reloading();
            let handle = builder.reload_handle();
            let _ = builder.try_init();
            Box::new(move |filter| drop(handle.reload(filter)))
        }
        Encoding::Json => {
            let fields: Map<String, Value> = config.initial_fields.clone().into_iter().collect();
            let builder = builder.event_format(JsonLines::new(fields)).with_filter_reloading();
            let handle = builder.reload_handle();
            let _ = builder.try_init();
            Box::new(move |filter| drop(handle.reload(filter)))
        }
    };
    Logs { config: config.clone(), set_filter }
}
