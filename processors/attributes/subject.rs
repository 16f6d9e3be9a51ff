//! What conditions ask of a span, a log record or a data point. `None` where the signal has no such thing.

use crate::attribute_values::from_any;
use chaperone_proto::{RecordRef, Value, ValueRef};
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;

/// What can be matched.
pub(super) trait Subject {
    fn attribute(&self, key: &str) -> Option<Value>;
    fn resource_attribute(&self, key: &str) -> Option<Value>;
    /// Name and version.
    fn scope(&self) -> (&str, &str);
    fn span_name(&self) -> Option<&str> {
        None
    }
    fn span_kind(&self) -> Option<&str> {
        None
    }
    /// The body, if it is text.
    fn body(&self) -> Option<&str> {
        None
    }
    fn severity(&self) -> Option<i32> {
        None
    }
    fn severity_text(&self) -> Option<&str> {
        None
    }
    fn metric_name(&self) -> Option<&str> {
        None
    }
}

const KINDS: [&str; 6] = [
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];

impl Subject for RecordRef<'_> {
    fn attribute(&self, key: &str) -> Option<Value> {
        self.attrs().get_named(key).map(ValueRef::to_value)
    }
    fn resource_attribute(&self, key: &str) -> Option<Value> {
        self.resource().attrs().get_named(key).map(ValueRef::to_value)
    }
    fn scope(&self) -> (&str, &str) {
        let scope = RecordRef::scope(*self);
        (scope.name(), scope.version())
    }
    fn span_name(&self) -> Option<&str> {
        self.as_span().map(|span| span.name())
    }
    fn span_kind(&self) -> Option<&str> {
        let kind = self.as_span()?.kind();
        Some(usize::try_from(kind).ok().and_then(|kind| KINDS.get(kind)).copied().unwrap_or_default())
    }
    fn body(&self) -> Option<&str> {
        self.as_log()?.body().as_str()
    }
    fn severity(&self) -> Option<i32> {
        self.as_log().map(|log| log.severity_number())
    }
    fn severity_text(&self) -> Option<&str> {
        self.as_log().map(|log| log.severity_text())
    }
}

/// A data point with what it stands in.
pub(super) struct Point<'a> {
    pub resource: Option<&'a Resource>,
    pub scope: Option<&'a InstrumentationScope>,
    pub metric: &'a str,
    pub attributes: &'a [KeyValue],
}

impl Subject for Point<'_> {
    fn attribute(&self, key: &str) -> Option<Value> {
        find(self.attributes, key)
    }
    fn resource_attribute(&self, key: &str) -> Option<Value> {
        find(&self.resource?.attributes, key)
    }
    fn scope(&self) -> (&str, &str) {
        self.scope.map_or(("", ""), |scope| (&scope.name, &scope.version))
    }
    fn metric_name(&self) -> Option<&str> {
        Some(self.metric)
    }
}

fn find(attributes: &[KeyValue], key: &str) -> Option<Value> {
    attributes.iter().find(|pair| pair.key == key).map(|pair| from_any(pair.value.as_ref()))
}
