//! Requests to send.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use std::sync::atomic::{AtomicU64, Ordering};

static NEXT: AtomicU64 = AtomicU64::new(1);

/// Spans, each with another id: a byte-identical request would join the first one.
pub fn spans(count: usize) -> Vec<u8> {
    let trace = NEXT.fetch_add(1, Ordering::SeqCst);
    let span = |i: usize| Span {
        trace_id: u128::from(trace).to_be_bytes().to_vec(),
        span_id: (i as u64 + 1).to_be_bytes().to_vec(),
        name: format!("span {i}"),
        ..Span::default()
    };
    let scope_spans = vec![ScopeSpans { spans: (0..count).map(span).collect(), ..ScopeSpans::default() }];
    ExportTraceServiceRequest { resource_spans: vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }] }.encode_to_vec()
}

/// The same in JSON.
pub fn spans_json(count: usize) -> String {
    let trace = NEXT.fetch_add(1, Ordering::SeqCst);
    let span = |i: usize| format!(r#"{{"traceId":"{trace:032x}","spanId":"{:016x}","name":"span {i}"}}"#, i + 1);
    let spans: Vec<String> = (0..count).map(span).collect();
    format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}]}}]}}]}}"#, spans.join(","))
}

pub fn logs(count: usize) -> Vec<u8> {
    let record = |i: usize| LogRecord { time_unix_nano: NEXT.fetch_add(1, Ordering::SeqCst) + i as u64, ..LogRecord::default() };
    let scope_logs = vec![ScopeLogs { log_records: (0..count).map(record).collect(), ..ScopeLogs::default() }];
    ExportLogsServiceRequest { resource_logs: vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }] }.encode_to_vec()
}

pub fn points(count: usize) -> Vec<u8> {
    let point = |_| NumberDataPoint { time_unix_nano: NEXT.fetch_add(1, Ordering::SeqCst), ..NumberDataPoint::default() };
    let data = Some(metric::Data::Gauge(Gauge { data_points: (0..count).map(point).collect() }));
    let metrics = vec![Metric { name: "m".into(), data, ..Metric::default() }];
    let scope_metrics = vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }];
    ExportMetricsServiceRequest { resource_metrics: vec![ResourceMetrics { scope_metrics, ..ResourceMetrics::default() }] }
        .encode_to_vec()
}
