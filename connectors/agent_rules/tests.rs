//! Rule files with their faults, and findings that become alerts.

use super::*;
use chaperone_config::{Node, parse_settings};
use chaperone_genai::detect::Severity;
use chaperone_genai::keys;
use chaperone_genai::rules::model::Enabled;
use chaperone_genai::rules::{NoData, State as AlertState};
use chaperone_pipeline::{Clock, MemoryStorage, Storage};

const SECOND: u64 = 1_000_000_000;
const START: u64 = 1_000_000 * SECOND;

fn parse(yaml: &str) -> Result<Vec<Group>, String> {
    rule_file::parse(yaml, "rules.yaml", &mut Vec::new()).map_err(|problems| problems.to_string())
}

#[test]
fn the_presets_are_a_rule_file() {
    let groups = parse(PRESETS).unwrap();
    let rules: Vec<&str> = groups.iter().flat_map(|group| &group.rules).map(|rule| rule.id.as_str()).collect();
    assert_eq!(rules, ["agent-dead-loop"]);
}

#[test]
fn the_whole_format_is_read() {
    let groups = parse(include_str!("testdata/whole.yaml")).unwrap();
    let group = &groups[0];
    assert_eq!((group.name.as_str(), group.interval), ("cost", Duration::from_secs(20)));
    let rule = &group.rules[0];
    assert_eq!((rule.id.as_str(), rule.category.as_str(), rule.severity), ("wasteful-loop", "cost", Severity::High));
    assert_eq!(rule.by, ["tenant", "agent"]);
    assert_eq!((rule.for_, rule.keep_firing_for), (Duration::from_secs(60), Duration::from_secs(300)));
    assert_eq!((rule.no_data, rule.enabled), (NoData::Resolve, Enabled::Shadow));
    assert_eq!(rule.tags, ["cost-spike"]);
    let (name, spent) = &rule.lets[0];
    assert_eq!((name.as_str(), spent.aggregate.0.as_str(), spent.of.as_str()), ("c5", "sum", "span.cost_usd"));
    assert_eq!((spent.over, rule.lets[1].1.min_n), (Some(Duration::from_secs(300)), Some(30)));
    assert_eq!(rule.tests[0].file, "tests/wasteful_loop.yaml");
    assert_eq!(rule.when.comparisons().len(), 2);
}

#[test]
fn every_fault_is_told_with_its_place() {
    let problems = parse(include_str!("testdata/invalid_many.yaml")).unwrap_err();
    for expected in [
        "cannot evaluate `c5` yet\n  --> rules.yaml:6:11",
        "unknown severity `hihg`\n  --> rules.yaml:5:15",
        "did you mean `high`?",
        "unknown key `wehn`\n  --> rules.yaml:11:5",
        "`when` is missing",
        "`c9` is not a name that a message can show\n  --> rules.yaml:19:20",
        "findings of `loop` have no `retries`\n  --> rules.yaml:14:29",
        "unknown unit `soon` in duration `soon`\n  --> rules.yaml:16:10",
        "the rule `first` stands twice",
        "unknown key `user`",
    ] {
        assert!(problems.contains(expected), "expected\n{expected}\n\nin\n{problems}");
    }
}

#[test]
fn a_rule_that_needs_aggregates_is_refused_at_the_first_thing_that_cannot_be_evaluated() {
    let problems = parse(include_str!("testdata/invalid_aggregate.yaml")).unwrap_err();
    assert!(problems.contains("cannot evaluate `c5` yet\n  --> rules.yaml:11:11"), "{problems}");
    assert!(problems.contains("detector('loop').repeats >= 4"), "{problems}");
}

fn finding(session: &str, repeats: f64) -> Batch {
    keys::install();
    let one = Finding {
        id: format!("loop-{session}"),
        detector: "loop".to_owned(),
        version: "1".to_owned(),
        score: 0.6,
        severity: Severity::Medium,
        key: vec![
            ("agent".to_owned(), "planner".to_owned()),
            ("run".to_owned(), "r".to_owned()),
            ("session".to_owned(), session.to_owned()),
        ],
        first_seen_ns: START,
        last_seen_ns: START + SECOND,
        count: 1,
        span_ids: vec![[1; 8]],
        trace_id: Some([2; 16]),
        values: vec![("repeats".to_owned(), repeats), ("wasted_cost".to_owned(), 0.012_345)],
        thresholds: Vec::new(),
        baseline: "static".to_owned(),
        snippet: "search(q)".to_owned(),
        why_not_higher: String::new(),
        degraded: Vec::new(),
        sentence: "planner repeated search(q)".to_owned(),
    };
    let mut builder = LogsBuilder::new(&[], "test");
    one.write(&mut builder.record(one.last_seen_ns));
    builder.record(1).body("something else");
    Batch::new(Data::Logs(builder.finish()))
}

