//! Metrics: kept as bytes, decoded with `opentelemetry-proto` by whoever needs them.

use crate::{DecodeError, Limits, json_read, json_write, repair, schema};
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
    /// Checks the request and counts its data points. Texts that are not UTF-8 are repaired, as in other signals.
    pub fn decode(bytes: Bytes, limits: &Limits) -> Result<Metrics, DecodeError> {
        let (bytes, request) = match ExportMetricsServiceRequest::decode(&*bytes) {
            Ok(request) => (bytes, request),
            Err(_) => {
                let (repaired, _) = repair::repair(&schema::METRICS, &bytes, PROST_DEPTH)?;
                let request = ExportMetricsServiceRequest::decode(&*repaired).map_err(|error| refusal(&error, bytes.len()))?;
                (repaired.into(), request)
            }
        };
        let points = count(&request);
        if points > limits.max_records {
            return Err(DecodeError::TooMany { what: "data points", limit: limits.max_records });
        }
        Ok(Metrics { bytes, points })
    }

    /// Transcodes OTLP/JSON, then checks and counts like `decode`.
    pub fn decode_json(json: &[u8], limits: &Limits) -> Result<Metrics, DecodeError> {
        let (body, _) = json_read::transcode(&schema::METRICS, json, limits.max_depth)?;
        Metrics::decode(body.into(), limits)
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

    /// OTLP/JSON of the request, appended to `out`.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        json_write::write(&schema::METRICS, &self.bytes, out);
    }
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

/// Structure was walked before prost saw it; what it still refuses is a field of another type or too deep a nesting.
fn refusal(error: &prost::DecodeError, len: usize) -> DecodeError {
    if error.to_string().contains("recursion limit") {
        return DecodeError::TooDeep { limit: PROST_DEPTH };
    }
    DecodeError::WireType { field: "metrics", offset: len }
}

/// Nesting of messages that prost accepts.
const PROST_DEPTH: usize = 100;
