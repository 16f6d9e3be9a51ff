//! Exposes own metrics as Prometheus text at `/metrics`.

use crate::entropy;
use crate::telemetry::{TelemetryConfig, label};
use anyhow::{Context, Result};
use chaperone_config::Endpoint;
use chaperone_net::compression::{BodyEncoding, compress};
use chaperone_net::{Body, Handler, Listener, Peer, Server, ServerSettings, body};
use chaperone_pipeline::exposition::{self, Family, FamilyType, Sample};
use chaperone_pipeline::{BoxFuture, Level, Naming, Telemetry};
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The servers of all readers.
pub(crate) struct OwnMetrics {
    telemetry: Telemetry,
    /// `service.instance.id`, the same as long as the process lives.
    instance: String,
    readers: Vec<Served>,
}

/// One reader's server.
struct Served {
    endpoint: Endpoint,
    server: Server,
    // Shared with the server.
    scrape: Arc<Scrape>,
}

/// What a configuration wants, with every port open that was not.
pub(crate) struct Wanted {
    level: Level,
    readers: Vec<WantedReader>,
}

struct WantedReader {
    endpoint: Endpoint,
    /// None where a server has the port already.
    listener: Option<Listener>,
    face: Face,
}

/// How series look to one reader.
struct Face {
    target: Family,
    naming: Naming,
}

impl OwnMetrics {
    /// Nothing is exposed yet.
    pub fn new(telemetry: &Telemetry) -> Result<OwnMetrics> {
        Ok(OwnMetrics { telemetry: telemetry.clone(), instance: entropy::uuid()?, readers: Vec::new() })
    }

    /// Opens the ports that a configuration names and no server has; nothing when the level is `none`.
    ///
    /// What is exposed stays as it is until `follow`.
    pub async fn open(&self, config: &TelemetryConfig) -> Result<Wanted> {
        let mut readers = Vec::new();
        if config.metrics.exposed() {
            let resource = resource(config, &self.instance);
            for (index, reader) in config.metrics.readers.iter().enumerate() {
                let prometheus = &reader.pull.exporter.prometheus;
                let host = if prometheus.host.contains(':') { format!("[{}]", prometheus.host) } else { prometheus.host.clone() };
                let endpoint = Endpoint::new(format!("{host}:{}", prometheus.port));
                let listener = match self.readers.iter().any(|served| served.endpoint == endpoint) {
                    true => None,
                    false => Some(Listener::bind(&endpoint).await.with_context(|| {
                        format!(
                            "cannot expose own metrics (another port: \
                             service::telemetry::metrics::readers[{index}]::pull::exporter::prometheus::port)"
                        )
                    })?),
                };
                let face = Face { target: target_info(&resource), naming: prometheus.naming(&resource) };
                readers.push(WantedReader { endpoint, listener, face });
            }
        }
        Ok(Wanted { level: config.metrics.level(), readers })
    }

    /// Exposes what is wanted, and nothing else. Series go on counting; what did not change place is not interrupted.
    pub async fn follow(&mut self, wanted: Wanted) {
        self.telemetry.set_level(wanted.level);
        let mut before = std::mem::take(&mut self.readers);
        for WantedReader { endpoint, listener, face } in wanted.readers {
            let known = before.iter().position(|served| served.endpoint == endpoint);
            match (known.map(|place| before.swap_remove(place)), listener) {
                (Some(served), _) => {
                    *served.scrape.face.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(face);
                    self.readers.push(served);
                }
                (None, Some(listener)) => {
                    let scrape = Arc::new(Scrape { telemetry: self.telemetry.clone(), face: Mutex::new(Arc::new(face)) });
                    let server = Server::start(listener, ServerSettings::http(100), Arc::clone(&scrape));
                    self.readers.push(Served { endpoint, server, scrape });
                }
                // Two readers of one port cannot be opened.
                (None, None) => {}
            }
        }
        for served in before {
            served.server.stop(Duration::from_secs(1)).await;
        }
    }

    /// Where they are exposed.
    pub fn addresses(&self) -> Vec<String> {
        self.readers.iter().map(|served| format!("http://{}/metrics", served.server.address())).collect()
    }

    /// Closes the ports; scrapes in flight finish.
    pub async fn stop(self) {
        for served in self.readers {
            served.server.stop(Duration::from_secs(1)).await;
        }
    }
}

struct Scrape {
    telemetry: Telemetry,
    face: Mutex<Arc<Face>>,
}

impl Scrape {
    fn text(&self) -> String {
        let mut families = self.telemetry.families();
        families.push(scrape_errors());
        let face = Arc::clone(&self.face.lock().unwrap_or_else(PoisonError::into_inner));
        face.naming.apply(&mut families);
        families.push(face.target.clone());
        let mut text = String::new();
        exposition::write(&families, &mut text);
        text
    }
}

/// The Collector's library counts failures of the writer here; ours writes to memory, which does not fail.
fn scrape_errors() -> Family {
    let sample = |cause: &str| Sample::plain(vec![("cause".to_owned(), cause.to_owned())], 0.0);
    Family {
        name: "promhttp_metric_handler_errors_total".to_owned(),
        help: "Total number of internal errors encountered by the promhttp metric handler.".to_owned(),
        kind: FamilyType::Counter,
        samples: vec![sample("encoding"), sample("gathering")],
    }
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let listed =
        headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let mut wanted = listed.map(|one| one.split_once(';').unwrap_or((one, "")));
    wanted.any(|(name, quality)| name.trim() == "gzip" && !quality.replace(' ', "").eq("q=0"))
}

