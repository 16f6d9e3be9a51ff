//! What the views read is what the oracle's structs hold.

use crate::strategies::{logs, traces};
use crate::values::{check_attributes, ours};
use crate::{install, join};
use chaperone_proto::{Limits, Logs, ResourceRef, ScopeRef, Traces};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use proptest::prelude::*;
use prost::Message;
use std::collections::BTreeMap;

/// An id as views give it: one of zeros is none.
fn id(bytes: &[u8]) -> Option<Vec<u8>> {
    bytes.iter().any(|byte| *byte != 0).then(|| bytes.to_vec())
}

fn check_scope(scope: ScopeRef<'_>, expected: Option<&InstrumentationScope>, schema_url: &str) {
    let expected = expected.cloned().unwrap_or_default();
    assert_eq!(scope.name(), expected.name);
    assert_eq!(scope.version(), expected.version);
    assert_eq!(scope.schema_url(), schema_url);
    check_attributes(scope.attrs(), &expected.attributes);
}

/// `seen`: which resource each position stood for so far. After `retain` positions have gaps, but stay apart.
fn check_resource(
    resource: ResourceRef<'_>,
    seen: &mut BTreeMap<usize, usize>,
    at: usize,
    expected: Option<&Resource>,
    schema_url: &str,
) {
    assert_eq!(*seen.entry(resource.index()).or_insert(at), at);
    assert_eq!(resource.schema_url(), schema_url);
    check_attributes(resource.attrs(), &expected.cloned().unwrap_or_default().attributes);
}

/// Every field of every span, wherever it stands now.
pub fn check_traces(traces: &Traces, expected: &ExportTraceServiceRequest) {
    let mut at = 0;
    let mut seen = BTreeMap::new();
    for (resource_at, resource) in expected.resource_spans.iter().enumerate() {
        for scope in &resource.scope_spans {
            for wanted in &scope.spans {
                let span = traces.span(at);
                at += 1;
                assert_eq!(span.trace_id().map(|id| id.to_vec()), id(&wanted.trace_id));
                assert_eq!(span.span_id().map(|id| id.to_vec()), id(&wanted.span_id));
                assert_eq!(span.parent_span_id().map(|id| id.to_vec()), id(&wanted.parent_span_id));
                let counts = (wanted.dropped_attributes_count, wanted.dropped_events_count, wanted.dropped_links_count);
                let ours = (span.dropped_attributes_count(), span.dropped_events_count(), span.dropped_links_count());
                assert_eq!(ours, counts);
                assert_eq!(span.trace_state(), wanted.trace_state);
                assert_eq!(span.flags(), wanted.flags);
                assert_eq!(span.name(), wanted.name);
                assert_eq!(span.kind(), wanted.kind);
                assert_eq!((span.start_ns(), span.end_ns()), (wanted.start_time_unix_nano, wanted.end_time_unix_nano));
                let status = wanted.status.clone().unwrap_or_default();
                assert_eq!((span.status_code(), span.status_message()), (status.code, status.message.as_str()));
                check_attributes(span.attrs(), &wanted.attributes);
                assert_eq!(span.events().count(), wanted.events.len());
                for (event, wanted) in span.events().zip(&wanted.events) {
                    assert_eq!((event.time_ns(), event.name()), (wanted.time_unix_nano, wanted.name.as_str()));
                    check_attributes(event.attrs(), &wanted.attributes);
                }
                assert_eq!(span.links().count(), wanted.links.len());
                for (link, wanted) in span.links().zip(&wanted.links) {
                    assert_eq!(link.trace_id().map(|id| id.to_vec()), id(&wanted.trace_id));
                    assert_eq!(link.span_id().map(|id| id.to_vec()), id(&wanted.span_id));
                    assert_eq!(link.trace_state(), wanted.trace_state);
                    check_attributes(link.attrs(), &wanted.attributes);
                }
                check_scope(span.scope(), scope.scope.as_ref(), &scope.schema_url);
                check_resource(span.resource(), &mut seen, resource_at, resource.resource.as_ref(), &resource.schema_url);
            }
        }
    }
    assert_eq!(traces.len(), at);
}

/// Every field of every log record, wherever it stands now.
pub fn check_logs(logs: &Logs, expected: &ExportLogsServiceRequest) {
    let mut at = 0;
    let mut seen = BTreeMap::new();
    for (resource_at, resource) in expected.resource_logs.iter().enumerate() {
        for scope in &resource.scope_logs {
            for wanted in &scope.log_records {
                let log = logs.log(at);
                at += 1;
                assert_eq!(log.trace_id().map(|id| id.to_vec()), id(&wanted.trace_id));
                assert_eq!(log.span_id().map(|id| id.to_vec()), id(&wanted.span_id));
                assert_eq!(log.dropped_attributes_count(), wanted.dropped_attributes_count);
                assert_eq!((log.time_ns(), log.observed_time_ns()), (wanted.time_unix_nano, wanted.observed_time_unix_nano));
                assert_eq!((log.severity_number(), log.severity_text()), (wanted.severity_number, wanted.severity_text.as_str()));
                assert_eq!((log.flags(), log.event_name()), (wanted.flags, wanted.event_name.as_str()));
                assert_eq!(log.body().to_value(), ours(wanted.body.as_ref()));
                check_attributes(log.attrs(), &wanted.attributes);
                check_scope(log.scope(), scope.scope.as_ref(), &scope.schema_url);
                check_resource(log.resource(), &mut seen, resource_at, resource.resource.as_ref(), &resource.schema_url);
            }
        }
    }
    assert_eq!(logs.len(), at);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn spans_read_as_the_oracle_has_them_and_encode_to_the_same_bytes(request in traces()) {
        install();
        let bytes = request.encode_to_vec();
        let traces = Traces::decode(bytes.clone().into(), &Limits::default()).unwrap();
        check_traces(&traces, &request);
        prop_assert_eq!(join(traces.encode()), bytes);
    }

    #[test]
    fn logs_read_as_the_oracle_has_them_and_encode_to_the_same_bytes(request in logs()) {
        install();
        let bytes = request.encode_to_vec();
        let logs = Logs::decode(bytes.clone().into(), &Limits::default()).unwrap();
        check_logs(&logs, &request);
        prop_assert_eq!(join(logs.encode()), bytes);
    }
}
