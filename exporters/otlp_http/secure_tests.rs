//! The exporter over TLS, against a server of ours.

use super::*;
use chaperone_config::{Endpoint, Node, ServerTls, parse_settings};
use chaperone_net::tls::HTTP;
use chaperone_net::{Body, Handler, Listener, Peer, Server, ServerSettings, TlsServer, body, collect};
use chaperone_pipeline::Now;
use chaperone_testkit::certificates::Authority;
use http::{Request, Response};
use hyper::body::Incoming;
use std::sync::Mutex;
use std::time::Duration;

/// Keeps what it is sent.
#[derive(Default)]
struct Kept(Mutex<Vec<Bytes>>);

impl Handler for Kept {
    fn handle(self: Arc<Self>, request: Request<Incoming>, _peer: Peer) -> BoxFuture<'static, Response<Body>> {
        Box::pin(async move {
            let whole = collect(request.into_body(), 1 << 20, &mut (), chaperone_net::Pace::SLOWEST).await.unwrap();
            self.0.lock().unwrap().push(whole);
            Response::new(body::empty())
        })
    }
}

/// A server of `host` that asks for certificates, and where it is.
async fn server(authority: &Authority, host: &str) -> (Server, Arc<Kept>, String) {
    let identity = authority.signed("server", host);
    let tls = ServerTls {
        cert_file: identity.cert_file,
        key_file: identity.key_file,
        client_ca_file: authority.ca_file(),
        ..ServerTls::default()
    };
    let tls = Some(TlsServer::load(tls, HTTP).unwrap());
    let listener = Listener::bind(&Endpoint::new("localhost:0")).await.unwrap();
    let url = format!("https://localhost:{}", listener.address().port().unwrap());
    let kept = Arc::new(Kept::default());
    (Server::start(listener, ServerSettings { tls, ..ServerSettings::http(10) }, Arc::clone(&kept)), kept, url)
}

async fn export(yaml: &str) -> Result<Exported, ExportError> {
    let config: Config = parse_settings(&Node::parse(yaml, "test.yaml").unwrap(), "exporters.otlp_http").unwrap();
    let exporter = OtlpHttpExporter::new(&config).unwrap();
    let chunk = Chunk { signal: Signal::Traces, body: vec![Bytes::from_static(b"")], items: 1, client: None };
    let cx = ExportContext { batch_id: 1, attempt: 1, timeout: Duration::from_secs(20), now: Now::default() };
    exporter.export(&[chunk], cx).await
}

#[tokio::test]
async fn data_go_to_a_server_that_is_trusted_and_trusts_us() {
    let authority = Authority::new();
    let (_server, kept, url) = server(&authority, "localhost").await;
    let (ca, own) = (authority.ca_file(), authority.signed("agent", "agent"));
    let tls = format!("{{ca_file: {ca}, cert_file: {}, key_file: {}}}", own.cert_file, own.key_file);
    export(&format!("{{endpoint: '{url}', tls: {tls}, compression: none}}")).await.unwrap();
    assert_eq!(kept.0.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_handshake_that_fails_is_worth_another_try_and_tells_why() {
    let authority = Authority::new();
    let (_server, kept, url) = server(&authority, "other.example").await;
    let error = export(&format!("{{endpoint: '{url}', tls: {{ca_file: {}}}}}", authority.ca_file())).await.unwrap_err();
    assert!(matches!(error, ExportError::Retryable { .. }), "{error}");
    let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
    let said: Vec<String> = causes.map(ToString::to_string).collect();
    assert!(said.iter().any(|cause| cause.contains("not valid for name \"localhost\"")), "{said:?}");
    assert!(kept.0.lock().unwrap().is_empty());
}
