//! Spans of a made agent as OTLP.

use chaperone_genai::keys;
use chaperone_proto::KeyId;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

const SCOPE: &str = "opentelemetry.instrumentation.genai.langchain";
const SCOPE_VERSION: &str = "1.3b0";
const SCHEMA: &str = "https://opentelemetry.io/schemas/1.37.0";

/// One request with these spans.
pub fn request(spans: Vec<Span>, instance: &str) -> Vec<u8> {
    let resource = [
        ("service.name", "support-desk"),
        ("service.version", "1.4.0"),
        ("service.instance.id", instance),
        ("deployment.environment.name", "demo"),
        ("telemetry.sdk.language", "python"),
        ("telemetry.sdk.name", "opentelemetry"),
        ("telemetry.sdk.version", "1.45.2"),
    ];
    let scope_spans = ScopeSpans {
        scope: Some(InstrumentationScope { name: SCOPE.into(), version: SCOPE_VERSION.into(), ..Default::default() }),
        spans,
        schema_url: SCHEMA.into(),
    };
    let attributes = resource.into_iter().map(|(key, value)| pair(key, text(value))).collect();
    let resource_spans = ResourceSpans {
        resource: Some(Resource { attributes, ..Default::default() }),
        scope_spans: vec![scope_spans],
        schema_url: String::new(),
    };
    ExportTraceServiceRequest { resource_spans: vec![resource_spans] }.encode_to_vec()
}

/// An attribute by its key's constant.
pub fn attribute(key: KeyId, value: AnyValue) -> KeyValue {
    let name = keys::ALL.get(usize::from(key.0)).expect("invariant: constants are positions in the list");
    pair(name, value)
}

/// Text.
pub fn text(value: impl Into<String>) -> AnyValue {
    AnyValue { value: Some(any_value::Value::StringValue(value.into())) }
}

/// An integer.
pub fn int(value: i64) -> AnyValue {
    AnyValue { value: Some(any_value::Value::IntValue(value)) }
}

/// A double.
pub fn double(value: f64) -> AnyValue {
    AnyValue { value: Some(any_value::Value::DoubleValue(value)) }
}

/// An array of one text.
pub fn texts(value: &str) -> AnyValue {
    AnyValue { value: Some(any_value::Value::ArrayValue(ArrayValue { values: vec![text(value)] })) }
}

fn pair(key: &str, value: AnyValue) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(value), ..Default::default() }
}
