//! The messages of OTLP as tables: what JSON and the repair of texts walk.
//!
//! The index itself knows the fields by heart; this is for the paths where generality counts more than speed.
//! Source: opentelemetry-proto 1.x, checked against `opentelemetry-proto` structs by the round-trip tests.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint,
    Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, status::StatusCode};

/// A message: its fields in the order in which JSON shows them.
#[derive(Debug)]
pub(crate) struct Message {
    pub fields: &'static [Field],
    /// Bytes of the struct that prost decodes it to: what many empty ones would take.
    pub memory: usize,
}

/// A field of a message.
#[derive(Debug)]
pub(crate) struct Field {
    pub number: u32,
    /// Name in protobuf; JSON shows it in camel case and accepts both.
    pub name: &'static str,
    pub kind: Kind,
    pub repeated: bool,
    pub presence: Presence,
}

/// When a field that is not repeated stands in JSON.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Presence {
    /// Unless it is empty or zero.
    NotDefault,
    /// A message that is shown even when it is absent.
    Always,
    /// Whenever it is on the wire.
    Explicit,
    /// The same, and one of several fields of which the last counts.
    OneOf,
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Text,
    /// Base64 in JSON.
    Bytes,
    /// Hex in JSON, of so many bytes.
    Id(usize),
    Bool,
    Double,
    /// A string in JSON.
    Fixed64,
    Sfixed64,
    Uint64,
    Int64,
    Fixed32,
    Uint32,
    Int32,
    Sint32,
    /// A number in JSON; its name is accepted.
    Enum(fn(&str) -> Option<i32>),
    Message(&'static Message),
}

impl Kind {
    /// Wire type of one value.
    pub fn wire_type(self) -> u32 {
        match self {
            Kind::Text | Kind::Bytes | Kind::Id(_) | Kind::Message(_) => 2,
            Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => 1,
            Kind::Fixed32 => 5,
            _ => 0,
        }
    }
    /// Whether `null` stands for an absent field in JSON.
    pub fn may_be_null(self) -> bool {
        matches!(self, Kind::Text | Kind::Message(_))
    }
    /// Whether repeated values are packed into one field.
    pub fn packs(self) -> bool {
        self.wire_type() != 2
    }
}

impl Message {
    /// Position of a field by its number.
    pub fn position(&self, number: u32) -> Option<usize> {
        self.fields.iter().position(|field| field.number == number)
    }
    /// A field by its name in either case.
    pub fn named(&self, name: &[u8]) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name.as_bytes() == name || camel_equals(field.name, name))
    }
}

/// The letters of a name in camel case.
pub(crate) fn camel(name: &str) -> impl Iterator<Item = char> {
    let mut upper = false;
    name.chars().filter_map(move |letter| {
        if letter == '_' {
            upper = true;
            return None;
        }
        Some(if std::mem::take(&mut upper) { letter.to_ascii_uppercase() } else { letter })
    })
}

fn camel_equals(name: &str, other: &[u8]) -> bool {
    camel(name).eq(other.iter().map(|byte| char::from(*byte)))
}

const fn one(number: u32, name: &'static str, kind: Kind) -> Field {
    Field { number, name, kind, repeated: false, presence: Presence::NotDefault }
}

const fn always(number: u32, name: &'static str, message: &'static Message) -> Field {
    Field { number, name, kind: Kind::Message(message), repeated: false, presence: Presence::Always }
}

const fn optional(number: u32, name: &'static str, kind: Kind) -> Field {
    Field { number, name, kind, repeated: false, presence: Presence::Explicit }
}

const fn oneof(number: u32, name: &'static str, kind: Kind) -> Field {
    Field { number, name, kind, repeated: false, presence: Presence::OneOf }
}

const fn many(number: u32, name: &'static str, kind: Kind) -> Field {
    Field { number, name, kind, repeated: true, presence: Presence::NotDefault }
}

use Kind::{Bool, Bytes, Double, Enum, Fixed32, Fixed64, Id, Int32, Int64, Sfixed64, Sint32, Text, Uint32, Uint64};

