//! Verbosity `normal`: a line for each resource, scope and item.

use super::text::{bracketed, hex, of_resource, of_scope, pairs, plain};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint, SummaryDataPoint,
};
use opentelemetry_proto::tonic::resource::v1::Resource;

fn resource_line(what: &str, number: usize, resource: Option<&Resource>, schema_url: &str) -> String {
    format!("Resource{what} #{number}{}{}", bracketed(schema_url), pairs(of_resource(resource)))
}

fn scope_line(what: &str, number: usize, scope: Option<&InstrumentationScope>, schema_url: &str) -> String {
    let (name, attributes) = of_scope(scope);
    let name = if name.is_empty() { name } else { format!(" {name}") };
    format!("Scope{what} #{number}{name}{}{}", bracketed(schema_url), pairs(attributes))
}

pub(super) fn traces(request: &ExportTraceServiceRequest) -> String {
    let mut lines = Vec::new();
    for (number, resource) in request.resource_spans.iter().enumerate() {
        lines.push(resource_line("Traces", number, resource.resource.as_ref(), &resource.schema_url));
        for (number, scope) in resource.scope_spans.iter().enumerate() {
            lines.push(scope_line("Traces", number, scope.scope.as_ref(), &scope.schema_url));
            for span in &scope.spans {
                let (trace_id, span_id) = (hex(&span.trace_id), hex(&span.span_id));
                lines.push(format!("{} {trace_id} {span_id}{}", span.name, pairs(&span.attributes)));
            }
        }
    }
    lines.join("\n")
}

pub(super) fn logs(request: &ExportLogsServiceRequest) -> String {
    let mut lines = Vec::new();
    for (number, resource) in request.resource_logs.iter().enumerate() {
        lines.push(resource_line("Log", number, resource.resource.as_ref(), &resource.schema_url));
        for (number, scope) in resource.scope_logs.iter().enumerate() {
            lines.push(scope_line("Log", number, scope.scope.as_ref(), &scope.schema_url));
            for record in &scope.log_records {
                lines.push(format!("{}{}", plain(record.body.as_ref()), pairs(&record.attributes)));
            }
        }
    }
    lines.join("\n")
}

pub(super) fn metrics(request: &ExportMetricsServiceRequest) -> String {
    let mut lines = Vec::new();
    for (number, resource) in request.resource_metrics.iter().enumerate() {
        lines.push(resource_line("Metrics", number, resource.resource.as_ref(), &resource.schema_url));
        for (number, scope) in resource.scope_metrics.iter().enumerate() {
            lines.push(scope_line("Metrics", number, scope.scope.as_ref(), &scope.schema_url));
            scope.metrics.iter().for_each(|metric| points(metric, &mut lines));
        }
    }
    lines.join("\n")
}

fn points(metric: &Metric, lines: &mut Vec<String>) {
    let line = |attributes: &[KeyValue], value: String| {
        let labels: Vec<String> = attributes.iter().map(|pair| format!("{}={}", pair.key, plain(pair.value.as_ref()))).collect();
        format!("{}{{{}}} {value}", metric.name, labels.join(","))
    };
    match &metric.data {
        None => {}
        Some(Data::Gauge(data)) => lines.extend(data.data_points.iter().map(|point| line(&point.attributes, number(point)))),
        Some(Data::Sum(data)) => lines.extend(data.data_points.iter().map(|point| line(&point.attributes, number(point)))),
        Some(Data::Histogram(data)) => {
            lines.extend(data.data_points.iter().map(|point| line(&point.attributes, histogram(point))));
        }
        Some(Data::ExponentialHistogram(data)) => {
            lines.extend(data.data_points.iter().map(|point| line(&point.attributes, exponential(point))));
        }
        Some(Data::Summary(data)) => lines.extend(data.data_points.iter().map(|point| line(&point.attributes, summary(point)))),
    }
}

fn number(point: &NumberDataPoint) -> String {
    match point.value {
        None => String::new(),
        Some(Value::AsInt(value)) => value.to_string(),
        Some(Value::AsDouble(value)) => value.to_string(),
    }
}

fn totals(count: u64, sum: Option<f64>, min: Option<f64>, max: Option<f64>) -> String {
    let mut text = format!("count={count}");
    for (name, value) in [("sum", sum), ("min", min), ("max", max)] {
        if let Some(value) = value {
            text.push_str(&format!(" {name}={value}"));
        }
    }
    text
}

fn histogram(point: &HistogramDataPoint) -> String {
    let mut text = totals(point.count, point.sum, point.min, point.max);
    for (i, count) in point.bucket_counts.iter().enumerate() {
        match point.explicit_bounds.get(i) {
            Some(bound) => text.push_str(&format!(" le{bound}={count}")),
            None => text.push_str(&format!(" {count}")),
        }
    }
    text
}

fn exponential(point: &ExponentialHistogramDataPoint) -> String {
    totals(point.count, point.sum, point.min, point.max)
}

fn summary(point: &SummaryDataPoint) -> String {
    let mut text = totals(point.count, Some(point.sum), None, None);
    for quantile in &point.quantile_values {
        text.push_str(&format!(" q{}={}", quantile.quantile, quantile.value));
    }
    text
}
