//! Settings, posts as they are sent, attempts, and what is reported.

use super::*;
use chaperone_config::{Node, parse_settings};
use chaperone_genai::{event_names, keys};
use chaperone_pipeline::{Clock, MemoryStorage};
use chaperone_proto::{LogsBuilder, Signal, Value};
use chaperone_testkit::fake_http::{Answer, FakeHttp};

fn parse(yaml: &str) -> Result<Config, String> {
    parse_settings(&Node::parse(yaml, "test.yaml").unwrap(), "exporters.webhook").map_err(|problems| problems.to_string())
}

/// Alerts with these ids, and one record that is none.
fn alerts(ids: &[&str]) -> Chunk {
    keys::install();
    let mut logs = LogsBuilder::new(&[], "chaperone");
    for id in ids {
        let labels = Value::Map(vec![("agent".into(), Value::Str("planner".into()))]);
        let mut record = logs.record(1_700_000_000_000_000_001);
        record
            .event_name(event_names::ALERT)
            .body("agent planner \"loops\"")
            .attr(keys::CHAPERONE_ALERT_ID, *id)
            .attr(keys::CHAPERONE_ALERT_STATE, "firing")
            .attr(keys::CHAPERONE_ALERT_LABELS, &labels)
            .attr(keys::CHAPERONE_ALERT_VALUE, 12.5)
            .attr(keys::CHAPERONE_ALERT_IDEMPOTENCY_KEY, format!("{id}/firing/1").as_str());
    }
    logs.record(1).event_name("something.else");
    let logs = logs.finish();
    Chunk { signal: Signal::Logs, body: logs.encode(), items: logs.len(), client: None }
}

struct Bench {
    fake: FakeHttp,
    host: Host,
    exporter: WebhookExporter,
    context: BuildContext,
}

impl Bench {
    async fn start(settings: &str) -> Bench {
        let fake = FakeHttp::start().await;
        let clock = Clock::manual(1_700_000_100_000_000_000);
        let context = BuildContext::for_tests("webhook", clock.clone());
        let config = parse(&format!("{{url: '{}/in?team=a'{settings}}}", fake.url())).unwrap();
        let exporter = WebhookExporter::new(&config, &context).unwrap();
        let host = Host::for_tests(clock, Arc::new(MemoryStorage::default()));
        exporter.start(&host).await.unwrap();
        Bench { fake, host, exporter, context }
    }

    async fn export(&self, chunk: Chunk, attempt: u32) -> Result<Exported, ExportError> {
        let timeout = Duration::from_secs(20);
        self.exporter.export(&[chunk], ExportContext { batch_id: 7, attempt, timeout, now: self.host.clock().now() }).await
    }

    /// Outcome, attempt and error of every report.
    fn reports(&self) -> Vec<(String, i64, String)> {
        let logs = self.host.reported_for_tests();
        let report = |log: chaperone_proto::LogRef<'_>| {
            assert_eq!(log.event_name(), event_names::NOTIFICATION);
            let text = |key| log.attrs().str(key).unwrap_or_default().to_owned();
            let attempt = log.attrs().int(keys::CHAPERONE_NOTIFICATION_ATTEMPT).unwrap();
            (text(keys::CHAPERONE_NOTIFICATION_OUTCOME), attempt, text(keys::ERROR_TYPE))
        };
        logs.iter().flat_map(|logs| logs.logs().map(report).collect::<Vec<_>>()).collect()
    }
}

#[test]
fn the_example_has_the_defaults() {
    let config = parse(include_str!("testdata/default.yaml")).unwrap();
    assert_eq!(config, Config { url: "http://localhost:9000/alerts".into(), ..Config::default() });
}

#[test]
fn mistakes_are_told() {
    for (yaml, message) in [
        (include_str!("testdata/invalid_no_url.yaml"), "`url` is required"),
        (include_str!("testdata/invalid_tls.yaml"), "provide either a CA file or the PEM-encoded string"),
        (include_str!("testdata/invalid_header.yaml"), "not a header name"),
    ] {
        let problems = parse(yaml).unwrap_err();
        assert!(problems.contains(message), "{problems}");
    }
}

