//! Runs of enriched records, as `agent_runs` with its default settings gives them out.

use chaperone_config::Node;
use chaperone_pipeline::{Batch, BuildContext, Clock, Next, Now, Outbox};
use chaperone_proto::{Data, KeyId};

/// Runs of enriched data, closed by draining.
pub fn runs(enriched: Vec<Data>) -> Vec<Data> {
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

/// The sum of an attribute over runs.
pub fn sum(runs: &[Data], key: KeyId) -> u64 {
    let records = runs.iter().flat_map(|data| (0..data.records()).map(|at| data.record(at)));
    records.map(|run| run.attrs().int(key).and_then(|number| u64::try_from(number).ok()).expect("a run has its numbers")).sum()
}
