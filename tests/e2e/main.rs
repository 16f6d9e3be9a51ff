//! The real binary, started as a user starts it, with real clients around it.
//!
//! Python's official SDK sends by HTTP and gRPC; SQLite is read back; a Prometheus scrape is parsed; a webhook checks the
//! signature. Every test ends with the conservation equations and a clean stop.

mod beside;
mod corpus;
mod emitting;
mod quickstarts;
mod replay;
mod restart;
mod sdk;
mod sdk_languages;
mod sdk_sent;
#[path = "../../proto/tests/oracle/shown.rs"]
mod shown;
mod sidecar;
mod stop;
mod walk;
mod webhook;

// What the wires of the captures carry, and what that costs.
#[path = "../facts/price.rs"]
mod price;
#[allow(dead_code, reason = "shared with the tests of facts, which compare more")]
#[path = "../facts/wire.rs"]
mod wire;

use anyhow::Result;
use chaperone_testkit::collector::Collector;

/// The shipped pipeline, on free ports.
const DEFAULT_CONFIG: &str = include_str!("../../collector.yaml");

/// Starts the binary with the shipped `collector.yaml` and further settings.
fn start(sets: &[&str]) -> Result<Collector> {
    let mut all = vec![
        "receivers.otlp.protocols.grpc.endpoint=127.0.0.1:0",
        "receivers.otlp.protocols.http.endpoint=127.0.0.1:0",
        "exporters.prometheus.endpoint=127.0.0.1:0",
    ];
    all.extend(sets);
    Collector::start(env!("CARGO_BIN_EXE_chaperone"), DEFAULT_CONFIG, &all)
}

/// Counts, drops with a reason, and ends well.
fn finish(mut collector: Collector) -> Result<()> {
    collector.check_conservation()?;
    let status = collector.stop()?;
    assert!(status.success(), "ended with {status}:\n{}", collector.output().join("\n"));
    Ok(())
}
