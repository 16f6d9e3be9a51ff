//! Collectors that speak TLS and Unix sockets to each other and to others, as real processes.
//!
//! The other side is a second collector, or Python's `ssl`, which is OpenSSL and knows nothing of our library.

mod example;
mod others;
mod unix;

use anyhow::Result;
use chaperone_testkit::certificates::{Authority, Identity};
use chaperone_testkit::collector::{Collector, until};
use std::process::Command;

const BINARY: &str = env!("CARGO_BIN_EXE_chaperone");

/// Settings of a server that shows `identity` and asks for certificates of the authority in `ca`.
fn server_tls(identity: &Identity, ca: &str) -> String {
    format!("{{cert_file: {}, key_file: {}, client_ca_file: {ca}}}", identity.cert_file, identity.key_file)
}

/// Settings of a client that shows `identity` and trusts the authority in `ca`.
fn client_tls(identity: &Identity, ca: &str) -> String {
    format!("{{ca_file: {ca}, cert_file: {}, key_file: {}}}", identity.cert_file, identity.key_file)
}

/// A collector that keeps traces in `received.jsonl`.
fn gateway(protocols: &str) -> Result<Collector> {
    let config = format!(
        "receivers:\n  otlp:\n    protocols: {protocols}\nexporters:\n  file: {{path: received.jsonl}}\n\
         service:\n  pipelines:\n    traces: {{receivers: [otlp], exporters: [file]}}\n"
    );
    Collector::start(BINARY, &config, &[])
}

/// A collector that takes clear text and sends traces on by `exporters`, in flow style.
fn agent(exporters: &[(&str, String)]) -> Result<Collector> {
    let ids: Vec<&str> = exporters.iter().map(|(id, _)| *id).collect();
    let blocks: String = exporters.iter().map(|(id, settings)| format!("  {id}: {settings}\n")).collect();
    let config = format!(
        "receivers:\n  otlp:\n    protocols: {{http: {{endpoint: 127.0.0.1:0}}}}\nexporters:\n{blocks}\
         service:\n  pipelines:\n    traces: {{receivers: [otlp], exporters: [{}]}}\n",
        ids.join(", ")
    );
    Collector::start(BINARY, &config, &[])
}

/// One span of that name, in a request of its own.
fn span(name: &str) -> String {
    let span = format!(r#"{{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"{name}"}}"#);
    format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{span}]}}]}}]}}"#)
}

/// Posts it in clear text; the answer's first line.
fn post(address: &str, body: &str) -> Result<String> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address)?;
    let head = "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n";
    write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}

