//! `agent_runs` on the same captures: the runs it gives out add up to what the records add up to.

use crate::agent_runs::{runs, sum};
use crate::expected::Expected;
use crate::order::recorded;
use crate::run::Chain;
use chaperone_genai::keys;
use chaperone_testkit::corpus;

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
