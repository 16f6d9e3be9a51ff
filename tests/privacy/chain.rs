//! Captures through the processors, as the default pipelines have them: `gen_ai_content` last.

use chaperone_config::Node;
use chaperone_pipeline::{Batch, BuildContext, Clock, Now, Outbox, Processor};
use chaperone_proto::{Data, Limits, Signal};
use chaperone_testkit::corpus::{self, Capture};
use std::sync::Arc;

/// A processor with these settings.
pub fn processor(name: &str, settings: &str) -> Arc<dyn Processor> {
    let entry = chaperone_processors::ALL.iter().find(|entry| entry.meta.name == name).expect("a processor of that name");
    let node = Node::parse(settings, "test.yaml").expect("settings are YAML");
    let config = (entry.parse)(&node, name).unwrap_or_else(|problems| panic!("{problems}"));
    (entry.build)(config, &BuildContext::for_tests(name, Clock::manual(0))).expect("valid settings build")
}

/// What a batch becomes, with what the processor made of it.
pub fn through(processor: &Arc<dyn Processor>, data: Data) -> Vec<Data> {
    let mut out = Outbox::for_tests(Now::default());
    processor.process(Batch::new(data), &mut out).expect("processors refuse nothing");
    out.passed().iter().chain(out.derived()).map(|batch| batch.data.clone()).collect()
}

/// The processors before `gen_ai_content`.
pub struct Enriching([Arc<dyn Processor>; 3]);

impl Enriching {
    pub fn new() -> Enriching {
        Enriching(["gen_ai_normalizer", "gen_ai_steps", "gen_ai_cost"].map(|name| processor(name, "{}")))
    }
    pub fn run(&self, data: Data) -> Vec<Data> {
        self.0.iter().fold(vec![data], |batches, step| batches.into_iter().flat_map(|data| through(step, data)).collect())
    }
}

/// Spans and logs of a capture.
pub fn records_of(capture: &Capture) -> Vec<Data> {
    chaperone_genai::dialects::install();
    let requests = capture.requests.iter().filter(|request| request.signal != "metrics");
    let decode = |request: &corpus::Request| {
        let signal = if request.signal == "traces" { Signal::Traces } else { Signal::Logs };
        let limits = Limits::default();
        let json = || Data::decode_json(signal, &request.body, &limits);
        let data = if request.json { json() } else { Data::decode(signal, request.body.clone(), &limits) };
        data.unwrap_or_else(|error| panic!("{} {}: {error}", capture.name, request.file))
    };
    requests.map(decode).collect()
}

/// Whether a record is of an agent.
pub fn is_agents(record: chaperone_proto::RecordRef<'_>) -> bool {
    use chaperone_genai::dialects::{ScopeVerdict, detect};
    detect(record, &ScopeVerdict::of(record.scope())).is_some()
}
