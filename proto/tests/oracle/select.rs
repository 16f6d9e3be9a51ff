//! Keeping, extracting and merging records equals filtering the oracle's structs.

use crate::metric_strategies::metrics;
use crate::read::{check_logs, check_traces};
use crate::strategies::{logs, traces};
use crate::{install, join};
use chaperone_proto::{Data, Limits, Logs, Metrics, RecordRef, Signal, Traces};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data as Points;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;

/// The spans at the given positions, without scopes and resources that would be empty.
pub fn filter_traces(mut request: ExportTraceServiceRequest, keep: &[bool]) -> ExportTraceServiceRequest {
    let mut keep = keep.iter();
    for resource in &mut request.resource_spans {
        for scope in &mut resource.scope_spans {
            scope.spans.retain(|_| *keep.next().expect("one flag for each span"));
        }
        resource.scope_spans.retain(|scope| !scope.spans.is_empty());
    }
    request.resource_spans.retain(|resource| !resource.scope_spans.is_empty());
    request
}

pub fn filter_logs(mut request: ExportLogsServiceRequest, keep: &[bool]) -> ExportLogsServiceRequest {
    let mut keep = keep.iter();
    for resource in &mut request.resource_logs {
        for scope in &mut resource.scope_logs {
            scope.log_records.retain(|_| *keep.next().expect("one flag for each record"));
        }
        resource.scope_logs.retain(|scope| !scope.log_records.is_empty());
    }
    request.resource_logs.retain(|resource| !resource.scope_logs.is_empty());
    request
}

/// The data points at the given positions, without metrics, scopes and resources that would be empty.
fn filter_metrics(mut request: ExportMetricsServiceRequest, keep: &[bool]) -> ExportMetricsServiceRequest {
    let mut keep = keep.iter();
    let mut next = || *keep.next().expect("one flag for each point");
    for resource in &mut request.resource_metrics {
        for scope in &mut resource.scope_metrics {
            scope.metrics.retain_mut(|metric| match &mut metric.data {
                Some(Points::Gauge(list)) => left(&mut list.data_points, &mut next),
                Some(Points::Sum(list)) => left(&mut list.data_points, &mut next),
                Some(Points::Histogram(list)) => left(&mut list.data_points, &mut next),
                Some(Points::ExponentialHistogram(list)) => left(&mut list.data_points, &mut next),
                Some(Points::Summary(list)) => left(&mut list.data_points, &mut next),
                None => false,
            });
        }
        resource.scope_metrics.retain(|scope| !scope.metrics.is_empty());
    }
    request.resource_metrics.retain(|resource| !resource.scope_metrics.is_empty());
    request
}

fn left<P>(points: &mut Vec<P>, next: &mut impl FnMut() -> bool) -> bool {
    points.retain(|_| next());
    !points.is_empty()
}

