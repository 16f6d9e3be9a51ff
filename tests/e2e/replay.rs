//! `chaperone replay`: every capture through a pipeline without processors comes out as it went in.

use crate::shown;
use anyhow::{Context, Result};
use chaperone_proto::{Data, Limits, Signal};
use chaperone_testkit::corpus;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use std::process::Command;

const CONFIG: &str = "
receivers: {otlp: {protocols: {http: {}}}}
exporters: {nop: {}}
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [nop]}
    logs: {receivers: [otlp], exporters: [nop]}
    metrics: {receivers: [otlp], exporters: [nop]}
";

/// What a request says, in the generated structures: the oracle.
#[derive(Debug, PartialEq)]
enum Oracle {
    Traces(ExportTraceServiceRequest),
    Logs(ExportLogsServiceRequest),
    Metrics(ExportMetricsServiceRequest),
}

fn oracle(signal: Signal, protobuf: &[u8]) -> Result<Oracle> {
    Ok(match signal {
        Signal::Traces => Oracle::Traces(ExportTraceServiceRequest::decode(protobuf)?),
        Signal::Logs => Oracle::Logs(ExportLogsServiceRequest::decode(protobuf)?),
        Signal::Metrics => Oracle::Metrics(ExportMetricsServiceRequest::decode(protobuf)?),
    })
}

/// From JSON by way of our own transcoder, which the property tests of `proto` hold against the oracle.
fn oracle_of_json(signal: Signal, json: &[u8]) -> Result<Oracle> {
    let data = Data::decode_json(signal, json, &Limits::default())?;
    oracle(signal, &data.encode().concat())
}

#[test]
fn every_capture_comes_out_as_it_went_in() -> Result<()> {
    chaperone_genai::keys::install();
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("collector.yaml");
    std::fs::write(&config, CONFIG)?;
    let output = Command::new(env!("CARGO_BIN_EXE_chaperone"))
        .arg("replay")
        .arg("--config")
        .arg(&config)
        .arg(corpus::folder())
        .output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");

    let mut lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let mut compared = 0;
    for capture in corpus::captures() {
        for request in &capture.requests {
            let signal = match request.signal {
                "traces" => Signal::Traces,
                "logs" => Signal::Logs,
                _ => Signal::Metrics,
            };
            let sent = if request.json { oracle_of_json(signal, &request.body)? } else { oracle(signal, &request.body)? };
            let empty = match &sent {
                Oracle::Traces(request) => {
                    request.resource_spans.iter().all(|r| r.scope_spans.iter().all(|s| s.spans.is_empty()))
                }
                Oracle::Logs(request) => {
                    request.resource_logs.iter().all(|r| r.scope_logs.iter().all(|s| s.log_records.is_empty()))
                }
                Oracle::Metrics(request) => {
                    request.resource_metrics.iter().all(|r| r.scope_metrics.iter().all(|s| s.metrics.is_empty()))
                }
            };
            if empty {
                continue;
            }
            let line = lines.next().with_context(|| format!("nothing came out for {}/{}", capture.name, request.file))?;
            let got = oracle_of_json(signal, line)?;
            // JSON shows resource, scope, status, body and values also where they are absent.
            let sent = match sent {
                Oracle::Traces(request) => Oracle::Traces(shown::traces(request)),
                Oracle::Logs(request) => Oracle::Logs(shown::logs(request)),
                Oracle::Metrics(request) => Oracle::Metrics(shown::metrics(request)),
            };
            assert_eq!(got, sent, "{}/{}", capture.name, request.file);
            compared += 1;
        }
    }
    assert!(lines.next().is_none(), "more came out than went in");
    assert!(compared > 400, "only {compared} requests were compared");
    Ok(())
}

#[test]
fn two_replays_of_the_same_recordings_are_the_same() -> Result<()> {
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/collector.yaml");
    let replay = || -> Result<Vec<u8>> {
        let output = Command::new(env!("CARGO_BIN_EXE_chaperone"))
            .args(["replay", "--config", config])
            .arg(corpus::folder().join("openinference-openai-loop"))
            .arg(corpus::folder().join("otel-openai-v2-tools"))
            .arg(corpus::folder().join("claude-code-tools"))
            .output()?;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(output.stdout)
    };
    let (first, second) = (replay()?, replay()?);
    assert!(first.len() > 10_000, "hardly anything came out");
    assert!(first == second, "the same recordings gave different output");
    Ok(())
}
