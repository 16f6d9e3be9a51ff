//! What a request is after JSON: the messages that JSON always shows are there, if only as empty ones, and an id of zeros is no id.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Exemplar, NumberDataPoint};
use opentelemetry_proto::tonic::resource::v1::Resource;

fn value(value: &mut AnyValue) {
    match &mut value.value {
        Some(Value::ArrayValue(array)) => array.values.iter_mut().for_each(self::value),
        Some(Value::KvlistValue(list)) => attributes(&mut list.values),
        _ => {}
    }
}

fn attributes(list: &mut [KeyValue]) {
    list.iter_mut().for_each(|pair| value(pair.value.get_or_insert_default()));
}

/// JSON reads an id of zeros as none; ids of a wrong length stay as they are.
fn id(id: &mut Vec<u8>, expected: usize) {
    if id.len() == expected && id.iter().all(|byte| *byte == 0) {
        id.clear();
    }
}

fn resource(resource: &mut Option<Resource>) {
    attributes(&mut resource.get_or_insert_default().attributes);
}

fn scope(scope: &mut Option<InstrumentationScope>) {
    attributes(&mut scope.get_or_insert_default().attributes);
}

pub fn traces(mut request: ExportTraceServiceRequest) -> ExportTraceServiceRequest {
    for one in &mut request.resource_spans {
        resource(&mut one.resource);
        for one in &mut one.scope_spans {
            scope(&mut one.scope);
            for span in &mut one.spans {
                id(&mut span.trace_id, 16);
                id(&mut span.span_id, 8);
                id(&mut span.parent_span_id, 8);
                attributes(&mut span.attributes);
                span.status.get_or_insert_default();
                span.events.iter_mut().for_each(|event| attributes(&mut event.attributes));
                for link in &mut span.links {
                    id(&mut link.trace_id, 16);
                    id(&mut link.span_id, 8);
                    attributes(&mut link.attributes);
                }
            }
        }
    }
    request
}

pub fn logs(mut request: ExportLogsServiceRequest) -> ExportLogsServiceRequest {
    for one in &mut request.resource_logs {
        resource(&mut one.resource);
        for one in &mut one.scope_logs {
            scope(&mut one.scope);
            for record in &mut one.log_records {
                id(&mut record.trace_id, 16);
                id(&mut record.span_id, 8);
                attributes(&mut record.attributes);
                value(record.body.get_or_insert_default());
            }
        }
    }
    request
}

pub fn metrics(mut request: ExportMetricsServiceRequest) -> ExportMetricsServiceRequest {
    for one in &mut request.resource_metrics {
        resource(&mut one.resource);
        for one in &mut one.scope_metrics {
            scope(&mut one.scope);
            for metric in &mut one.metrics {
                attributes(&mut metric.metadata);
                match &mut metric.data {
                    Some(Data::Gauge(gauge)) => gauge.data_points.iter_mut().for_each(number),
                    Some(Data::Sum(sum)) => sum.data_points.iter_mut().for_each(number),
                    Some(Data::Histogram(histogram)) => histogram.data_points.iter_mut().for_each(|point| {
                        attributes(&mut point.attributes);
                        point.exemplars.iter_mut().for_each(exemplar);
                    }),
                    Some(Data::ExponentialHistogram(histogram)) => histogram.data_points.iter_mut().for_each(|point| {
                        attributes(&mut point.attributes);
                        point.exemplars.iter_mut().for_each(exemplar);
                        point.positive.get_or_insert_default();
                        point.negative.get_or_insert_default();
                    }),
                    Some(Data::Summary(summary)) => {
                        summary.data_points.iter_mut().for_each(|point| attributes(&mut point.attributes));
                    }
                    None => {}
                }
            }
        }
    }
    request
}

fn number(point: &mut NumberDataPoint) {
    attributes(&mut point.attributes);
    point.exemplars.iter_mut().for_each(exemplar);
}

fn exemplar(exemplar: &mut Exemplar) {
    id(&mut exemplar.trace_id, 16);
    id(&mut exemplar.span_id, 8);
    attributes(&mut exemplar.filtered_attributes);
}
