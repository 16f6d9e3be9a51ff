//! The `otlp_grpc` exporter: OTLP by gRPC to any OTLP backend or another collector.
//!
//! Merged batches are concatenated requests: nothing is decoded. Retry, queue and time-out are the front's; here it is
//! decided which answers are worth another try. TLS is spoken unless the settings say that it is not.

mod config;
#[cfg(test)]
mod secure_tests;
mod target;
#[cfg(test)]
mod tests;

pub use config::Config;

use bytes::Bytes;
use chaperone_net::client::parse_headers;
use chaperone_net::grpc_client::{Call, CallError, Code, Pings};
use chaperone_net::{GrpcClient, GrpcClientSettings, Proxy, Route};
use chaperone_pipeline::{
    BoxFuture, BuildContext, Chunk, ConfigError, ExportContext, ExportError, Exported, Exporter, ExporterFactory, Front, Host,
    Meta, Signals, Stability, StartError,
};
use chaperone_proto::Signal;
use http::header::USER_AGENT;
use http::{HeaderMap, HeaderValue};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use std::sync::Arc;

/// Factory of the exporter.
pub struct OtlpGrpc;

impl ExporterFactory for OtlpGrpc {
    type Config = Config;
    const META: Meta = Meta::exporter("otlp_grpc", "Sends OTLP by gRPC.", Signals::ALL, Front::NETWORK)
        .aliases(&["otlp"])
        .stability(Stability::Alpha)
        .readme(include_str!("README.md"));

    fn build(config: Config, _ctx: &BuildContext) -> Result<Arc<dyn Exporter>, ConfigError> {
        Ok(Arc::new(OtlpGrpcExporter::new(&config)?))
    }
}

struct OtlpGrpcExporter {
    client: GrpcClient,
    headers: HeaderMap,
    compression: chaperone_net::BodyEncoding,
    /// Where calls go, as labels of what is counted.
    destination: Vec<(&'static str, String)>,
}

impl OtlpGrpcExporter {
    fn new(config: &Config) -> Result<OtlpGrpcExporter, ConfigError> {
        let target = target::parse(&config.endpoint, &config.tls);
        let target = target.map_err(|error| ConfigError::at("endpoint", error.to_string()))?;
        let mut headers = parse_headers(config.headers.iter())
            .map_err(|name| ConfigError::at(format!("headers.{name}"), "not a usable header"))?;
        let mut agent = config.user_agent.clone();
        if agent.is_empty() {
            agent = format!("Chaperone/{} ({}/{})", env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH);
        }
        if let Ok(agent) = HeaderValue::from_str(&agent) {
            headers.entry(USER_AGENT).or_insert(agent);
        }
        let pings = config.keepalive.get().map(|keepalive| Pings {
            every: keepalive.time.get(),
            timeout: keepalive.timeout.get(),
            while_idle: keepalive.permit_without_stream,
        });
        let destination = destination(&target);
        let (server, route) = match (config.authority.as_str(), target.socket) {
            ("", None) => (target.server, Route::Proxy(Proxy::of_environment().tunnelling())),
            ("", Some(path)) => (target.server, Route::Unix(path)),
            (name, socket) => {
                let called = name.parse().map_err(|_| ConfigError::at("authority", "not `host` or `host:port`"))?;
                (called, socket.map_or(Route::Fixed(target.server), Route::Unix))
            }
        };
        let tls = target.secure.then(|| config.tls.clone());
        let client = GrpcClient::new(GrpcClientSettings { server, route, tls, pings });
        Ok(OtlpGrpcExporter { client, headers, compression: config.compression.grpc_encoding(), destination })
    }

    async fn send(&self, chunks: &[Chunk], cx: ExportContext) -> Result<Exported, ExportError> {
        let Some(first) = chunks.first() else { return Ok(Exported::default()) };
        let call = Call {
            path: path(first.signal),
            headers: self.headers.clone(),
            // Concatenated requests are one request: that is what merging means for protobuf.
            message: chunks.iter().flat_map(|chunk| chunk.body.iter().cloned()).collect(),
            compression: self.compression,
            timeout: cx.timeout,
        };
        match self.client.unary(call).await {
            Ok(answer) => taken(answer),
            Err(error) => Err(judge(error)),
        }
    }
}

fn destination(target: &target::Target) -> Vec<(&'static str, String)> {
    match &target.socket {
        Some(path) => vec![("server_address", path.display().to_string())],
        None => {
            let port = target.server.port_u16().map_or_else(String::new, |port| port.to_string());
            vec![("server_address", target.server.host().to_owned()), ("server_port", port)]
        }
    }
}

fn path(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    }
}

/// Whether a failed call is worth another try, and when.
fn judge(error: CallError) -> ExportError {
    let message = error.to_string();
    let (retryable, after) = match &error {
        CallError::Transport { .. } | CallError::Timeout { .. } => (true, None),
        CallError::Invalid(_) => (false, None),
        CallError::Status { code, retry_after, .. } => (is_worth_another_try(*code, retry_after.is_some()), *retry_after),
    };
    let source = error.into_source();
    match retryable {
        true => ExportError::Retryable { message, after, source },
        false => ExportError::Permanent { message, source },
    }
}

fn is_worth_another_try(code: Code, told_when: bool) -> bool {
    match code {
        Code::Cancelled | Code::DeadlineExceeded | Code::Aborted | Code::OutOfRange | Code::Unavailable | Code::DataLoss => true,
        // Without a pause it is a limit that this request will never fit, with one it is a busy server.
        Code::ResourceExhausted => told_when,
        _ => false,
    }
}

/// Rejected items of a success.
fn taken(answer: Bytes) -> Result<Exported, ExportError> {
    // The three signals' answers differ in names only, not on the wire.
    let answer = ExportTraceServiceResponse::decode(answer).map_err(|error| ExportError::Permanent {
        message: format!("error parsing protobuf response: {error}"),
        source: Some(error.into()),
    })?;
    let (rejected, said) =
        answer.partial_success.map(|partial| (partial.rejected_spans, partial.error_message)).unwrap_or_default();
    let rejected = usize::try_from(rejected).unwrap_or(0);
    if rejected > 0 || !said.is_empty() {
        tracing::warn!(rejected, message = %said, "the destination took a request in part");
    }
    Ok(Exported { rejected, message: (!said.is_empty()).then_some(said) })
}

impl Exporter for OtlpGrpcExporter {
    fn start<'a>(&'a self, _host: &'a Host) -> BoxFuture<'a, Result<(), StartError>> {
        Box::pin(async move {
            let prepared = self.client.prepare().await;
            prepared.map_err(|error| StartError::caused_by("failed to load TLS config", error))
        })
    }

    fn destination(&self, _signal: Signal) -> Vec<(&'static str, String)> {
        self.destination.clone()
    }

    fn export<'a>(&'a self, chunks: &'a [Chunk], cx: ExportContext) -> BoxFuture<'a, Result<Exported, ExportError>> {
        Box::pin(self.send(chunks, cx))
    }
}
