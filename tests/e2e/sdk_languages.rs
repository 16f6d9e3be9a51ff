//! The official SDKs of Python, JavaScript, Go and Java, and the Go collector's own telemetrygen, against the running binary.
//!
//! `cargo xtask prepare` makes the programs; nothing is fetched here.
//! A test is skipped, and says so, only where the language's toolchain is not installed.

use crate::sdk_sent::{Arrived, check, keeping};
use crate::{finish, sdk_sent};
use anyhow::{Context, Result, bail, ensure};
use chaperone_testkit::collector::{Collector, until};
use chaperone_testkit::scrape;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A language: where `cargo xtask prepare` puts what it needs, and how to tell that its toolchain is there.
pub struct Language {
    name: &'static str,
    /// Below `.cache/`, with the file that is written last.
    home: (&'static str, &'static str),
    toolchain: (&'static str, &'static str),
}

pub const PYTHON: Language = Language { name: "python", home: ("python", "installed.txt"), toolchain: ("python3", "--version") };
pub const NODE: Language = Language { name: "node", home: ("clients/node", "made-from.txt"), toolchain: ("node", "--version") };
pub const GO: Language = Language { name: "go", home: ("clients/go", "made-from.txt"), toolchain: ("go", "version") };
pub const JAVA: Language = Language { name: "java", home: ("clients/java", "made-from.txt"), toolchain: ("javac", "-version") };

impl Language {
    /// Where its client was made; `None` where the toolchain is missing, which is said.
    pub fn home(&self) -> Result<Option<PathBuf>> {
        let (folder, stamp) = self.home;
        let home = Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache").join(folder);
        if home.join(stamp).exists() {
            return Ok(Some(home));
        }
        let (program, ask) = self.toolchain;
        let asked = Command::new(program).arg(ask).stdout(Stdio::null()).stderr(Stdio::null()).status();
        if asked.is_ok_and(|status| status.success()) {
            bail!("`.cache/{folder}` is missing: run `cargo xtask prepare` first");
        }
        eprintln!("skipped: `{program}` is not installed");
        Ok(None)
    }

    fn command(&self, home: &Path) -> Command {
        match self.name {
            "python" => {
                let mut python = Command::new(home.join("bin/python"));
                python.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/clients/python/client.py"));
                python
            }
            "node" => {
                let mut node = Command::new("node");
                node.arg(home.join("client.js"));
                node
            }
            "java" => {
                let mut java = Command::new("java");
                java.arg("-cp").arg(format!("{0}/jars/*:{0}", home.display())).arg("Client");
                java
            }
            _ => Command::new(home.join("client")),
        }
    }

    /// Sends over one protocol and compares what arrived with what was sent.
    fn sends(&self, protocol: &str, compression: &[&str]) -> Result<()> {
        let Some(home) = self.home()? else { return Ok(()) };
        let mut collector = sdk_sent::keeping()?;
        let endpoint = format!("http://{}", endpoint(&mut collector, protocol)?);
        let printed = run(self.command(&home).args([protocol, &endpoint]).args(compression))?;
        check(&collector, self.name, &printed)?;
        finish(collector)
    }
}

fn endpoint(collector: &mut Collector, protocol: &str) -> Result<String> {
    if protocol == "grpc" { collector.otlp_grpc() } else { collector.otlp_http() }
}

/// What a program printed; an error with what it complained about if it failed.
pub fn run(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} ended with {}:\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}

#[test]
fn what_pythons_sdk_sends_over_http_arrives_unchanged() -> Result<()> {
    PYTHON.sends("http/protobuf", &[])?;
    PYTHON.sends("http/protobuf", &["gzip"])
}

#[test]
fn what_pythons_sdk_sends_over_grpc_arrives_unchanged() -> Result<()> {
    PYTHON.sends("grpc", &[])?;
    PYTHON.sends("grpc", &["gzip"])
}

#[test]
fn what_nodes_sdk_sends_as_protobuf_arrives_unchanged() -> Result<()> {
    NODE.sends("http/protobuf", &[])?;
    NODE.sends("http/protobuf", &["gzip"])
}