struct Ruled {
    connector: AgentRules,
    clock: Clock,
    store: Arc<MemoryStorage>,
}

impl Ruled {
    fn new(store: &Arc<MemoryStorage>, clock: &Clock) -> Ruled {
        let connector = AgentRules::new(Config::default(), &BuildContext::for_tests("agent_rules", clock.clone()));
        let storage: Arc<dyn Storage> = Arc::<MemoryStorage>::clone(store);
        connector.start(&Host::for_tests(clock.clone(), storage)).unwrap();
        Ruled { connector, clock: clock.clone(), store: Arc::clone(store) }
    }

    fn fresh() -> Ruled {
        Ruled::new(&Arc::default(), &Clock::manual(START))
    }

    fn see(&self, batch: Batch) -> Vec<Alert> {
        let mut out = Outbox::for_tests(self.clock.now());
        self.connector.process(batch, &mut out).unwrap();
        alerts(&out)
    }

    fn after(&self, seconds: u64) -> Vec<Alert> {
        self.clock.advance_to(self.clock.now().unix_ns + seconds * SECOND);
        let mut out = Outbox::for_tests(self.clock.now());
        self.connector.tick(self.clock.now(), &mut out);
        alerts(&out)
    }
}

fn alerts(out: &Outbox) -> Vec<Alert> {
    let logs = out.derived().iter().filter_map(|batch| if let Data::Logs(logs) = &batch.data { Some(logs) } else { None });
    logs.flat_map(|logs| logs.logs().filter_map(Alert::read).collect::<Vec<_>>()).collect()
}

#[test]
fn a_finding_becomes_an_alert_that_is_over_when_the_detector_is_silent() {
    let ruled = Ruled::fresh();
    assert!(ruled.see(finding("s", 3.0)).is_empty());
    let told = ruled.see(finding("s", 4.0));
    assert_eq!((told.len(), told[0].state, told[0].rule.as_str()), (1, AlertState::Firing, "agent-dead-loop"));
    assert_eq!(told[0].summary, "planner repeated search(q) 4 times, $0.0123 wasted");
    assert_eq!((told[0].run_id.as_str(), told[0].severity), ("r", Severity::High));
    assert!(ruled.after(60).is_empty());
    let over = ruled.after(15 * 60);
    assert_eq!((over.len(), over[0].state), (1, AlertState::Resolved));
}

#[test]
fn state_is_stored_at_ticks_and_taken_up_by_the_next_process() {
    let first = Ruled::fresh();
    let told = first.see(finding("s", 4.0));
    assert!(first.store.list("test").unwrap().is_empty(), "nothing is written while data flow");
    first.after(11);
    assert_eq!(first.store.list("test").unwrap().len(), 1);
    let second = Ruled::new(&first.store, &first.clock);
    let again = second.see(finding("s", 8.0));
    assert_eq!((again.len(), &again[0].id, again[0].seq), (1, &told[0].id, 2), "the alert goes on");
    let over = second.after(16 * 60);
    assert_eq!((over[0].state, &over[0].id), (AlertState::Resolved, &told[0].id));
    second.after(11);
    second.connector.drain(second.clock.now(), &mut Outbox::for_tests(second.clock.now()));
    assert!(second.store.list("test").unwrap().is_empty());
}

#[test]
fn nothing_is_asked_for_while_nothing_is_open() {
    let ruled = Ruled::fresh();
    let tick = || ruled.connector.tick(ruled.clock.now(), &mut Outbox::for_tests(ruled.clock.now()));
    assert_eq!(tick(), Next::Done);
    ruled.see(finding("s", 4.0));
    assert!(matches!(tick(), Next::After(_)));
}

#[test]
fn a_file_that_is_not_there_stops_the_start() {
    let config = Config { files: vec!["nowhere/rules.yaml".to_owned()], ..Config::default() };
    let clock = Clock::manual(START);
    let connector = AgentRules::new(config, &BuildContext::for_tests("agent_rules", clock.clone()));
    let error = connector.start(&Host::for_tests(clock, Arc::new(MemoryStorage::default()))).unwrap_err();
    assert!(error.to_string().contains("`nowhere/rules.yaml`"), "{error}");
}

#[test]
fn settings_are_checked() {
    let parse = |yaml: &str| parse_settings::<Config>(&Node::parse(yaml, "test.yaml").unwrap(), "connectors.agent_rules");
    assert_eq!(parse(include_str!("testdata/default.yaml")).unwrap(), Config::default());
    let problems = parse(include_str!("testdata/invalid_builtin.yaml")).unwrap_err().to_string();
    assert!(problems.contains("unknown rules `builtin:preset`"), "{problems}");
}
