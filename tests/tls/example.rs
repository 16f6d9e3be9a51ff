//! The example: its script makes certificates, its two files start, and data pass.

use crate::{BINARY, finish};
use anyhow::{Context, Result, ensure};
use chaperone_testkit::collector::Collector;
use std::path::Path;
use std::process::Command;

const GATEWAY: &str = include_str!("../../examples/tls/gateway.yaml");
const AGENT: &str = include_str!("../../examples/tls/agent.yaml");

#[test]
fn the_example_makes_its_certificates_and_runs() -> Result<()> {
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("skipped: the script of the example needs openssl, which is not on this machine");
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/tls/certificates.sh");
    let made = Command::new("sh").arg(script).arg("made").current_dir(folder.path()).output()?;
    ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let certificates = folder.path().join("made").display().to_string();
    let here = |config: &str| config.replace("${env:CERTIFICATES:-certificates}", &certificates);
    let free = "receivers.otlp.protocols.http.endpoint=localhost:0";
    let mut gateway = Collector::start(BINARY, &here(GATEWAY), &["receivers.otlp.protocols.grpc.endpoint=localhost:0", free])?;
    let port = gateway.otlp_grpc()?.rsplit_once(':').map(|(_, port)| port.to_owned()).context("a port")?;
    let endpoint = format!("exporters.otlp_grpc.endpoint=localhost:{port}");
    let mut agent = Collector::start(BINARY, &here(AGENT), &[free, &endpoint])?;
    let to = format!("http://{}", agent.otlp_http()?);
    let sent = Command::new(BINARY).args(["generate", "--endpoint", &to]).output()?;
    ensure!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    let line = gateway.wait_for_line("Traces")?;
    ensure!(!line.is_empty());
    finish(agent)?;
    finish(gateway)
}
