//! Each alert is told once, also by the next process.

use super::*;
use chaperone_config::{Node, parse_settings};
use chaperone_genai::detect::Severity;
use chaperone_genai::keys;
use chaperone_pipeline::{Clock, MemoryStorage, Storage};
use chaperone_proto::LogsBuilder;

const SECOND: u64 = 1_000_000_000;
const START: u64 = 1_000_000 * SECOND;

fn alert(fingerprint: &str, state: AlertState, severity: Severity, seq: u64) -> Alert {
    Alert {
        id: format!("{fingerprint}-5"),
        fingerprint: fingerprint.to_owned(),
        rule: "agent-dead-loop".to_owned(),
        category: "anomaly".to_owned(),
        state,
        severity,
        labels: vec![("session".to_owned(), fingerprint.to_owned())],
        tags: vec!["dead-loop".to_owned()],
        summary: "planner repeated search(q) 4 times".to_owned(),
        description: String::new(),
        runbook: "dead-loop".to_owned(),
        value: Some(4.0),
        threshold: Some(4.0),
        occurrences: seq,
        first_seen_ns: START,
        last_seen_ns: START + seq * SECOND,
        finding_ids: vec!["f".to_owned()],
        span_ids: vec![[3; 8]],
        trace_id: Some([4; 16]),
        run_id: "run-1".to_owned(),
        agent: "planner".to_owned(),
        actor: String::new(),
        note: String::new(),
        seq,
    }
}

fn firing(seq: u64) -> Alert {
    alert("aa", AlertState::Firing, Severity::High, seq)
}

fn resolved(seq: u64) -> Alert {
    alert("aa", AlertState::Resolved, Severity::High, seq)
}

struct Told {
    connector: Alerts,
    clock: Clock,
}

impl Told {
    fn new(config: Config, store: &Arc<MemoryStorage>) -> Told {
        keys::install();
        let clock = Clock::manual(START);
        let connector = Alerts::new(config, &BuildContext::for_tests("alerts", clock.clone()));
        let storage: Arc<dyn Storage> = Arc::<MemoryStorage>::clone(store);
        connector.start(&Host::for_tests(clock.clone(), storage)).unwrap();
        Told { connector, clock }
    }

    fn fresh() -> Told {
        Told::new(Config::default(), &Arc::default())
    }

    fn see(&self, alerts: &[Alert]) -> Vec<Alert> {
        let mut builder = LogsBuilder::new(&[], "test");
        for alert in alerts {
            alert.write(&mut builder.record(alert.last_seen_ns));
        }
        builder.record(1).body("no alert");
        let mut out = Outbox::for_tests(self.clock.now());
        self.connector.process(Batch::new(Data::Logs(builder.finish())), &mut out).unwrap();
        assert!(out.passed().is_empty());
        let told = out.derived().iter().filter_map(|batch| if let Data::Logs(logs) = &batch.data { Some(logs) } else { None });
        told.flat_map(|logs| logs.logs().filter_map(Alert::read).collect::<Vec<_>>()).collect()
    }

    fn tick(&self, seconds: u64) -> Next {
        self.clock.advance_to(self.clock.now().unix_ns + seconds * SECOND);
        self.connector.tick(self.clock.now(), &mut Outbox::for_tests(self.clock.now()))
    }

    fn suppressed(&self, reason: &str) -> u64 {
        let labels = [("connector", "alerts"), ("reason", reason)];
        self.connector.telemetry.counter("chaperone_connector_suppressed_alerts", "", &labels).get()
    }
}

#[test]
fn an_alert_is_told_when_it_fires_and_when_it_is_over() {
    let told = Told::fresh();
    assert_eq!(told.see(&[firing(1)]), [firing(1)]);
    assert!(told.see(&[firing(2), firing(3)]).is_empty());
    assert_eq!(told.see(&[resolved(4)]), [resolved(4)]);
    assert!(told.see(&[resolved(4), firing(3)]).is_empty(), "old news");
    assert_eq!((told.suppressed("already_notified"), told.suppressed("duplicate")), (2, 2));
}

#[test]
fn alerts_of_one_request_go_out_together() {
    let told = Told::fresh();
    let both = [firing(1), alert("bb", AlertState::Firing, Severity::Low, 1)];
    assert_eq!(told.see(&both), both);
}

#[test]
fn an_alert_that_gets_worse_is_told_again() {
    let told = Told::fresh();
    told.see(&[firing(1)]);
    let worse = alert("aa", AlertState::Firing, Severity::Critical, 2);
    assert_eq!(told.see(std::slice::from_ref(&worse)), [worse]);
    assert!(told.see(&[firing(3)]).is_empty());
}

#[test]
fn a_second_process_over_the_same_store_tells_nobody_twice() {
    let store = Arc::default();
    let first = Told::new(Config::default(), &store);
    first.see(&[firing(1)]);
    assert!(store.list("test").unwrap().is_empty(), "nothing is written while data flow");
    first.tick(1);
    let second = Told::new(Config::default(), &store);
    assert!(second.see(&[firing(1)]).is_empty());
    assert!(second.see(&[firing(2)]).is_empty());
    assert_eq!(second.see(&[resolved(3)]), [resolved(3)]);
    assert_eq!(second.connector.drain(second.clock.now(), &mut Outbox::for_tests(second.clock.now())), Next::Done);
    let third = Told::new(Config::default(), &store);
    assert!(third.see(&[resolved(3)]).is_empty());
}

#[test]
fn without_the_store_a_second_process_tells_it_again() {
    Told::fresh().see(&[firing(1)]);
    assert_eq!(Told::fresh().see(&[firing(1)]), [firing(1)]);
}

#[test]
fn what_is_over_is_forgotten_after_a_while_also_in_the_store() {
    let store: Arc<MemoryStorage> = Arc::default();
    let told = Told::new(Config::default(), &store);
    told.see(&[firing(1), resolved(2)]);
    told.tick(1);
    assert_eq!(store.list("test").unwrap().len(), 1);
    told.tick(5 * 3600);
    told.tick(1);
    assert!(store.list("test").unwrap().is_empty());
}

#[test]
fn the_end_is_not_told_to_who_does_not_want_it() {
    let told = Told::new(Config { send_resolved: false, ..Config::default() }, &Arc::default());
    told.see(&[firing(1)]);
    assert!(told.see(&[resolved(2)]).is_empty());
    assert_eq!(told.suppressed("resolved"), 1);
}

#[test]
fn nothing_is_asked_for_while_everything_is_stored() {
    let told = Told::fresh();
    assert_eq!(told.tick(1), Next::Done);
    told.see(&[firing(1)]);
    assert!(matches!(told.tick(0), Next::After(_)), "the checkpoint is not due yet");
    assert_eq!(told.tick(1), Next::Done);
}

#[test]
fn settings_are_checked() {
    let parse = |yaml: &str| parse_settings::<Config>(&Node::parse(yaml, "test.yaml").unwrap(), "connectors.alerts");
    assert_eq!(parse(include_str!("testdata/default.yaml")).unwrap(), Config::default());
    let problems = parse(include_str!("testdata/invalid_max.yaml")).unwrap_err().to_string();
    assert!(problems.contains("max_alerts"), "{problems}");
}
