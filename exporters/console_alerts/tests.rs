//! Lines as a person sees them.

use super::*;
use chaperone_config::{Node, parse_settings};
use chaperone_genai::detect::Severity;
use chaperone_genai::keys;
use chaperone_genai::rules::State;
use chaperone_pipeline::{Batch, Clock};
use chaperone_proto::LogsBuilder;

fn alert(state: State) -> Alert {
    Alert {
        id: "0011-5".to_owned(),
        fingerprint: "0011".to_owned(),
        rule: "agent-dead-loop".to_owned(),
        category: "anomaly".to_owned(),
        state,
        severity: Severity::High,
        labels: vec![("session".to_owned(), "s-1".to_owned())],
        tags: Vec::new(),
        summary: "planner repeated search(q) 12 times".to_owned(),
        description: String::new(),
        runbook: String::new(),
        value: Some(12.0),
        threshold: Some(4.0),
        occurrences: 1,
        first_seen_ns: 0,
        last_seen_ns: 1_795_258_799_000_000_000,
        finding_ids: Vec::new(),
        span_ids: Vec::new(),
        trace_id: None,
        run_id: String::new(),
        agent: "planner".to_owned(),
        actor: String::new(),
        note: String::new(),
        seq: 1,
    }
}

fn chunk(alerts: &[Alert]) -> Chunk {
    keys::install();
    let mut builder = LogsBuilder::new(&[], "test");
    for alert in alerts {
        alert.write(&mut builder.record(alert.last_seen_ns));
    }
    builder.record(1).body("no alert");
    Chunk::encode(&Batch::new(Data::Logs(builder.finish())))
}

fn exporter(color: Color) -> ConsoleAlertsExporter {
    ConsoleAlertsExporter::new(&Config { color }, &BuildContext::for_tests("console_alerts", Clock::manual(0)))
}

#[test]
fn each_state_of_an_alert_is_one_line_and_other_records_are_counted() {
    let exporter = exporter(Color::Never);
    let lines = exporter.lines(&[chunk(&[alert(State::Firing), alert(State::Resolved)])]).unwrap();
    assert_eq!(
        lines,
        "2026-11-21T10:59:59Z FIRING high agent-dead-loop session=s-1: planner repeated search(q) 12 times\n\
         2026-11-21T10:59:59Z RESOLVED high agent-dead-loop session=s-1: planner repeated search(q) 12 times\n"
    );
    assert_eq!(exporter.skipped.get(), 1);
}

#[test]
fn colour_is_used_only_when_asked_for() {
    let chunks = [chunk(&[alert(State::Firing)])];
    assert!(exporter(Color::Always).lines(&chunks).unwrap().contains("\u{1b}[31mFIRING\u{1b}[0m"));
    assert!(!exporter(Color::Never).lines(&chunks).unwrap().contains('\u{1b}'));
}

#[test]
fn settings_are_checked() {
    let parse = |yaml: &str| parse_settings::<Config>(&Node::parse(yaml, "test.yaml").unwrap(), "exporters.console_alerts");
    assert_eq!(parse(include_str!("testdata/default.yaml")).unwrap(), Config::default());
    let problems = parse(include_str!("testdata/invalid_color.yaml")).unwrap_err().to_string();
    assert!(problems.contains("test.yaml:1:8"), "{problems}");
}
