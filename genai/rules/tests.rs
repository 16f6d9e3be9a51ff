//! Conditions, and the life of an alert.

use super::expression::{Known, Operator};
use super::instance::Phase;
use super::*;
use crate::detect::{Finding, Severity};
use std::time::Duration;

const SECOND: u64 = 1_000_000_000;
const START: u64 = 1_000_000 * SECOND;

fn finding(detector: &str, values: &[(&str, f64)]) -> Finding {
    Finding {
        id: format!("{detector}-1"),
        detector: detector.to_owned(),
        version: "1".to_owned(),
        score: 0.5,
        severity: Severity::Medium,
        key: vec![("agent".to_owned(), "planner".to_owned()), ("session".to_owned(), "s-1".to_owned())],
        first_seen_ns: START,
        last_seen_ns: START + SECOND,
        count: 1,
        span_ids: vec![[1; 8]],
        trace_id: Some([2; 16]),
        values: values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
        thresholds: Vec::new(),
        baseline: "static".to_owned(),
        snippet: "search(q)".to_owned(),
        why_not_higher: String::new(),
        degraded: Vec::new(),
        sentence: String::new(),
    }
}

fn rule(when: &str) -> Rule {
    Rule {
        id: "agent-dead-loop".to_owned(),
        category: "anomaly".to_owned(),
        severity: Severity::High,
        by: vec!["session".to_owned()],
        lets: Vec::new(),
        when: Expression::parse(when).unwrap(),
        for_: Duration::ZERO,
        keep_firing_for: Duration::ZERO,
        no_data: NoData::Hold,
        tags: vec!["dead-loop".to_owned()],
        message: Template::parse("{{agent}}: {{cycle}} x{{repeats}}", &|_| true).unwrap(),
        description: None,
        runbook: String::new(),
        tests: Vec::new(),
        enabled: Enabled::Yes,
    }
}

fn engine(rules: Vec<Rule>) -> Engine {
    let group = Group { name: "g".to_owned(), interval: Duration::from_secs(10), rules };
    Engine::new(vec![group], EngineSettings::default())
}

fn tell(engine: &mut Engine, finding: &Finding, now_ns: u64) -> Vec<Alert> {
    let mut out = Vec::new();
    engine.finding(finding, now_ns, &mut out);
    out
}

fn tick(engine: &mut Engine, now_ns: u64) -> Vec<Alert> {
    let mut out = Vec::new();
    engine.tick(now_ns, &mut out);
    out
}

fn states(alerts: &[Alert]) -> Vec<State> {
    alerts.iter().map(|alert| alert.state).collect()
}

#[test]
fn conditions_are_decided_with_three_values() {
    let check = |text: &str, expected: Option<bool>| {
        let look_up = |detector: &str, field: &str| match (detector, field) {
            ("loop", "repeats") => Known::Value(4.0),
            ("loop", _) => Known::NoValue,
            _ => Known::NoFinding,
        };
        assert_eq!(Expression::parse(text).unwrap().decide(&look_up), expected, "{text}");
    };
    check("detector('loop').repeats >= 4", Some(true));
    check("detector(\"loop\").repeats>4", Some(false));
    check("detector('oscillation').repeats >= 3", Some(false));
    check("detector('loop').wasted_cost > 1", None);
    check("detector('loop').repeats >= 4 || detector('loop').wasted_cost > 1", Some(true));
    check("detector('loop').repeats > 4 || detector('loop').wasted_cost > 1", None);
    check("detector('loop').repeats > 4 && detector('loop').wasted_cost > 1", Some(false));
    check("( detector('loop').repeats != 4 ) || detector('loop').repeats == 4.0", Some(true));
}

#[test]
fn and_binds_tighter_than_or() {
    let parsed =
        Expression::parse("detector('loop').score > 1 && detector('loop').count > 1 || detector('stuck').score < 2").unwrap();
    let Expression::Or(any) = parsed else { panic!("expected an or") };
    assert!(matches!(any.as_slice(), [Expression::And(_), Expression::Compare(one)] if one.operator == Operator::Less));
}