fn span_kind(name: &str) -> Option<i32> {
    SpanKind::from_str_name(name).map(|kind| kind as i32)
}
fn status_code(name: &str) -> Option<i32> {
    StatusCode::from_str_name(name).map(|code| code as i32)
}
fn severity(name: &str) -> Option<i32> {
    SeverityNumber::from_str_name(name).map(|number| number as i32)
}
fn temporality(name: &str) -> Option<i32> {
    AggregationTemporality::from_str_name(name).map(|value| value as i32)
}

/// `ExportTraceServiceRequest`.
pub(crate) static TRACES: Message = Message {
    memory: size_of::<ExportTraceServiceRequest>(),
    fields: &[many(1, "resource_spans", Kind::Message(&RESOURCE_SPANS))],
};
/// `ExportLogsServiceRequest`.
pub(crate) static LOGS: Message =
    Message { memory: size_of::<ExportLogsServiceRequest>(), fields: &[many(1, "resource_logs", Kind::Message(&RESOURCE_LOGS))] };
/// `ExportMetricsServiceRequest`.
pub(crate) static METRICS: Message = Message {
    memory: size_of::<ExportMetricsServiceRequest>(),
    fields: &[many(1, "resource_metrics", Kind::Message(&RESOURCE_METRICS))],
};

static ANY_VALUE: Message = Message {
    memory: size_of::<AnyValue>(),
    fields: &[
        oneof(1, "string_value", Text),
        oneof(2, "bool_value", Bool),
        oneof(3, "int_value", Int64),
        oneof(4, "double_value", Double),
        oneof(5, "array_value", Kind::Message(&ARRAY)),
        oneof(6, "kvlist_value", Kind::Message(&KVLIST)),
        oneof(7, "bytes_value", Bytes),
        oneof(8, "string_value_strindex", Int32),
    ],
};
static ARRAY: Message = Message { memory: size_of::<ArrayValue>(), fields: &[many(1, "values", Kind::Message(&ANY_VALUE))] };
static KVLIST: Message = Message { memory: size_of::<KeyValueList>(), fields: &[many(1, "values", Kind::Message(&KEY_VALUE))] };
pub(crate) static KEY_VALUE: Message = Message {
    memory: size_of::<KeyValue>(),
    fields: &[one(1, "key", Text), always(2, "value", &ANY_VALUE), one(3, "key_strindex", Int32)],
};

const ATTRIBUTES: Kind = Kind::Message(&KEY_VALUE);

static RESOURCE: Message = Message {
    memory: size_of::<Resource>(),
    fields: &[
        many(1, "attributes", ATTRIBUTES),
        one(2, "dropped_attributes_count", Uint32),
        many(3, "entity_refs", Kind::Message(&ENTITY_REF)),
    ],
};
static ENTITY_REF: Message = Message {
    memory: size_of::<EntityRef>(),
    fields: &[one(1, "schema_url", Text), one(2, "type", Text), many(3, "id_keys", Text), many(4, "description_keys", Text)],
};
static SCOPE: Message = Message {
    memory: size_of::<InstrumentationScope>(),
    fields: &[
        one(1, "name", Text),
        one(2, "version", Text),
        many(3, "attributes", ATTRIBUTES),
        one(4, "dropped_attributes_count", Uint32),
    ],
};

