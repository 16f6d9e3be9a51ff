//! `batch`: who is told what became of a merged batch.
//!
//! A log request whose backend does not answer keeps one request open, so that spans wait to be merged.

use crate::house::House;
use chaperone_proto::{Data, Limits, Signal};
use chaperone_testkit::fake_http::{Answer, FakeHttp, Recorded};

const CONFIG: &str = "
receivers: {otlp: {protocols: {http: {endpoint: 'localhost:0'}}}}
processors: {batch: {send_batch_size: SIZE, timeout: 1s}}
exporters:
  otlp_http: {endpoint: BACKEND, compression: none, sending_queue: {enabled: false}, retry_on_failure: {enabled: false}}
  otlp_http/stuck: {endpoint: STUCK, timeout: 2s, sending_queue: {enabled: false}, retry_on_failure: {enabled: false}}
service:
  pipelines:
    traces: {receivers: [otlp], processors: [batch], exporters: [otlp_http]}
    logs: {receivers: [otlp], exporters: [otlp_http/stuck]}
";
const SPAN: &str = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","name":"NAME"}]}]}]}"#;
const LOG: &str = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"x"}}]}]}]}"#;

struct Scene {
    house: House,
    backend: FakeHttp,
    stuck: tokio::task::JoinHandle<u16>,
}

impl Scene {
    /// One request is open, and stays so for two seconds.
    async fn with_an_open_request(size: u32) -> Scene {
        let (backend, stuck) = (FakeHttp::start().await, FakeHttp::start().await);
        stuck.answer(Answer::never());
        let text = CONFIG.replace("BACKEND", &backend.url()).replace("STUCK", &stuck.url());
        let house = House::start(text.replace("SIZE", &size.to_string())).await;
        let client = house.send("logs", LOG);
        stuck.wait_for(1).await;
        Scene { house, backend, stuck: client }
    }
    fn send_span(&self, name: &str) -> tokio::task::JoinHandle<u16> {
        self.house.send("traces", &SPAN.replace("NAME", name))
    }
}

fn spans(request: &Recorded) -> usize {
    Data::decode(Signal::Traces, request.decompressed().unwrap(), &Limits::default()).unwrap().items()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_sender_of_a_merged_batch_hears_that_it_was_refused() {
    let scene = Scene::with_an_open_request(2).await;
    scene.backend.answer(Answer::status(400));
    let (first, second) = (scene.send_span("a"), scene.send_span("b"));
    assert_eq!((first.await.unwrap(), second.await.unwrap()), (500, 500));
    assert_eq!(scene.backend.requests().iter().map(spans).collect::<Vec<_>>(), [2]);
    scene.house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lone_sender_does_not_wait_for_others() {
    let mut scene = Scene::with_an_open_request(100).await;
    assert_eq!((&mut scene.stuck).await.unwrap(), 503, "its backend did not answer in time");
    assert_eq!(scene.send_span("a").await.unwrap(), 200);
    scene.house.wait_for("chaperone_processor_batch_at_once", 1.0).await;
    scene.house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_when_the_collector_stops_is_still_answered() {
    let scene = Scene::with_an_open_request(100).await;
    let waiting = scene.send_span("a");
    scene.house.wait_for("chaperone_component_held_items", 1.0).await;
    scene.house.stop().await;
    assert_eq!(waiting.await.unwrap(), 200);
    assert_eq!(scene.backend.requests().len(), 1);
}
