//! What both payloads share: resources, scopes, ids, times, events, links, unknown keys.

use super::draw::Draw;
use chaperone_genai::keys;
use chaperone_proto::KeyId;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;

/// Keys that no code names, as applications add them.
const UNKNOWN: [&str; 24] = [
    "app.customer.tier",
    "app.customer.region",
    "app.order.count",
    "app.order.state",
    "app.cart.size",
    "app.feature.search",
    "app.feature.chat",
    "app.experiment.arm",
    "app.queue.wait",
    "app.queue.name",
    "app.cache.hit",
    "app.cache.key",
    "acme.department",
    "acme.cost.center",
    "acme.project",
    "acme.build.number",
    "acme.release.train",
    "acme.owner",
    "acme.ticket",
    "acme.review.state",
    "x.request.origin",
    "x.request.priority",
    "x.worker.slot",
    "x.worker.pool",
];

/// The keys of payloads that are not constants, for benches that rename every key.
pub fn unknown_keys() -> &'static [&'static str] {
    &UNKNOWN
}

/// An attribute whose key is replaced by an unknown one in 5 % of cases.
///
/// One text in ten is not ASCII: prose is drawn so, others get a letter here.
pub fn attribute(draw: &mut Draw, key: KeyId, mut value: Value) -> KeyValue {
    if let Value::StringValue(text) = &mut value
        && !text.contains(' ')
        && draw.percent(10)
    {
        text.truncate(text.len() - 2);
        text.push('\u{e9}');
    }
    let key = if draw.percent(5) { draw.one_of(&UNKNOWN) } else { keys::ALL[usize::from(key.0)] };
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), key_strindex: 0 }
}

/// A text value.
pub fn text(value: impl Into<String>) -> Value {
    Value::StringValue(value.into())
}

/// A list of one text.
pub fn texts(value: &str) -> Value {
    Value::ArrayValue(ArrayValue { values: vec![AnyValue { value: Some(text(value)) }] })
}

/// A span with ids, times and status; name and attributes are the caller's.
pub fn span(draw: &mut Draw, name: String, attributes: Vec<KeyValue>) -> Span {
    let start = 1_760_000_000_000_000_000 + draw.below(1_000_000_000_000);
    let events = if draw.percent(5) { vec![event(draw, start)] } else { Vec::new() };
    let links = if draw.percent(2) { vec![link(draw)] } else { Vec::new() };
    Span {
        trace_id: draw.id(16),
        span_id: draw.id(8),
        parent_span_id: draw.id(8),
        flags: 257,
        name,
        kind: SpanKind::Client as i32,
        start_time_unix_nano: start,
        end_time_unix_nano: start + draw.below(20_000_000_000),
        attributes,
        events,
        links,
        status: Some(Status::default()),
        ..Span::default()
    }
}

fn event(draw: &mut Draw, time_unix_nano: u64) -> Event {
    let attributes = vec![attribute(draw, keys::ERROR_TYPE, text("timeout"))];
    Event { time_unix_nano, name: "retry".to_owned(), attributes, dropped_attributes_count: 0 }
}

fn link(draw: &mut Draw) -> Link {
    Link { trace_id: draw.id(16), span_id: draw.id(8), ..Link::default() }
}

/// An attribute as it is.
pub fn plain(key: KeyId, value: Value) -> KeyValue {
    KeyValue { key: keys::ALL[usize::from(key.0)].to_owned(), value: Some(AnyValue { value: Some(value) }), key_strindex: 0 }
}

/// `count` spans in three resources of about the same size.
pub fn request(seed: u64, count: usize, make: fn(&mut Draw) -> Span) -> Vec<u8> {
    request_of(seed, count, ("bench.agents", "1.4.0"), make)
}

/// The same under a scope of the caller's.
pub fn request_of(seed: u64, count: usize, scope: (&str, &str), make: fn(&mut Draw) -> Span) -> Vec<u8> {
    let mut draw = Draw(seed);
    let resource_spans = (0..3)
        .map(|at| {
            let spans = (count * at / 3..count * (at + 1) / 3).map(|_| make(&mut draw)).collect();
            let scope = InstrumentationScope { name: scope.0.to_owned(), version: scope.1.to_owned(), ..Default::default() };
            ResourceSpans {
                resource: Some(Resource { attributes: resource(at), ..Resource::default() }),
                scope_spans: vec![ScopeSpans { scope: Some(scope), spans, schema_url: String::new() }],
                schema_url: "https://opentelemetry.io/schemas/1.37.0".to_owned(),
            }
        })
        .collect();
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

fn resource(at: usize) -> Vec<KeyValue> {
    [
        (keys::SERVICE_NAME, ["support-agent", "billing-agent", "research-agent"][at]),
        (keys::SERVICE_VERSION, "2.11.0"),
        (keys::SERVICE_INSTANCE_ID, ["a-0", "b-0", "c-0"][at]),
        (keys::DEPLOYMENT_ENVIRONMENT_NAME, "production"),
    ]
    .map(|(key, value)| KeyValue {
        key: keys::ALL[usize::from(key.0)].to_owned(),
        value: Some(AnyValue { value: Some(text(value)) }),
        key_strindex: 0,
    })
    .to_vec()
}
