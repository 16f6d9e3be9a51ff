//! Cutting by items and bytes: every item once and in order, limits kept, and each part what the oracle's structs give.

use crate::metric_strategies::metrics;
use crate::strategies::{logs, traces};
use crate::{install, join};
use chaperone_proto::{Data, Limits, Part, Signal, SplitLimits, Splitter};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data as Points;
use opentelemetry_proto::tonic::metrics::v1::{Metric, NumberDataPoint};
use proptest::prelude::*;
use prost::Message;

/// Every item as bytes, with everything that stands around it.
fn items(signal: Signal, body: &[u8]) -> Vec<Vec<u8>> {
    let mut items = Vec::new();
    match signal {
        Signal::Traces => {
            for mut resource in ExportTraceServiceRequest::decode(body).unwrap().resource_spans {
                for mut scope in std::mem::take(&mut resource.scope_spans) {
                    for span in std::mem::take(&mut scope.spans) {
                        items.push([span.encode_to_vec(), scope.encode_to_vec(), resource.encode_to_vec()].concat());
                    }
                }
            }
        }
        Signal::Logs => {
            for mut resource in ExportLogsServiceRequest::decode(body).unwrap().resource_logs {
                for mut scope in std::mem::take(&mut resource.scope_logs) {
                    for record in std::mem::take(&mut scope.log_records) {
                        items.push([record.encode_to_vec(), scope.encode_to_vec(), resource.encode_to_vec()].concat());
                    }
                }
            }
        }
        Signal::Metrics => {
            for mut resource in ExportMetricsServiceRequest::decode(body).unwrap().resource_metrics {
                for mut scope in std::mem::take(&mut resource.scope_metrics) {
                    for metric in std::mem::take(&mut scope.metrics) {
                        let around = [scope.encode_to_vec(), resource.encode_to_vec()].concat();
                        items.extend(points(metric).into_iter().map(|point| [point, around.clone()].concat()));
                    }
                }
            }
        }
    }
    items
}

/// Every data point as a metric of its own.
fn points(metric: Metric) -> Vec<Vec<u8>> {
    macro_rules! alone {
        ($kind:ident, $list:expr) => {
            $list.data_points.clone().into_iter().map(|point| {
                let mut list = $list.clone();
                list.data_points = vec![point];
                Metric { data: Some(Points::$kind(list)), ..metric.clone() }.encode_to_vec()
            })
        };
    }
    match &metric.data {
        Some(Points::Gauge(list)) => alone!(Gauge, list).collect(),
        Some(Points::Sum(list)) => alone!(Sum, list).collect(),
        Some(Points::Histogram(list)) => alone!(Histogram, list).collect(),
        Some(Points::ExponentialHistogram(list)) => alone!(ExponentialHistogram, list).collect(),
        Some(Points::Summary(list)) => alone!(Summary, list).collect(),
        None => Vec::new(),
    }
}

/// Cuts a request and checks everything that can be asked of the parts.
fn check_parts(signal: Signal, body: Vec<u8>, limits: SplitLimits) {
    install();
    let wanted = items(signal, &body);
    let data = Data::decode(signal, body.clone().into(), &Limits::default()).unwrap();
    assert_eq!(data.items(), wanted.len());
    let mut splitter = Splitter::new(signal, body.clone().into()).unwrap();
    let parts: Vec<Part> = std::iter::from_fn(|| splitter.next_part(&limits)).collect();
    assert_eq!(splitter.items_left(), 0);
    let mut found = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        let of_part = items(signal, &part.body);
        assert_eq!((of_part.len(), of_part.is_empty()), (part.items, false));
        let fits = part.items <= limits.items && part.body.len() <= limits.bytes;
        assert!(fits || part.items == 1, "part {at}: {} items, {} bytes with {limits:?}", part.items, part.body.len());
        found.extend(of_part);
    }
    assert_eq!(found, wanted, "every item once, in order, with what stood around it");
    // No part could have taken the first item of the next one. (Where neighbours are alike, joining tells too little.)
    let alike = items(signal, &body).len() > 1 && merge_neighbours(signal, &body).len() != body.len();
    for pair in parts.windows(2).filter(|_| !alike) {
        let both = [pair[0].body.clone(), pair[1].body.clone()].concat();
        let together = SplitLimits { items: pair[0].items + 1, bytes: usize::MAX };
        let merged = Splitter::new(signal, merge_neighbours(signal, &both).into()).unwrap().next_part(&together).unwrap();
        assert!(merged.items > limits.items || merged.body.len() > limits.bytes, "a part is as large as the limits allow");
    }
    // As batches, the parts are the same.
    let batches: Vec<Data> = data.split(limits).collect();
    assert_eq!(batches.iter().map(Data::items).collect::<Vec<_>>(), parts.iter().map(|part| part.items).collect::<Vec<_>>());
    for (batch, part) in batches.iter().zip(&parts) {
        assert_eq!(join(batch.encode()), *part.body);
    }
}

