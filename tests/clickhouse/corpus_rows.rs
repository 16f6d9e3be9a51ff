//! All captures of the corpus: the rows that stand in ClickHouse against rows built by the oracle.

use crate::oracle;
use crate::support::{Store, assert_rows, contrib_rows, traces};
use chaperone_testkit::corpus;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

#[tokio::test]
async fn every_span_of_every_capture_is_the_row_that_the_rules_give() {
    let store = Store::start().await;
    let mut expected = Vec::new();
    for name in corpus::names() {
        let mut requests = Vec::new();
        for request in corpus::load(&name).unwrap().requests.iter().filter(|request| request.signal == "traces") {
            let data = traces(&request.body, request.json);
            // OTLP/JSON has no oracle of its own here: its protobuf form is taken. Its recorded rows are compared elsewhere.
            let body = if request.json { data.encode().concat() } else { request.body.to_vec() };
            expected.extend(oracle::rows(&ExportTraceServiceRequest::decode(body.as_slice()).unwrap()));
            requests.push(data);
        }
        store.deliver(&requests).await;
    }
    assert!(expected.len() > 2_000, "only {} spans were compared", expected.len());
    assert_rows(contrib_rows(&store.database).await, expected, "the corpus");
}
