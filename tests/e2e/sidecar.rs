//! The sidecar: one agent over a Unix socket, inside 64 MiB, stopped after the agent with nothing left behind.

use crate::finish;
use anyhow::{Context, Result, bail, ensure};
use chaperone_testkit::collector::{Collector, until};
use chaperone_testkit::scrape;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const CONFIG: &str = include_str!("../../examples/sidecar/collector.yaml");
const KUBERNETES: &str = include_str!("../../examples/sidecar/kubernetes.yaml");

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/sidecar")
}

fn python() -> Result<PathBuf> {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache/python/bin/python");
    ensure!(python.exists(), "`.cache/python` is missing: run `cargo xtask prepare` first");
    Ok(python)
}

#[test]
fn the_local_variant_takes_over_a_unix_socket_and_sends_everything_on() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let free = ["--set", "service.telemetry.metrics.readers=[{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0}}}}]"];
    let mut local = Command::new("sh");
    local.arg(example().join("local.sh")).args(free).current_dir(folder.path());
    local.env("CHAPERONE", env!("CARGO_BIN_EXE_chaperone")).env("PYTHON", python()?).env("HEALTH", "127.0.0.1:0");
    let output = local.stdin(Stdio::null()).output()?;
    let (said, complained) = (String::from_utf8(output.stdout)?, String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "ended with {}:\n{said}\n{complained}", output.status);
    ensure!(said.contains("sent 10 spans"), "{said}");
    let (_, sent_on) = said.split_once("the sidecar sent on:").context("nothing was sent on")?;
    assert_eq!(sent_on.matches(r#""spanId""#).count(), 10, "{sent_on}");
    assert!(sent_on.contains("chaperone.cost.total"), "calls are priced: {sent_on}");
    assert!(!sent_on.contains("private answer"), "content left the sidecar");
    Ok(())
}

/// Five thousand spans at full speed; debug builds need more than released ones.
#[cfg(target_os = "linux")]
#[test]
fn the_sidecar_stays_inside_its_memory() -> Result<()> {
    let sets = [
        "receivers.otlp.protocols.grpc.endpoint=otlp.sock",
        "extensions.health_check.endpoint=127.0.0.1:0",
        "exporters.file.path=received.jsonl",
        "service.pipelines.traces.exporters=[file]",
        "service.pipelines.logs.exporters=[file]",
        "service.pipelines.metrics.exporters=[file]",
    ];
    let mut collector = Collector::start(env!("CARGO_BIN_EXE_chaperone"), CONFIG, &sets)?;
    let endpoint = format!("unix://{}", collector.file("otlp.sock").display());
    let mut agent = Command::new(python()?);
    agent.arg(example().join("agent.py")).arg("2500").env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
    let output = agent.output()?;
    if !output.status.success() {
        bail!("the agent failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    let accepted = until(|| {
        let own = scrape::parse(&collector.own_metrics()?)?;
        Ok(scrape::sum(&own, "otelcol_receiver_accepted_spans"))
    })?;
    // The SDK drops what does not fit into its own queue.
    ensure!(accepted >= 2000.0, "only {accepted} spans arrived");
    let status = std::fs::read_to_string(format!("/proc/{}/status", collector.process()))?;
    let anonymous = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).context("the kernel tells no RssAnon")?;
    let kib: u64 = anonymous.trim().trim_end_matches(" kB").parse()?;
    assert!(kib <= 64 * 1024, "{kib} KiB are in use");
    finish(collector)
}

#[test]
fn the_manifest_holds_the_configuration_and_the_order_of_a_stop() {
    let (_, rest) = KUBERNETES.split_once("  collector.yaml: |\n").expect("a ConfigMap with the configuration");
    let (embedded, workload) = rest.split_once("---\n").expect("a second document");
    let embedded: String = embedded.lines().map(|line| format!("{}\n", line.strip_prefix("    ").unwrap_or(line))).collect();
    assert_eq!(embedded, CONFIG, "the ConfigMap holds another configuration than collector.yaml");

    let node = chaperone::config::Node::parse(workload, "kubernetes.yaml").expect("the manifest is YAML");
    let pod = ["spec", "template", "spec"].iter().fold(&node, |node, key| node.get(key).expect(key));
    let sidecar = pod.get("initContainers").and_then(|list| list.items().next()).expect("the sidecar is an init container");
    let text = |keys: &[&str]| keys.iter().try_fold(sidecar, |node, key| node.get(key)).and_then(|node| node.text());
    assert_eq!(text(&["restartPolicy"]), Some("Always"), "an init container that goes on is stopped after the others");
    assert_eq!(text(&["resources", "limits", "memory"]), Some("64Mi"));
    assert!(sidecar.get("startupProbe").is_some(), "the agent waits for the socket");
    assert!(pod.get("terminationGracePeriodSeconds").is_some());
    // Both containers mount the folder of the socket that the agent is told of.
    assert_eq!(workload.matches("{name: socket, mountPath: /run/chaperone}").count(), 2);
    assert!(CONFIG.contains("/run/chaperone/otlp.sock") && workload.contains("unix:///run/chaperone/otlp.sock"));
}
