//! What every program in `clients/` sends, and whether it arrived: ids, counts, names, values, in any order and any batches.
//!
//! The collector writes what it got to a file as OTLP/JSON; the generated structures of `opentelemetry-proto` read it back.

use anyhow::{Context, Result, bail, ensure};
use chaperone_testkit::collector::{Collector, until};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric::Data, number_data_point};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use std::collections::BTreeSet;

/// Receives on every port and writes one file.
const CONFIG: &str = r"
receivers: {otlp: {protocols: {grpc: {endpoint: '127.0.0.1:0'}, http: {endpoint: '127.0.0.1:0'}}}}
exporters: {file: {path: ./received.jsonl}}
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [file]}
    metrics: {receivers: [otlp], exporters: [file]}
    logs: {receivers: [otlp], exporters: [file]}
";

/// A collector that keeps what it receives.
pub fn keeping() -> Result<Collector> {
    keeping_with(&[])
}

/// The same with further settings.
pub fn keeping_with(sets: &[&str]) -> Result<Collector> {
    Collector::start(env!("CARGO_BIN_EXE_chaperone"), CONFIG, sets)
}

/// Everything a collector made by [`keeping`] received so far.
#[derive(Default)]
pub struct Arrived {
    /// Spans.
    pub spans: Vec<Span>,
    /// Log records.
    pub logs: Vec<LogRecord>,
    /// Metrics.
    pub metrics: Vec<Metric>,
    resources: Vec<Resource>,
    scopes: Vec<InstrumentationScope>,
}

impl Arrived {
    /// Reads the file; a line that is being written fails, and the caller asks again.
    pub fn read(collector: &Collector) -> Result<Arrived> {
        let mut arrived = Arrived::default();
        for line in std::fs::read_to_string(collector.file("received.jsonl"))?.lines() {
            let value: serde_json::Value = serde_json::from_str(line)?;
            if value.get("resourceSpans").is_some() {
                arrived.traces(serde_json::from_value(value)?);
            } else if value.get("resourceLogs").is_some() {
                arrived.records(serde_json::from_value(value)?);
            } else {
                arrived.points(serde_json::from_value(value)?);
            }
        }
        Ok(arrived)
    }

    fn traces(&mut self, request: ExportTraceServiceRequest) {
        for resource in request.resource_spans {
            self.resources.extend(resource.resource);
            for scope in resource.scope_spans {
                self.scopes.extend(scope.scope);
                self.spans.extend(scope.spans);
            }
        }
    }

    fn records(&mut self, request: ExportLogsServiceRequest) {
        for resource in request.resource_logs {
            self.resources.extend(resource.resource);
            for scope in resource.scope_logs {
                self.scopes.extend(scope.scope);
                self.logs.extend(scope.log_records);
            }
        }
    }

    fn points(&mut self, request: ExportMetricsServiceRequest) {
        for resource in request.resource_metrics {
            self.resources.extend(resource.resource);
            for scope in resource.scope_metrics {
                // Some SDKs report on themselves too.
                if !scope.scope.is_some_and(|scope| scope.name.starts_with("io.opentelemetry.")) {
                    self.metrics.extend(scope.metrics);
                }
            }
        }
    }
}

/// Waits until everything arrived that a client printed as sent, and compares it.
pub fn check(collector: &Collector, language: &str, printed: &str) -> Result<()> {
    let sent: serde_json::Value = serde_json::from_str(printed).context("the client printed no JSON")?;
    let arrived = until(|| {
        let arrived = Arrived::read(collector)?;
        // Metrics come again when an SDK is flushed and then shut down; they are cumulative.
        let names: BTreeSet<&str> = arrived.metrics.iter().map(|metric| metric.name.as_str()).collect();
        let counts = (arrived.spans.len(), arrived.logs.len(), names.len());
        if counts != (22, 1, 2) {
            bail!("arrived so far: {counts:?} of (22, 1, 2) spans, log records and metrics");
        }
        Ok(arrived)
    })?;
    for resource in &arrived.resources {
        has(&resource.attributes, "service.name", "sdk-agent")?;
        has(&resource.attributes, "service.instance.id", language)?;
    }
    for scope in &arrived.scopes {
        ensure!((scope.name.as_str(), scope.version.as_str()) == ("agent.client", "1.0"), "scope {scope:?}");
    }
    spans(&arrived.spans, &sent)?;
    log(&arrived.logs[0], &sent)?;
    metrics(&arrived.metrics)
}

