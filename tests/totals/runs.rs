//! `agent_runs` on the same captures: the runs it gives out add up to what the records add up to.

use crate::expected::Expected;
use crate::order::recorded;
use crate::run::Chain;
use chaperone_config::Node;
use chaperone_genai::keys;
use chaperone_pipeline::{Batch, BuildContext, Clock, Next, Now, Outbox};
use chaperone_proto::{Data, KeyId};
use chaperone_testkit::corpus;

/// Runs of enriched data, closed by draining.
fn runs(enriched: Vec<Data>) -> Vec<Data> {
    let entry = chaperone_connectors::ALL.iter().find(|entry| entry.meta.name == "agent_runs").expect("it is registered");
    let config = (entry.parse)(&Node::null(), "agent_runs").expect("defaults are valid");
    let connector = (entry.build)(config, &BuildContext::for_tests("agent_runs", Clock::manual(0))).expect("defaults build");
    for data in enriched {
        connector.process(Batch::new(data), &mut Outbox::for_tests(Now::default())).expect("it refuses nothing");
    }
    let mut out = Outbox::for_tests(Now::default());
    while connector.drain(Now::default(), &mut out) != Next::Done {}
    out.derived().iter().map(|batch| batch.data.clone()).collect()
}

fn sum(runs: &[Data], key: KeyId) -> u64 {
    let records = runs.iter().flat_map(|data| (0..data.records()).map(|at| data.record(at)));
    records.map(|run| run.attrs().int(key).and_then(|number| u64::try_from(number).ok()).expect("a run has its numbers")).sum()
}

#[test]
fn runs_add_up_to_the_ground_truth() {
    let mut wrong = Vec::new();
    for capture in crate::of_families().iter().map(|name| corpus::load(name).expect("a readable capture")) {
        let expected = Expected::on_the_wire(&capture);
        let chain = Chain::new();
        let enriched = recorded(&capture).into_iter().flat_map(|data| chain.enrich(data)).collect();
        let runs = runs(enriched);
        let found = [
            sum(&runs, keys::CHAPERONE_RUN_TOKENS_INPUT),
            sum(&runs, keys::CHAPERONE_RUN_TOKENS_OUTPUT),
            sum(&runs, keys::CHAPERONE_RUN_TOKENS_CACHE_READ),
            sum(&runs, keys::CHAPERONE_RUN_TOKENS_REASONING),
            sum(&runs, keys::CHAPERONE_RUN_TOOL_CALLS_REQUESTED),
        ];
        let requested = expected.requested.values().sum();
        let truth = [expected.input, expected.output, expected.cache_read, expected.reasoning, requested];
        if found != truth {
            wrong.push(format!("{}: found {found:?}, expected {truth:?}", capture.name));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