/// How often spans of that name are in a gateway's file.
fn kept(gateway: &Collector, name: &str) -> usize {
    let text = std::fs::read_to_string(gateway.file("received.jsonl")).unwrap_or_default();
    text.matches(&format!(r#""name":"{name}""#)).count()
}

/// Waits until a gateway has so many spans of that name.
fn wait_for(gateway: &Collector, name: &str, count: usize) -> Result<()> {
    until(|| {
        let kept = kept(gateway, name);
        anyhow::ensure!(kept == count, "{kept} of {count} spans `{name}` arrived");
        Ok(())
    })
}

/// Counts, drops with a reason, and ends well.
fn finish(mut collector: Collector) -> Result<()> {
    collector.check_conservation()?;
    let status = collector.stop()?;
    assert!(status.success(), "ended with {status}:\n{}", collector.output().join("\n"));
    Ok(())
}

#[test]
fn data_pass_between_collectors_that_know_each_other_by_grpc_and_http() -> Result<()> {
    let authority = Authority::new();
    let ca = authority.ca_file();
    let tls = server_tls(&authority.signed("gateway", "localhost"), &ca);
    let both = format!("{{grpc: {{endpoint: 'localhost:0', tls: {tls}}}, http: {{endpoint: 'localhost:0', tls: {tls}}}}}");
    let mut gateway = gateway(&both)?;
    let port = |address: String| address.rsplit_once(':').map(|(_, port)| port.to_owned()).unwrap_or_default();
    let (grpc, http) = (port(gateway.otlp_grpc()?), port(gateway.otlp_http()?));
    let tls = client_tls(&authority.signed("agent", "agent"), &ca);
    let mut agent = agent(&[
        ("otlp_grpc", format!("{{endpoint: 'localhost:{grpc}', tls: {tls}}}")),
        ("otlp_http", format!("{{endpoint: 'https://localhost:{http}', tls: {tls}}}")),
    ])?;
    assert_eq!(post(&agent.otlp_http()?, &span("known"))?, "HTTP/1.1 200 OK");
    // Once by each way; the bytes differ, so nothing joins.
    wait_for(&gateway, "known", 2)?;
    finish(agent)?;
    finish(gateway)
}

#[test]
fn a_stranger_is_told_why_and_what_it_has_arrives_when_it_is_known() -> Result<()> {
    let (authority, other) = (Authority::new(), Authority::new());
    let ca = authority.ca_file();
    let tls = server_tls(&authority.signed("gateway", "localhost"), &ca);
    let mut gateway = gateway(&format!("{{grpc: {{endpoint: 'localhost:0', tls: {tls}}}}}"))?;
    let endpoint = gateway.otlp_grpc()?.replace("127.0.0.1", "localhost");
    // A stranger whose certificate is renewed by the right authority later, in the same files.
    let own = other.signed("agent", "agent");
    let tls = client_tls(&own, &ca).replace('}', ", reload_interval: 1ns}");
    let retry = "{initial_interval: 50ms, max_interval: 100ms, max_elapsed_time: 0s}";
    let mut agent = agent(&[("otlp_grpc", format!("{{endpoint: '{endpoint}', tls: {tls}, retry_on_failure: {retry}}}"))])?;
    post(&agent.otlp_http()?, &span("unknown"))?;
    let said = agent.wait_for_line("Will retry the request after interval")?;
    assert!(said.contains("TLS ended the connection: received fatal alert: UnknownCA"), "{said}");
    assert_eq!(kept(&gateway, "unknown"), 0);
    let known = authority.signed("agent", "agent");
    std::fs::copy(known.key_file, &own.key_file)?;
    std::fs::copy(known.cert_file, &own.cert_file)?;
    wait_for(&gateway, "unknown", 1)?;
    let own_metrics = gateway.own_metrics()?;
    let counted = own_metrics
        .lines()
        .find(|line| line.starts_with("chaperone_server_closed_connections") && line.contains(r#"reason="handshake""#));
    assert!(counted.is_some_and(|line| !line.ends_with(" 0")), "refused handshakes are counted: {counted:?}");
    finish(agent)?;
    finish(gateway)
}

#[test]
fn a_file_that_is_missing_is_a_warning_of_validate_and_an_error_of_start() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("collector.yaml");
    let text = "receivers:\n  otlp: {protocols: {grpc: {endpoint: 'localhost:0'}}}\n\
                exporters:\n  otlp_http: {endpoint: 'https://localhost:1', tls: {ca_file: nowhere.pem}}\n\
                service:\n  telemetry: {metrics: {level: none}}\n  pipelines:\n    traces: {receivers: [otlp], exporters: [otlp_http]}\n";
    std::fs::write(&config, text)?;
    let run = |arguments: &[&str]| {
        Command::new(BINARY).args(arguments).arg("--config").arg(&config).current_dir(folder.path()).output()
    };
    let validated = run(&["validate"])?;
    let said = String::from_utf8(validated.stderr)? + &String::from_utf8(validated.stdout)?;
    assert!(validated.status.success(), "{said}");
    assert!(said.contains("warning: there is no file `nowhere.pem`"), "{said}");
    assert!(!run(&["validate", "--strict"])?.status.success());
    let started = run(&["run"])?;
    let said = String::from_utf8(started.stderr)?;
    assert!(!started.status.success(), "{said}");
    assert!(said.contains("failed to load TLS config: cannot read `nowhere.pem` of `ca_file`: No such file"), "{said}");
    Ok(())
}