#[test]
fn what_nodes_sdk_sends_as_json_arrives_unchanged() -> Result<()> {
    NODE.sends("http/json", &[])?;
    NODE.sends("http/json", &["gzip"])
}

#[test]
fn what_nodes_sdk_sends_over_grpc_arrives_unchanged() -> Result<()> {
    NODE.sends("grpc", &[])?;
    NODE.sends("grpc", &["gzip"])
}

/// The file of a Unix socket is the endpoint of a sidecar; Python's SDK is tried by the sidecar's own test.
#[test]
fn what_nodes_sdk_sends_over_a_unix_socket_arrives_unchanged() -> Result<()> {
    let Some(home) = NODE.home()? else { return Ok(()) };
    let collector = sdk_sent::keeping_with(&["receivers.otlp.protocols.grpc={transport: unix, endpoint: otlp.sock}"])?;
    let endpoint = format!("unix://{}", collector.file("otlp.sock").display());
    // What is no `http:` is taken for TLS unless this is set, as the manifest of the sidecar does.
    let printed = run(NODE.command(&home).args(["grpc", &endpoint]).env("OTEL_EXPORTER_OTLP_INSECURE", "true"))?;
    check(&collector, NODE.name, &printed)?;
    finish(collector)
}

#[test]
fn what_gos_sdk_sends_over_http_arrives_unchanged() -> Result<()> {
    GO.sends("http/protobuf", &[])?;
    GO.sends("http/protobuf", &["gzip"])
}

#[test]
fn what_gos_sdk_sends_over_grpc_arrives_unchanged() -> Result<()> {
    GO.sends("grpc", &[])?;
    GO.sends("grpc", &["gzip"])
}

#[test]
fn what_javas_sdk_sends_over_http_arrives_unchanged() -> Result<()> {
    JAVA.sends("http/protobuf", &[])?;
    JAVA.sends("http/protobuf", &["gzip"])
}

#[test]
fn what_javas_sdk_sends_over_grpc_arrives_unchanged() -> Result<()> {
    JAVA.sends("grpc", &[])?;
    JAVA.sends("grpc", &["gzip"])
}

/// Runs telemetrygen for every signal over one transport; every item it made has to arrive.
fn telemetrygen(transport: &[&str], protocol: &str) -> Result<()> {
    let Some(home) = GO.home()? else { return Ok(()) };
    let mut collector = keeping()?;
    let endpoint = endpoint(&mut collector, protocol)?;
    for (signal, count) in [("traces", "--traces"), ("logs", "--logs"), ("metrics", "--metrics")] {
        let mut generate = Command::new(home.join("telemetrygen"));
        generate.args([signal, "--otlp-insecure", "--otlp-endpoint", &endpoint, "--workers", "2", "--rate", "0", count, "100"]);
        run(generate.args(transport))?;
    }
    let arrived = until(|| {
        let arrived = Arrived::read(&collector)?;
        // A trace is a client's and a server's span; both workers make the number asked for.
        let counts = (arrived.spans.len(), arrived.logs.len(), arrived.metrics.len());
        ensure!(counts == (400, 200, 200), "arrived so far: {counts:?} of (400, 200, 200)");
        Ok(arrived)
    })?;
    let traces: std::collections::HashSet<_> = arrived.spans.iter().map(|span| &span.trace_id).collect();
    assert_eq!(traces.len(), 200, "every trace has its own id");
    let own = scrape::parse(&collector.own_metrics()?)?;
    assert_eq!(scrape::sum(&own, "otelcol_receiver_accepted_spans"), 400.0);
    assert_eq!(scrape::sum(&own, "otelcol_receiver_accepted_log_records"), 200.0);
    assert_eq!(scrape::sum(&own, "otelcol_receiver_refused_spans"), 0.0);
    finish(collector)
}

#[test]
fn everything_telemetrygen_makes_arrives_over_grpc() -> Result<()> {
    telemetrygen(&[], "grpc")
}

#[test]
fn everything_telemetrygen_makes_arrives_over_http() -> Result<()> {
    telemetrygen(&["--otlp-http"], "http")
}
