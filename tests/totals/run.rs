//! Requests through the three processors, as the graph would run them.

use chaperone_config::Node;
use chaperone_genai::usage::Totals;
use chaperone_pipeline::{Batch, BuildContext, Clock, Now, Outbox, Processor};
use chaperone_proto::Data;
use std::sync::Arc;

/// The chain of the default pipelines, with fresh state.
pub struct Chain(Vec<Arc<dyn Processor>>);

impl Chain {
    pub fn new() -> Chain {
        Chain(["gen_ai_normalizer", "gen_ai_steps", "gen_ai_cost"].map(build).into())
    }

    /// What a request becomes; log records that a processor makes follow the batch they were made from.
    pub fn enrich(&self, data: Data) -> Vec<Data> {
        let mut batches = vec![Batch::new(data)];
        for processor in &self.0 {
            let mut next = Vec::new();
            for batch in batches {
                let mut out = Outbox::for_tests(Now::default());
                processor.process(batch, &mut out).expect("processors refuse nothing");
                next.extend(out.passed().iter().chain(out.derived()).cloned());
            }
            batches = next;
        }
        batches.into_iter().map(|batch| batch.data).collect()
    }

    /// Sums over everything that these requests become.
    pub fn totals(&self, requests: impl IntoIterator<Item = Data>) -> Totals {
        let mut totals = Totals::default();
        for data in requests.into_iter().flat_map(|request| self.enrich(request)) {
            for at in 0..data.records() {
                totals.add(data.record(at));
            }
        }
        totals
    }
}

fn build(name: &str) -> Arc<dyn Processor> {
    let entry = chaperone_processors::ALL.iter().find(|entry| entry.meta.name == name).expect("a processor of that name");
    let node = Node::parse("{}", "test.yaml").expect("an empty mapping is YAML");
    let config = (entry.parse)(&node, name).unwrap_or_else(|problems| panic!("{problems}"));
    (entry.build)(config, &BuildContext::for_tests(name, Clock::manual(0))).expect("defaults build")
}
