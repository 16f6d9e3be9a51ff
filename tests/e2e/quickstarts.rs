//! The quick starts as their READMEs tell them: an agent that is stuck, its alert on the console, its cost in the metrics.

use crate::{finish, start};
use anyhow::{Context, Result, bail, ensure};
use chaperone_testkit::collector::{get, until};
use chaperone_testkit::scrape;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Tokens of the agent's twelve calls: 900 + 60 k in, 25 out.
const INPUT: f64 = 14_760.0;
const OUTPUT: f64 = 300.0;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn cached(path: &str) -> Result<PathBuf> {
    let path = root().join(".cache").join(path);
    ensure!(path.exists(), "`{}` is missing: run `cargo xtask prepare` first", path.display());
    Ok(path)
}

/// Runs an agent beside a collector with the shipped configuration and waits for what the README promises.
fn keeps_its_promise(mut agent: Command) -> Result<()> {
    let mut collector = start(&[])?;
    let endpoint = format!("http://{}", collector.otlp_http()?);
    let output = agent.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint).output()?;
    if !output.status.success() {
        bail!("the agent failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    let alert = collector.wait_for_line("agent-dead-loop")?;
    assert!(alert.to_lowercase().contains("firing"), "{alert}");

    let prometheus = collector.address("serving metrics at")?;
    until(|| {
        let samples = scrape::parse(&get(&prometheus, "/metrics")?)?;
        let input = scrape::sum(&samples, "gen_ai_client_inference_usage_input_tokens_total");
        let output = scrape::sum(&samples, "gen_ai_client_inference_usage_output_tokens_total");
        ensure!((input, output) == (INPUT, OUTPUT), "{input} and {output} tokens are exposed so far");
        let cost: f64 = samples.iter().filter(|sample| sample.name.contains("inference_cost")).map(|sample| sample.value).sum();
        ensure!(cost > 0.0, "no cost is exposed");
        Ok(())
    })?;
    finish(collector)
}

#[test]
fn the_quick_start_in_python_shows_an_alert_and_its_cost() -> Result<()> {
    let mut agent = Command::new(cached("python/bin/python")?);
    agent.arg(root().join("examples/quickstart-python/agent.py"));
    keeps_its_promise(agent)
}

#[test]
fn the_quick_start_in_javascript_shows_an_alert_and_its_cost() -> Result<()> {
    let mut agent = Command::new("node");
    agent.arg(root().join("examples/quickstart-node/agent.js")).env("NODE_PATH", cached("clients/node/node_modules")?);
    keeps_its_promise(agent)
}

/// What a quick start installs is what its test ran with.
#[test]
fn quick_starts_install_the_versions_that_are_tested() -> Result<()> {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).with_context(|| format!("cannot read `{path}`"));
    let prepared = read("xtask/prepare.rs")?;
    for wanted in read("examples/quickstart-python/requirements.txt")?.lines() {
        assert!(prepared.contains(&format!("\"{wanted}\"")), "`{wanted}` is not what the tests install");
    }
    let of = |path: &str| -> Result<serde_json::Value> { Ok(serde_json::from_str(&read(path)?)?) };
    let tested = of("tests/e2e/clients/node/package.json")?;
    let shown = of("examples/quickstart-node/package.json")?;
    for (package, version) in shown["dependencies"].as_object().context("no dependencies")? {
        assert_eq!(tested["dependencies"][package], *version, "{package}");
    }
    Ok(())
}
