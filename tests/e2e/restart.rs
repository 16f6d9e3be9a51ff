//! What survives the process, killed or stopped: an alert is told once, and a call is counted once.

use crate::{finish, start};
use anyhow::{Result, bail};
use chaperone_testkit::collector::{Collector, until};
use chaperone_testkit::scrape;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// The shipped pipeline with its state in a folder that outlives it. Sessions are judged soon.
fn start_over(state: &Path, more: &[&str]) -> Result<Collector> {
    let directory = format!("extensions.file_storage.directory={}", state.display());
    start(&[&[directory.as_str(), "connectors.agent_detectors.lateness=100ms"], more].concat())
}

/// Sends a scenario with ids that are the same each time.
fn generate_again(scenario: &str, seed: &str, endpoint: &str) -> Result<()> {
    let output = Command::new(env!("CARGO_BIN_EXE_chaperone"))
        .args(["generate", "--scenario", scenario, "--seed", seed, "--endpoint", &format!("http://{endpoint}")])
        .output()?;
    if !output.status.success() {
        bail!("generate failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

fn figure(collector: &mut Collector, name: &str, labels: &[(&str, &str)]) -> Result<f64> {
    let samples = scrape::parse(&collector.own_metrics()?)?;
    let fits = |sample: &&scrape::Sample| {
        let has = |(key, value): &(&str, &str)| sample.labels.get(*key).is_some_and(|found| found == value);
        sample.name == name && labels.iter().all(has)
    };
    Ok(samples.iter().filter(fits).map(|sample| sample.value).sum())
}

fn until_figure(collector: &mut Collector, name: &str, labels: &[(&str, &str)], wanted: impl Fn(f64) -> bool) -> Result<f64> {
    until(|| {
        let found = figure(collector, name, labels)?;
        if wanted(found) { Ok(found) } else { bail!("`{name}` {labels:?} is {found}") }
    })
}

/// Waits until a component's file holds more than its header.
fn until_stored(state: &Path, file: &str) -> Result<()> {
    until(|| {
        let length = std::fs::metadata(state.join(file))?.len();
        if length > 16 { Ok(()) } else { bail!("`{file}` holds nothing yet") }
    })
}

fn told(collector: &Collector) -> Vec<String> {
    let is_told = |line: &String| line.contains("agent-dead-loop") && line.to_lowercase().contains("firing");
    collector.output().into_iter().filter(is_told).collect()
}

/// The first collector tells of a loop; `end` ends it; the second sees the same loop again and tells nobody.
fn tells_once(end: impl Fn(Collector) -> Result<()>) -> Result<()> {
    let state = TempDir::new()?;
    // With its memory, `gen_ai_cost` would mark the second copy as sent again, and detectors would skip it.
    let forgets = ["processors.gen_ai_cost.storage=null"];
    let mut first = start_over(state.path(), &forgets)?;
    generate_again("loop", "7", &first.otlp_http()?)?;
    first.wait_for_line("agent-dead-loop")?;
    for file in ["connector_alerts_", "connector_agent_rules_"] {
        until_stored(state.path(), file)?;
    }
    assert_eq!(told(&first).len(), 1);
    end(first)?;

    let mut second = start_over(state.path(), &forgets)?;
    generate_again("loop", "7", &second.otlp_http()?)?;
    until_figure(&mut second, "chaperone_connector_findings", &[], |found| found > 0.0)?;
    let labels = [("component", "agent_rules"), ("direction", "in"), ("signal", "logs")];
    until_figure(&mut second, "chaperone_component_items", &labels, |found| found > 0.0)?;
    let status = second.stop()?;
    assert!(status.success(), "{}", second.output().join("\n"));
    assert_eq!(told(&second), Vec::<String>::new(), "{}", second.output().join("\n"));
    Ok(())
}

#[test]
fn an_alert_that_was_told_is_not_told_again_after_a_stop() -> Result<()> {
    tells_once(|mut collector| {
        assert!(collector.stop()?.success());
        Ok(())
    })
}

#[test]
fn an_alert_that_was_told_is_not_told_again_after_a_kill() -> Result<()> {
    tells_once(|collector| {
        // Dropping it sends the signal that no process can answer.
        drop(collector);
        Ok(())
    })
}

#[test]
fn without_a_store_an_alert_is_told_again() -> Result<()> {
    let memory = ["processors.gen_ai_cost.storage=null", "connectors.agent_rules.storage=null", "connectors.alerts.storage=null"];
    for _ in 0..2 {
        let mut collector = start(&memory)?;
        generate_again("loop", "7", &collector.otlp_http()?)?;
        collector.wait_for_line("agent-dead-loop")?;
    }
    Ok(())
}

#[test]
fn calls_that_were_counted_are_known_after_a_kill() -> Result<()> {
    let state = TempDir::new()?;
    let mut first = start_over(state.path(), &[])?;
    generate_again("normal", "7", &first.otlp_http()?)?;
    let counted = |scope| [("processor", "gen_ai_cost"), ("scope", scope)];
    let own = until_figure(&mut first, "chaperone_usage_records", &counted("self"), |found| found > 0.0)?;
    until_stored(state.path(), "processor_gen_ai_cost_")?;
    drop(first);

    let mut second = start_over(state.path(), &[])?;
    generate_again("normal", "7", &second.otlp_http()?)?;
    until_figure(&mut second, "chaperone_usage_records", &counted("resent"), |found| found >= own)?;
    assert_eq!(figure(&mut second, "chaperone_usage_records", &counted("self"))?, 0.0);
    finish(second)
}

#[test]
fn a_second_process_over_the_same_state_is_refused() -> Result<()> {
    let state = TempDir::new()?;
    let first = start_over(state.path(), &[])?;
    let error = format!("{:#}", start_over(state.path(), &[]).err().expect("the state is locked"));
    assert!(error.contains("another process keeps its state here"), "{error}");
    finish(first)
}