#[test]
fn everything_else_is_refused_with_its_place() {
    let check = |text: &str, at: usize, part: &str| {
        let error = Expression::parse(text).unwrap_err();
        assert_eq!(error.at, at, "{text}: {error}");
        assert!(error.message.contains(part), "{text}: {error}");
    };
    check("c5 > base * 5.0", 0, "`c5`");
    check("detector('loop').repeats >= 4 && sum(cost)", 33, "`sum`");
    check("detector('loops').repeats >= 4", 10, "`loops`");
    check("detector('loop').retries >= 4", 17, "`retries`");
    check("detector('loop').severity == 'high'", 17, "`severity`");
    check("detector('loop').repeats >= many", 28, "`many`");
    check("detector('loop').repeats => 4", 25, "`<`");
    check("detector('loop').repeats >= 4 or true", 30, "`or`");
    check("(detector('loop').repeats >= 4", 30, "`)`");
    check("detector('loop", 9, "quotation");
    check("", 0, "too early");
}

#[test]
fn conditions_have_a_greatest_size() {
    let deep = format!("{}detector('loop').score > 1{}", "(".repeat(40), ")".repeat(40));
    assert!(Expression::parse(&deep).unwrap_err().message.contains("nested"));
    let long = vec!["detector('loop').score>1"; 600].join("||");
    assert!(Expression::parse(&long).unwrap_err().message.contains("longer"));
}

#[test]
fn an_alert_fires_at_once_and_is_over_when_the_detector_is_silent() {
    let mut engine = engine(vec![rule("detector('loop').repeats >= 4")]);
    assert!(tell(&mut engine, &finding("loop", &[("repeats", 3.0)]), START).is_empty());
    let told = tell(&mut engine, &finding("loop", &[("repeats", 4.0)]), START + SECOND);
    assert_eq!(states(&told), [State::Firing]);
    let alert = &told[0];
    assert_eq!(alert.summary, "planner: search(q) x4");
    assert_eq!((alert.value, alert.threshold), (Some(4.0), Some(4.0)));
    assert_eq!(alert.labels, [("session".to_owned(), "s-1".to_owned())]);
    assert_eq!(alert.finding_ids, ["loop-1"]);
    assert!(tick(&mut engine, START + 600 * SECOND).is_empty());
    let over = tick(&mut engine, START + 1000 * SECOND);
    assert_eq!(states(&over), [State::Resolved]);
    assert_eq!((&over[0].id, over[0].seq), (&alert.id, 2));
    assert!(tick(&mut engine, START + 2000 * SECOND).is_empty());
    assert_eq!(engine.sizes(), (0, 0));
}

#[test]
fn repetitions_move_the_same_alert_on() {
    let mut engine = engine(vec![rule("detector('loop').repeats >= 4")]);
    let first = tell(&mut engine, &finding("loop", &[("repeats", 4.0)]), START);
    let second = tell(&mut engine, &finding("loop", &[("repeats", 8.0)]), START + SECOND);
    assert_eq!(states(&second), [State::Firing]);
    assert_eq!((&second[0].id, second[0].seq, second[0].occurrences), (&first[0].id, 2, 2));
    assert_eq!(second[0].value, Some(8.0));
    assert_ne!(first[0].idempotency_key(), second[0].idempotency_key());
}

#[test]
fn with_for_the_alert_is_pending_first() {
    let waiting = Rule { for_: Duration::from_secs(60), ..rule("detector('loop').repeats >= 4") };
    let mut engine = engine(vec![waiting]);
    assert_eq!(states(&tell(&mut engine, &finding("loop", &[("repeats", 4.0)]), START)), [State::Pending]);
    assert!(tick(&mut engine, START + 59 * SECOND).is_empty());
    assert_eq!(states(&tick(&mut engine, START + 70 * SECOND)), [State::Firing]);
}

