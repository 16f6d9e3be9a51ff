//! 3.1.02, 3.1.03, 3.1.05, 3.1.07, 3.1.15: settings of sockets, in the receiver that has them.
//!
//! What servers do with them is tested in `net`; here that each key reaches its server.

use crate::bench::{Bench, Plan};
use crate::bodies::{spans, spans_json};
use crate::grpc::{TRACES, call_on, framed};
use crate::wire::{JSON, PATIENCE, exchange_on, post};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

// 3.1.02: the endpoint is the path; there is no address of a client; the socket's file goes with the receiver.
#[tokio::test]
async fn r3_1_02_both_protocols_listen_on_unix_sockets() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (http, grpc) = (path("http.sock"), path("grpc.sock"));
    let settings = |path: &str| format!("transport: unix, endpoint: '{path}'");
    let (on_http, on_grpc) = (settings(&http), settings(&grpc));
    let bench = Plan { http: Some(&on_http), grpc: Some(&on_grpc), ..Plan::default() }.start().await;
    let request = post("/v1/traces", &[JSON], spans_json(2)).bytes();
    assert_eq!(exchange_on(UnixStream::connect(&http).await.unwrap(), &request).await.status, 200);
    call_on(UnixStream::connect(&grpc).await.unwrap(), TRACES, &[], framed(0, &spans(3))).await.unwrap();
    let chunks = bench.taken();
    assert_eq!(chunks.iter().map(|chunk| chunk.items).collect::<Vec<_>>(), [2, 3]);
    assert!(chunks.iter().all(|chunk| chunk.client.as_ref().is_some_and(|client| client.address.is_none())));
    bench.stop().await;
    assert!(!folder.path().join("http.sock").exists() && !folder.path().join("grpc.sock").exists());
}

/// An authority, and a server's certificate from it, as files.
struct Certificates {
    folder: TempDir,
    authority: CertificateDer<'static>,
}

impl Certificates {
    fn new() -> Certificates {
        let folder = TempDir::new().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let authority = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);
        let server_key = KeyPair::generate().unwrap();
        let server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&server_key, &issuer).unwrap();
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        std::fs::write(folder.path().join("cert.pem"), server.pem()).unwrap();
        std::fs::write(folder.path().join("key.pem"), server_key.serialize_pem()).unwrap();
        Certificates { folder, authority: authority.der().clone() }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// `tls: {...}` of a server; `more` are further keys.
    fn server(&self, more: &str) -> String {
        format!("tls: {{cert_file: '{}', key_file: '{}'{more}}}", self.path("cert.pem"), self.path("key.pem"))
    }

    /// A client that trusts the authority and offers a protocol.
    async fn connect(&self, address: &str, protocol: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }
}

// 3.1.03
#[tokio::test]
async fn r3_1_03_both_protocols_speak_tls() {
    let certificates = Certificates::new();
    let tls = certificates.server("");
    let bench = Plan { http: Some(&tls), grpc: Some(&tls), ..Plan::default() }.start().await;
    let stream = certificates.connect(&bench.address("http"), "http/1.1").await.unwrap();
    assert_eq!(exchange_on(stream, &post("/v1/traces", &[JSON], spans_json(2)).bytes()).await.status, 200);
    let stream = certificates.connect(&bench.address("http"), "h2").await.unwrap();
    let answer = crate::grpc::http2_post_on(stream, "/v1/traces", &[JSON], spans_json(1).into()).await;
    assert_eq!(answer.0, 200, "HTTP/2 is agreed on");
    let stream = certificates.connect(&bench.address("grpc"), "h2").await.unwrap();
    call_on(stream, TRACES, &[], framed(0, &spans(3))).await.unwrap();
    assert_eq!(bench.taken().len(), 3);
    // Recorded from a Collector: what a client hears that speaks in clear text.
    let answer = bench.ask(post("/v1/traces", &[JSON], spans_json(1))).await;
    assert_eq!((answer.status, answer.text().trim_end()), (400, "Client sent an HTTP request to an HTTPS server."));
    assert!(bench.taken().is_empty());
    bench.stop().await;
}

// 3.1.03: `client_ca_file` asks for a certificate; `tls:` with nothing stays off, and `{}` lacks its certificate.
#[tokio::test]
async fn r3_1_03_a_client_without_a_certificate_is_refused_when_one_is_asked_for() {
    let certificates = Certificates::new();
    let tls = certificates.server(&format!(", client_ca_file: '{}'", certificates.path("ca.pem")));
    let bench = Bench::http(&tls).await;
    let refused = match certificates.connect(&bench.address("http"), "http/1.1").await {
        Err(_) => true,
        // With TLS 1.3 the client learns of it with its first bytes.
        Ok(mut stream) => {
            let _ = stream.write_all(&post("/v1/traces", &[JSON], spans_json(1)).bytes()).await;
            let mut answer = Vec::new();
            let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap();
            read.is_err() && answer.is_empty()
        }
    };
    assert!(refused);
    bench.stop().await;
    let off = Bench::http("tls: ").await;
    assert_eq!(off.ask(post("/v1/traces", &[JSON], spans_json(1))).await.status, 200);
    off.stop().await;
    let said = crate::contract_settings::said("{protocols: {http: {tls: {}}}}");
    assert!(said.contains("TLS configuration must include both certificate and key for server connections"), "{said}");
    let missing = Plan { http: Some("tls: {cert_file: /nowhere/c, key_file: /nowhere/k}"), ..Plan::default() };
    let error = missing.try_start().await.err().unwrap();
    assert!(error.contains("failed to load TLS config") && error.contains("/nowhere/"), "{error}");
}

