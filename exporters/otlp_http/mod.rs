//! The `otlp_http` exporter: OTLP by HTTP, protobuf or JSON, to any OTLP backend or another collector.
//!
//! Merged batches are concatenated requests: nothing is decoded for protobuf. Retry, queue and time-out are the front's;
//! here it is decided which answers are worth another try.

mod answer;
mod config;
#[cfg(test)]
mod secure_tests;
#[cfg(test)]
mod tests;

pub use config::{Config, Encoding};

use bytes::Bytes;
use chaperone_net::client::{parse_headers, parse_url};
use chaperone_net::compression::compress_off_thread;
use chaperone_net::figures::{ClientCall, Place, client_call};
use chaperone_net::{BodyEncoding, HttpClient, HttpRequest};
use chaperone_pipeline::{
    BoxFuture, BuildContext, Chunk, ConfigError, ExportContext, ExportError, Exported, Exporter, ExporterFactory, Front, Host,
    Meta, Signals, Stability, StartError, Telemetry,
};
use chaperone_proto::{Data, Limits, Signal};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Uri};
use std::sync::Arc;
use tokio::time::Instant;

/// Factory of the exporter.
pub struct OtlpHttp;

/// A backend may take longer than a local hop: the Collector's 30 s.
const FRONT: Front = Front { timeout_ms: 30_000, ..Front::NETWORK };

impl ExporterFactory for OtlpHttp {
    type Config = Config;
    const META: Meta = Meta::exporter("otlp_http", "Sends OTLP by HTTP.", Signals::ALL, FRONT)
        .aliases(&["otlphttp"])
        .stability(Stability::Alpha)
        .readme(include_str!("README.md"));

    fn build(config: Config, ctx: &BuildContext) -> Result<Arc<dyn Exporter>, ConfigError> {
        let mut exporter = OtlpHttpExporter::new(&config)?;
        exporter.telemetry = ctx.telemetry().clone();
        Ok(Arc::new(exporter))
    }
}

struct OtlpHttpExporter {
    client: HttpClient,
    headers: HeaderMap,
    encoding: Encoding,
    compression: BodyEncoding,
    level: i32,
    traces: Option<Uri>,
    metrics: Option<Uri>,
    logs: Option<Uri>,
    telemetry: Telemetry,
}

impl OtlpHttpExporter {
    fn new(config: &Config) -> Result<OtlpHttpExporter, ConfigError> {
        let mut headers = parse_headers(config.headers.iter())
            .map_err(|name| ConfigError::at(format!("headers.{name}"), "not a usable header"))?;
        let agent = format!("Chaperone/{} ({}/{})", env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH);
        if let Ok(agent) = HeaderValue::from_str(&agent) {
            headers.entry(USER_AGENT).or_insert(agent);
        }
        let content_type = match config.encoding {
            Encoding::Proto => "application/x-protobuf",
            Encoding::Json => "application/json",
        };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        let compression = config.compression.encoding();
        if compression != BodyEncoding::Identity {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(compression.name()));
        }
        let url = |signal| match config.url(signal) {
            None => Ok(None),
            Some(text) => parse_url(&text).map(Some).map_err(|error| ConfigError::new(error.to_string())),
        };
        Ok(OtlpHttpExporter {
            client: HttpClient::with(config.client()),
            headers,
            encoding: config.encoding,
            compression,
            level: config.compression_params.level,
            traces: url(Signal::Traces)?,
            metrics: url(Signal::Metrics)?,
            logs: url(Signal::Logs)?,
            telemetry: Telemetry::default(),
        })
    }

    fn url(&self, signal: Signal) -> &Option<Uri> {
        match signal {
            Signal::Traces => &self.traces,
            Signal::Metrics => &self.metrics,
            Signal::Logs => &self.logs,
        }
    }

    async fn send(&self, chunks: &[Chunk], cx: ExportContext) -> Result<Exported, ExportError> {
        let Some(first) = chunks.first() else { return Ok(Exported::default()) };
        let signal = first.signal;
        let Some(url) = self.url(signal).clone() else {
            let message = format!("either `endpoint` or `{}_endpoint` must be specified", signal.name());
            return Err(ExportError::permanent(message));
        };
        // Concatenated requests are one request: that is what merging means for protobuf.
        let mut body: Vec<Bytes> = chunks.iter().flat_map(|chunk| chunk.body.iter().cloned()).collect();
        if self.encoding == Encoding::Json {
            body = vec![to_json(signal, body.concat().into())?];
        }
        if self.compression != BodyEncoding::Identity {
            let packed = compress_off_thread(body, self.compression, self.level).await;
            body = vec![packed.map_err(|error| ExportError::permanent(format!("cannot compress: {error}")))?];
        }
        let shown = url.to_string();
        let (place, request_bytes, since) = (place(&url), body.iter().map(Bytes::len).sum(), Instant::now());
        let request = HttpRequest { method: Method::POST, url, headers: self.headers.clone(), body, timeout: cx.timeout };
        match self.client.send(request).await {
            Ok(response) => {
                let (status, took) = (response.status, since.elapsed());
                let call = ClientCall { method: &Method::POST, status, request_bytes, took };
                client_call(&self.telemetry, &place, &call);
                answer::judge(&shown, &response, cx.now.unix_ns / 1_000_000_000)
            }
            Err(error) => Err(ExportError::Retryable { message: error.to_string(), after: None, source: error.into_source() }),
        }
    }
}

/// The far end, with the port that the scheme implies.
fn place(url: &Uri) -> Place {
    let scheme = if url.scheme_str() == Some("https") { "https" } else { "http" };
    let implied = if scheme == "https" { 443 } else { 80 };
    Place { address: url.host().unwrap_or_default().to_owned(), port: Some(url.port_u16().unwrap_or(implied)), scheme }
}

fn to_json(signal: Signal, body: Bytes) -> Result<Bytes, ExportError> {
    let data = Data::decode(signal, body, &Limits::default()).map_err(|error| ExportError::Permanent {
        message: "a queued request cannot be decoded".to_owned(),
        source: Some(error.into()),
    })?;
    let mut json = Vec::new();
    data.write_json(&mut json);
    Ok(json.into())
}

impl Exporter for OtlpHttpExporter {
    fn start<'a>(&'a self, _host: &'a Host) -> BoxFuture<'a, Result<(), StartError>> {
        let is_secure = [&self.traces, &self.metrics, &self.logs].iter().any(|url| {
            let scheme = url.as_ref().and_then(|url| url.scheme_str());
            scheme == Some("https")
        });
        Box::pin(async move {
            let prepared = self.client.prepare(is_secure).await;
            prepared.map_err(|error| StartError::caused_by("failed to load TLS config", error))
        })
    }

    fn destination(&self, signal: Signal) -> Vec<(&'static str, String)> {
        let Some(url) = self.url(signal) else { return Vec::new() };
        let Place { address, port, .. } = place(url);
        let port = port.map_or_else(String::new, |port| port.to_string());
        vec![("server_address", address), ("server_port", port), ("url_path", url.path().to_owned())]
    }

    fn export<'a>(&'a self, chunks: &'a [Chunk], cx: ExportContext) -> BoxFuture<'a, Result<Exported, ExportError>> {
        Box::pin(self.send(chunks, cx))
    }
}
