//! Nothing is lost, added or changed: every capture of the corpus through a real graph, against the oracle.
//!
//! In by gRPC, by HTTP, by files and by `replay`, out by `otlp_http`, `otlp_grpc` and `file`, as protobuf and as JSON;
//! what came out as JSON goes in again and comes out as protobuf. The oracle is `opentelemetry-proto`: both sides are decoded into its structs.
//! Requests may be merged on the way, so that compared is the collection of resources with all that is below them.
//! It takes over ten seconds because it is the whole corpus, five ways out, twice, read back by an unoptimised oracle.

#![expect(clippy::unwrap_used, reason = "helpers of a test panic as the test itself would")]

mod files;
mod oracle;
mod outputs;
mod pass;
mod relay;
mod replay;
#[path = "../../proto/tests/oracle/shown.rs"]
mod shown;

use oracle::{Corpus, Resources};
use outputs::Outputs;
use pass::{Pass, Transport};

/// Everything that comes out of one pass is everything that the corpus has.
async fn check(transport: Transport) {
    let corpus = Corpus::load();
    let pass = Pass::start(transport).await;
    pass.send(&corpus).await;
    let outputs = pass.finish().await;
    let expected = corpus.resources();
    // The sums of INDEX.tsv: what was loaded is the whole corpus.
    assert_eq!((expected.spans(), expected.log_records()), (3040, 691));
    assert_eq!(outputs.http_protobuf.difference(&expected), None, "otlp_http, protobuf");
    assert_eq!(outputs.file_protobuf.difference(&expected), None, "file, protobuf");
    let shown = expected.as_json_shows();
    assert_eq!(outputs.http_json.difference(&shown), None, "otlp_http, JSON");
    assert_eq!(outputs.file_json.difference(&shown), None, "file, JSON");
    assert_eq!(outputs.relayed.difference(&expected), None, "otlp_grpc, and the collector after it");
    check_json_again(&outputs, &expected).await;
}

/// What came out as JSON goes in as JSON and comes out as protobuf.
async fn check_json_again(outputs: &Outputs, expected: &Resources) {
    let pass = Pass::start(Transport::Http).await;
    for (signal, line) in &outputs.json_lines {
        pass.send_json(signal, line.clone()).await;
    }
    let again = pass.finish().await;
    assert_eq!(again.file_protobuf.difference(&expected.as_json_shows()), None, "protobuf, JSON, protobuf");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn captures_received_by_http_come_out_equal_to_the_oracle() {
    check(Transport::Http).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn captures_received_by_grpc_come_out_equal_to_the_oracle() {
    check(Transport::Grpc).await;
}
