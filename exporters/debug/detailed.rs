//! Verbosity `detailed` of traces and logs: everything an item holds.

use super::text::{hex, listed, of_resource, time, typed};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;

pub(super) fn resource(out: &mut String, heading: &str, resource: Option<&Resource>, schema_url: &str) {
    out.push_str(&format!("{heading}\nResource SchemaURL: {schema_url}\n"));
    listed(out, "", "Resource attributes", of_resource(resource));
}

pub(super) fn scope(out: &mut String, heading: &str, scope: Option<&InstrumentationScope>, schema_url: &str) {
    out.push_str(&format!("{heading}\nScope SchemaURL: {schema_url}\n"));
    let (name, version) = scope.map_or(("", ""), |scope| (scope.name.as_str(), scope.version.as_str()));
    out.push_str(&format!("InstrumentationScope {name} {version}\n"));
    if let Some(scope) = scope {
        listed(out, "", "InstrumentationScope attributes", &scope.attributes);
    }
}

pub(super) fn traces(request: &ExportTraceServiceRequest) -> String {
    let mut out = String::new();
    for (number, spans) in request.resource_spans.iter().enumerate() {
        resource(&mut out, &format!("ResourceSpans #{number}"), spans.resource.as_ref(), &spans.schema_url);
        for (number, spans) in spans.scope_spans.iter().enumerate() {
            scope(&mut out, &format!("ScopeSpans #{number}"), spans.scope.as_ref(), &spans.schema_url);
            for (number, one) in spans.spans.iter().enumerate() {
                span(&mut out, number, one);
            }
        }
    }
    out
}

fn kind_name(kind: i32) -> &'static str {
    ["Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"]
        .get(usize::try_from(kind).unwrap_or(usize::MAX))
        .copied()
        .unwrap_or("")
}

fn span(out: &mut String, number: usize, span: &Span) {
    let status = span.status.clone().unwrap_or_default();
    let code = ["Unset", "Ok", "Error"].get(usize::try_from(status.code).unwrap_or(usize::MAX)).copied().unwrap_or("");
    out.push_str(&format!("Span #{number}\n"));
    let mut field = |name: &str, value: &str| out.push_str(&format!("    {name:<14} : {value}\n"));
    field("Trace ID", &hex(&span.trace_id));
    field("Parent ID", &hex(&span.parent_span_id));
    field("ID", &hex(&span.span_id));
    field("Name", &span.name);
    field("Kind", kind_name(span.kind));
    if !span.trace_state.is_empty() {
        field("TraceState", &span.trace_state);
    }
    field("Start time", &time(span.start_time_unix_nano));
    field("End time", &time(span.end_time_unix_nano));
    field("Status code", code);
    field("Status message", &status.message);
    for (name, count) in [
        ("DroppedAttributesCount", span.dropped_attributes_count),
        ("DroppedEventsCount", span.dropped_events_count),
        ("DroppedLinksCount", span.dropped_links_count),
    ] {
        if count > 0 {
            field(name, &count.to_string());
        }
    }
    listed(out, "", "Attributes", &span.attributes);
    if !span.events.is_empty() {
        out.push_str("Events:\n");
    }
    for (number, event) in span.events.iter().enumerate() {
        out.push_str(&format!("SpanEvent #{number}\n     -> Name: {}\n", event.name));
        out.push_str(&format!("     -> Timestamp: {}\n", time(event.time_unix_nano)));
        out.push_str(&format!("     -> DroppedAttributesCount: {}\n", event.dropped_attributes_count));
        listed(out, "    ", " -> Attributes:", &event.attributes);
    }
    if !span.links.is_empty() {
        out.push_str("Links:\n");
    }
    for (number, link) in span.links.iter().enumerate() {
        out.push_str(&format!("SpanLink #{number}\n     -> Trace ID: {}\n", hex(&link.trace_id)));
        out.push_str(&format!("     -> ID: {}\n     -> TraceState: {}\n", hex(&link.span_id), link.trace_state));
        out.push_str(&format!("     -> DroppedAttributesCount: {}\n", link.dropped_attributes_count));
        listed(out, "    ", " -> Attributes:", &link.attributes);
    }
}

pub(super) fn logs(request: &ExportLogsServiceRequest) -> String {
    let mut out = String::new();
    for (number, logs) in request.resource_logs.iter().enumerate() {
        resource(&mut out, &format!("ResourceLog #{number}"), logs.resource.as_ref(), &logs.schema_url);
        for (number, logs) in logs.scope_logs.iter().enumerate() {
            scope(&mut out, &format!("ScopeLogs #{number}"), logs.scope.as_ref(), &logs.schema_url);
            for (number, one) in logs.log_records.iter().enumerate() {
                record(&mut out, number, one);
            }
        }
    }
    out
}

/// `Info`, `Info2`, ... as the severity numbers are grouped.
fn severity_name(number: i32) -> String {
    const NAMES: [&str; 6] = ["Trace", "Debug", "Info", "Warn", "Error", "Fatal"];
    let Some(place) = number.checked_sub(1).and_then(|place| usize::try_from(place).ok()) else {
        return "Unspecified".to_owned();
    };
    match (NAMES.get(place / 4), place % 4) {
        (Some(name), 0) => (*name).to_owned(),
        (Some(name), step) => format!("{name}{}", step + 1),
        (None, _) => String::new(),
    }
}

fn record(out: &mut String, number: usize, record: &LogRecord) {
    out.push_str(&format!("LogRecord #{number}\nObservedTimestamp: {}\n", time(record.observed_time_unix_nano)));
    out.push_str(&format!("Timestamp: {}\nSeverityText: {}\n", time(record.time_unix_nano), record.severity_text));
    out.push_str(&format!("SeverityNumber: {}({})\n", severity_name(record.severity_number), record.severity_number));
    if !record.event_name.is_empty() {
        out.push_str(&format!("EventName: {}\n", record.event_name));
    }
    out.push_str(&format!("Body: {}\n", typed(record.body.as_ref())));
    listed(out, "", "Attributes", &record.attributes);
    out.push_str(&format!("Trace ID: {}\nSpan ID: {}\nFlags: {}\n", hex(&record.trace_id), hex(&record.span_id), record.flags));
}
