//! Replays through a real graph, with an exporter that keeps what it gets and refuses what it is told to.

mod sink;

use super::*;
use bytes::Bytes;
use chaperone_config::{Node, Source, load, parse_settings};
use chaperone_net::{BodyEncoding, compress};
use chaperone_pipeline::engine::{EngineSettings, Graph, Running, SharedState};
use chaperone_pipeline::{Clock, ExporterEntry, MemoryStorage, ReceiverEntry, Registry, StartError, Telemetry};
use chaperone_proto::{Data, Limits, Signal};
use sink::{Refuse, Sink};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

const RECEIVERS: &[ReceiverEntry] = &[ReceiverEntry::of::<OtlpFile>()];
const EXPORTERS: &[ExporterEntry] = &[ExporterEntry::of::<sink::Factory>()];

fn parse(yaml: &str) -> Result<Config, String> {
    parse_settings(&Node::parse(yaml, "test.yaml").unwrap(), "receivers.otlp_file").map_err(|problems| problems.to_string())
}

fn spans(name: &str) -> String {
    format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"name":"{name}"}}]}}]}}]}}"#)
}

fn logs(text: &str) -> String {
    format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{{"stringValue":"{text}"}}}}]}}]}}]}}"#)
}

/// A running graph that replays `include`, traces into the sink of this key.
struct Bench {
    running: Running,
    telemetry: Telemetry,
    sink: Sink,
}

impl Bench {
    async fn try_start(key: &str, include: &str, more: &str) -> Result<Bench, StartError> {
        // Keys are process-wide; the receiver needs none of them.
        chaperone_proto::keys::install(&[]);
        let text = format!(
            "receivers:\n  otlp_file: {{include: [{include}]{more}}}\nexporters:\n  sink: {{key: {key}}}\n\
             service:\n  pipelines:\n    traces: {{receivers: [otlp_file], exporters: [sink]}}\n"
        );
        let (document, _) = load(&[Source::Text { name: "test.yaml".into(), text }], &|_| None).unwrap();
        let registry = Registry { receivers: RECEIVERS, processors: &[], connectors: &[], exporters: EXPORTERS, extensions: &[] };
        let telemetry = Telemetry::default();
        let settings = EngineSettings {
            clock: Clock::system(),
            telemetry: telemetry.clone(),
            hash_key: [0; 32],
            storage: Arc::new(MemoryStorage::default()),
            shared: SharedState::default(),
        };
        let running = Graph::build(&document, &registry, settings).unwrap().start().await?;
        Ok(Bench { running, telemetry, sink: sink::of(key) })
    }

    async fn start(key: &str, include: &Path, more: &str) -> Bench {
        Bench::try_start(key, &format!("'{}'", include.display()), more).await.unwrap()
    }

    /// The value of an own metric, all instruments with this label together.
    fn sample(&self, family: &str, label: &str) -> u64 {
        let families = self.telemetry.families();
        let samples = families.iter().filter(|known| known.name == family).flat_map(|known| &known.samples);
        samples.filter(|sample| sample.labels.iter().any(|(_, value)| value == label)).map(|sample| sample.value as u64).sum()
    }

    /// Names of spans once `count` requests came, in their order.
    async fn names(&self, count: usize) -> Vec<String> {
        self.sink.wait_for(count).await
    }

    async fn stop(self) {
        self.running.shutdown(Duration::from_secs(5)).await;
    }
}

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    folder
}

#[test]
fn the_example_has_the_defaults() {
    let config = parse(include_str!("testdata/default.yaml")).unwrap();
    assert_eq!(config, Config { include: vec!["./recordings".into()], ..Config::default() });
}

#[test]
fn mistakes_are_told() {
    for (yaml, message) in [
        (include_str!("testdata/invalid_nothing_to_read.yaml"), "`include` must name something to read"),
        (include_str!("testdata/invalid_empty_path.yaml"), "a path must not be empty"),
        (include_str!("testdata/invalid_no_pause.yaml"), "must be positive"),
        (include_str!("testdata/invalid_pauses.yaml"), "must not be less than `initial_interval`"),
    ] {
        let problems = parse(yaml).unwrap_err();
        assert!(problems.contains(message), "{problems}");
    }
}

#[tokio::test]
async fn a_folder_is_replayed_once_and_in_order() {
    let protobuf = Data::decode_json(Signal::Traces, spans("2").as_bytes(), &Limits::default()).unwrap().encode().concat();
    let packed = compress(&[Bytes::from(spans("4"))], BodyEncoding::Zstd).unwrap();
    let folder = folder(&[
        ("a.jsonl", format!("{}\n{}\n", spans("0"), spans("1")).as_bytes()),
        ("b/002-traces.pb", &protobuf),
        ("c.json", spans("3").as_bytes()),
        ("d.json.zst", &packed),
        ("meta.json", b"{}"),
    ]);
    let bench = Bench::start("folder", folder.path(), "").await;
    assert_eq!(bench.names(5).await, ["0", "1", "2", "3", "4"]);
    bench.stop().await;
}