/// The settings that an HTTP/2 server begins with: numbers of parameters and their values.
async fn http2_settings(address: &str) -> Vec<(u16, u32)> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00").await.unwrap();
    let mut head = [0; 9];
    tokio::time::timeout(PATIENCE, stream.read_exact(&mut head)).await.unwrap().unwrap();
    assert_eq!(head[3], 4, "a frame of settings comes first");
    let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
    stream.read_exact(&mut payload).await.unwrap();
    let setting = |six: &[u8]| (u16::from_be_bytes([six[0], six[1]]), u32::from_be_bytes([six[2], six[3], six[4], six[5]]));
    payload.chunks(6).map(setting).collect()
}

// 3.1.05
#[tokio::test]
async fn r3_1_05_the_most_concurrent_streams_are_told_to_the_client() {
    for (settings, streams) in [("max_concurrent_streams: 7", 7), ("", 1000)] {
        let bench = Bench::grpc(settings).await;
        let told = http2_settings(&bench.address("grpc")).await;
        assert!(told.contains(&(3, streams)), "{settings}: {told:?}");
        bench.stop().await;
    }
}

/// Whether the server ends a connection on which `said` was said, within the time of a test.
async fn is_ended(address: &str, said: &[u8]) -> bool {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(said).await.unwrap();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await.is_ok()
}

// 3.1.07: a connection without calls, and one that is old, are ended.
#[tokio::test]
async fn r3_1_07_keepalive_ends_connections() {
    let hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";
    for parameters in
        ["max_connection_idle: 50ms", "max_connection_age: 50ms, max_connection_age_grace: 50ms", "time: 50ms, timeout: 50ms"]
    {
        let bench = Bench::grpc(&format!("keepalive: {{server_parameters: {{{parameters}}}}}")).await;
        assert!(is_ended(&bench.address("grpc"), hello).await, "{parameters}");
        bench.stop().await;
    }
    let said = crate::contract_settings::said("{protocols: {grpc: {keepalive: {enforcement_policy: {min_time: 10s}}}}}");
    assert!(said.starts_with("warning: ") && said.contains("has no effect"), "{said}");
}

// 3.1.15: each time-out ends what it is about; without them all of this waits.
#[tokio::test]
async fn r3_1_15_time_outs_end_slow_requests_and_idle_connections() {
    let half_a_head = b"POST /v1/traces HTTP/1.1\r\nHost: h\r\n";
    let complete = b"POST /v1/traces HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    for (settings, said) in [
        ("read_header_timeout: 50ms", &half_a_head[..]),
        ("read_timeout: 50ms", half_a_head),
        ("idle_timeout: 50ms", complete),
        ("read_timeout: 50ms", complete),
    ] {
        let bench = Bench::http(settings).await;
        assert!(is_ended(&bench.address("http"), said).await, "{settings}");
        bench.stop().await;
    }
}

// 3.1.15: a body that does not arrive in time is answered; the Collector closes the connection after a 400.
#[tokio::test]
async fn r3_1_15_a_body_that_is_too_slow_is_told_to_come_again() {
    let bench = Bench::http("read_timeout: 50ms").await;
    let stream = TcpStream::connect(bench.address("http")).await.unwrap();
    let half = b"POST /v1/traces HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{";
    let answer = exchange_on(stream, half).await;
    assert_eq!((answer.status, answer.status_body()), (503, (14, "the request body stopped arriving".into())));
    assert_eq!(bench.sample("chaperone_receiver_unread_requests", &[("reason", "too_slow")]), 1);
    bench.stop().await;
}

// 3.1.15: without time-outs a request may take its time.
#[tokio::test]
async fn r3_1_15_without_time_outs_a_slow_head_is_waited_for() {
    let bench = Bench::http("").await;
    let mut stream = TcpStream::connect(bench.address("http")).await.unwrap();
    stream.write_all(b"POST /v1/traces HTTP/1.1\r\nHost: h\r\n").await.unwrap();
    let waited = tokio::time::timeout(Duration::from_millis(300), stream.read(&mut [0])).await;
    assert!(waited.is_err(), "the server said or ended something: {waited:?}");
    stream.write_all(b"Connection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    bench.stop().await;
}
