//! The README's walk: start, generate a loop, and see the run, the metrics and the alert.

use crate::{finish, start};
use anyhow::{Context, Result, bail};
use chaperone_testkit::collector::{get, until};
use chaperone_testkit::scrape;
use rusqlite::{Connection, OpenFlags};
use std::process::Command;

/// Sends a scenario with the binary's own command.
pub fn generate(scenario: &str, endpoint: &str) -> Result<()> {
    let output = Command::new(env!("CARGO_BIN_EXE_chaperone"))
        .args(["generate", "--scenario", scenario, "--endpoint", &format!("http://{endpoint}")])
        .output()?;
    if !output.status.success() {
        bail!("generate failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

#[test]
fn a_loop_is_stored_with_its_cost_measured_and_alerted_on_the_console() -> Result<()> {
    let mut collector = start(&[])?;
    generate("loop", &collector.otlp_http()?)?;

    let alert = collector.wait_for_line("agent-dead-loop")?;
    assert!(alert.to_lowercase().contains("firing"), "{alert}");

    let database = collector.file("data/chaperone.db");
    let (status, cost, tools) = until(|| {
        let connection = Connection::open_with_flags(&database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let query = "SELECT status, cost_usd, tool_calls FROM runs";
        let row =
            connection.query_row(query, [], |row| Ok((row.get::<_, String>(0)?, row.get::<_, f64>(1)?, row.get::<_, i64>(2)?)));
        row.context("the run is not stored yet")
    })?;
    assert!(cost > 0.0, "a priced run costs something");
    assert_eq!((status.as_str(), tools), ("success", 12));

    until(|| {
        let connection = Connection::open_with_flags(&database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let count = |table: &str| connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0));
        let counts = (count("findings")?, count("alerts")?, count("llm_calls")?);
        if counts.0 < 1 || counts.1 < 1 || counts.2 < 12 {
            bail!("findings, alerts and model calls stored so far: {counts:?}");
        }
        Ok(())
    })?;

    let prometheus = collector.address("serving metrics at")?;
    until(|| {
        let samples = scrape::parse(&get(&prometheus, "/metrics")?)?;
        let tokens = scrape::sum(&samples, "gen_ai_client_inference_usage_input_tokens_total");
        let cost = scrape::sum(&samples, "chaperone_client_inference_cost_USD_total");
        if tokens == 0.0 || cost == 0.0 {
            bail!("tokens {tokens} and cost {cost} are exposed so far");
        }
        Ok(())
    })?;
    finish(collector)
}

#[test]
fn a_normal_run_raises_no_alert() -> Result<()> {
    let mut collector = start(&[])?;
    generate("normal", &collector.otlp_http()?)?;
    let database = collector.file("data/chaperone.db");
    until(|| {
        let connection = Connection::open_with_flags(&database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.query_row("SELECT status FROM runs", [], |row| row.get::<_, String>(0)).context("the run is not stored yet")
    })?;
    assert!(!collector.output().iter().any(|line| line.contains("agent-dead-loop")));
    finish(collector)
}
