//! A second graph over the same store: nobody is told twice, and the end is told once.

use crate::run::{Outcome, Watch};
use chaperone_genai::rules::State;
use chaperone_pipeline::MemoryStorage;
use chaperone_proto::{Data, Limits};
use chaperone_scenarios::behaviours::{SCENARIOS, scenario};
use std::sync::Arc;

const START: u64 = 1_790_000_000_000_000_000;
const MINUTE: u64 = 60_000_000_000;

fn requests(name: &str, start_ns: u64) -> Vec<Data> {
    chaperone_genai::keys::install();
    let requests = scenario(name, start_ns, 7).unwrap();
    requests.into_iter().map(|request| Data::decode(request.signal, request.body, &Limits::default()).unwrap()).collect()
}

fn states(outcome: &Outcome) -> Vec<State> {
    outcome.alerts.iter().map(|alert| alert.state).collect()
}

#[test]
fn the_made_loop_gives_one_alert_and_the_made_normal_agents_give_none() {
    for name in SCENARIOS {
        let outcome = crate::run::feed(requests(name, START).into_iter());
        assert_eq!(states(&outcome), if *name == "loop" { vec![State::Firing, State::Resolved] } else { vec![] }, "{name}");
    }
}

#[test]
fn a_second_graph_over_the_same_store_goes_on_where_the_first_was_killed() {
    let store = Arc::new(MemoryStorage::default());
    let mut first = Watch::new(Arc::clone(&store));
    // The other agents let time pass, so that state is stored; then the process is gone without a word.
    first.feed(requests("loop", START));
    first.feed(requests("normal", START + MINUTE));
    let told = first.killed();
    assert_eq!(states(&told), [State::Firing]);

    let mut second = Watch::new(Arc::clone(&store));
    second.feed(requests("loop", START));
    second.feed(requests("normal", START + 2 * MINUTE));
    let again = second.finished();
    assert!(again.findings.iter().any(|finding| finding.detector == "loop"), "detectors begin anew");
    assert_eq!(states(&again), [State::Resolved]);
    assert_eq!(again.alerts[0].id, told.alerts[0].id);

    let mut third = Watch::new(store);
    third.feed(requests("normal", START + 60 * MINUTE));
    assert_eq!(states(&third.finished()), []);
}

#[test]
fn without_its_store_a_second_graph_tells_it_again() {
    for _ in 0..2 {
        let mut watch = Watch::new(Arc::default());
        watch.feed(requests("loop", START));
        watch.feed(requests("normal", START + MINUTE));
        assert_eq!(states(&watch.killed()), [State::Firing]);
    }
}
