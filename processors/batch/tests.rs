//! Settings; when requests go on, how they are merged and cut, who is acknowledged.

use super::*;
use chaperone_config::{Node, parse_settings};
use chaperone_pipeline::{Clock, MemoryStorage};
use chaperone_proto::{Data, Limits, Signal};

fn config(yaml: &str) -> Result<Config, String> {
    let node = if yaml.starts_with('#') { Node::null() } else { Node::parse(yaml, "test.yaml").unwrap() };
    parse_settings(&node, "processors.batch").map_err(|problems| problems.to_string())
}

/// An instance that was not started: it knows of no other requests, and so waits.
fn batching(yaml: &str) -> Batching {
    Batching::new(config(yaml).unwrap(), &BuildContext::for_tests("batch", Clock::manual(0)))
}

/// No batch went on, or nobody was told.
const NOTHING: [usize; 0] = [];

/// Outcomes of requests, in the order in which they were told.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<(usize, Outcome)>>>);

impl Told {
    fn request(&self, number: usize) -> Ack {
        let told = Arc::clone(&self.0);
        Ack::new(move |outcome| told.lock().unwrap().push((number, outcome)))
    }
    fn accepted(&self) -> Vec<usize> {
        let mut told: Vec<usize> = self.0.lock().unwrap().iter().map(|(number, _)| *number).collect();
        assert!(self.0.lock().unwrap().iter().all(|(_, outcome)| *outcome == Outcome::Ok));
        told.sort_unstable();
        told
    }
}

