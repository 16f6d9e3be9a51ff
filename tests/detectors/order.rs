//! Spans in any order, one a request, and everything twice: the same loops.

use crate::run::{Outcome, feed};
use chaperone_proto::{Data, Limits, Signal};
use chaperone_testkit::corpus;

const CAPTURES: [&str; 6] = [
    "otel-openai-v2-loop",
    "otel-anthropic-loop",
    "openinference-openai-loop",
    "openllmetry-anthropic-loop",
    "langchain-otel-loop",
    "openai-agents-openinference-loop",
];

/// Captures whose tool calls are spans of their own. What is found in messages depends on what came before it, so there
/// the order within the lateness is the senders'.
const WITH_TOOL_SPANS: [&str; 4] =
    ["langchain-otel-loop", "openai-agents-openinference-loop", "pydantic-ai-loop", "llamaindex-openinference-loop"];

fn requests(name: &str) -> Vec<Data> {
    let requests = corpus::load(name).unwrap().requests.into_iter().filter(|request| request.signal != "metrics");
    let decode = |request: corpus::Request| {
        let signal = Signal::ALL.into_iter().find(|signal| signal.name() == request.signal).unwrap();
        Data::decode(signal, request.body, &Limits::default()).unwrap()
    };
    requests.map(decode).collect()
}

/// Every record a request of its own, in an order that the seed decides.
fn shuffled(name: &str, seed: u64) -> Vec<Data> {
    let mut single: Vec<Data> = requests(name)
        .iter()
        .flat_map(|data| -> Vec<Data> {
            match data {
                Data::Traces(traces) => (0..traces.len() as u32).map(|i| Data::Traces(traces.extract(&[i]))).collect(),
                Data::Logs(logs) => (0..logs.len() as u32).map(|i| Data::Logs(logs.extract(&[i]))).collect(),
                Data::Metrics(_) => Vec::new(),
            }
        })
        .collect();
    let mut random = seed;
    for i in (1..single.len()).rev() {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        single.swap(i, (random >> 33) as usize % (i + 1));
    }
    single
}

fn most_repeats(outcome: &Outcome) -> f64 {
    let of_loop = outcome.findings.iter().filter(|finding| finding.detector == "loop");
    of_loop.filter_map(|finding| finding.value("repeats")).fold(0.0, f64::max)
}

#[test]
fn everything_sent_twice_gives_the_same_alert() {
    for name in CAPTURES {
        let once = feed(requests(name).into_iter());
        let twice = feed(requests(name).into_iter().flat_map(|data| [data.clone(), data]));
        assert_eq!(most_repeats(&twice), most_repeats(&once), "{name}");
        assert_eq!(twice.firing().count(), 1, "{name}");
    }
}

#[test]
fn spans_in_any_order_give_an_alert() {
    for name in WITH_TOOL_SPANS {
        for seed in 1..=3 {
            let outcome = feed(shuffled(name, seed).into_iter());
            assert!(outcome.firing().count() >= 1, "{name} with seed {seed}: {:#?}", outcome.findings);
        }
    }
}