#[tokio::test]
async fn patterns_and_names_are_read_in_their_order_and_each_file_once() {
    let folder = folder(&[("a.json", spans("a").as_bytes()), ("b.json", spans("b").as_bytes()), ("x.txt", b"")]);
    let root = folder.path().display();
    let bench = Bench::try_start("patterns", &format!("'{root}/b.json', '{root}/*', '{root}/**/*.json'"), "").await.unwrap();
    assert_eq!(bench.names(2).await, ["b", "a"]);
    bench.stop().await;
}

#[tokio::test]
async fn what_names_nothing_keeps_the_collector_from_starting() {
    let folder = folder(&[("x.txt", b"")]);
    let root = folder.path().display();
    for (include, message) in [
        (format!("'{root}'"), "no recorded OTLP in the folder"),
        (format!("'{root}/*.json'"), "no recorded OTLP matches"),
        (format!("'{root}/x.txt'"), "is not a recording"),
    ] {
        let Err(error) = Bench::try_start("nothing", &include, "").await else { panic!("{include} was accepted") };
        assert!(error.message.contains(message), "{error}");
    }
}

#[tokio::test]
async fn a_refusal_for_now_is_waited_out_and_nothing_is_lost() {
    let lines: String = (0..5).map(|i| format!("{}\n", spans(&i.to_string()))).collect();
    let folder = folder(&[("a.jsonl", lines.as_bytes())]);
    sink::of("patient").refuse("2", Refuse::ForNow, 3);
    let bench = Bench::start("patient", folder.path(), ", retry_on_failure: {initial_interval: 1ms, max_interval: 2ms}").await;
    assert_eq!(bench.names(5).await, ["0", "1", "2", "3", "4"]);
    assert_eq!(bench.sink.refused(), 3);
    bench.stop().await;
}

/// Two requests, the first of which is refused; gives the outcomes `refused` and `given_up`.
async fn first_refused(key: &'static str, how: Refuse, retry: &str) -> (u64, u64) {
    let folder = folder(&[("a.jsonl", format!("{}\n{}\n", spans("bad"), spans("good")).as_bytes())]);
    sink::of(key).refuse("bad", how, usize::MAX);
    let bench = Bench::start(key, folder.path(), &format!(", retry_on_failure: {retry}")).await;
    assert_eq!(bench.names(1).await, ["good"]);
    let count = |outcome| bench.sample("chaperone_receiver_file_requests", outcome);
    let counted = (count("refused"), count("given_up"));
    bench.stop().await;
    counted
}

#[tokio::test]
async fn a_request_is_given_up_when_its_time_is_over() {
    let retry = "{initial_interval: 1ms, max_interval: 1ms, max_elapsed_time: 10ms}";
    assert_eq!(first_refused("given up", Refuse::ForNow, retry).await, (0, 1));
}

#[tokio::test]
async fn a_request_is_given_up_at_once_when_nothing_is_tried_again() {
    assert_eq!(first_refused("at once", Refuse::ForNow, "{enabled: false}").await, (0, 1));
}

#[tokio::test]
async fn what_is_refused_for_good_is_not_tried_again() {
    assert_eq!(first_refused("for good", Refuse::ForGood, "{}").await, (1, 0));
    assert_eq!(sink::of("for good").refused(), 1);
}

#[tokio::test]
async fn what_cannot_be_read_or_has_no_pipeline_is_counted() {
    let lines = format!("{}\n{{\n{}\n{{\"resourceSpans\":[1]}}\n", logs("x"), spans("a"));
    let folder = folder(&[
        ("a.jsonl", lines.as_bytes()),
        ("b-traces.pb", b"\x00\x00\x00\x09"),
        ("c.json.zst", b"no frame"),
        ("z.json", spans("last").as_bytes()),
    ]);
    let bench = Bench::start("counted", folder.path(), "").await;
    assert_eq!(bench.names(2).await, ["a", "last"]);
    for (reason, expected) in [("not_json", 1), ("truncated", 1), ("unreadable", 1)] {
        assert_eq!(bench.sample("chaperone_receiver_unread_recordings", reason), expected, "{reason}");
    }
    for (outcome, expected) in [("no_pipeline", 1), ("malformed", 1)] {
        assert_eq!(bench.sample("chaperone_receiver_file_requests", outcome), expected, "{outcome}");
    }
    bench.stop().await;
}

#[tokio::test]
async fn a_stop_ends_the_waiting() {
    let folder = folder(&[("a.json", spans("never").as_bytes())]);
    let sink = sink::of("stopped");
    sink.refuse("never", Refuse::ForNow, usize::MAX);
    let bench = Bench::start("stopped", folder.path(), ", retry_on_failure: {initial_interval: 1h, max_interval: 1h}").await;
    sink.wait_for_refusals(1).await;
    // The pause is an hour: only a stop that ends it lets this return in time.
    tokio::time::timeout(Duration::from_secs(4), bench.stop()).await.unwrap();
}
