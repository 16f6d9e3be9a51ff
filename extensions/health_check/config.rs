//! Settings of the `health_check` extension: the Collector's keys, those of its second version among them.

use chaperone_config::{Duration, Endpoint, Optional, Problems, ServerTls, Transport, UserConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the extension.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address to listen on: `host:port`, or the path of a Unix socket.
    pub endpoint: Endpoint,
    /// Kind of socket: `tcp`, `tcp4`, `tcp6` or `unix`.
    pub transport: Transport,
    /// TLS; clear text when it is left out.
    pub tls: Optional<ServerTls>,
    /// Where the collector's health is answered. `/` is every path.
    pub path: String,
    /// Texts to answer with instead of JSON.
    pub response_body: Optional<ResponseBody>,
    /// Accepted without effect, as in the Collector.
    pub check_collector_pipeline: CheckCollectorPipeline,
    /// Answers as the second version does, with `http` in place of `endpoint` and `path`. Writing `http` does the same.
    pub use_v2: bool,
    /// The pages of the second version: health of single components and pipelines.
    pub http: Optional<Http>,
    /// Which errors of components make the collector unhealthy in the answers of `http`. None does when it is left out.
    pub component_health: Optional<ComponentHealth>,
}

/// Texts to answer with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ResponseBody {
    /// While the collector is ready.
    pub healthy: String,
    /// Before it is ready, and while it stops.
    pub unhealthy: String,
}

/// A check of deliveries that the Collector does not make any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CheckCollectorPipeline {
    /// Without effect.
    pub enabled: bool,
    /// Without effect.
    pub interval: String,
    /// Without effect.
    pub exporter_failure_threshold: u32,
}

impl Default for CheckCollectorPipeline {
    fn default() -> Self {
        CheckCollectorPipeline { enabled: false, interval: "5m".to_owned(), exporter_failure_threshold: 5 }
    }
}

/// The pages of the second version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Address to listen on: `host:port`, or the path of a Unix socket.
    pub endpoint: Endpoint,
    /// Kind of socket: `tcp`, `tcp4`, `tcp6` or `unix`.
    pub transport: Transport,
    /// TLS; clear text when it is left out.
    pub tls: Optional<ServerTls>,
    /// Health of the collector, with `?pipeline=traces` of one pipeline, with `?verbose` of each component.
    pub status: StatusPage,
    /// The configuration in force as JSON, without secrets.
    pub config: ConfigPage,
}

/// Where health is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StatusPage {
    /// Whether the page is there.
    pub enabled: bool,
    /// Its path.
    pub path: String,
    /// Accepted without effect: no component has attributes to tell.
    pub include_attributes: bool,
}

/// Where the configuration is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConfigPage {
    /// Whether the page is there.
    pub enabled: bool,
    /// Its path.
    pub path: String,
}

/// What makes the collector unhealthy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ComponentHealth {
    /// A component that will not work again by itself.
    pub include_permanent_errors: bool,
    /// A component that has been failing for longer than `recovery_duration`.
    pub include_recoverable_errors: bool,
    /// How long a component may fail before that counts.
    pub recovery_duration: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            endpoint: Endpoint::new("localhost:13133"),
            transport: Transport::Tcp,
            tls: Optional::Absent,
            path: "/".to_owned(),
            response_body: Optional::Absent,
            check_collector_pipeline: CheckCollectorPipeline::default(),
            use_v2: false,
            http: Optional::Absent,
            component_health: Optional::Absent,
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        Http {
            endpoint: Endpoint::new("localhost:13133"),
            transport: Transport::Tcp,
            tls: Optional::Absent,
            status: StatusPage::default(),
            config: ConfigPage::default(),
        }
    }
}

impl Default for StatusPage {
    fn default() -> Self {
        StatusPage { enabled: true, path: "/status".to_owned(), include_attributes: false }
    }
}

impl Default for ConfigPage {
    fn default() -> Self {
        ConfigPage { enabled: false, path: "/config".to_owned() }
    }
}

impl Default for ComponentHealth {
    fn default() -> Self {
        ComponentHealth {
            include_permanent_errors: false,
            include_recoverable_errors: false,
            recovery_duration: Duration::from_secs(60),
        }
    }
}

impl Config {
    /// The second version's pages, if they are asked for.
    pub(super) fn second(&self) -> Option<Http> {
        self.http.get().cloned().or_else(|| self.use_v2.then(Http::default))
    }
}

const REQUIRED: &str = "http endpoint required";
const PATH: &str = "path must start with /";

impl UserConfig for Config {
    fn check(&self, problems: &mut Problems) {
        if self.check_collector_pipeline.enabled {
            let message = "has no effect any more: `http` with `component_health` tells of exporters that fail";
            problems.warning("check_collector_pipeline", message);
        }
        let Some(http) = self.second() else {
            if self.endpoint.as_str().is_empty() {
                problems.error("endpoint", REQUIRED);
            }
            if !self.path.starts_with('/') {
                problems.error("path", PATH);
            }
            if let Some(tls) = self.tls.get() {
                problems.within("tls", |problems| tls.check(problems));
            }
            if self.component_health.is_present() {
                problems.warning("component_health", "has no effect without `http`");
            }
            return;
        };
        if http.endpoint.as_str().is_empty() {
            problems.error("http.endpoint", REQUIRED);
        }
        if http.status.enabled && !http.status.path.starts_with('/') {
            problems.error("http.status.path", PATH);
        }
        if http.config.enabled && !http.config.path.starts_with('/') {
            problems.error("http.config.path", PATH);
        }
        if let Some(tls) = http.tls.get() {
            problems.within("http.tls", |problems| tls.check(problems));
        }
        let default = Config::default();
        if self.endpoint != default.endpoint || self.path != default.path || self.response_body.is_present() {
            problems.warning("", "`endpoint`, `path` and `response_body` have no effect beside `http`");
        }
    }
}
