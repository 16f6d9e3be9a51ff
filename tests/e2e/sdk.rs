//! Python's official SDK and its exporters, over HTTP and gRPC, plain and compressed.

use crate::{finish, start};
use anyhow::{Context, Result, bail};
use chaperone_testkit::collector::{Collector, get, until};
use chaperone_testkit::scrape;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::process::Command;

/// Tokens of the client's three calls: 1000+11k in and 100+3k out.
const INPUT: i64 = 3066;
const OUTPUT: i64 = 318;

/// Runs the client; gives the trace id it printed.
fn client(arguments: &[&str]) -> Result<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join(".cache/python/bin/python");
    if !python.exists() {
        bail!("`.cache/python` is missing: run `cargo xtask prepare` first");
    }
    let output = Command::new(python).arg(root.join("tests/e2e/sdk_client.py")).args(arguments).output()?;
    if !output.status.success() {
        bail!("the client failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn database(collector: &Collector) -> Result<Connection> {
    let path = collector.file("data/chaperone.db");
    Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).with_context(|| format!("no `{}`", path.display()))
}

fn check(mut collector: Collector, run_id: &str) -> Result<()> {
    let (status, calls, tools, input, output, cost) = until(|| {
        let row = database(&collector)?.query_row(
            "SELECT status, llm_calls, tool_calls, input_tokens, output_tokens, cost_usd FROM runs WHERE run_id = ?1",
            [run_id],
            |row| {
                Ok((
                    row.get::<_, String>(0)?,
                    row.get::<_, i64>(1)?,
                    row.get::<_, i64>(2)?,
                    row.get(3)?,
                    row.get(4)?,
                    row.get(5)?,
                ))
            },
        );
        row.context("the run is not stored yet")
    })?;
    assert_eq!((status.as_str(), calls, tools), ("success", 3, 2));
    assert_eq!((input, output), (INPUT, OUTPUT));
    // gpt-4o-mini: 0.15 and 0.60 dollars a million tokens.
    let expected: f64 = INPUT as f64 * 0.15e-6 + OUTPUT as f64 * 0.60e-6;
    assert!((f64::abs(cost) - expected).abs() < 1e-9, "cost {cost}, expected {expected}");

    let prometheus = collector.address("serving metrics at")?;
    until(|| {
        let samples = scrape::parse(&get(&prometheus, "/metrics")?)?;
        let input = scrape::sum(&samples, "gen_ai_client_inference_usage_input_tokens_total");
        let executed = samples
            .iter()
            .filter(|sample| sample.name == "chaperone_tool_calls_total")
            .filter(|sample| sample.label("chaperone_tool_source") == Some("executed"));
        let executed: f64 = executed.map(|sample| sample.value).sum();
        let other = scrape::sum(&samples, "requests_handled_total");
        if (input, executed, other) != (INPUT as f64, 2.0, 1.0) {
            bail!("{input} input tokens, {executed} tool calls, {other} requests are exposed so far");
        }
        Ok(())
    })?;

    let own = scrape::parse(&collector.own_metrics()?)?;
    assert_eq!(scrape::sum(&own, "otelcol_receiver_accepted_spans"), 6.0);
    assert_eq!(scrape::sum(&own, "otelcol_receiver_accepted_log_records"), 1.0);

    let stored = std::fs::read(collector.file("data/chaperone.db"))?;
    let wal = std::fs::read(collector.file("data/chaperone.db-wal")).unwrap_or_default();
    for bytes in [stored, wal] {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("secret answer"), "content reached the store with `metadata_only`");
    }
    finish(collector)
}

#[test]
fn a_run_sent_over_http_is_stored_priced_and_measured() -> Result<()> {
    let mut collector = start(&[])?;
    let endpoint = format!("http://{}", collector.otlp_http()?);
    let run = client(&["http/protobuf", &endpoint])?;
    check(collector, &run)
}

#[test]
fn a_run_sent_over_grpc_is_stored_priced_and_measured() -> Result<()> {
    let mut collector = start(&[])?;
    let endpoint = format!("http://{}", collector.otlp_grpc()?);
    let run = client(&["grpc", &endpoint])?;
    check(collector, &run)
}

#[test]
fn compressed_requests_are_taken_over_both_transports() -> Result<()> {
    let mut collector = start(&[])?;
    let http = format!("http://{}", collector.otlp_http()?);
    let grpc = format!("http://{}", collector.otlp_grpc()?);
    client(&["http/protobuf", &http, "gzip"])?;
    client(&["grpc", &grpc, "gzip"])?;
    let own = scrape::parse(&collector.own_metrics()?)?;
    assert_eq!(scrape::sum(&own, "otelcol_receiver_accepted_spans"), 12.0);
    finish(collector)
}
