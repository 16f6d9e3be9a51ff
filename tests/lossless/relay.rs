//! The next collector: gets everything by gRPC from `otlp_grpc` and writes it to files.

use crate::outputs::Outputs;
use crate::pass::{port, start};
use chaperone::pipeline::Telemetry;
use chaperone::pipeline::engine::Running;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

const CONFIG: &str = "
receivers:
  otlp: {protocols: {grpc: {endpoint: 'localhost:0', max_recv_msg_size_mib: 64}}}
exporters:
  file/traces: {path: FOLDER/traces.pb, format: proto}
  file/metrics: {path: FOLDER/metrics.pb, format: proto}
  file/logs: {path: FOLDER/logs.pb, format: proto}
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [file/traces]}
    metrics: {receivers: [otlp], exporters: [file/metrics]}
    logs: {receivers: [otlp], exporters: [file/logs]}
";

pub struct Relay {
    folder: TempDir,
    running: Running,
    telemetry: Telemetry,
}

impl Relay {
    pub async fn start() -> Relay {
        let folder = TempDir::new().unwrap();
        let (running, telemetry) = start(CONFIG.replace("FOLDER", folder.path().to_str().unwrap())).await;
        Relay { folder, running, telemetry }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", port(&self.telemetry, "grpc"))
    }

    /// To be called when nothing is sent to it any more.
    pub async fn finish(self, outputs: &mut Outputs) {
        self.running.shutdown(Duration::from_secs(60)).await;
        add_files(self.folder.path(), |signal, file| outputs.relayed.add_protobuf_file(signal, file));
    }
}

/// Files of the three signals.
pub fn add_files(folder: &Path, mut add: impl FnMut(&str, &Path)) {
    for signal in ["traces", "metrics", "logs"] {
        add(signal, &folder.join(format!("{signal}.pb")));
    }
}