impl Handler for Scrape {
    fn handle(self: Arc<Self>, request: Request<Incoming>, _peer: Peer) -> BoxFuture<'static, Response<Body>> {
        let answer = if request.uri().path() != "/metrics" {
            refusal(StatusCode::NOT_FOUND)
        } else if request.method() != Method::GET && request.method() != Method::HEAD {
            refusal(StatusCode::METHOD_NOT_ALLOWED)
        } else {
            let text = self.text();
            let zipped = takes_gzip(request.headers()).then(|| compress(&[text.clone().into()], BodyEncoding::Gzip));
            let mut answer = match zipped {
                Some(Ok(zipped)) => {
                    let mut answer = Response::new(body::full(zipped));
                    answer.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                    answer
                }
                _ => Response::new(body::full(text)),
            };
            answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE_OF_SCRAPES));
            answer
        };
        Box::pin(std::future::ready(answer))
    }
}

fn refusal(status: StatusCode) -> Response<Body> {
    let mut answer = Response::new(body::full(format!("{status}\n")));
    *answer.status_mut() = status;
    answer
}

/// The Collector's, which names how it would escape what we never write.
const CONTENT_TYPE_OF_SCRAPES: &str = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";

/// Who this is: the Collector's three attributes and those the user set, an empty one removing a default.
fn resource(config: &TelemetryConfig, instance: &str) -> Vec<(String, String)> {
    let mut attributes = vec![
        ("service.instance.id".to_owned(), instance.to_owned()),
        ("service.name".to_owned(), "chaperone".to_owned()),
        ("service.version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
    ];
    for (key, value) in &config.resource {
        attributes.retain(|(known, _)| known != key);
        if let Some(value) = value {
            attributes.push((key.clone(), value.clone()));
        }
    }
    attributes.sort();
    attributes
}

fn target_info(resource: &[(String, String)]) -> Family {
    let labels = resource.iter().map(|(key, value)| (label(key), value.clone())).collect();
    Family {
        name: "target_info".to_owned(),
        help: "Target metadata".to_owned(),
        kind: FamilyType::Gauge,
        samples: vec![Sample::plain(labels, 1.0)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaperone_config::{Node, parse_settings};
    use chaperone_net::{HttpClient, HttpRequest, client};

    fn config(text: &str) -> TelemetryConfig {
        parse_settings(&Node::parse(text, "c.yaml").unwrap(), "service.telemetry").unwrap()
    }

    async fn get(address: std::net::SocketAddr, path: &str) -> (u16, String) {
        let url = client::parse_url(&format!("http://{address}{path}")).unwrap();
        let timeout = Duration::from_secs(5);
        let request = HttpRequest { method: Method::GET, url, headers: Default::default(), body: vec![], timeout };
        let answer = HttpClient::new().send(request).await.unwrap();
        (answer.status.as_u16(), String::from_utf8(answer.body.to_vec()).unwrap())
    }

    const ANY_PORT: &str =
        "metrics: {readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0}}}}]}\nresource: {team: a}";

    async fn started(text: &str, telemetry: &Telemetry) -> Result<OwnMetrics> {
        let mut metrics = OwnMetrics::new(telemetry)?;
        let wanted = metrics.open(&config(text)).await?;
        metrics.follow(wanted).await;
        Ok(metrics)
    }

    fn address(metrics: &OwnMetrics) -> std::net::SocketAddr {
        metrics.readers[0].server.address().tcp().unwrap()
    }

    #[tokio::test]
    async fn own_metrics_are_text_at_one_path() {
        let telemetry = Telemetry::default();
        telemetry.counter("otelcol_receiver_accepted_spans", "Spans.", &[("receiver", "otlp")]).add(3);
        let metrics = started(ANY_PORT, &telemetry).await.unwrap();
        let address = address(&metrics);
        let (status, text) = get(address, "/metrics").await;
        assert_eq!(status, 200);
        assert!(text.contains("otelcol_receiver_accepted_spans{receiver=\"otlp\"} 3\n"), "{text}");
        assert!(text.contains("service_name=\"chaperone\"") && text.contains("team=\"a\""), "{text}");
        assert_eq!(get(address, "/").await.0, 404);
        metrics.stop().await;
    }

    #[tokio::test]
    async fn a_taken_port_is_a_clear_error_and_no_level_opens_none() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let text = ANY_PORT.replace("port: 0", &format!("port: {port}"));
        let error = started(&text, &Telemetry::default()).await.err().unwrap();
        let message = format!("{error:#}");
        assert!(message.contains("readers[0]::pull::exporter::prometheus::port"), "{message}");
        assert!(message.contains(&format!("cannot listen on `127.0.0.1:{port}`")), "{message}");
        let none = started("metrics: {level: none}", &Telemetry::default()).await.unwrap();
        assert!(none.readers.is_empty());
    }

    #[tokio::test]
    async fn another_configuration_keeps_the_port_it_names_and_closes_others() {
        let telemetry = Telemetry::default();
        let mut metrics = started(ANY_PORT, &telemetry).await.unwrap();
        let before = address(&metrics);
        let wanted = metrics.open(&config(&ANY_PORT.replace("team: a", "team: b"))).await.unwrap();
        assert!(get(before, "/metrics").await.1.contains("team=\"a\""), "nothing changes before it is followed");
        metrics.follow(wanted).await;
        assert_eq!(address(&metrics), before);
        assert!(get(before, "/metrics").await.1.contains("team=\"b\""));
        let wanted = metrics.open(&config("metrics: {level: none}")).await.unwrap();
        metrics.follow(wanted).await;
        assert!(std::net::TcpStream::connect(before).is_err(), "nobody listens there any more");
    }
}
