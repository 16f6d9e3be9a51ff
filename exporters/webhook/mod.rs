//! The `webhook` exporter: one signed JSON post per alert that is to be notified.
//!
//! It delivers and decides nothing: what is notified, and how often, is the `alerts` connector's. Records other than
//! alerts are skipped and counted. Every attempt is reported as `chaperone.notification`.

mod config;
mod payload;
mod progress;
mod report;
mod signature;
#[cfg(test)]
mod tests;

pub use config::Config;

use bytes::Bytes;
use chaperone_config::Secret;
use chaperone_net::client::{parse_headers, parse_url};
use chaperone_net::{HttpClient, HttpClientSettings, HttpRequest, HttpResponse, Proxy, RequestError, Route, retry_after};
use chaperone_pipeline::{
    BoxFuture, BuildContext, Chunk, ConfigError, Counter, ExportContext, ExportError, Exported, Exporter, ExporterFactory, Front,
    Host, Meta, Signals, Stability, StartError,
};
use chaperone_proto::Data;
use http::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use payload::{Alert, alert_of};
use progress::Progress;
use report::{Delivery, report};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

const TIMESTAMP: HeaderName = HeaderName::from_static("x-chaperone-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("x-chaperone-signature");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Factory of the exporter.
pub struct Webhook;

impl ExporterFactory for Webhook {
    type Config = Config;
    const META: Meta = Meta::exporter("webhook", "Posts alerts as signed JSON.", Signals::LOGS, Front::NETWORK)
        .stability(Stability::Alpha)
        .readme(include_str!("README.md"));

    fn build(config: Config, ctx: &BuildContext) -> Result<Arc<dyn Exporter>, ConfigError> {
        Ok(Arc::new(WebhookExporter::new(&config, ctx)?))
    }
}

struct WebhookExporter {
    client: HttpClient,
    url: Uri,
    headers: HeaderMap,
    secret: Secret,
    progress: Progress,
    skipped: Counter,
    host: OnceLock<Host>,
}

impl WebhookExporter {
    fn new(config: &Config, ctx: &BuildContext) -> Result<WebhookExporter, ConfigError> {
        let mut headers = parse_headers(config.headers.iter())
            .map_err(|name| ConfigError::at(format!("headers.{name}"), "not a usable header"))?;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let agent = HeaderValue::from_static(concat!("Chaperone/", env!("CARGO_PKG_VERSION")));
        headers.entry(USER_AGENT).or_insert(agent);
        let labels = [("exporter", &*ctx.id().to_string()), ("reason", "not_an_alert")];
        let skipped = ctx.telemetry().counter("chaperone_exporter_skipped_items", "Records an exporter has no use for.", &labels);
        let named = (!config.proxy_url.is_empty()).then(|| Proxy::at(config.proxy_url.expose()));
        let proxy = named.transpose().map_err(|message| ConfigError::at("proxy_url", message))?;
        let route = Route::Proxy(proxy.unwrap_or_else(Proxy::of_environment));
        Ok(WebhookExporter {
            client: HttpClient::with(HttpClientSettings { tls: config.tls.clone(), route, ..HttpClientSettings::default() }),
            url: parse_url(&config.url).map_err(|error| ConfigError::at("url", error.to_string()))?,
            headers,
            secret: config.secret.clone(),
            progress: Progress::default(),
            skipped,
            host: OnceLock::new(),
        })
    }

    async fn deliver(&self, chunks: &[Chunk], cx: ExportContext) -> Result<Exported, ExportError> {
        let Some(host) = self.host.get() else {
            return Err(ExportError::retryable("the exporter has not been started"));
        };
        let alerts = self.alerts_of(chunks, cx.attempt)?;
        let settled = self.progress.of(cx.batch_id);
        let mut again: Option<(String, Option<Duration>)> = None;
        // One after the other: `resolved` must not overtake `firing`.
        for (position, alert) in alerts.iter().enumerate().filter(|(position, _)| !settled.records.contains(position)) {
            let began = host.clock().now();
            let (delivery, after) = self.post(alert, began.unix_ns / 1_000_000_000, cx.timeout).await;
            report(host, alert, cx.attempt, began, &delivery);
            match delivery {
                Delivery::Delivered => self.progress.settle(cx.batch_id, position, false),
                Delivery::Refused(_) => self.progress.settle(cx.batch_id, position, true),
                Delivery::Failed(error) => again = Some((error, again.and_then(|(_, longest)| longest).max(after))),
            }
        }
        if let Some((error, after)) = again {
            let message = format!("the webhook did not take all alerts: {error}");
            return Err(ExportError::Retryable { message, after, source: None });
        }
        let rejected = self.progress.of(cx.batch_id).refused;
        self.progress.forget(cx.batch_id);
        Ok(Exported { rejected, message: (rejected > 0).then(|| "the webhook refused alerts for good".to_owned()) })
    }

    fn alerts_of(&self, chunks: &[Chunk], attempt: u32) -> Result<Vec<Alert>, ExportError> {
        let mut alerts = Vec::new();
        let mut others = 0;
        for chunk in chunks {
            let data = chunk.decode().map_err(|error| ExportError::Permanent {
                message: "a queued request cannot be decoded".to_owned(),
                source: Some(error.into()),
            })?;
            let Data::Logs(logs) = data else { continue };
            for log in logs.logs() {
                match alert_of(log) {
                    Some(alert) => alerts.push(alert),
                    None => others += 1,
                }
            }
        }
        if attempt <= 1 {
            self.skipped.add(others);
        }
        Ok(alerts)
    }

    /// One post, and the pause its answer asks for.
    async fn post(&self, alert: &Alert, now_unix: u64, timeout: Duration) -> (Delivery, Option<Duration>) {
        let mut headers = self.headers.clone();
        let timestamp = now_unix.to_string();
        if let Ok(key) = HeaderValue::from_str(&alert.idempotency_key) {
            headers.insert(IDEMPOTENCY_KEY, key);
        }
        if !self.secret.is_empty() {
            let signature = signature::sign(self.secret.expose().as_bytes(), &timestamp, alert.body.as_bytes());
            headers.insert(SIGNATURE, HeaderValue::from_str(&signature).expect("invariant: hexadecimal text"));
        }
        headers.insert(TIMESTAMP, HeaderValue::from(now_unix));
        let body = vec![Bytes::from(alert.body.clone())];
        let request = HttpRequest { method: Method::POST, url: self.url.clone(), headers, body, timeout };
        match self.client.send(request).await {
            Ok(response) => judge(&response, now_unix),
            Err(RequestError::Timeout { .. }) => (Delivery::Failed("timeout".to_owned()), None),
            Err(error) => {
                tracing::debug!(%error, "an alert could not be posted");
                (Delivery::Failed("connection_error".to_owned()), None)
            }
        }
    }
}

/// Anything that may pass by itself is worth another try; a client error will stay one.
fn judge(response: &HttpResponse, now_unix: u64) -> (Delivery, Option<Duration>) {
    let status = response.status;
    if status.is_success() {
        return (Delivery::Delivered, None);
    }
    let error = status.as_u16().to_string();
    if status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429) {
        let asked = response.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        return (Delivery::Failed(error), asked.and_then(|value| retry_after::parse(value, now_unix)));
    }
    (Delivery::Refused(error), None)
}

impl Exporter for WebhookExporter {
    fn start<'a>(&'a self, host: &'a Host) -> BoxFuture<'a, Result<(), StartError>> {
        let _ = self.host.set(host.clone());
        let scheme = self.url.scheme_str().unwrap_or("http");
        // Without what may stand before the host: a password.
        let authority = self.url.authority().map_or("", |authority| authority.as_str());
        let server = authority.rsplit_once('@').map_or(authority, |(_, server)| server);
        host.announce(&format!("posting alerts to {scheme}://{server}"));
        Box::pin(async move {
            let prepared = self.client.prepare(scheme == "https").await;
            prepared.map_err(|error| StartError::caused_by("failed to load TLS config", error))
        })
    }

    fn export<'a>(&'a self, chunks: &'a [Chunk], cx: ExportContext) -> BoxFuture<'a, Result<Exported, ExportError>> {
        Box::pin(self.deliver(chunks, cx))
    }
}