/// Cut asunder and concatenated, a resource stands twice; here it stands once again, as before the cut.
fn merge_neighbours(signal: Signal, body: &[u8]) -> Vec<u8> {
    macro_rules! merged {
        ($request:ident, $resources:ident, $scopes:ident, $items:ident, $same_item:expr) => {{
            let mut request = $request::decode(body).unwrap();
            request.$resources.dedup_by(|next, first| {
                let (mut one, mut other) = (first.clone(), next.clone());
                let (ones, others) = (std::mem::take(&mut one.$scopes), std::mem::take(&mut other.$scopes));
                if one != other {
                    return false;
                }
                first.$scopes = [ones, others].concat();
                true
            });
            for resource in &mut request.$resources {
                resource.$scopes.dedup_by(|next, first| {
                    let (mut one, mut other) = (first.clone(), next.clone());
                    let (ones, others) = (std::mem::take(&mut one.$items), std::mem::take(&mut other.$items));
                    if one != other {
                        return false;
                    }
                    first.$items = [ones, others].concat();
                    first.$items.dedup_by($same_item);
                    true
                });
            }
            request.encode_to_vec()
        }};
    }
    match signal {
        Signal::Traces => merged!(ExportTraceServiceRequest, resource_spans, scope_spans, spans, |_, _| false),
        Signal::Logs => merged!(ExportLogsServiceRequest, resource_logs, scope_logs, log_records, |_, _| false),
        Signal::Metrics => merged!(ExportMetricsServiceRequest, resource_metrics, scope_metrics, metrics, same_metric),
    }
}

/// Puts the points of a metric that was cut back into one.
fn same_metric(next: &mut Metric, first: &mut Metric) -> bool {
    let (mut one, mut other) = (first.clone(), next.clone());
    macro_rules! join_points {
        ($($kind:ident),*) => {
            match (&mut one.data, &mut other.data) {
                $((Some(Points::$kind(one)), Some(Points::$kind(other))) => {
                    one.data_points.clear();
                    other.data_points.clear();
                })*
                _ => return false,
            }
            if one != other {
                return false;
            }
            match (&mut first.data, &mut next.data) {
                $((Some(Points::$kind(one)), Some(Points::$kind(other))) => one.data_points.append(&mut other.data_points),)*
                _ => {}
            }
        };
    }
    join_points!(Gauge, Sum, Histogram, ExponentialHistogram, Summary);
    true
}

fn limits() -> impl Strategy<Value = SplitLimits> {
    let items = prop_oneof![Just(usize::MAX), 1..8usize];
    let bytes = prop_oneof![Just(usize::MAX), 0..6000usize, 0..400usize];
    (items, bytes).prop_map(|(items, bytes)| SplitLimits { items, bytes })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn parts_of_traces_hold_every_span_once_within_the_limits(request in traces(), limits in limits()) {
        check_parts(Signal::Traces, request.encode_to_vec(), limits);
    }

    #[test]
    fn parts_of_logs_hold_every_record_once_within_the_limits(request in logs(), limits in limits()) {
        check_parts(Signal::Logs, request.encode_to_vec(), limits);
    }

    #[test]
    fn parts_of_metrics_hold_every_point_once_within_the_limits(request in metrics(), limits in limits()) {
        check_parts(Signal::Metrics, request.encode_to_vec(), limits);
    }
}

fn gauge(points: usize) -> Vec<u8> {
    let point = |at| NumberDataPoint { time_unix_nano: at, ..NumberDataPoint::default() };
    let data_points = (1..=points as u64).map(point).collect();
    let gauge = opentelemetry_proto::tonic::metrics::v1::Gauge { data_points };
    let metric = Metric { name: "g".into(), data: Some(Points::Gauge(gauge)), ..Metric::default() };
    let scope = opentelemetry_proto::tonic::metrics::v1::ScopeMetrics { metrics: vec![metric], ..Default::default() };
    let resource = opentelemetry_proto::tonic::metrics::v1::ResourceMetrics { scope_metrics: vec![scope], ..Default::default() };
    ExportMetricsServiceRequest { resource_metrics: vec![resource] }.encode_to_vec()
}

#[test]
fn each_part_may_have_limits_of_its_own() {
    let mut splitter = Splitter::new(Signal::Metrics, gauge(10).into()).unwrap();
    assert_eq!(splitter.next_part(&SplitLimits::items(3)).unwrap().items, 3);
    assert_eq!(splitter.fitting_part(&SplitLimits::bytes(5)), None, "nothing so small fits, nothing was taken");
    assert_eq!(splitter.fitting_part(&SplitLimits::items(0)), None);
    assert_eq!(splitter.items_left(), 7);
    assert_eq!(splitter.next_part(&SplitLimits::bytes(5)).unwrap().items, 1, "one item alone may be larger");
    assert_eq!(splitter.rest().unwrap().items, 6);
}

#[test]
fn what_fits_whole_shares_the_body() {
    let body = bytes::Bytes::from(gauge(10));
    let part = Splitter::new(Signal::Metrics, body.clone()).unwrap().next_part(&SplitLimits::items(10)).unwrap();
    assert_eq!((part.body.as_ptr(), part.items), (body.as_ptr(), 10));
    assert!(Splitter::new(Signal::Traces, bytes::Bytes::new()).unwrap().rest().is_none());
}

#[test]
fn a_fault_above_the_items_is_told() {
    assert!(Splitter::new(Signal::Traces, vec![0x0a, 5].into()).is_err());
    assert!(Splitter::new(Signal::Metrics, vec![0x08, 5].into()).is_err());
}
