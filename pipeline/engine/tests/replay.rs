//! Recorded requests through the same graph.

use super::*;
use crate::engine::Replay;
use std::sync::Mutex;

type Sent = Arc<Mutex<Vec<(String, usize, u64)>>>;

fn replay(text: &str) -> (Replay, Sent, Clock) {
    let settings = EngineSettings { clock: Clock::manual(0), ..settings() };
    let (sent, clock) = (Sent::default(), settings.clock.clone());
    let (to, read) = (Arc::clone(&sent), clock.clone());
    let sink = move |pipeline: &chaperone_config::PipelineId, exporter: &ComponentId, data: &Data| {
        let line = (format!("{pipeline}/{exporter}"), data.items(), read.now().unix_ns / 1_000_000_000);
        to.lock().unwrap().push(line);
    };
    let replay = Replay::build(&document(text), &components::REGISTRY, settings, sink);
    (replay.unwrap_or_else(|problems| panic!("{problems}")), sent, clock)
}

fn take(sent: &Sent) -> Vec<(String, usize, u64)> {
    std::mem::take(&mut *sent.lock().unwrap())
}

const GRAPH: &str = "
receivers: {taps: , taps/2: , own_events: }
processors: {act: {what: merge}}
connectors: {count: }
exporters: {net: , local: }
service:
  pipelines:
    logs: {receivers: [taps, taps/2], exporters: [net, count]}
    logs/held: {receivers: [taps], processors: [act], exporters: [local]}
    logs/counted: {receivers: [count, own_events], exporters: [local]}
    logs/own: {receivers: [own_events], exporters: [local]}
";

#[test]
fn a_request_enters_every_pipeline_from_outside_once_and_is_followed_by_a_tick() {
    let (mut replay, sent, clock) = replay(GRAPH);
    assert_eq!(replay.feed(Data::Logs(records(2, 100_000_000_000))), Outcome::Ok);
    assert_eq!(take(&sent), [("logs/net".into(), 2, 100), ("logs/held/local".into(), 2, 100)]);
    assert_eq!(replay.feed(Data::Logs(records(1, 50_000_000_000))), Outcome::Ok);
    assert_eq!(clock.now().unix_ns, 100_000_000_000, "time never goes back");
    assert_eq!(take(&sent).len(), 2);
    assert!(replay.serves(Signal::Logs) && !replay.serves(Signal::Traces));
}

#[test]
fn time_is_the_greatest_event_time_and_a_mistaken_one_does_not_move_it() {
    let (mut replay, _, clock) = replay(GRAPH);
    replay.feed(Data::Logs(records(1, 7_000_000_000)));
    replay.feed(Data::Logs(records(1, u64::MAX)));
    assert_eq!(clock.now().unix_ns, 7_000_000_000);
}

#[test]
fn at_the_end_time_advances_until_nothing_is_open() {
    let (mut replay, sent, clock) =
        replay(&GRAPH.replace("logs/held: {receivers: [taps], processors: [act], exporters: [local]}", ""));
    replay.feed(Data::Logs(records(2, 100_000_000_000)));
    take(&sent);
    replay.finish();
    assert_eq!(take(&sent), [("logs/counted/local".into(), 1, 160)]);
    assert_eq!(clock.now().unix_ns / 1_000_000_000, 161, "nothing is open any more, so time stands");
}

#[test]
fn a_component_that_is_never_done_costs_a_simulated_day() {
    // `act` asks to be called every second for ever.
    let (mut replay, sent, clock) = replay(GRAPH);
    replay.feed(Data::Logs(records(2, 100_000_000_000)));
    take(&sent);
    replay.finish();
    assert_eq!(take(&sent), [("logs/counted/local".into(), 1, 160)], "steps grow while nothing comes out");
    assert!(clock.now().unix_ns >= 86_500_000_000_000);
}

#[test]
fn the_same_input_gives_the_same_output() {
    let run = || {
        let (mut replay, sent, _) = replay(GRAPH);
        for second in 1..50 {
            replay.feed(Data::Logs(records(second as usize, second * 3_000_000_000)));
        }
        replay.finish();
        take(&sent)
    };
    assert_eq!(run(), run());
}

#[test]
fn problems_of_the_document_are_reported_without_a_runtime() {
    let text = "
receivers: {taps: }
exporters: {net: {nope: 1}}
service: {pipelines: {logs: {receivers: [taps], exporters: [net]}}}
";
    let problems = Replay::build(&document(text), &components::REGISTRY, settings(), |_, _, _| {}).err().expect("refused");
    assert!(problems.iter().any(|problem| problem.path == "exporters.net.nope"));
}