fn spans(spans: &[Span], sent: &serde_json::Value) -> Result<()> {
    let named = |id: &[u8]| spans.iter().find(|span| span.span_id == id).context("a span that was sent did not arrive");
    let trace = id(&sent["trace"])?;
    ensure!(spans.iter().all(|span| span.trace_id == trace), "a span is of another trace");
    ensure!(spans.iter().all(|span| span.end_time_unix_nano >= span.start_time_unix_nano && span.start_time_unix_nano > 0));

    let root_id = id(&sent["root"])?;
    let root = named(&root_id)?;
    ensure!(root.name == "invoke_agent support" && root.parent_span_id.is_empty() && root.kind == 1, "{root:?}");
    has(&root.attributes, "gen_ai.agent.name", "support")?;

    let chats = sent["chats"].as_array().context("the client printed no chats")?;
    ensure!(chats.len() == 20);
    for (number, chat) in (0_i64..).zip(chats) {
        let chat = named(&id(chat)?)?;
        ensure!(chat.name == "chat gpt-4o-mini" && chat.parent_span_id == root_id && chat.kind == 3, "{chat:?}");
        has(&chat.attributes, "gen_ai.request.model", "gpt-4o-mini")?;
        has(&chat.attributes, "gen_ai.usage.input_tokens", 1000 + number)?;
        has(&chat.attributes, "gen_ai.request.temperature", 0.5)?;
        has(&chat.attributes, "gen_ai.request.stream", true)?;
        has(&chat.attributes, "gen_ai.response.finish_reasons", ["stop", "length"])?;
        has(&chat.attributes, "note", "na\u{ef}ve, \u{6771}\u{4eac}")?;
        ensure!(chat.attributes.len() == 7, "attributes were added or lost: {chat:?}");
    }

    let tool = named(&id(&sent["tool"])?)?;
    ensure!(tool.name == "execute_tool get_weather" && tool.parent_span_id == root_id, "{tool:?}");
    let status = tool.status.as_ref().context("the tool's span has no status")?;
    ensure!((status.code, status.message.as_str()) == (2, "no such city"), "{status:?}");
    ensure!(tool.events.len() == 1 && tool.events[0].name == "retry", "{:?}", tool.events);
    has(&tool.events[0].attributes, "attempt", 2)
}

fn log(log: &LogRecord, sent: &serde_json::Value) -> Result<()> {
    ensure!(log.trace_id == id(&sent["trace"])? && log.span_id == id(&sent["root"])?, "another span: {log:?}");
    ensure!((log.severity_number, log.severity_text.as_str()) == (13, "WARN"), "{log:?}");
    ensure!(log.body == Some(value("the weather is fine".into())), "{:?}", log.body);
    has(&log.attributes, "route", "/ask")?;
    has(&log.attributes, "count", 7)
}

fn metrics(metrics: &[Metric]) -> Result<()> {
    let named = |name: &str| metrics.iter().find(|metric| metric.name == name).with_context(|| format!("no metric `{name}`"));
    let Some(Data::Sum(sum)) = &named("requests.handled")?.data else { bail!("the counter is no sum") };
    ensure!(sum.is_monotonic && sum.aggregation_temporality == 2 && sum.data_points.len() == 1, "{sum:?}");
    let handled = match sum.data_points[0].value {
        Some(number_data_point::Value::AsInt(value)) => value as f64,
        Some(number_data_point::Value::AsDouble(value)) => value,
        None => bail!("a point without value"),
    };
    ensure!((handled - 3.0).abs() < 1e-9, "{handled} requests");
    has(&sum.data_points[0].attributes, "route", "/ask")?;

    let times = named("answer.time")?;
    let Some(Data::Histogram(histogram)) = &times.data else { bail!("the times are no histogram") };
    let point = histogram.data_points.first().context("a histogram without a point")?;
    ensure!(times.unit == "s" && point.count == 2 && point.sum == Some(1.75), "{point:?}");
    ensure!(point.bucket_counts.iter().sum::<u64>() == 2 && point.bucket_counts.len() == point.explicit_bounds.len() + 1);
    Ok(())
}

/// Bytes of an id written in hex.
fn id(text: &serde_json::Value) -> Result<Vec<u8>> {
    let text = text.as_str().context("the client printed no id")?;
    let digits = text.as_bytes().chunks(2).map(|pair| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?));
    digits.collect()
}

fn has(attributes: &[KeyValue], key: &str, wanted: impl Into<Wanted>) -> Result<()> {
    let found = attributes.iter().find(|attribute| attribute.key == key).and_then(|attribute| attribute.value.clone());
    let wanted = value(wanted.into());
    ensure!(found == Some(wanted.clone()), "`{key}` is {found:?}, sent was {wanted:?}");
    Ok(())
}

/// A value as a client sent it.
struct Wanted(Value);

fn value(wanted: Wanted) -> AnyValue {
    AnyValue { value: Some(wanted.0) }
}

impl From<&str> for Wanted {
    fn from(text: &str) -> Wanted {
        Wanted(Value::StringValue(text.to_owned()))
    }
}
impl From<i64> for Wanted {
    fn from(number: i64) -> Wanted {
        Wanted(Value::IntValue(number))
    }
}
impl From<f64> for Wanted {
    fn from(number: f64) -> Wanted {
        Wanted(Value::DoubleValue(number))
    }
}
impl From<bool> for Wanted {
    fn from(truth: bool) -> Wanted {
        Wanted(Value::BoolValue(truth))
    }
}
impl From<[&str; 2]> for Wanted {
    fn from(texts: [&str; 2]) -> Wanted {
        Wanted(Value::ArrayValue(ArrayValue { values: texts.map(|text| value(text.into())).into() }))
    }
}
