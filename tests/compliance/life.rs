//! Real captures through every processor and connector: no panic, and every item goes somewhere.

use chaperone::pipeline::{Batch, BuildContext, Clock, MemoryStorage, Next, Now, Outbox};
use chaperone::pipeline::{Host, ProcessorEntry};
use chaperone_proto::{Data, Limits, Signal};
use chaperone_testkit::corpus::{Capture, load};
use std::sync::Arc;
use std::time::Duration;

fn data(capture: &Capture) -> Vec<Data> {
    let requests = capture.requests.iter().filter(|request| !request.json);
    let decoded = requests.map(|request| {
        let signal = Signal::ALL.into_iter().find(|signal| signal.name() == request.signal).expect("a known signal");
        Data::decode(signal, request.body.clone(), &Limits::default()).expect("a capture is valid")
    });
    decoded.collect()
}

fn live(entry: &ProcessorEntry, data: &[Data]) {
    chaperone_genai::keys::install();
    let name = entry.meta.name;
    let folder = if entry.meta.kind == chaperone::pipeline::Kind::Connector { "connectors" } else { "processors" };
    let file = format!("{}/{folder}/{name}/testdata/default.yaml", env!("CARGO_MANIFEST_DIR"));
    let yaml = std::fs::read_to_string(&file).expect("it was read before");
    let has_settings = yaml.lines().any(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let node =
        if has_settings { chaperone_config::Node::parse(&yaml, &file).expect("valid") } else { chaperone_config::Node::null() };
    let clock = Clock::manual(1_795_230_000_000_000_000);
    let config = (entry.parse)(&node, name).expect("the defaults are valid");
    let processor = (entry.build)(config, &BuildContext::for_tests(name, clock.clone())).expect("the defaults build");
    let host = Host::for_tests(clock.clone(), Arc::new(MemoryStorage::default()));
    processor.start(&host).unwrap_or_else(|error| panic!("{name}: {error}"));
    for data in data.iter().filter(|data| entry.meta.signals.has(data.signal())) {
        let mut out = Outbox::for_tests(clock.now());
        processor.process(Batch::new(data.clone()), &mut out).unwrap_or_else(|error| panic!("{name}: {error}"));
        if entry.meta.passes.has(data.signal()) {
            let passed: usize = out.passed().iter().map(Batch::items).sum();
            let dropped: usize = out.dropped().iter().map(|(_, items, _)| items).sum();
            assert!(passed + dropped >= data.items(), "{name} passed {passed} and dropped {dropped} of {} items", data.items());
        }
    }
    for second in 1..=120u64 {
        let now = Now { mono: Duration::from_secs(second), unix_ns: clock.now().unix_ns + second * 1_000_000_000 };
        processor.tick(now, &mut Outbox::for_tests(now));
    }
    let now = Now { mono: Duration::from_secs(121), unix_ns: clock.now().unix_ns + 121_000_000_000 };
    let calls = (0..10_000).take_while(|_| processor.drain(now, &mut Outbox::for_tests(now)) != Next::Done).count();
    assert!(calls < 10_000, "{name} never ends to drain");
}

#[test]
fn every_processor_and_connector_lives_through_real_captures() {
    let names = ["otel-openai-tools", "openinference-openai-loop", "claude-code-tools", "gemini-cli-tools", "codex-tools"];
    let captures: Vec<Data> = names.iter().flat_map(|name| data(&load(name).expect("a capture"))).collect();
    let registry = chaperone::built_in();
    for entry in registry.processors.iter().chain(registry.connectors) {
        live(entry, &captures);
    }
}
