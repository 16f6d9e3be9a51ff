//! Metrics: kept as bytes that were checked, decoded with `opentelemetry-proto` by whoever needs them.

use crate::{DecodeError, Limits, Signal, Splitter, check, json_read, json_write, repair, schema};
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use prost::Message;

/// One serialized `ExportMetricsServiceRequest` and the number of its data points.
#[derive(Debug, Clone)]
pub struct Metrics {
    bytes: Bytes,
    points: usize,
    repaired: usize,
}

impl Metrics {
    /// Checks the request and counts its data points, without decoding it. Texts that are not UTF-8 are repaired and
    /// messages that occur twice are merged, as in other signals.
    pub fn decode(mut bytes: Bytes, limits: &Limits) -> Result<Metrics, DecodeError> {
        let look = |bytes: &Bytes| check::check(&schema::METRICS, bytes, limits, schema::is_point);
        let mut found = look(&bytes)?;
        let mut repaired = 0;
        if found.texts {
            let (body, texts) = repair::repair(&schema::METRICS, &bytes, check::PROST_DEPTH + 1)?;
            (bytes, repaired) = (body.into(), texts);
        }
        if found.structure {
            let request = ExportMetricsServiceRequest::decode(&*bytes);
            bytes = request.expect("invariant: what was checked can be decoded").encode_to_vec().into();
            found = look(&bytes)?;
        }
        Ok(Metrics { bytes, points: found.items, repaired })
    }

    /// Transcodes OTLP/JSON, then checks and counts like `decode`.
    pub fn decode_json(json: &[u8], limits: &Limits) -> Result<Metrics, DecodeError> {
        let (body, repaired) = json_read::transcode(&schema::METRICS, json, limits.max_depth)?;
        let mut metrics = Metrics::decode(body.into(), limits)?;
        metrics.repaired += repaired;
        Ok(metrics)
    }

    /// Serializes a request.
    pub fn from_request(request: &ExportMetricsServiceRequest) -> Metrics {
        Metrics { bytes: request.encode_to_vec().into(), points: count(request), repaired: 0 }
    }

    /// The decoded request.
    pub fn to_request(&self) -> ExportMetricsServiceRequest {
        ExportMetricsServiceRequest::decode(&*self.bytes).expect("invariant: what was checked can be decoded")
    }

    /// A self-contained request with the given data points (sorted, by position in wire order). Metrics, scopes and
    /// resources without any of them are left out.
    pub fn extract(&self, points: &[u32]) -> Metrics {
        let splitter = Splitter::new(Signal::Metrics, self.bytes.clone()).expect("invariant: what was checked can be cut");
        let part = splitter.select(points);
        Metrics { bytes: part.body, points: part.items, repaired: self.repaired }
    }

    /// The serialized request.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Number of data points.
    pub fn points(&self) -> usize {
        self.points
    }

    /// Texts whose invalid UTF-8 was replaced by U+FFFD.
    pub fn repaired_texts(&self) -> usize {
        self.repaired
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
