//! One running graph that takes requests and gives them out in five ways.

use crate::oracle::{Corpus, Request};
use crate::outputs::Outputs;
use crate::relay::{Relay, add_files};
use bytes::Bytes;
use chaperone::config::{Source, load};
use chaperone::pipeline::engine::{EngineSettings, Graph, Running, SharedState};
use chaperone::pipeline::{Clock, MemoryStorage, Telemetry, exposition};
use chaperone_net::client::{parse_headers, parse_url};
use chaperone_net::grpc::RawCodec;
use chaperone_net::{HttpClient, HttpRequest};
use chaperone_testkit::fake_http::FakeHttp;
use http::Method;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tonic::transport::Channel;

const CONFIG: &str = "
receivers:
  otlp: {protocols: {grpc: {endpoint: 'localhost:0', max_recv_msg_size_mib: 64}, http: {endpoint: 'localhost:0', max_request_body_size: 64MiB}}}
exporters:
  otlp_http: {endpoint: BACKEND, compression: zstd}
  otlp_http/json: {endpoint: BACKEND, encoding: json}
  otlp_grpc: {endpoint: RELAY}
  file/json: {path: FOLDER/records.jsonl}
  file/traces: {path: FOLDER/traces.pb, format: proto}
  file/metrics: {path: FOLDER/metrics.pb, format: proto}
  file/logs: {path: FOLDER/logs.pb, format: proto}
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [otlp_http, otlp_http/json, otlp_grpc, file/json, file/traces]}
    metrics: {receivers: [otlp], exporters: [otlp_http, otlp_http/json, otlp_grpc, file/json, file/metrics]}
    logs: {receivers: [otlp], exporters: [otlp_http, otlp_http/json, otlp_grpc, file/json, file/logs]}
";

/// The way in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Http,
    Grpc,
}

pub struct Pass {
    transport: Transport,
    backend: FakeHttp,
    relay: Relay,
    folder: TempDir,
    running: Running,
    client: HttpClient,
    http: String,
    grpc: Channel,
    telemetry: Telemetry,
}

impl Pass {
    pub async fn start(transport: Transport) -> Pass {
        let backend = FakeHttp::start().await;
        let folder = TempDir::new().unwrap();
        let relay = Relay::start().await;
        let text = CONFIG.replace("BACKEND", &backend.url()).replace("RELAY", &relay.url());
        let (running, telemetry) = start(text.replace("FOLDER", folder.path().to_str().unwrap())).await;
        let http = format!("http://127.0.0.1:{}", port(&telemetry, "http"));
        let grpc = Channel::from_shared(format!("http://127.0.0.1:{}", port(&telemetry, "grpc"))).unwrap().connect_lazy();
        Pass { transport, backend, relay, folder, running, client: HttpClient::new(), http, grpc, telemetry }
    }

    /// Sends every request of the corpus, one after the other. gRPC has no JSON: such requests go by HTTP in both ways.
    pub async fn send(&self, corpus: &Corpus) {
        for request in &corpus.requests {
            if self.transport == Transport::Http || request.json {
                self.send_http(request).await;
            } else {
                self.send_grpc(request).await;
            }
        }
    }

    pub async fn send_json(&self, signal: &'static str, body: Bytes) {
        self.send_http(&Request { signal, json: true, body }).await;
    }

    async fn send_http(&self, request: &Request) {
        let content_type = if request.json { "application/json" } else { "application/x-protobuf" };
        let request = HttpRequest {
            method: Method::POST,
            url: parse_url(&format!("{}/v1/{}", self.http, request.signal)).unwrap(),
            headers: parse_headers([("content-type", content_type)]).unwrap(),
            body: vec![request.body.clone()],
            timeout: Duration::from_secs(60),
        };
        let response = self.client.send(request).await.unwrap();
        assert!(response.status.is_success(), "{}: {:?}", response.status, response.body);
    }

    async fn send_grpc(&self, request: &Request) {
        let path = match request.signal {
            "traces" => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            "metrics" => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
            _ => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        };
        let mut client = tonic::client::Grpc::new(self.grpc.clone());
        client.ready().await.unwrap();
        let message = tonic::Request::new(request.body.clone());
        client.unary(message, http::uri::PathAndQuery::from_static(path), RawCodec).await.unwrap();
    }

    /// Stops the graph, which empties its queues, and reads what came out.
    pub async fn finish(self) -> Outputs {
        self.running.shutdown(Duration::from_secs(60)).await;
        let mut own_metrics = String::new();
        exposition::write(&self.telemetry.families(), &mut own_metrics);
        chaperone_testkit::conservation::check(&own_metrics).unwrap();
        let mut outputs = Outputs::default();
        outputs.add_http(&self.backend.requests());
        add_files(self.folder.path(), |signal, file| outputs.file_protobuf.add_protobuf_file(signal, file));
        self.relay.finish(&mut outputs).await;
        outputs.add_json_file(&self.folder.path().join("records.jsonl"));
        outputs
    }
}

/// A running graph of these settings, and its own metrics.
pub async fn start(text: String) -> (Running, Telemetry) {
    chaperone_genai::keys::install();
    let (document, _) = load(&[Source::Text { name: "lossless.yaml".into(), text }], &|_| None).unwrap();
    let telemetry = Telemetry::default();
    let settings = EngineSettings {
        clock: Clock::system(),
        telemetry: telemetry.clone(),
        hash_key: [0; 32],
        storage: Arc::new(MemoryStorage::default()),
        shared: SharedState::default(),
    };
    (Graph::build(&document, &chaperone::built_in(), settings).unwrap().start().await.unwrap(), telemetry)
}

pub fn port(telemetry: &Telemetry, protocol: &str) -> u64 {
    let families = telemetry.families();
    let ports = families.iter().filter(|family| family.name == "chaperone_receiver_port").flat_map(|family| &family.samples);
    let mut of_protocol = ports.filter(|sample| sample.labels.iter().any(|(_, value)| value == protocol));
    of_protocol.next().expect("the receiver says where it listens").value as u64
}