#[test]
fn a_pending_alert_whose_condition_ends_is_closed() {
    let waiting = Rule { for_: Duration::from_secs(60), ..rule("detector('loop').repeats < 9") };
    let mut engine = engine(vec![waiting]);
    tell(&mut engine, &finding("loop", &[("repeats", 4.0)]), START);
    assert_eq!(states(&tell(&mut engine, &finding("loop", &[("repeats", 9.0)]), START + SECOND)), [State::Resolved]);
}

#[test]
fn keep_firing_for_bridges_a_pause() {
    let keeping = Rule { keep_firing_for: Duration::from_secs(300), ..rule("detector('loop').repeats >= 4") };
    let mut engine = engine(vec![keeping]);
    tell(&mut engine, &finding("loop", &[("repeats", 4.0)]), START);
    assert!(tell(&mut engine, &finding("loop", &[("repeats", 1.0)]), START + SECOND).is_empty());
    assert_eq!(states(&tell(&mut engine, &finding("loop", &[("repeats", 5.0)]), START + 100 * SECOND)), [State::Firing]);
    assert!(tell(&mut engine, &finding("loop", &[("repeats", 1.0)]), START + 200 * SECOND).is_empty());
    assert!(tick(&mut engine, START + 490 * SECOND).is_empty());
    assert_eq!(states(&tick(&mut engine, START + 510 * SECOND)), [State::Resolved]);
}

#[test]
fn a_missing_value_holds_resolves_or_fires() {
    let check = |no_data: NoData, expected: &[State]| {
        let mut engine = engine(vec![Rule { no_data, ..rule("detector('loop').wasted_cost > 1") }]);
        let mut told = tell(&mut engine, &finding("loop", &[("wasted_cost", 2.0)]), START);
        told.extend(tell(&mut engine, &finding("loop", &[]), START + SECOND));
        assert_eq!(states(&told), expected, "{no_data:?}");
    };
    check(NoData::Hold, &[State::Firing, State::Firing]);
    check(NoData::Resolve, &[State::Firing, State::Resolved]);
    check(NoData::Fire, &[State::Firing, State::Firing]);
}

#[test]
fn keys_and_tenants_have_alerts_of_their_own() {
    let mut engine = engine(vec![rule("detector('loop').repeats >= 4")]);
    let mut other = finding("loop", &[("repeats", 4.0)]);
    other.key.push(("tenant".to_owned(), "acme".to_owned()));
    let first = tell(&mut engine, &finding("loop", &[("repeats", 4.0)]), START);
    let second = tell(&mut engine, &other, START);
    assert_ne!(first[0].fingerprint, second[0].fingerprint);
    assert_eq!(engine.sizes(), (2, 2));
}

#[test]
fn shadow_rules_are_counted_and_not_told() {
    let mut engine = engine(vec![Rule { enabled: Enabled::Shadow, ..rule("detector('loop').repeats >= 4") }]);
    assert!(tell(&mut engine, &finding("loop", &[("repeats", 4.0)]), START).is_empty());
    assert_eq!(engine.take_counts().shadowed, 1);
}

#[test]
fn a_restarted_engine_goes_on_where_the_first_was() {
    let waiting = || vec![Rule { for_: Duration::from_secs(60), ..rule("detector('loop').repeats >= 4") }];
    let mut first = engine(waiting());
    tell(&mut first, &finding("loop", &[("repeats", 4.0)]), START);
    let changes = first.take_changes();
    assert_eq!(changes.len(), 1);
    let mut second = engine(waiting());
    for (key, json) in &changes {
        assert!(second.restore(key, engine::STATE_VERSION, json.as_deref().unwrap()));
    }
    assert_eq!(states(&tick(&mut second, START + 61 * SECOND)), [State::Firing], "pending time is not lost");
    assert!(!second.restore("gone/00", engine::STATE_VERSION, "{}"));
    assert!(!second.restore(&changes[0].0, 99, changes[0].1.as_deref().unwrap()));
}

