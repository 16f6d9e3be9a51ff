//! The same through the `otlp_file` receiver: the whole folder of captures in, requests out by HTTP; and what the `file`
//! exporter wrote of it, compressed and behind lengths, in again.

use crate::oracle::Corpus;
use crate::outputs::Outputs;
use crate::pass::start;
use chaperone_testkit::fake_http::FakeHttp;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// Without a queue a request is delivered as it came, one after the other: so many requests are everything.
const CONFIG: &str = "
receivers: {otlp_file: {include: ['INPUT']}}
exporters:
  otlp_http: {endpoint: BACKEND, compression: none, sending_queue: {enabled: false}}
  file/traces: {path: OUTPUT/traces.pb, format: proto, compression: zstd}
  file/metrics: {path: OUTPUT/metrics.jsonl, compression: zstd}
  file/logs: {path: OUTPUT/logs.pb, format: proto}
service:
  pipelines:
    traces: {receivers: [otlp_file], exporters: [file/traces, otlp_http]}
    metrics: {receivers: [otlp_file], exporters: [file/metrics, otlp_http]}
    logs: {receivers: [otlp_file], exporters: [file/logs, otlp_http]}
";

/// Replays a folder into another one; gives what the backend got.
async fn replay(input: &Path, output: &Path, requests: usize) -> Outputs {
    let backend = FakeHttp::start().await;
    let text = CONFIG.replace("INPUT", input.to_str().unwrap()).replace("OUTPUT", output.to_str().unwrap());
    let (running, _telemetry) = start(text.replace("BACKEND", &backend.url())).await;
    let got = backend.wait_for(requests).await;
    running.shutdown(Duration::from_secs(60)).await;
    let mut outputs = Outputs::default();
    outputs.add_http(&got);
    outputs
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn captures_read_from_files_come_out_equal_to_the_oracle_and_so_does_what_was_written_of_them() {
    let corpus = Corpus::load();
    let expected = corpus.resources();
    let (first, second) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let folder = chaperone_testkit::corpus::folder();
    let outputs = replay(&folder, first.path(), corpus.requests.len()).await;
    assert_eq!(outputs.http_protobuf.difference(&expected), None, "captures");
    let again = replay(first.path(), second.path(), corpus.requests.len()).await;
    assert_eq!(again.http_protobuf.difference(&expected), None, "what the file exporter wrote");
}