static RESOURCE_SPANS: Message = Message {
    memory: size_of::<ResourceSpans>(),
    fields: &[always(1, "resource", &RESOURCE), many(2, "scope_spans", Kind::Message(&SCOPE_SPANS)), one(3, "schema_url", Text)],
};
static SCOPE_SPANS: Message = Message {
    memory: size_of::<ScopeSpans>(),
    fields: &[always(1, "scope", &SCOPE), many(2, "spans", Kind::Message(&SPAN)), one(3, "schema_url", Text)],
};
static SPAN: Message = Message {
    memory: size_of::<Span>(),
    fields: &[
        one(1, "trace_id", Id(16)),
        one(2, "span_id", Id(8)),
        one(3, "trace_state", Text),
        one(4, "parent_span_id", Id(8)),
        one(16, "flags", Fixed32),
        one(5, "name", Text),
        one(6, "kind", Enum(span_kind)),
        one(7, "start_time_unix_nano", Fixed64),
        one(8, "end_time_unix_nano", Fixed64),
        many(9, "attributes", ATTRIBUTES),
        one(10, "dropped_attributes_count", Uint32),
        many(11, "events", Kind::Message(&EVENT)),
        one(12, "dropped_events_count", Uint32),
        many(13, "links", Kind::Message(&LINK)),
        one(14, "dropped_links_count", Uint32),
        always(15, "status", &STATUS),
    ],
};
static EVENT: Message = Message {
    memory: size_of::<Event>(),
    fields: &[
        one(1, "time_unix_nano", Fixed64),
        one(2, "name", Text),
        many(3, "attributes", ATTRIBUTES),
        one(4, "dropped_attributes_count", Uint32),
    ],
};
static LINK: Message = Message {
    memory: size_of::<Link>(),
    fields: &[
        one(1, "trace_id", Id(16)),
        one(2, "span_id", Id(8)),
        one(3, "trace_state", Text),
        many(4, "attributes", ATTRIBUTES),
        one(5, "dropped_attributes_count", Uint32),
        one(6, "flags", Fixed32),
    ],
};
static STATUS: Message =
    Message { memory: size_of::<Status>(), fields: &[one(2, "message", Text), one(3, "code", Enum(status_code))] };

static RESOURCE_LOGS: Message = Message {
    memory: size_of::<ResourceLogs>(),
    fields: &[always(1, "resource", &RESOURCE), many(2, "scope_logs", Kind::Message(&SCOPE_LOGS)), one(3, "schema_url", Text)],
};
static SCOPE_LOGS: Message = Message {
    memory: size_of::<ScopeLogs>(),
    fields: &[always(1, "scope", &SCOPE), many(2, "log_records", Kind::Message(&LOG_RECORD)), one(3, "schema_url", Text)],
};
static LOG_RECORD: Message = Message {
    memory: size_of::<LogRecord>(),
    fields: &[
        one(1, "time_unix_nano", Fixed64),
        one(11, "observed_time_unix_nano", Fixed64),
        one(2, "severity_number", Enum(severity)),
        one(3, "severity_text", Text),
        always(5, "body", &ANY_VALUE),
        many(6, "attributes", ATTRIBUTES),
        one(7, "dropped_attributes_count", Uint32),
        one(8, "flags", Fixed32),
        one(9, "trace_id", Id(16)),
        one(10, "span_id", Id(8)),
        one(12, "event_name", Text),
    ],
};

static RESOURCE_METRICS: Message = Message {
    memory: size_of::<ResourceMetrics>(),
    fields: &[
        always(1, "resource", &RESOURCE),
        many(2, "scope_metrics", Kind::Message(&SCOPE_METRICS)),
        one(3, "schema_url", Text),
    ],
};
static SCOPE_METRICS: Message = Message {
    memory: size_of::<ScopeMetrics>(),
    fields: &[always(1, "scope", &SCOPE), many(2, "metrics", Kind::Message(&METRIC)), one(3, "schema_url", Text)],
};
static METRIC: Message = Message {
    memory: size_of::<Metric>(),
    fields: &[
        one(1, "name", Text),
        one(2, "description", Text),
        one(3, "unit", Text),
        oneof(5, "gauge", Kind::Message(&GAUGE)),
        oneof(7, "sum", Kind::Message(&SUM)),
        oneof(9, "histogram", Kind::Message(&HISTOGRAM)),
        oneof(10, "exponential_histogram", Kind::Message(&EXPONENTIAL)),
        oneof(11, "summary", Kind::Message(&SUMMARY)),
        many(12, "metadata", ATTRIBUTES),
    ],
};
static GAUGE: Message = Message { memory: size_of::<Gauge>(), fields: &[many(1, "data_points", Kind::Message(&NUMBER_POINT))] };
static SUM: Message = Message {
    memory: size_of::<Sum>(),
    fields: &[
        many(1, "data_points", Kind::Message(&NUMBER_POINT)),
        one(2, "aggregation_temporality", Enum(temporality)),
        one(3, "is_monotonic", Bool),
    ],
};
static HISTOGRAM: Message = Message {
    memory: size_of::<Histogram>(),
    fields: &[many(1, "data_points", Kind::Message(&HISTOGRAM_POINT)), one(2, "aggregation_temporality", Enum(temporality))],
};
static EXPONENTIAL: Message = Message {
    memory: size_of::<ExponentialHistogram>(),
    fields: &[many(1, "data_points", Kind::Message(&EXPONENTIAL_POINT)), one(2, "aggregation_temporality", Enum(temporality))],
};
static SUMMARY: Message =
    Message { memory: size_of::<Summary>(), fields: &[many(1, "data_points", Kind::Message(&SUMMARY_POINT))] };
