//! All captures of the corpus: the rows that stand in ClickHouse against rows built by the oracle.

use crate::oracle;
use crate::support::{Store, assert_rows, traces};
use chaperone_testkit::corpus;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

#[tokio::test]
async fn every_span_of_every_capture_is_the_row_that_the_rules_give() {
    let store = Store::start().await;
    let mut spans = 0;
    for name in corpus::names() {
        let capture = corpus::load(&name).unwrap();
        let mut expected = Vec::new();
        for request in capture.requests.iter().filter(|request| request.signal == "traces") {
            let data = traces(&request.body, request.json);
            // OTLP/JSON has no oracle of its own here: its protobuf form is taken. Its recorded rows are compared elsewhere.
            let body = if request.json { data.encode().concat() } else { request.body.to_vec() };
            expected.extend(oracle::rows(&ExportTraceServiceRequest::decode(body.as_slice()).unwrap()));
            store.deliver(&[data]).await;
        }
        spans += expected.len();
        assert_rows(store.contrib_rows().await, expected, &name);
        store.query("TRUNCATE TABLE {db}.otel_traces").await;
    }
    assert!(spans > 2_000, "only {spans} spans were compared");
}
