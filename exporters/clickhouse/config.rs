//! Settings of the `clickhouse` exporter: names and defaults of the Collector's own, where the meaning is the same.

use chaperone_config::{ClientTls, Duration, Problems, Secret, UserConfig};
use chaperone_net::tls::presence;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the `clickhouse` exporter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The server's HTTP interface: `http://host:8123`, or `https://host:8443`.
    pub endpoint: String,
    /// User; the server's own default when empty.
    pub username: String,
    /// Password of the user.
    pub password: Secret,
    /// Database of all tables.
    pub database: String,
    /// Table of spans. The look-up by trace id is named after it.
    pub traces_table_name: String,
    /// How long rows are kept, from their own time; 0 keeps them for ever. Only for tables that this exporter makes.
    pub ttl: Duration,
    /// Makes the database and the tables when they are missing. The collector then starts only when the server answers.
    pub create_schema: bool,
    /// How blocks are compressed on their way: `lz4` or `none`.
    pub compress: Compress,
    /// TLS of an `https://` address.
    pub tls: ClientTls,
}

/// How blocks are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compress {
    /// Fast.
    Lz4,
    /// Not at all.
    None,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            username: String::new(),
            password: Secret::default(),
            database: "default".to_owned(),
            traces_table_name: "otel_traces".to_owned(),
            ttl: Duration::default(),
            create_schema: true,
            compress: Compress::Lz4,
            tls: ClientTls::default(),
        }
    }
}

const HINT: &str = "the HTTP interface is used: `http://localhost:8123`";

impl UserConfig for Config {
    fn check(&self, problems: &mut Problems) {
        match self.endpoint.split_once("://") {
            None if self.endpoint.is_empty() => problems.error_hint("endpoint", "must be specified", HINT),
            None => problems.error_hint("endpoint", format!("`{}` has no scheme", self.endpoint), HINT),
            Some(("http" | "https", host)) if host.contains(['?', '#']) => {
                problems.error_hint("endpoint", "parameters are not read from the address", "use the settings of the same names");
            }
            Some(("http" | "https", host)) if !host.trim_end_matches('/').is_empty() => {}
            Some((scheme, _)) => problems.error_hint("endpoint", format!("`{scheme}://` is not spoken"), HINT),
        }
        for (field, value) in [("database", &self.database), ("traces_table_name", &self.traces_table_name)] {
            if value.is_empty() {
                problems.error(field, "must not be empty");
            }
        }
        problems.within("tls", |problems| {
            self.tls.check(problems);
            presence::warn_of_client(&self.tls, problems);
        });
        if self.ttl.get().subsec_nanos() != 0 {
            problems.error("ttl", "must be whole seconds");
        }
    }
}
