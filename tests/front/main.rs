//! What stands in front of exporters and what is told about it, seen from outside: the real binary, real sockets.
//!
//! Own metrics are compared with lists of names that the Collector has and that public dashboards ask for.

mod client;
mod levels;
mod names;
mod own_metrics;
mod queue;
mod sink;

use anyhow::Result;
use chaperone_testkit::collector::Collector;

/// The real binary; own metrics on a free port.
fn start(config: &str, sets: &[&str]) -> Result<Collector> {
    Collector::start(env!("CARGO_BIN_EXE_chaperone"), config, sets)
}

/// A reader of own metrics on a free port, with settings.
fn reader(settings: &str) -> String {
    format!("{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: 0{settings}}}}}}}}}")
}

/// Where the readers are served, in order.
fn readers(collector: &mut Collector) -> Result<Vec<String>> {
    collector.wait_for_line("everything is ready")?;
    let output = collector.output();
    let lines = output.iter().filter_map(|line| line.split("own metrics: exposed at http://").nth(1));
    Ok(lines.map(|rest| rest.trim_end_matches("/metrics").to_owned()).collect())
}
