//! Verbosity `detailed` of metrics: descriptor, points, buckets, exemplars.

use super::detailed::{resource, scope};
use super::text::{hex, listed, time};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint, SummaryDataPoint, exemplar,
    number_data_point,
};

pub(super) fn metrics(request: &ExportMetricsServiceRequest) -> String {
    let mut out = String::new();
    for (number, metrics) in request.resource_metrics.iter().enumerate() {
        resource(&mut out, &format!("ResourceMetrics #{number}"), metrics.resource.as_ref(), &metrics.schema_url);
        for (number, metrics) in metrics.scope_metrics.iter().enumerate() {
            scope(&mut out, &format!("ScopeMetrics #{number}"), metrics.scope.as_ref(), &metrics.schema_url);
            for (number, one) in metrics.metrics.iter().enumerate() {
                metric(&mut out, number, one);
            }
        }
    }
    out
}

fn metric(out: &mut String, number: usize, metric: &Metric) {
    let (kind, monotonic, temporality) = match &metric.data {
        None => ("Empty", None, None),
        Some(Data::Gauge(_)) => ("Gauge", None, None),
        Some(Data::Sum(sum)) => ("Sum", Some(sum.is_monotonic), Some(sum.aggregation_temporality)),
        Some(Data::Histogram(histogram)) => ("Histogram", None, Some(histogram.aggregation_temporality)),
        Some(Data::ExponentialHistogram(histogram)) => ("ExponentialHistogram", None, Some(histogram.aggregation_temporality)),
        Some(Data::Summary(_)) => ("Summary", None, None),
    };
    out.push_str(&format!("Metric #{number}\nDescriptor:\n     -> Name: {}\n", metric.name));
    out.push_str(&format!("     -> Description: {}\n     -> Unit: {}\n", metric.description, metric.unit));
    out.push_str(&format!("     -> DataType: {kind}\n"));
    if let Some(monotonic) = monotonic {
        out.push_str(&format!("     -> IsMonotonic: {monotonic}\n"));
    }
    if let Some(temporality) = temporality {
        let name = ["Unspecified", "Delta", "Cumulative"].get(usize::try_from(temporality).unwrap_or(usize::MAX)).copied();
        out.push_str(&format!("     -> AggregationTemporality: {}\n", name.unwrap_or("")));
    }
    match &metric.data {
        None => {}
        Some(Data::Gauge(data)) => numbers(out, &data.data_points),
        Some(Data::Sum(data)) => numbers(out, &data.data_points),
        Some(Data::Histogram(data)) => {
            data.data_points.iter().enumerate().for_each(|(number, point)| histogram(out, number, point));
        }
        Some(Data::ExponentialHistogram(data)) => {
            data.data_points.iter().enumerate().for_each(|(number, point)| exponential(out, number, point));
        }
        Some(Data::Summary(data)) => data.data_points.iter().enumerate().for_each(|(number, point)| summary(out, number, point)),
    }
}

fn head(out: &mut String, heading: &str, attributes: &[KeyValue], start: u64, at: u64) {
    out.push_str(&format!("{heading}\n"));
    listed(out, "", "Data point attributes", attributes);
    out.push_str(&format!("StartTimestamp: {}\nTimestamp: {}\n", time(start), time(at)));
}

fn numbers(out: &mut String, points: &[NumberDataPoint]) {
    for (number, point) in points.iter().enumerate() {
        let heading = format!("NumberDataPoints #{number}");
        head(out, &heading, &point.attributes, point.start_time_unix_nano, point.time_unix_nano);
        match point.value {
            None => {}
            Some(number_data_point::Value::AsInt(value)) => out.push_str(&format!("Value: {value}\n")),
            Some(number_data_point::Value::AsDouble(value)) => out.push_str(&format!("Value: {value:.6}\n")),
        }
        exemplars(out, &point.exemplars);
    }
}

fn totals(out: &mut String, count: u64, sum: Option<f64>, min: Option<f64>, max: Option<f64>) {
    out.push_str(&format!("Count: {count}\n"));
    for (name, value) in [("Sum", sum), ("Min", min), ("Max", max)] {
        if let Some(value) = value {
            out.push_str(&format!("{name}: {value:.6}\n"));
        }
    }
}

fn histogram(out: &mut String, number: usize, point: &HistogramDataPoint) {
    let heading = format!("HistogramDataPoints #{number}");
    head(out, &heading, &point.attributes, point.start_time_unix_nano, point.time_unix_nano);
    totals(out, point.count, point.sum, point.min, point.max);
    for (i, bound) in point.explicit_bounds.iter().enumerate() {
        out.push_str(&format!("ExplicitBounds #{i}: {bound:.6}\n"));
    }
    for (i, count) in point.bucket_counts.iter().enumerate() {
        out.push_str(&format!("Buckets #{i}, Count: {count}\n"));
    }
    exemplars(out, &point.exemplars);
}

fn exponential(out: &mut String, number: usize, point: &ExponentialHistogramDataPoint) {
    let heading = format!("ExponentialHistogramDataPoints #{number}");
    head(out, &heading, &point.attributes, point.start_time_unix_nano, point.time_unix_nano);
    totals(out, point.count, point.sum, point.min, point.max);
    out.push_str(&format!("Scale: {}\nZeroCount: {}\n", point.scale, point.zero_count));
    for (name, buckets) in [("Negative", &point.negative), ("Positive", &point.positive)] {
        let Some(buckets) = buckets else { continue };
        for (i, count) in buckets.bucket_counts.iter().enumerate() {
            out.push_str(&format!("{name} bucket {}, Count: {count}\n", i64::from(buckets.offset) + i as i64));
        }
    }
    exemplars(out, &point.exemplars);
}

fn summary(out: &mut String, number: usize, point: &SummaryDataPoint) {
    let heading = format!("SummaryDataPoints #{number}");
    head(out, &heading, &point.attributes, point.start_time_unix_nano, point.time_unix_nano);
    totals(out, point.count, Some(point.sum), None, None);
    for (i, quantile) in point.quantile_values.iter().enumerate() {
        out.push_str(&format!("QuantileValue #{i}: Quantile {:.6}, Value {:.6}\n", quantile.quantile, quantile.value));
    }
}

fn exemplars(out: &mut String, exemplars: &[Exemplar]) {
    if !exemplars.is_empty() {
        out.push_str("Exemplars:\n");
    }
    for (number, one) in exemplars.iter().enumerate() {
        out.push_str(&format!("Exemplar #{number}\n     -> Trace ID: {}\n", hex(&one.trace_id)));
        out.push_str(&format!("     -> Span ID: {}\n     -> Timestamp: {}\n", hex(&one.span_id), time(one.time_unix_nano)));
        match one.value {
            None => {}
            Some(exemplar::Value::AsInt(value)) => out.push_str(&format!("     -> Value: {value}\n")),
            Some(exemplar::Value::AsDouble(value)) => out.push_str(&format!("     -> Value: {value:.6}\n")),
        }
        listed(out, "    ", " -> FilteredAttributes:", &one.filtered_attributes);
    }
}
