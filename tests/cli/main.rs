//! The command line as a user and a service manager see it: exit codes, what stands on which output, signals.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod explain;
mod generate;
mod print_config;
mod readmes;
mod replay;
mod run;
mod schema;
mod sources;
mod validate;

use std::path::Path;
use std::process::{Command, Output};

/// The binary in a folder, with no environment that changes what it does.
fn chaperone(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chaperone"));
    command.args(args).current_dir(folder).env_remove("RUST_LOG").env_remove("CHAPERONE_HASH_KEY").env("NO_COLOR", "1");
    command
}

/// Exit code, standard output, standard error.
fn outcome(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = chaperone(folder, args).output().expect("the binary starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it speaks UTF-8");
    (status.code().expect("it was not killed"), text(stdout), text(stderr))
}

/// A configuration of one receiver on free ports and one exporter.
fn config(exporter: &str) -> String {
    format!(
        "receivers:
  otlp: {{protocols: {{http: {{endpoint: 127.0.0.1:0}}}}}}
exporters:
  {exporter}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines:
    traces: {{receivers: [otlp], exporters: [{}]}}
",
        exporter.split(':').next().unwrap_or_default()
    )
}
