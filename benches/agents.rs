//! Runs the processors that understand agents on one payload, a number of times: what `bench-gate` counts instructions of.
//!
//! Usage: `bench-agents <payload> <processors> <iterations>`, where `processors` is how many of the four run, in the order of the
//! default pipelines: 0 decodes only, 1 is the normaliser, 4 are all. So the difference between two numbers is a processor.
//! No two requests are equal, and none was seen before: each is made from a seed of its own before anything is counted.

use bytes::Bytes;
use chaperone_config::Node;
use chaperone_pipeline::{Batch, BuildContext, Clock, Host, MemoryStorage, Now, Outbox, Processor};
use chaperone_proto::{Data, Limits, Signal};
use chaperone_scenarios::payloads::Form;
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;

const PROCESSORS: [&str; 4] = ["gen_ai_normalizer", "gen_ai_steps", "gen_ai_cost", "gen_ai_content"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let parsed = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [payload, processors, iterations] => {
            let form = Form::ALL.into_iter().find(|(name, _)| *name == payload).map(|(_, form)| form);
            form.zip(processors.parse::<usize>().ok()).zip(iterations.parse::<u64>().ok())
        }
        _ => None,
    };
    let Some(((form, processors), iterations)) = parsed else {
        let names: Vec<&str> = Form::ALL.iter().map(|(name, _)| *name).collect();
        eprintln!("usage: bench-agents <{}> <0..4> <iterations>", names.join("|"));
        return ExitCode::FAILURE;
    };
    chaperone_genai::dialects::install();
    // The chain is warm before anything counts: tables are read, and maps have grown.
    let chain: Vec<Arc<dyn Processor>> = PROCESSORS.into_iter().map(build).collect();
    for seed in 0..2 {
        run(&chain, form.request(1_000_000 + seed).into());
    }
    // Every number of iterations makes as many requests, so that making them cancels out.
    let requests: Vec<Bytes> = (0..iterations.max(MOST)).map(|seed| form.request(seed).into()).collect();
    for request in requests.into_iter().take(iterations as usize) {
        black_box(run(chain.get(..processors).unwrap_or(&chain), request));
    }
    ExitCode::SUCCESS
}

/// Requests that are made, used or not.
const MOST: u64 = 20;

/// The number of batches that come out.
fn run(chain: &[Arc<dyn Processor>], body: Bytes) -> usize {
    let data = Data::decode(Signal::Traces, body, &Limits::default()).expect("invariant: payloads are valid requests");
    let mut batches = vec![Batch::new(data)];
    for processor in chain {
        let mut next = Vec::with_capacity(batches.len());
        for batch in batches {
            let mut out = Outbox::for_tests(Now::default());
            processor.process(batch, &mut out).expect("invariant: these processors refuse nothing");
            next.append(&mut out.take_passed());
        }
        batches = next;
    }
    batches.len()
}

fn build(name: &str) -> Arc<dyn Processor> {
    let entry = chaperone_processors::ALL.iter().find(|entry| entry.meta.name == name);
    let entry = entry.expect("invariant: the four processors are registered");
    let node = Node::parse("{}", "bench.yaml").expect("invariant: an empty mapping is YAML");
    let config = (entry.parse)(&node, name).unwrap_or_else(|problems| panic!("invariant: defaults are valid: {problems}"));
    let processor = (entry.build)(config, &BuildContext::for_tests(name, Clock::manual(0)));
    let processor = processor.expect("invariant: defaults build");
    let host = Host::for_tests(Clock::manual(0), Arc::new(MemoryStorage::default()));
    processor.start(&host).expect("invariant: defaults start");
    processor
}
