//! A running graph with its receiver's address and its own metrics.

use bytes::Bytes;
use chaperone::config::{Source, load};
use chaperone::pipeline::engine::{EngineSettings, Graph, Running, SharedState};
use chaperone::pipeline::{Clock, MemoryStorage, Telemetry, exposition};
use chaperone_net::client::{parse_headers, parse_url};
use chaperone_net::{HttpClient, HttpRequest};
use http::Method;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

pub struct House {
    pub running: Running,
    pub telemetry: Telemetry,
    address: String,
}

impl House {
    /// Starts a graph of these settings, which have the receiver `otlp` with HTTP.
    pub async fn start(text: String) -> House {
        chaperone_genai::keys::install();
        let (document, _) = load(&[Source::Text { name: "test.yaml".into(), text }], &|_| None).unwrap();
        let telemetry = Telemetry::default();
        let settings = EngineSettings {
            clock: Clock::system(),
            telemetry: telemetry.clone(),
            hash_key: [0; 32],
            storage: Arc::new(MemoryStorage::default()),
            shared: SharedState::default(),
        };
        let running = Graph::build(&document, &chaperone::built_in(), settings).unwrap().start().await.unwrap();
        let families = telemetry.families();
        let port = families.iter().find(|family| family.name == "chaperone_receiver_port").unwrap().samples[0].value as u64;
        House { running, telemetry, address: format!("http://127.0.0.1:{port}") }
    }

    /// A client of its own that sends one request; gives the status it hears.
    pub fn send(&self, signal: &str, json: &str) -> JoinHandle<u16> {
        let request = HttpRequest {
            method: Method::POST,
            url: parse_url(&format!("{}/v1/{signal}", self.address)).unwrap(),
            headers: parse_headers([("content-type", "application/json")]).unwrap(),
            body: vec![Bytes::from(json.to_owned())],
            timeout: Duration::from_secs(30),
        };
        spawn(async move { HttpClient::new().send(request).await.unwrap().status.as_u16() })
    }

    /// Waits until a figure of the own metrics is at least this.
    pub async fn wait_for(&self, name: &str, value: f64) {
        let sum = || {
            let families = self.telemetry.families();
            let samples = families.iter().filter(|family| family.name == name).flat_map(|family| &family.samples);
            samples.map(|sample| sample.value).sum::<f64>()
        };
        while sum() < value {
            tokio::task::yield_now().await;
        }
    }

    /// Stops, and checks that no item got lost uncounted.
    pub async fn stop(self) {
        self.running.shutdown(Duration::from_secs(20)).await;
        let mut own_metrics = String::new();
        exposition::write(&self.telemetry.families(), &mut own_metrics);
        chaperone_testkit::conservation::check(&own_metrics).unwrap();
    }
}

#[expect(clippy::disallowed_methods, reason = "a client that goes its own way")]
fn spawn<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(future)
}
