//! Data points of metrics, whatever their type.

use super::subject::Point;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;

/// Calls `edit` with the attributes of every data point for which `wanted` is true; whether there was one.
pub(super) fn edit_points(
    request: &mut ExportMetricsServiceRequest,
    wanted: impl Fn(&Point<'_>) -> bool,
    mut edit: impl FnMut(&mut Vec<KeyValue>),
) -> bool {
    let mut edited = false;
    for resource in &mut request.resource_metrics {
        for scope in &mut resource.scope_metrics {
            for metric in &mut scope.metrics {
                let (name, lists) = parts(metric);
                for attributes in lists {
                    let point = Point {
                        resource: resource.resource.as_ref(),
                        scope: scope.scope.as_ref(),
                        metric: name,
                        attributes: &*attributes,
                    };
                    if wanted(&point) {
                        edit(attributes);
                        edited = true;
                    }
                }
            }
        }
    }
    edited
}

/// A metric's name and the attributes of its points.
fn parts(metric: &mut Metric) -> (&str, Vec<&mut Vec<KeyValue>>) {
    macro_rules! attributes {
        ($points:expr) => {
            $points.data_points.iter_mut().map(|point| &mut point.attributes).collect()
        };
    }
    let lists = match &mut metric.data {
        Some(Data::Gauge(gauge)) => attributes!(gauge),
        Some(Data::Sum(sum)) => attributes!(sum),
        Some(Data::Histogram(histogram)) => attributes!(histogram),
        Some(Data::ExponentialHistogram(histogram)) => attributes!(histogram),
        Some(Data::Summary(summary)) => attributes!(summary),
        None => Vec::new(),
    };
    (&metric.name, lists)
}