fn chosen(keep: &[bool]) -> Vec<u32> {
    (0..keep.len() as u32).filter(|at| keep[*at as usize]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn retained_and_extracted_spans_equal_filtered_structs(request in traces(), flags in vec(any::<bool>(), 40)) {
        install();
        let mut traces = Traces::decode(request.encode_to_vec().into(), &Limits::default()).unwrap();
        let keep = &flags[..traces.len()];
        let all = keep.iter().all(|keep| *keep);
        let extracted = traces.extract(&chosen(keep));
        let mut flags = keep.iter();
        traces.retain(|_| *flags.next().unwrap());
        let filtered = filter_traces(request.clone(), keep);
        check_traces(&extracted, &filtered);
        prop_assert_eq!(&ExportTraceServiceRequest::decode(&*join(extracted.encode())).unwrap(), &filtered);
        // Where nothing goes, retaining changes nothing, not even empty scopes.
        let wanted = if all { &request } else { &filtered };
        prop_assert_eq!(&ExportTraceServiceRequest::decode(&*join(traces.encode())).unwrap(), wanted);
        prop_assert_eq!(traces.len(), chosen(keep).len());
        // Records that are left can be edited and filtered once more.
        if !traces.is_empty() {
            traces.edit(0).set_name("first");
            traces.retain(|record| record.as_span().unwrap().name() == "first");
            prop_assert!(!traces.is_empty());
            prop_assert_eq!(traces.span(0).name(), "first");
            let again = Traces::decode(join(traces.encode()).into(), &Limits::default()).unwrap();
            prop_assert_eq!(again.len(), traces.len());
        }
    }

    #[test]
    fn retained_and_extracted_logs_equal_filtered_structs(request in logs(), flags in vec(any::<bool>(), 40)) {
        install();
        let mut logs = Logs::decode(request.encode_to_vec().into(), &Limits::default()).unwrap();
        let keep = &flags[..logs.len()];
        let all = keep.iter().all(|keep| *keep);
        let extracted = logs.extract(&chosen(keep));
        let mut flags = keep.iter();
        logs.retain(|_| *flags.next().unwrap());
        let filtered = filter_logs(request.clone(), keep);
        check_logs(&extracted, &filtered);
        let wanted = if all { &request } else { &filtered };
        prop_assert_eq!(&ExportLogsServiceRequest::decode(&*join(logs.encode())).unwrap(), wanted);
    }

    #[test]
    fn extracted_points_equal_filtered_structs(request in metrics(), flags in vec(any::<bool>(), 60)) {
        install();
        let metrics = Metrics::decode(request.encode_to_vec().into(), &Limits::default()).unwrap();
        let keep = &flags[..metrics.points()];
        let extracted = metrics.extract(&chosen(keep));
        prop_assert_eq!(extracted.points(), chosen(keep).len());
        prop_assert_eq!(extracted.to_request(), filter_metrics(request, keep));
    }

    #[test]
    fn records_of_dropped_scopes_and_resources_are_gone(request in traces(), shift in 0..3usize) {
        install();
        let data = Data::decode(Signal::Traces, request.encode_to_vec().into(), &Limits::default()).unwrap();
        let wanted = |text: &str| !(text.len() + shift).is_multiple_of(3);
        let mut by_scope = data.clone();
        by_scope.retain_scopes(|scope| wanted(scope.name()));
        let mut by_resource = data.clone();
        by_resource.retain_resources(|resource| wanted(resource.schema_url()));
        let flags = |wanted: &dyn Fn(RecordRef<'_>) -> bool| (0..data.records()).map(|at| wanted(data.record(at))).collect::<Vec<_>>();
        for (kept, flags) in [
            (by_scope, flags(&|record| wanted(record.scope().name()))),
            (by_resource, flags(&|record| wanted(record.resource().schema_url()))),
        ] {
            let expected = if flags.contains(&false) { filter_traces(request.clone(), &flags) } else { request.clone() };
            prop_assert_eq!(ExportTraceServiceRequest::decode(&*join(kept.encode())).unwrap(), expected);
        }
    }

    #[test]
    fn logs_by_trace_hold_every_record_once(request in logs()) {
        install();
        let logs = Logs::decode(request.encode_to_vec().into(), &Limits::default()).unwrap();
        let order = logs.by_trace();
        let mut sorted = order.clone();
        sorted.sort_unstable();
        prop_assert_eq!(sorted, (0..logs.len() as u32).collect::<Vec<_>>());
        prop_assert!(order.is_sorted_by_key(|at| (logs.log(*at as usize).trace_id(), *at)));
    }

    #[test]
    fn traces_split_by_trace_hold_every_span_once(request in traces()) {
        install();
        let traces = Traces::decode(request.encode_to_vec().into(), &Limits::default()).unwrap();
        let order = traces.by_trace();
        let mut sorted = order.clone();
        sorted.sort_unstable();
        prop_assert_eq!(sorted, (0..traces.len() as u32).collect::<Vec<_>>());
        prop_assert!(order.is_sorted_by_key(|at| (traces.span(*at as usize).trace_id(), *at)));
        let groups = order.chunk_by(|a, b| traces.span(*a as usize).trace_id() == traces.span(*b as usize).trace_id());
        prop_assert_eq!(groups.map(|group| traces.extract(group).len()).sum::<usize>(), traces.len());
    }

    #[test]
    fn concatenated_requests_are_one_request(first in traces(), second in traces()) {
        install();
        let decode = |request: &ExportTraceServiceRequest| Data::decode(Signal::Traces, request.encode_to_vec().into(), &Limits::default());
        let parts = [decode(&first).unwrap(), decode(&second).unwrap()];
        let merged = ExportTraceServiceRequest { resource_spans: [first.resource_spans, second.resource_spans].concat() };
        let Data::Traces(traces) = Data::concat(Signal::Traces, &parts).unwrap() else { unreachable!() };
        check_traces(&traces, &merged);
    }
}
