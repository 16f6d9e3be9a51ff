//! The real binary under pressure: a backend that goes away, a dead alert channel, and clients that mean harm.
//!
//! Memory is read from the kernel (`RssAnon` of the child), so that what no counter of ours knows is seen too.
//! `CHAPERONE_PRESSURE_SECONDS` makes the load of the back-pressure test last longer than the second that CI gives it.

mod back_pressure;
mod client;
mod hostile;
mod memory;
mod sink;

use anyhow::Result;
use chaperone_testkit::collector::Collector;

/// A mebibyte.
const MIB: u64 = 1 << 20;

fn start(config: &str, sets: &[&str]) -> Result<Collector> {
    Collector::start(env!("CARGO_BIN_EXE_chaperone"), config, sets)
}

/// Counts, drops with a reason, and ends well.
fn finish(mut collector: Collector) -> Result<()> {
    collector.check_conservation()?;
    let status = collector.stop()?;
    assert!(status.success(), "ended with {status}:\n{}", collector.output().join("\n"));
    Ok(())
}
