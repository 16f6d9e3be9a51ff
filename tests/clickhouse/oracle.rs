//! Rows of `otel_traces` as the Collector's exporter would write them, from the structs of `opentelemetry-proto`.
//!
//! Written from the rules alone, without the code under test, for captures whose rows nobody recorded.

use crate::json::Json;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::{Span, span};
use std::collections::BTreeMap;

/// The rows of one request.
pub fn rows(request: &ExportTraceServiceRequest) -> Vec<Json> {
    let mut rows = Vec::new();
    for resource_spans in &request.resource_spans {
        let attributes = resource_spans.resource.as_ref().map_or(&[][..], |resource| &resource.attributes);
        let service = attributes.iter().find(|pair| pair.key == "service.name");
        let service = service.map(|pair| text(pair.value.as_ref())).unwrap_or_default();
        for scope_spans in &resource_spans.scope_spans {
            let scope = scope_spans.scope.clone().unwrap_or_default();
            for span in &scope_spans.spans {
                let mut row = span_columns(span);
                row.push(("ServiceName", Json::from(service.as_str())));
                row.push(("ResourceAttributes", map(attributes)));
                row.push(("ScopeName", Json::from(scope.name.as_str())));
                row.push(("ScopeVersion", Json::from(scope.version.as_str())));
                rows.push(Json::object(row.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()));
            }
        }
    }
    rows
}

fn span_columns(span: &Span) -> Vec<(&'static str, Json)> {
    let status = span.status.clone().unwrap_or_default();
    let kinds = ["Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"];
    let codes = ["Unset", "Ok", "Error"];
    let word =
        |words: &[&str], number: i32| Json::from(usize::try_from(number).ok().and_then(|n| words.get(n)).copied().unwrap_or(""));
    let events = |read: &dyn Fn(&span::Event) -> Json| Json::Array(span.events.iter().map(read).collect());
    let links = |read: &dyn Fn(&span::Link) -> Json| Json::Array(span.links.iter().map(read).collect());
    vec![
        ("Timestamp", time(span.start_time_unix_nano)),
        ("TraceId", hex(&span.trace_id)),
        ("SpanId", hex(&span.span_id)),
        ("ParentSpanId", hex(&span.parent_span_id)),
        ("TraceState", Json::from(span.trace_state.as_str())),
        ("SpanName", Json::from(span.name.as_str())),
        ("SpanKind", word(&kinds, span.kind)),
        ("SpanAttributes", map(&span.attributes)),
        ("Duration", Json::Uint(span.end_time_unix_nano.wrapping_sub(span.start_time_unix_nano))),
        ("StatusCode", word(&codes, status.code)),
        ("StatusMessage", Json::from(status.message.as_str())),
        ("Events.Timestamp", events(&|event| time(event.time_unix_nano))),
        ("Events.Name", events(&|event| Json::from(event.name.as_str()))),
        ("Events.Attributes", events(&|event| map(&event.attributes))),
        ("Links.TraceId", links(&|link| hex(&link.trace_id))),
        ("Links.SpanId", links(&|link| hex(&link.span_id))),
        ("Links.TraceState", links(&|link| Json::from(link.trace_state.as_str()))),
        ("Links.Attributes", links(&|link| map(&link.attributes))),
    ]
}

fn map(pairs: &[KeyValue]) -> Json {
    Json::object(pairs.iter().map(|pair| (pair.key.clone(), Json::Text(text(pair.value.as_ref())))).collect())
}

fn hex(id: &[u8]) -> Json {
    Json::Text(id.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// `2026-01-01 00:00:00.123456789`, UTC.
fn time(ns: u64) -> Json {
    let (days, rest) = (ns / 86_400_000_000_000, ns % 86_400_000_000_000);
    let (year, month, day) = date(days);
    let seconds = rest / 1_000_000_000;
    Json::Text(format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}.{:09}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60,
        rest % 1_000_000_000
    ))
}

fn date(mut days: u64) -> (u64, u64, u64) {
    let is_leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    (year, month as u64 + 1, days + 1)
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::DoubleValue(number)) if number.is_nan() => "NaN".to_owned(),
        Some(Value::DoubleValue(number)) if number.is_infinite() => {
            if *number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
        }
        Some(Value::BytesValue(bytes)) => base64(bytes),
        // A value that JSON cannot hold takes the whole text with it.
        Some(value @ (Value::ArrayValue(_) | Value::KvlistValue(_))) => json(Some(value)).unwrap_or_default(),
        None => String::new(),
        other => json(other).unwrap_or_default(),
    }
}

fn json(value: Option<&Value>) -> Option<String> {
    let inner = |value: Option<&AnyValue>| json(value.and_then(|value| value.value.as_ref()));
    Some(match value {
        None => "null".to_owned(),
        Some(Value::StringValue(text)) => quoted(text),
        Some(Value::BoolValue(yes)) => yes.to_string(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::DoubleValue(number)) => double(*number)?,
        Some(Value::BytesValue(bytes)) => quoted(&base64(bytes)),
        Some(Value::ArrayValue(array)) => {
            let elements: Option<Vec<String>> = array.values.iter().map(|value| inner(Some(value))).collect();
            format!("[{}]", elements?.join(","))
        }
        Some(Value::KvlistValue(list)) => {
            let mut members = BTreeMap::new();
            for pair in &list.values {
                members.insert(&pair.key, inner(pair.value.as_ref()));
            }
            let members: Option<Vec<String>> =
                members.into_iter().map(|(key, value)| Some(format!("{}:{}", quoted(key), value?))).collect();
            format!("{{{}}}", members?.join(","))
        }
        Some(other) => panic!("the oracle does not know {other:?}"),
    })
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap().replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

fn double(number: f64) -> Option<String> {
    if !number.is_finite() {
        return None;
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap();
    Some(match exponent.parse::<i32>().unwrap() {
        exponent if number != 0.0 && exponent >= 21 => format!("{digits}e+{exponent}"),
        exponent if number != 0.0 && exponent < -6 => format!("{digits}e{exponent}"),
        _ => number.to_string(),
    })
}

fn base64(bytes: &[u8]) -> String {
    let alphabet: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['+', '/']).collect();
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().chain([0, 0].iter()).take(3).fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        for place in 0..4 {
            out.push(if place <= group.len() { alphabet[bits >> (18 - 6 * place) & 63] } else { '=' });
        }
    }
    out
}
