//! Settings of the `webhook` exporter. `timeout`, `retry_on_failure` and `sending_queue` are the front's.

use chaperone_config::{ClientTls, Headers, Problems, Secret, UserConfig};
use chaperone_net::Proxy;
use chaperone_net::client::{parse_headers, parse_url};
use chaperone_net::tls::presence;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the exporter.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address that alerts are posted to. Required.
    pub url: String,
    /// Key of the signature. Without it posts are not signed.
    pub secret: Secret,
    /// Headers sent with every post: a map, or a list of `{name, value}`. Values are never shown.
    pub headers: Headers,
    /// TLS of an `https://` address.
    pub tls: ClientTls,
    /// Proxy for every post, as `http://user:password@host:port`. Those of the environment when empty.
    pub proxy_url: Secret,
}

impl UserConfig for Config {
    fn check(&self, problems: &mut Problems) {
        if self.url.is_empty() {
            problems.error_hint(
                "url",
                "`url` is required",
                "name where alerts are posted to, for example `http://localhost:9000/alerts`",
            );
        } else if let Err(error) = parse_url(&self.url) {
            problems.error("url", error.to_string());
        }
        if let Err(name) = parse_headers(self.headers.iter()) {
            problems.error(&format!("headers.{name}"), "not a header name, or its value cannot stand in a header");
        }
        if !self.proxy_url.is_empty()
            && let Err(message) = Proxy::at(self.proxy_url.expose())
        {
            problems.error("proxy_url", message);
        }
        problems.within("tls", |problems| {
            self.tls.check(problems);
            presence::warn_of_client(&self.tls, problems);
        });
    }
}
