//! Random metrics requests as oracle structs.

use crate::strategies::{attributes, count, id, resource, scope, text};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint, exemplar, metric, number_data_point,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn double() -> impl Strategy<Value = f64> {
    prop_oneof![4 => prop::num::f64::NORMAL, 1 => Just(0.0), 1 => Just(-0.0), 1 => Just(f64::INFINITY)]
}

fn exemplar() -> impl Strategy<Value = Exemplar> {
    let value = prop_oneof![
        Just(None),
        double().prop_map(|number| Some(exemplar::Value::AsDouble(number))),
        any::<i64>().prop_map(|number| Some(exemplar::Value::AsInt(number))),
    ];
    (attributes(), any::<u64>(), id(8), id(16), value).prop_map(
        |(filtered_attributes, time_unix_nano, span_id, trace_id, value)| Exemplar {
            filtered_attributes,
            time_unix_nano,
            span_id,
            trace_id,
            value,
        },
    )
}

fn number() -> impl Strategy<Value = NumberDataPoint> {
    let value = prop_oneof![
        Just(None),
        double().prop_map(|number| Some(number_data_point::Value::AsDouble(number))),
        any::<i64>().prop_map(|number| Some(number_data_point::Value::AsInt(number))),
    ];
    (attributes(), any::<(u64, u64)>(), vec(exemplar(), 0..2), count(), value).prop_map(
        |(attributes, times, exemplars, flags, value)| NumberDataPoint {
            attributes,
            start_time_unix_nano: times.0,
            time_unix_nano: times.1,
            exemplars,
            flags,
            value,
        },
    )
}

prop_compose! {
    fn histogram_point()(
        attributes in attributes(), times in any::<(u64, u64)>(), counts in any::<u64>(), numbers in vec(option::of(double()), 3),
        bucket_counts in vec(any::<u64>(), 0..4), explicit_bounds in vec(double(), 0..4), exemplars in vec(exemplar(), 0..2), flags in count(),
    ) -> HistogramDataPoint {
        HistogramDataPoint {
            attributes, start_time_unix_nano: times.0, time_unix_nano: times.1, count: counts, sum: numbers[0], bucket_counts,
            explicit_bounds, exemplars, flags, min: numbers[1], max: numbers[2],
        }
    }
}

fn buckets() -> impl Strategy<Value = Option<Buckets>> {
    option::of((any::<i32>(), vec(any::<u64>(), 0..4)).prop_map(|(offset, bucket_counts)| Buckets { offset, bucket_counts }))
}

prop_compose! {
    fn exponential_point()(
        attributes in attributes(), times in any::<(u64, u64)>(), counts in any::<(u64, u64)>(), numbers in vec(option::of(double()), 3),
        scale in any::<i32>(), positive in buckets(), negative in buckets(), exemplars in vec(exemplar(), 0..2), flags in count(),
        zero_threshold in double(),
    ) -> ExponentialHistogramDataPoint {
        ExponentialHistogramDataPoint {
            attributes, start_time_unix_nano: times.0, time_unix_nano: times.1, count: counts.0, sum: numbers[0], scale,
            zero_count: counts.1, positive, negative, flags, exemplars, min: numbers[1], max: numbers[2], zero_threshold,
        }
    }
}

prop_compose! {
    fn summary_point()(
        attributes in attributes(), times in any::<(u64, u64)>(), counts in any::<u64>(), sum in double(),
        quantiles in vec((double(), double()), 0..3), flags in count(),
    ) -> SummaryDataPoint {
        let quantile_values = quantiles.into_iter().map(|(quantile, value)| ValueAtQuantile { quantile, value }).collect();
        SummaryDataPoint {
            attributes, start_time_unix_nano: times.0, time_unix_nano: times.1, count: counts, sum, quantile_values, flags,
        }
    }
}

fn data() -> impl Strategy<Value = Option<metric::Data>> {
    let temporality = 0..4i32;
    prop_oneof![
        1 => Just(None),
        3 => vec(number(), 0..4).prop_map(|data_points| Some(metric::Data::Gauge(Gauge { data_points }))),
        3 => (vec(number(), 0..4), temporality.clone(), any::<bool>()).prop_map(|(data_points, aggregation_temporality, is_monotonic)| {
            Some(metric::Data::Sum(Sum { data_points, aggregation_temporality, is_monotonic }))
        }),
        2 => (vec(histogram_point(), 0..3), temporality.clone()).prop_map(|(data_points, aggregation_temporality)| {
            Some(metric::Data::Histogram(Histogram { data_points, aggregation_temporality }))
        }),
        2 => (vec(exponential_point(), 0..3), temporality).prop_map(|(data_points, aggregation_temporality)| {
            Some(metric::Data::ExponentialHistogram(ExponentialHistogram { data_points, aggregation_temporality }))
        }),
        1 => vec(summary_point(), 0..3).prop_map(|data_points| Some(metric::Data::Summary(Summary { data_points }))),
    ]
}

prop_compose! {
    fn metric()(texts in (text(), text(), text()), metadata in attributes(), data in data()) -> Metric {
        Metric { name: texts.0, description: texts.1, unit: texts.2, metadata, data }
    }
}

pub fn metrics() -> impl Strategy<Value = ExportMetricsServiceRequest> {
    let scope_metrics = (option::of(scope()), vec(metric(), 0..4), text())
        .prop_map(|(scope, metrics, schema_url)| ScopeMetrics { scope, metrics, schema_url });
    let resource_metrics = (option::of(resource()), vec(scope_metrics, 0..3), text())
        .prop_map(|(resource, scope_metrics, schema_url)| ResourceMetrics { resource, scope_metrics, schema_url });
    vec(resource_metrics, 0..3).prop_map(|resource_metrics| ExportMetricsServiceRequest { resource_metrics })
}
