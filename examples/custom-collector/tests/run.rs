//! The example as a third party's binary: its components are listed, checked, run and replayed like any other.

use anyhow::{Result, ensure};
use chaperone_testkit::collector::Collector;
use chaperone_testkit::corpus;
use std::path::Path;
use std::process::{Command, Output};

const BINARY: &str = env!("CARGO_BIN_EXE_custom-collector");
const CONFIG: &str = include_str!("../stamped.yaml");

fn chaperone(words: &[&str]) -> Result<Output> {
    Ok(Command::new(BINARY).args(words).current_dir(env!("CARGO_MANIFEST_DIR")).output()?)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn components_of_both_are_listed() -> Result<()> {
    let output = chaperone(&["components"])?;
    let listed = text(&output.stdout);
    for name in ["stamp", "tally", "otlp", "gen_ai_cost"] {
        ensure!(listed.contains(name), "`{name}` is missing:\n{listed}");
    }
    Ok(())
}

#[test]
fn it_goes_by_its_own_name() -> Result<()> {
    let version = text(&chaperone(&["--version"])?.stdout);
    ensure!(version.starts_with("custom-collector "), "{version}");
    let components = text(&chaperone(&["components"])?.stdout);
    ensure!(components.contains("command: custom-collector\n"), "{components}");
    let docs = text(&chaperone(&["docs", "stamp"])?.stdout);
    ensure!(docs.contains("| `key` | `stamped.by` |"), "{docs}");
    let completion = text(&chaperone(&["completion", "bash"])?.stdout);
    ensure!(completion.contains(" -o default custom-collector\n"), "{completion}");
    Ok(())
}

#[test]
fn its_settings_are_checked_with_the_others() -> Result<()> {
    let good = chaperone(&["validate", "--config", "stamped.yaml"])?;
    ensure!(good.status.success() && good.stderr.is_empty(), "{}", text(&good.stderr));
    let bad = chaperone(&["validate", "--config", "stamped.yaml", "--set", "processors.stamp={vlaue: x}"])?;
    let said = text(&bad.stderr);
    ensure!(bad.status.code() == Some(1), "{said}");
    ensure!(said.contains("unknown key `vlaue`") && said.contains("did you mean `value`?"), "{said}");
    Ok(())
}

#[test]
fn its_settings_are_in_the_schema() -> Result<()> {
    let output = chaperone(&["schema", "config"])?;
    ensure!(text(&output.stdout).contains("Name of the attribute."), "the schema lacks the processor's settings");
    Ok(())
}

#[test]
fn it_runs_its_components_and_ends_well() -> Result<()> {
    let free = ["receivers.otlp.protocols.http.endpoint=127.0.0.1:0"];
    let mut collector = Collector::start(BINARY, CONFIG, &free)?;
    let endpoint = format!("http://{}", collector.otlp_http()?);
    let sent = chaperone(&["generate", "--scenario", "normal", "--endpoint", &endpoint])?;
    ensure!(sent.status.success(), "{}", text(&sent.stderr));
    collector.wait_for_line("received ")?;
    collector.check_conservation()?;
    ensure!(collector.stop()?.success());
    let written = std::fs::read_to_string(collector.file("stamped.jsonl"))?;
    ensure!(written.contains(r#"{"key":"stamped.by","value":{"stringValue":"custom-collector"}}"#), "{written}");
    Ok(())
}

#[test]
fn it_replays_a_capture_through_its_processor() -> Result<()> {
    let capture = corpus::folder().join("langchain-openinference-fatal");
    ensure!(Path::new(&capture).is_dir());
    let replayed = chaperone(&["replay", "--config", "stamped.yaml", &capture.to_string_lossy()])?;
    ensure!(replayed.status.success(), "{}", text(&replayed.stderr));
    ensure!(text(&replayed.stdout).contains("stamped.by"), "{}", text(&replayed.stdout));
    Ok(())
}