static NUMBER_POINT: Message = Message {
    memory: size_of::<NumberDataPoint>(),
    fields: &[
        many(7, "attributes", ATTRIBUTES),
        one(2, "start_time_unix_nano", Fixed64),
        one(3, "time_unix_nano", Fixed64),
        oneof(4, "as_double", Double),
        oneof(6, "as_int", Sfixed64),
        many(5, "exemplars", Kind::Message(&EXEMPLAR)),
        one(8, "flags", Uint32),
    ],
};
static HISTOGRAM_POINT: Message = Message {
    memory: size_of::<HistogramDataPoint>(),
    fields: &[
        many(9, "attributes", ATTRIBUTES),
        one(2, "start_time_unix_nano", Fixed64),
        one(3, "time_unix_nano", Fixed64),
        one(4, "count", Fixed64),
        optional(5, "sum", Double),
        many(6, "bucket_counts", Fixed64),
        many(7, "explicit_bounds", Double),
        many(8, "exemplars", Kind::Message(&EXEMPLAR)),
        one(10, "flags", Uint32),
        optional(11, "min", Double),
        optional(12, "max", Double),
    ],
};
static EXPONENTIAL_POINT: Message = Message {
    memory: size_of::<ExponentialHistogramDataPoint>(),
    fields: &[
        many(1, "attributes", ATTRIBUTES),
        one(2, "start_time_unix_nano", Fixed64),
        one(3, "time_unix_nano", Fixed64),
        one(4, "count", Fixed64),
        optional(5, "sum", Double),
        one(6, "scale", Sint32),
        one(7, "zero_count", Fixed64),
        always(8, "positive", &BUCKETS),
        always(9, "negative", &BUCKETS),
        one(10, "flags", Uint32),
        many(11, "exemplars", Kind::Message(&EXEMPLAR)),
        optional(12, "min", Double),
        optional(13, "max", Double),
        one(14, "zero_threshold", Double),
    ],
};
static BUCKETS: Message =
    Message { memory: size_of::<Buckets>(), fields: &[one(1, "offset", Sint32), many(2, "bucket_counts", Uint64)] };
static SUMMARY_POINT: Message = Message {
    memory: size_of::<SummaryDataPoint>(),
    fields: &[
        many(7, "attributes", ATTRIBUTES),
        one(2, "start_time_unix_nano", Fixed64),
        one(3, "time_unix_nano", Fixed64),
        one(4, "count", Fixed64),
        one(5, "sum", Double),
        many(6, "quantile_values", Kind::Message(&QUANTILE)),
        one(8, "flags", Uint32),
    ],
};
static QUANTILE: Message =
    Message { memory: size_of::<ValueAtQuantile>(), fields: &[one(1, "quantile", Double), one(2, "value", Double)] };
static EXEMPLAR: Message = Message {
    memory: size_of::<Exemplar>(),
    fields: &[
        many(7, "filtered_attributes", ATTRIBUTES),
        one(2, "time_unix_nano", Fixed64),
        oneof(3, "as_double", Double),
        oneof(6, "as_int", Sfixed64),
        one(5, "trace_id", Id(16)),
        one(4, "span_id", Id(8)),
    ],
};

/// Whether a message is a data point of a metric.
pub(crate) fn is_point(message: &Message) -> bool {
    [&NUMBER_POINT, &HISTOGRAM_POINT, &EXPONENTIAL_POINT, &SUMMARY_POINT].into_iter().any(|point| std::ptr::eq(message, point))
}
