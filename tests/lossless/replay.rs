//! The same through `chaperone replay`: the whole folder in, OTLP/JSON lines out.

use crate::oracle::{Corpus, Resources};
use std::process::Command;
use tempfile::TempDir;

const CONFIG: &str = "
receivers: {otlp: {protocols: {http: {}}}}
exporters: {nop: {}}
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [nop]}
    logs: {receivers: [otlp], exporters: [nop]}
";

#[test]
fn replayed_captures_come_out_equal_to_the_oracle() {
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("replay.yaml");
    std::fs::write(&config, CONFIG).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_chaperone"));
    let output = command.arg("replay").arg("--config").arg(&config).arg(chaperone_testkit::corpus::folder()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut replayed = Resources::default();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let signal = if line.contains("\"resourceSpans\"") { "traces" } else { "logs" };
        replayed.add_json(signal, line.as_bytes());
    }
    let expected = Corpus::load().resources().without_metrics().as_json_shows();
    assert_eq!(replayed.difference(&expected), None);
}