fn data(signal: Signal, items: usize) -> Data {
    let list = |item: &dyn Fn(usize) -> String| (0..items).map(item).collect::<Vec<_>>().join(",");
    let json = match signal {
        Signal::Traces => {
            let span =
                |i| format!(r#"{{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"01020304050607{i:02x}","name":"s{i}"}}"#);
            format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}]}}]}}]}}"#, list(&span))
        }
        Signal::Logs => {
            let log = |i| format!(r#"{{"body":{{"stringValue":"l{i}"}}}}"#);
            format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{}]}}]}}]}}"#, list(&log))
        }
        Signal::Metrics => {
            let point = |i| format!(r#"{{"asInt":"{i}"}}"#);
            let resource = r#"{"attributes":[{"key":"k","value":{"stringValue":"v"}}]}"#;
            let metrics = format!(r#"{{"name":"m","sum":{{"dataPoints":[{}],"isMonotonic":true}}}}"#, list(&point));
            format!(r#"{{"resourceMetrics":[{{"resource":{resource},"scopeMetrics":[{{"metrics":[{metrics}]}}]}}]}}"#)
        }
    };
    Data::decode_json(signal, json.as_bytes(), &Limits::default()).unwrap()
}

fn spans(items: usize) -> Batch {
    Batch::new(data(Signal::Traces, items))
}

fn from(tenant: &str, items: usize) -> Batch {
    let metadata = vec![("tenant".to_owned(), tenant.to_owned()), ("other".to_owned(), "x".to_owned())];
    Batch { client: Some(Arc::new(ClientInfo { metadata, ..ClientInfo::default() })), ..spans(items) }
}

fn at(millis: u64) -> Now {
    Now { mono: Duration::from_millis(millis), unix_ns: 0 }
}

/// Runs a request at a time; gives the sizes of what went on. What went on is taken downstream when this returns.
fn send(batching: &Batching, batch: Batch, now: Now, ack: Ack) -> Vec<usize> {
    let mut out = Outbox::for_tests_with(now, ack);
    batching.process(batch, &mut out).unwrap();
    sizes(&out)
}

fn sizes(out: &Outbox) -> Vec<usize> {
    out.passed().iter().map(Batch::items).collect()
}

fn tick(batching: &Batching, now: Now) -> (Vec<usize>, Next) {
    let mut out = Outbox::for_tests(now);
    let next = batching.tick(now, &mut out);
    (sizes(&out), next)
}

#[test]
fn the_defaults_are_the_collectors() {
    let config = config(include_str!("testdata/default.yaml")).unwrap();
    assert_eq!(config, Config::default());
    assert_eq!((config.send_batch_size, config.timeout.get()), (8192, Duration::from_millis(200)));
    assert_eq!((config.send_batch_max_size, config.metadata_cardinality_limit), (0, 1000));
}

#[test]
fn mistakes_are_told_in_the_collectors_words() {
    for (yaml, message) in [
        (include_str!("testdata/invalid_max_size.yaml"), "send_batch_max_size must be greater or equal to send_batch_size"),
        (include_str!("testdata/invalid_duplicate_key.yaml"), "duplicate entry in metadata_keys: \"tenant\" (case-insensitive)"),
        (include_str!("testdata/invalid_timeout.yaml"), "must not be negative"),
    ] {
        let problems = config(yaml).unwrap_err();
        assert!(problems.contains(message), "{problems}");
    }
}

#[test]
fn requests_go_on_merged_when_there_are_enough_and_then_all_are_acknowledged() {
    let batching = batching("send_batch_size: 10");
    let told = Told::default();
    assert_eq!(send(&batching, spans(4), at(0), told.request(1)), NOTHING);
    assert_eq!(send(&batching, spans(4), at(1), told.request(2)), NOTHING);
    assert_eq!(told.accepted(), NOTHING, "nobody is told before the batch was taken");
    let mut out = Outbox::for_tests_with(at(2), told.request(3));
    batching.process(spans(4), &mut out).unwrap();
    assert_eq!(sizes(&out), [12]);
    assert_eq!(told.accepted(), NOTHING);
    drop(out);
    assert_eq!(told.accepted(), [1, 2, 3]);
    assert_eq!((batching.by_size.get(), batching.by_timeout.get()), (1, 0));
}

#[test]
fn a_batch_is_cut_to_the_largest_size_and_the_rest_waits() {
    for signal in Signal::ALL {
        let batching = batching("{send_batch_size: 3, send_batch_max_size: 4}");
        let told = Told::default();
        assert_eq!(send(&batching, Batch::new(data(signal, 10)), at(0), told.request(1)), [4, 4], "{signal:?}");
        assert_eq!(told.accepted(), NOTHING, "a part still waits");
        assert_eq!(tick(&batching, at(199)).0, NOTHING);
        assert_eq!(tick(&batching, at(200)).0, [2]);
        assert_eq!(told.accepted(), [1]);
    }
}

#[test]
fn parts_of_a_cut_request_hold_the_records_in_their_order() {
    let batching = batching("{send_batch_size: 3, send_batch_max_size: 3}");
    let told = Told::default();
    let mut out = Outbox::for_tests_with(at(0), told.request(1));
    batching.process(spans(2), &mut out).unwrap();
    batching.process(spans(5), &mut out).unwrap();
    let names = |batch: &Batch| match &batch.data {
        Data::Traces(traces) => traces.spans().map(|span| span.name().to_owned()).collect::<Vec<_>>().join(" "),
        _ => panic!("spans stay spans"),
    };
    assert_eq!(out.passed().iter().map(names).collect::<Vec<_>>(), ["s0 s1 s0", "s1 s2 s3"]);
}

#[test]
fn cut_metrics_keep_their_resource_and_what_they_say_of_themselves() {
    let batching = batching("{send_batch_size: 2, send_batch_max_size: 2}");
    let mut out = Outbox::for_tests_with(at(0), Told::default().request(1));
    batching.process(Batch::new(data(Signal::Metrics, 4)), &mut out).unwrap();
    assert_eq!(sizes(&out), [2, 2]);
    for batch in out.passed() {
        let Data::Metrics(metrics) = &batch.data else { panic!("metrics stay metrics") };
        let request = metrics.to_request();
        assert_eq!(request.resource_metrics[0].resource.as_ref().unwrap().attributes[0].key, "k");
        assert_eq!(request.resource_metrics[0].scope_metrics[0].metrics[0].name, "m");
    }
}

#[test]
fn what_has_waited_for_the_timeout_goes_on_whatever_its_size() {
    let batching = batching("timeout: 200ms");
    let told = Told::default();
    send(&batching, spans(1), at(50), told.request(1));
    send(&batching, spans(1), at(100), told.request(2));
    assert_eq!(tick(&batching, at(150)), (vec![], Next::After(Duration::from_millis(100))));
    assert_eq!(tick(&batching, at(250)), (vec![2], Next::After(Duration::from_millis(200))));
    assert_eq!(told.accepted(), [1, 2]);
    assert_eq!(batching.by_timeout.get(), 1);
}

#[test]
fn without_a_timeout_every_request_goes_on_at_once() {
    let batching = batching("{timeout: 0s, send_batch_max_size: 8192}");
    assert_eq!(send(&batching, spans(2), at(0), Told::default().request(1)), [2]);
}

#[test]
fn without_a_size_only_the_timeout_counts() {
    let batching = batching("send_batch_size: 0");
    assert_eq!(send(&batching, spans(9), at(0), Told::default().request(1)), NOTHING);
    assert_eq!(tick(&batching, at(200)).0, [9]);
}

#[test]
fn a_request_goes_on_at_once_when_no_other_is_under_way() {
    let batching = batching("timeout: 1s");
    batching.start(&Host::for_tests(Clock::manual(0), Arc::new(MemoryStorage::default()))).unwrap();
    let told = Told::default();
    assert_eq!(send(&batching, spans(3), at(0), told.request(1)), [3]);
    assert_eq!(told.accepted(), [1]);
    assert_eq!(batching.at_once.get(), 1);
}

#[test]
fn batches_are_apart_by_metadata_of_which_nothing_else_goes_on() {
    let batching = batching("metadata_keys: Tenant");
    let told = Told::default();
    for (number, tenant) in [(1, "blue"), (2, "red"), (3, "blue")] {
        send(&batching, from(tenant, 1), at(number), told.request(number as usize));
    }
    let mut out = Outbox::for_tests(at(300));
    batching.tick(at(300), &mut out);
    let got: Vec<_> = out.passed().iter().map(|batch| (batch.items(), batch.client.clone().unwrap().metadata.clone())).collect();
    let pair = |value: &str| vec![("tenant".to_owned(), value.to_owned())];
    assert_eq!(got, [(2, pair("blue")), (1, pair("red"))]);
}

#[test]
fn a_combination_of_metadata_too_many_fails_for_good() {
    let batching = batching("{metadata_keys: [tenant], metadata_cardinality_limit: 1}");
    let told = Told::default();
    send(&batching, from("blue", 1), at(0), told.request(1));
    let mut out = Outbox::for_tests_with(at(0), told.request(2));
    let error = batching.process(from("red", 1), &mut out).unwrap_err();
    let message = "too many batcher metadata-value combinations".to_owned();
    assert_eq!(error, ProcessError::Permanent { message });
    send(&batching, from("blue", 1), at(0), told.request(3));
    assert_eq!(tick(&batching, at(200)).0, [2], "those that are known go on");
}

#[test]
fn derived_data_are_never_merged_with_requests() {
    let batching = batching("send_batch_size: 0");
    send(&batching, spans(1), at(0), Told::default().request(1));
    let mut out = Outbox::for_tests(at(1));
    batching.process(spans(2), &mut out).unwrap();
    drop(out);
    assert_eq!(tick(&batching, at(500)).0, [1, 2]);
}

#[test]
fn whoever_waits_longer_than_a_second_is_acknowledged_on_entry() {
    let batching = batching("timeout: 5s");
    let told = Told::default();
    assert_eq!(send(&batching, spans(1), at(0), told.request(1)), NOTHING);
    assert_eq!(told.accepted(), [1]);
    assert_eq!(tick(&batching, at(5000)).0, [1]);
}

#[test]
fn a_shutdown_gives_out_everything() {
    let batching = batching("metadata_keys: [tenant]");
    let told = Told::default();
    send(&batching, from("blue", 1), at(0), told.request(1));
    send(&batching, from("red", 1), at(0), told.request(2));
    let mut out = Outbox::for_tests(at(1));
    assert_eq!(batching.drain(at(1), &mut out), Next::Done);
    assert_eq!(out.passed().len(), 2);
    drop(out);
    assert_eq!(told.accepted(), [1, 2]);
    assert_eq!(batching.waiting.lock(0).bytes, 0);
}
