//! The exporter over TLS and over Unix sockets, against a server of ours.

use super::*;
use chaperone_config::{Endpoint, Node, ServerTls, Transport, parse_settings};
use chaperone_net::grpc::{Message as Received, MessageLimits, unary};
use chaperone_net::tls::GRPC;
use chaperone_net::{Body, Handler, Listener, Pace, Peer, Server, ServerSettings, TlsServer};
use chaperone_pipeline::Now;
use chaperone_testkit::certificates::Authority;
use http::{Request, Response};
use hyper::body::Incoming;
use std::sync::Mutex;
use std::time::Duration;

/// Keeps the messages it is sent, decompressed.
#[derive(Default)]
struct Kept(Mutex<Vec<(HeaderMap, Bytes)>>);

impl Handler for Kept {
    fn handle(self: Arc<Self>, request: Request<Incoming>, _peer: Peer) -> BoxFuture<'static, Response<Body>> {
        Box::pin(async move {
            let limits = MessageLimits { max_bytes: 1 << 20, pace: Pace::SLOWEST };
            let keep = move |message: Received<()>| async move {
                self.0.lock().unwrap().push((message.headers, message.body));
                Ok(Bytes::new())
            };
            unary(request, limits, (), |_| (), keep).await
        })
    }
}

fn start(listener: Listener, tls: Option<ServerTls>) -> (Server, Arc<Kept>) {
    let tls = tls.map(|tls| TlsServer::load(tls, GRPC).unwrap());
    let kept = Arc::new(Kept::default());
    (Server::start(listener, ServerSettings { tls, ..ServerSettings::grpc(10) }, Arc::clone(&kept)), kept)
}

async fn export(yaml: &str) -> Result<Exported, ExportError> {
    let config: Config = parse_settings(&Node::parse(yaml, "test.yaml").unwrap(), "exporters.otlp_grpc").unwrap();
    let exporter = OtlpGrpcExporter::new(&config).unwrap();
    // A request with one resource, in two pieces.
    let body = vec![Bytes::from_static(b"\x0a"), Bytes::from_static(b"\x00")];
    let chunk = Chunk { signal: Signal::Traces, body, items: 1, client: None };
    let cx = ExportContext { batch_id: 1, attempt: 1, timeout: Duration::from_secs(20), now: Now::default() };
    exporter.export(&[chunk], cx).await
}

#[tokio::test]
async fn data_go_to_a_server_that_is_trusted_and_trusts_us() {
    let authority = Authority::new();
    let identity = authority.signed("server", "localhost");
    let asking = ServerTls {
        cert_file: identity.cert_file,
        key_file: identity.key_file,
        client_ca_file: authority.ca_file(),
        ..ServerTls::default()
    };
    let listener = Listener::bind(&Endpoint::new("localhost:0")).await.unwrap();
    let endpoint = format!("localhost:{}", listener.address().port().unwrap());
    let (_server, kept) = start(listener, Some(asking));
    let (ca, own) = (authority.ca_file(), authority.signed("agent", "agent"));
    let shown = format!("cert_file: {}, key_file: {}", own.cert_file, own.key_file);
    for endpoint in [endpoint.clone(), format!("https://{endpoint}"), format!("dns:///{endpoint}")] {
        export(&format!("{{endpoint: '{endpoint}', tls: {{ca_file: {ca}, {shown}}}}}")).await.unwrap();
    }
    assert_eq!(kept.0.lock().unwrap().len(), 3);
    for tls in [format!("{{ca_file: {ca}}}"), "{insecure: true}".to_owned(), format!("{{{shown}}}")] {
        let error = export(&format!("{{endpoint: '{endpoint}', tls: {tls}}}")).await.unwrap_err();
        assert!(matches!(error, ExportError::Retryable { .. }), "{tls}: {error}");
    }
    assert_eq!(kept.0.lock().unwrap().len(), 3, "a connection without the right certificate brought data");
}

#[tokio::test]
async fn every_compression_arrives_over_a_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("otlp.sock");
    let endpoint = Endpoint::new(path.to_str().unwrap());
    let (_server, kept) = start(Listener::bind_on(Transport::Unix, &endpoint).await.unwrap(), None);
    let compressions = ["gzip", "snappy", "zstd", "none"];
    for compression in compressions {
        let settings = format!("tls: {{insecure: true}}, compression: {compression}, user_agent: {compression}");
        export(&format!("{{endpoint: 'unix://{}', {settings}}}", path.display())).await.unwrap();
    }
    let kept = kept.0.lock().unwrap();
    for (compression, (headers, message)) in compressions.iter().zip(kept.iter()) {
        assert_eq!(
            (headers.get("user-agent").unwrap(), &message[..]),
            (&HeaderValue::from_static(compression), &b"\x0a\x00"[..])
        );
    }
    assert_eq!(kept.len(), compressions.len());
}
