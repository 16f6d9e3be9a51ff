//! The rows of calls of every capture against what `genai` adds up from the same records.
//!
//! No server is needed: a table's sums are those of its rows.

use chaperone_config::Node;
use chaperone_genai::usage::Totals;
use chaperone_pipeline::{Batch, BuildContext, Clock, Now, Outbox, Processor};
use chaperone_proto::{Data, Limits, Signal};
use chaperone_store::Rows;
use chaperone_store::rows::UsageScope;
use chaperone_testkit::corpus;
use std::sync::Arc;

fn processor(name: &str) -> Arc<dyn Processor> {
    let entry = chaperone_processors::ALL.iter().find(|entry| entry.meta.name == name).unwrap();
    let config = (entry.parse)(&Node::parse("{}", "test.yaml").unwrap(), name).unwrap_or_else(|problems| panic!("{problems}"));
    (entry.build)(config, &BuildContext::for_tests(name, Clock::manual(0))).unwrap()
}

/// What a request becomes; records that a processor makes follow the batch they were made from.
fn enriched(chain: &[Arc<dyn Processor>], data: Data) -> Vec<Data> {
    let mut batches = vec![Batch::new(data)];
    for processor in chain {
        let mut next = Vec::new();
        for batch in batches {
            let mut out = Outbox::for_tests(Now::default());
            processor.process(batch, &mut out).unwrap();
            next.extend(out.passed().iter().chain(out.derived()).cloned());
        }
        batches = next;
    }
    batches.into_iter().map(|batch| batch.data).collect()
}

#[test]
fn rows_of_calls_add_up_to_the_totals_of_every_capture() {
    chaperone_genai::keys::install();
    let mut with_calls = 0;
    for name in corpus::names() {
        let chain = ["gen_ai_normalizer", "gen_ai_steps", "gen_ai_cost"].map(processor);
        let mut totals = Totals::default();
        let mut found = (0, 0, 0, 0);
        for request in corpus::load(&name).unwrap().requests {
            let Some(signal) = Signal::ALL.into_iter().find(|signal| signal.name() == request.signal) else { continue };
            let limits = Limits::default();
            let data = match (signal, request.json) {
                (Signal::Metrics, _) => continue,
                (_, true) => Data::decode_json(signal, &request.body, &limits).unwrap(),
                (_, false) => Data::decode(signal, request.body.clone(), &limits).unwrap(),
            };
            for data in enriched(&chain, data) {
                (0..data.records()).for_each(|at| totals.add(data.record(at)));
                let mut rows = Rows::default();
                rows.add(&data);
                for row in rows.llm_calls.iter().filter(|row| row.usage_scope == UsageScope::Own && !row.resent) {
                    found.0 += u64::from(row.input_tokens);
                    found.1 += u64::from(row.output_tokens);
                    found.2 += u64::from(row.cache_read_tokens);
                    found.3 += row.cost_usd;
                }
            }
        }
        with_calls += usize::from(found.1 > 0);
        // Rows keep more digits of a cost than the sum of nano-dollars does.
        let nano_usd = (found.3 as f64 / 1e3).round() as i64;
        let expected = (totals.input_tokens, totals.output_tokens, totals.cache_read_tokens);
        assert_eq!((found.0, found.1, found.2), expected, "{name}");
        assert!((nano_usd - totals.cost_nanos).abs() <= 100, "{name}: {nano_usd} and {} nano-dollars", totals.cost_nanos);
    }
    assert!(with_calls > 100, "only {with_calls} captures have counted calls");
}