#[test]
fn no_more_instances_than_the_bound_are_kept_and_firing_ones_go_last() {
    let settings = EngineSettings { max_instances: 2, ..EngineSettings::default() };
    let group =
        Group { name: "g".to_owned(), interval: Duration::from_secs(10), rules: vec![rule("detector('loop').repeats >= 4")] };
    let mut engine = Engine::new(vec![group], settings);
    for (session, repeats) in [("fires", 4.0), ("quiet", 1.0), ("newer", 1.0)] {
        let mut one = finding("loop", &[("repeats", repeats)]);
        one.key = vec![("session".to_owned(), session.to_owned())];
        tell(&mut engine, &one, START + SECOND);
    }
    assert_eq!(engine.sizes(), (2, 1));
    assert_eq!(engine.take_counts().evicted, 1);
    let _ = Phase::Inactive;
}

#[test]
fn alerts_and_findings_read_back_as_written() {
    crate::keys::install();
    let mut engine = engine(vec![rule("detector('loop').repeats >= 4")]);
    let one = finding("loop", &[("repeats", 4.0), ("wasted_cost", 0.25)]);
    let alert = tell(&mut engine, &one, START).remove(0);
    let mut builder = chaperone_proto::LogsBuilder::new(&[], "test");
    alert.write(&mut builder.record(START));
    one.write(&mut builder.record(START));
    let logs = builder.finish();
    assert_eq!(Alert::read(logs.log(0)), Some(alert));
    assert_eq!(Finding::read(logs.log(1)), Some(one));
    assert_eq!(Alert::read(logs.log(1)), None);
}

#[test]
fn an_alert_is_notified_once_when_it_fires_and_once_when_it_is_over() {
    let mut engine = engine(vec![rule("detector('loop').repeats >= 4")]);
    let mut told = tell(&mut engine, &finding("loop", &[("repeats", 4.0)]), START);
    told.extend(tell(&mut engine, &finding("loop", &[("repeats", 8.0)]), START + SECOND));
    told.extend(tick(&mut engine, START + 2000 * SECOND));
    let mut ledger = Ledger::default();
    let verdicts: Vec<Verdict> = told.iter().map(|alert| ledger.consider(alert, START)).collect();
    assert_eq!(verdicts, [Verdict::Notify, Verdict::Suppress("already_notified"), Verdict::Notify]);
    for alert in &told {
        assert_eq!(ledger.consider(alert, START), Verdict::Suppress("duplicate"));
    }
    assert_eq!(ledger.forget(START + 10 * SECOND, Duration::from_secs(5), 100), 0);
    assert_eq!(ledger.sizes(), (0, 0));
}

#[test]
fn the_end_of_an_alert_nobody_heard_of_is_not_told() {
    let mut engine = engine(vec![Rule { for_: Duration::from_secs(60), ..rule("detector('loop').repeats < 9") }]);
    let mut told = tell(&mut engine, &finding("loop", &[("repeats", 4.0)]), START);
    told.extend(tell(&mut engine, &finding("loop", &[("repeats", 9.0)]), START + SECOND));
    let mut ledger = Ledger::default();
    let verdicts: Vec<Verdict> = told.iter().map(|alert| ledger.consider(alert, START)).collect();
    assert_eq!(verdicts, [Verdict::Suppress("pending"), Verdict::Suppress("never_notified")]);
}

#[test]
fn a_finding_that_is_told_again_from_its_beginning_ends_no_alert() {
    let grown = |count, repeats| Finding { count, ..finding("loop", &[("repeats", repeats)]) };
    let mut first = engine(vec![rule("detector('loop').repeats >= 4")]);
    assert_eq!(tell(&mut first, &grown(2, 4.0), START).len(), 1, "it fires");
    let mut second = engine(vec![rule("detector('loop').repeats >= 4")]);
    for (key, json) in first.take_changes() {
        assert!(second.restore(&key, engine::STATE_VERSION, json.as_deref().unwrap()));
    }
    let again = tell(&mut second, &grown(1, 3.0), START + SECOND);
    assert!(again.iter().all(|alert| alert.state == State::Firing && alert.seq > 1), "{again:?}");
    let on = tell(&mut second, &grown(3, 5.0), START + 2 * SECOND);
    assert!(on.iter().all(|alert| alert.state == State::Firing), "{on:?}");
}
