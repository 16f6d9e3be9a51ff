//! Merging requests and cutting them to size.
//!
//! Merging is concatenation of the serialized requests. Spans and log records are cut by their index; metrics, which
//! have none, are taken apart and put together with their own types.

use super::waiting::{Held, Queue};
use chaperone_pipeline::{Ack, Batch};
use chaperone_proto::{Data, Limits, Metrics};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data as Points;
use opentelemetry_proto::tonic::metrics::v1::{
    ExponentialHistogram, Gauge, Histogram, Metric, ResourceMetrics, ScopeMetrics, Sum, Summary,
};

/// What was admitted request by request is not refused for being many.
const NO_LIMITS: Limits = Limits::NONE;

/// Cuts batches of at most `most` items off a queue, the last one only when `all` or at least `enough` are left.
pub(super) fn cut(queue: &mut Queue, most: usize, enough: usize, all: bool) -> Vec<Vec<Held>> {
    let mut batches = Vec::new();
    let mut left: std::collections::VecDeque<Held> = std::mem::take(&mut queue.held).into();
    while queue.items > 0 && (all || queue.items >= enough) {
        let mut batch = Vec::new();
        let mut room = most;
        while room > 0
            && let Some(held) = left.pop_front()
        {
            let items = held.batch.items();
            let held = if items <= room {
                held
            } else {
                let (head, tail) = split(held, room);
                left.push_front(tail);
                head
            };
            room -= held.batch.items().min(room);
            queue.items -= held.batch.items();
            batch.push(held);
        }
        batches.push(batch);
    }
    queue.held = left.into();
    batches
}

/// The first `at` items and the others, each with a share.
fn split(held: Held, at: usize) -> (Held, Held) {
    let all = held.batch.items() as u32;
    let at = at as u32;
    let (first, second): (Vec<u32>, Vec<u32>) = ((0..at).collect(), (at..all).collect());
    let (head, tail) = match &held.batch.data {
        Data::Traces(traces) => (Data::Traces(traces.extract(&first)), Data::Traces(traces.extract(&second))),
        Data::Logs(logs) => (Data::Logs(logs.extract(&first)), Data::Logs(logs.extract(&second))),
        Data::Metrics(metrics) => {
            let (head, tail) = split_metrics(metrics.to_request(), at as usize);
            (Data::Metrics(Metrics::from_request(&head)), Data::Metrics(Metrics::from_request(&tail)))
        }
    };
    let Held { batch, ack, awaited } = held;
    let head = Held { batch: Batch { data: head, client: batch.client.clone() }, ack: ack.share(), awaited };
    (head, Held { batch: Batch { data: tail, client: batch.client }, ack, awaited })
}

/// One batch of several requests, with one share that stands for all of theirs. Several where they cannot be merged:
/// nothing is lost for that.
pub(super) fn merge(held: Vec<Held>) -> Vec<(Batch, Ack)> {
    if held.len() < 2 {
        return held.into_iter().map(|held| (held.batch, held.ack)).collect();
    }
    let signal = held[0].batch.signal();
    let items: usize = held.iter().map(|held| held.batch.items()).sum();
    let body = held.iter().flat_map(|held| held.batch.data.encode()).collect::<Vec<_>>().concat();
    match Data::decode(signal, body.into(), &NO_LIMITS) {
        Ok(data) if data.items() == items => {
            let client = held[0].batch.client.clone();
            let acks = held.into_iter().map(|held| held.ack).collect();
            vec![(Batch { data, client }, Ack::merge(acks))]
        }
        // More than the offsets of an index can name: they go on as they came.
        _ => held.into_iter().map(|held| (held.batch, held.ack)).collect(),
    }
}

/// The first `at` data points and the others. Resource, scope and the metric's own fields stand in both halves.
fn split_metrics(request: ExportMetricsServiceRequest, at: usize) -> (ExportMetricsServiceRequest, ExportMetricsServiceRequest) {
    let mut room = at;
    let (mut heads, mut tails) = (Vec::new(), Vec::new());
    for mut resource in request.resource_metrics {
        let (head, tail) = split_scopes(std::mem::take(&mut resource.scope_metrics), &mut room);
        if !head.is_empty() {
            heads.push(ResourceMetrics { scope_metrics: head, ..resource.clone() });
        }
        if !tail.is_empty() {
            tails.push(ResourceMetrics { scope_metrics: tail, ..resource });
        }
    }
    (ExportMetricsServiceRequest { resource_metrics: heads }, ExportMetricsServiceRequest { resource_metrics: tails })
}

fn split_scopes(scopes: Vec<ScopeMetrics>, room: &mut usize) -> (Vec<ScopeMetrics>, Vec<ScopeMetrics>) {
    let (mut heads, mut tails) = (Vec::new(), Vec::new());
    for mut scope in scopes {
        let (mut head, mut tail) = (Vec::new(), Vec::new());
        for metric in std::mem::take(&mut scope.metrics) {
            let (first, second) = split_metric(metric, room);
            head.extend(first);
            tail.extend(second);
        }
        if !head.is_empty() {
            heads.push(ScopeMetrics { metrics: head, ..scope.clone() });
        }
        if !tail.is_empty() {
            tails.push(ScopeMetrics { metrics: tail, ..scope });
        }
    }
    (heads, tails)
}

/// Does something with the list of data points, whatever their type.
macro_rules! with_points {
    ($metric:expr, $points:ident => $work:expr, else $none:expr) => {
        match &mut $metric.data {
            Some(Points::Gauge(Gauge { data_points: $points })) => $work,
            Some(Points::Sum(Sum { data_points: $points, .. })) => $work,
            Some(Points::Histogram(Histogram { data_points: $points, .. })) => $work,
            Some(Points::ExponentialHistogram(ExponentialHistogram { data_points: $points, .. })) => $work,
            Some(Points::Summary(Summary { data_points: $points })) => $work,
            None => $none,
        }
    };
}

fn split_metric(mut metric: Metric, room: &mut usize) -> (Option<Metric>, Option<Metric>) {
    let points = with_points!(metric, points => points.len(), else 0);
    if points <= *room {
        *room -= points;
        return (Some(metric), None);
    }
    if *room == 0 {
        return (None, Some(metric));
    }
    let at = std::mem::take(room);
    let mut tail = metric.clone();
    with_points!(metric, points => points.truncate(at), else ());
    with_points!(tail, points => drop(points.drain(..at)), else ());
    (Some(metric), Some(tail))
}