#[tokio::test]
async fn an_alert_is_one_signed_post_with_all_its_fields() {
    let bench = Bench::start(", secret: it is a secret, headers: {authorization: Bearer t}").await;
    assert_eq!(bench.export(alerts(&["a1"]), 1).await.unwrap(), Exported::default());
    let [sent] = bench.fake.requests().try_into().unwrap();
    assert_eq!((sent.method.as_str(), sent.path.as_str()), ("POST", "/in?team=a"));
    assert_eq!((sent.header("content-type"), sent.header("authorization")), ("application/json", "Bearer t"));
    assert_eq!(sent.header("idempotency-key"), "a1/firing/1");
    assert_eq!(sent.header("x-chaperone-timestamp"), "1700000100");
    let expected = signature::sign(b"it is a secret", "1700000100", &sent.body);
    assert_eq!(sent.header("x-chaperone-signature"), expected);
    let json: serde_json::Value = serde_json::from_slice(&sent.body).unwrap();
    let expected = serde_json::json!({
        "event": "chaperone.alert",
        "message": "agent planner \"loops\"",
        "time_unix_nano": "1700000000000000001",
        "id": "a1",
        "state": "firing",
        "labels": {"agent": "planner"},
        "value": 12.5,
        "idempotency_key": "a1/firing/1",
    });
    assert_eq!(json, expected);
    assert_eq!(bench.reports(), [("delivered".to_owned(), 1, String::new())]);
}

#[tokio::test]
async fn without_a_secret_nothing_is_signed() {
    let bench = Bench::start("").await;
    bench.export(alerts(&["a1"]), 1).await.unwrap();
    assert_eq!(bench.fake.requests()[0].header("x-chaperone-signature"), "");
}

#[tokio::test]
async fn records_that_are_no_alerts_are_skipped_and_counted_once() {
    let bench = Bench::start("").await;
    bench.fake.answer(Answer::status(503));
    bench.export(alerts(&["a1"]), 1).await.unwrap_err();
    bench.export(alerts(&["a1"]), 2).await.unwrap();
    let labels = [("exporter", "webhook"), ("reason", "not_an_alert")];
    let skipped = bench.context.telemetry().counter("chaperone_exporter_skipped_items", "", &labels);
    assert_eq!(skipped.get(), 1);
}

#[tokio::test]
async fn another_attempt_posts_only_what_is_not_settled() {
    let bench = Bench::start("").await;
    bench.fake.answer(Answer::status(200));
    bench.fake.answer(Answer::status(503).header("retry-after", "9"));
    bench.fake.answer(Answer::status(410));
    match bench.export(alerts(&["a1", "a2", "a3"]), 1).await.unwrap_err() {
        ExportError::Retryable { after, .. } => assert_eq!(after, Some(Duration::from_secs(9))),
        error => panic!("{error}"),
    }
    let exported = bench.export(alerts(&["a1", "a2", "a3"]), 2).await.unwrap();
    assert_eq!(exported.rejected, 1);
    let keys: Vec<String> = bench.fake.requests().iter().map(|sent| sent.header("idempotency-key").to_owned()).collect();
    assert_eq!(keys, ["a1/firing/1", "a2/firing/1", "a3/firing/1", "a2/firing/1"]);
    let report = |outcome: &str, attempt, error: &str| (outcome.to_owned(), attempt, error.to_owned());
    let expected =
        [report("delivered", 1, ""), report("failed", 1, "503"), report("refused", 1, "410"), report("delivered", 2, "")];
    assert_eq!(bench.reports(), expected);
}

#[tokio::test]
async fn a_finished_batch_is_forgotten() {
    let bench = Bench::start("").await;
    bench.export(alerts(&["a1"]), 1).await.unwrap();
    bench.export(alerts(&["a1"]), 1).await.unwrap();
    assert_eq!(bench.fake.requests().len(), 2);
}
