//! Every capture of a real sender: decoded, read, written and edited like the oracle's structs.

use crate::read::{check_logs, check_traces};
use crate::{install, join, shown};
use chaperone_proto::{KeyId, Limits, Logs, Metrics, Traces, Value};
use chaperone_testkit::corpus::captures;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

const LIMITS: Limits = Limits { max_depth: 64, max_records: 100_000, max_attributes: 1_000_000, max_growth: 12 };

fn check_traces_request(json: bool, body: &bytes::Bytes) {
    let (traces, oracle) = if json {
        let oracle: ExportTraceServiceRequest = serde_json::from_slice(body).unwrap();
        (Traces::decode_json(body, &LIMITS).unwrap(), oracle)
    } else {
        (Traces::decode(body.clone(), &LIMITS).unwrap(), ExportTraceServiceRequest::decode(&**body).unwrap())
    };
    check_traces(&traces, &oracle);
    assert_eq!(ExportTraceServiceRequest::decode(&*join(traces.encode())).unwrap(), oracle);
    if !json {
        assert_eq!(join(traces.encode()), **body, "an untouched request leaves as it came");
    }
    let mut text = Vec::new();
    traces.write_json(&mut text);
    let again = Traces::decode_json(&text, &LIMITS).unwrap();
    assert_eq!(ExportTraceServiceRequest::decode(&*join(again.encode())).unwrap(), shown::traces(oracle.clone()));
    // Split span by span and merged, every span is back, each with its scope and resource.
    let parts: Vec<Vec<u8>> = (0..traces.len() as u32).map(|at| join(traces.extract(&[at]).encode())).collect();
    let merged = Traces::decode(parts.concat().into(), &LIMITS).unwrap();
    assert_eq!(merged.len(), traces.len());
    for (one, other) in merged.spans().zip(traces.spans()) {
        assert_eq!((one.span_id(), one.name(), one.attrs().len()), (other.span_id(), other.name(), other.attrs().len()));
        assert_eq!((one.scope().name(), one.resource().attrs().len()), (other.scope().name(), other.resource().attrs().len()));
    }
    edit_every_span(traces, oracle);
}

fn edit_every_span(mut traces: Traces, mut oracle: ExportTraceServiceRequest) {
    for at in 0..traces.len() {
        let mut span = traces.edit(at);
        span.append(KeyId(1), "appended \u{e9}");
        span.rename(KeyId(0), KeyId(4));
        span.set_status_message("edited");
    }
    let spans =
        oracle.resource_spans.iter_mut().flat_map(|resource| &mut resource.scope_spans).flat_map(|scope| &mut scope.spans);
    for span in spans {
        span.attributes.push(crate::values::pair(crate::ops::KEYS[1], &Value::Str("appended \u{e9}".into())));
        let renamed = span.attributes.iter_mut().filter(|pair| pair.key == crate::ops::KEYS[0]);
        renamed.for_each(|pair| pair.key = crate::ops::KEYS[4].to_owned());
        span.status.get_or_insert_default().message = "edited".to_owned();
    }
    assert_eq!(ExportTraceServiceRequest::decode(&*join(traces.encode())).unwrap(), oracle);
}

fn check_logs_request(json: bool, body: &bytes::Bytes) {
    let (logs, oracle) = if json {
        let oracle: ExportLogsServiceRequest = serde_json::from_slice(body).unwrap();
        (Logs::decode_json(body, &LIMITS).unwrap(), oracle)
    } else {
        (Logs::decode(body.clone(), &LIMITS).unwrap(), ExportLogsServiceRequest::decode(&**body).unwrap())
    };
    check_logs(&logs, &oracle);
    assert_eq!(ExportLogsServiceRequest::decode(&*join(logs.encode())).unwrap(), oracle);
    let mut text = Vec::new();
    logs.write_json(&mut text);
    let again = Logs::decode_json(&text, &LIMITS).unwrap();
    assert_eq!(ExportLogsServiceRequest::decode(&*join(again.encode())).unwrap(), shown::logs(oracle));
}

fn check_metrics_request(json: bool, body: &bytes::Bytes) {
    let metrics = if json {
        let oracle: ExportMetricsServiceRequest = serde_json::from_slice(body).unwrap();
        let metrics = Metrics::decode_json(body, &LIMITS).unwrap();
        assert_eq!(metrics.to_request(), oracle);
        metrics
    } else {
        Metrics::decode(body.clone(), &LIMITS).unwrap()
    };
    let mut text = Vec::new();
    metrics.write_json(&mut text);
    assert_eq!(Metrics::decode_json(&text, &LIMITS).unwrap().to_request(), shown::metrics(metrics.to_request()));
}

#[test]
fn every_capture_equals_the_oracle_after_every_path() {
    install();
    let (mut protobuf, mut json) = (0, 0);
    for capture in captures() {
        for request in &capture.requests {
            // The name of the capture is what a failure should show.
            let check = || match request.signal {
                "traces" => check_traces_request(request.json, &request.body),
                "logs" => check_logs_request(request.json, &request.body),
                _ => check_metrics_request(request.json, &request.body),
            };
            if std::panic::catch_unwind(check).is_err() {
                panic!("{}/{}", capture.name, request.file);
            }
            *(if request.json { &mut json } else { &mut protobuf }) += 1;
        }
    }
    assert!(protobuf >= 711 && json >= 7, "{protobuf} protobuf and {json} JSON requests were found");
}
