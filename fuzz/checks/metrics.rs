//! Metrics: what is accepted is what prost reads, with the same number of points.

use crate::ops::KEYS;
use crate::plan;
use crate::records::{LIMITS, cut, json_and_back};
use chaperone_proto::{Data, Metrics, Signal, keys};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use prost::Message;

/// A plan and a serialized request.
pub fn check(input: &[u8]) {
    keys::install(&KEYS);
    let (mut plan, body) = plan::split(input);
    let canonical = |body: &[u8]| ExportMetricsServiceRequest::decode(body).ok().map(|request| request.encode_to_vec());
    let Ok(data) = Data::decode(Signal::Metrics, body.to_vec().into(), &LIMITS) else { return };
    let encoded = data.encode().concat();
    let ours = canonical(&encoded).expect("prost reads what we encode");
    if let Some(expected) = canonical(body) {
        assert_eq!(ours, expected, "a request says the same");
    }
    let Data::Metrics(metrics) = &data else { return };
    let request = metrics.to_request();
    assert_eq!(metrics.points(), Metrics::from_request(&request).points());
    assert_eq!(request.encode_to_vec(), ours);
    json_and_back(&data);
    cut(&data, &mut plan);
}
