//! Our clients against our servers: over TLS, over Unix sockets, and through a proxy.

use crate::grpc_client::{Call, GrpcClient, GrpcClientSettings};
use crate::tls::authority::{Authority, GOOD};
use crate::tls::{GRPC, HTTP};
use crate::*;
use bytes::Bytes;
use chaperone_config::{ClientTls, Endpoint, ServerTls, Transport};
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Answers with the version of HTTP and remembers who asked; a gRPC call gets an empty message.
#[derive(Default)]
struct Echo(Mutex<Vec<(Peer, String)>>);

impl Handler for Echo {
    fn handle(self: Arc<Self>, request: Request<Incoming>, peer: Peer) -> BoxFuture<'static, Response<Body>> {
        let uri = request.uri();
        let called = uri.authority().map(ToString::to_string);
        let called = called.or_else(|| Some(request.headers().get("host")?.to_str().ok()?.to_owned()));
        self.0.lock().unwrap().push((peer, called.unwrap_or_default()));
        let is_grpc = request.headers().get("content-type").is_some_and(|kind| kind == "application/grpc");
        let answer = if is_grpc {
            let trailers = HeaderMap::from_iter([("grpc-status".parse().unwrap(), HeaderValue::from_static("0"))]);
            let message = body::full(Bytes::from_static(&[0; 5]));
            let message = message.with_trailers(std::future::ready(Some(Ok(trailers)))).boxed_unsync();
            Response::builder().header("content-type", "application/grpc").body(message).unwrap()
        } else {
            Response::new(body::full(format!("{:?}", request.version())))
        };
        Box::pin(std::future::ready(answer))
    }
}

impl Echo {
    fn peers(&self) -> usize {
        let seen = self.0.lock().unwrap();
        let mut peers: Vec<String> = seen.iter().map(|(peer, _)| peer.to_string()).collect();
        peers.sort();
        peers.dedup();
        peers.len()
    }
}

async fn serve(settings: ServerSettings) -> (Server, Arc<Echo>, u16) {
    let listener = Listener::bind(&Endpoint::new("localhost:0")).await.unwrap();
    let port = listener.address().port().unwrap();
    let echo = Arc::new(Echo::default());
    (Server::start(listener, settings, Arc::clone(&echo)), echo, port)
}

async fn https(tls: ServerTls) -> (Server, Arc<Echo>, u16) {
    let tls = Some(TlsServer::load(tls, HTTP).unwrap());
    serve(ServerSettings { tls, ..ServerSettings::http(10) }).await
}

fn client(tls: ClientTls) -> HttpClientSettings {
    HttpClientSettings { tls, route: Route::Direct, ..HttpClientSettings::default() }
}

async fn get(client: &HttpClient, url: &str) -> Result<String, RequestError> {
    let url = client::parse_url(url).unwrap();
    let timeout = Duration::from_secs(20);
    let request = HttpRequest { method: Method::GET, url, headers: HeaderMap::new(), body: vec![], timeout };
    client.send(request).await.map(|answer| String::from_utf8(answer.body.to_vec()).unwrap())
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(|error| error.to_string()).collect::<Vec<_>>().join(": ")
}

#[tokio::test]
async fn https_agrees_on_http_2_unless_it_must_not() {
    let authority = Authority::new();
    let (_server, echo, port) = https(authority.server("localhost")).await;
    let url = format!("https://localhost:{port}/");
    let modern = HttpClient::with(client(authority.client()));
    modern.prepare(true).await.unwrap();
    assert_eq!(get(&modern, &url).await.unwrap(), "HTTP/2.0");
    assert_eq!(get(&modern, &url).await.unwrap(), "HTTP/2.0");
    assert_eq!(echo.peers(), 1, "one connection carries both");
    let old = HttpClient::with(HttpClientSettings { http2: false, ..client(authority.client()) });
    assert_eq!(get(&old, &url).await.unwrap(), "HTTP/1.1");
}

#[tokio::test]
async fn a_server_that_is_not_trusted_gets_nothing_and_the_error_says_why() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (_server, echo, port) = https(authority.server("localhost")).await;
    let error = get(&HttpClient::with(client(other.client())), &format!("https://localhost:{port}/")).await.unwrap_err();
    let said = chain(&error);
    assert!(said.starts_with(&format!("no answer from https://localhost:{port}/: ")), "{said}");
    assert!(said.contains("invalid peer certificate: UnknownIssuer"), "{said}");
    assert_eq!(echo.peers(), 0);
}

#[tokio::test]
async fn insecure_without_authorities_counts_for_nothing_where_the_address_wants_tls() {
    let authority = Authority::new();
    let (_server, echo, port) = https(authority.server("localhost")).await;
    let url = format!("https://localhost:{port}/");
    // As in the Collector: `insecure_skip_verify` beside `insecure` is not looked at.
    let careless = ClientTls { insecure: true, insecure_skip_verify: true, ..ClientTls::default() };
    assert!(get(&HttpClient::with(client(careless)), &url).await.is_err());
    assert_eq!(echo.peers(), 0);
    let trusting = ClientTls { insecure: true, ..authority.client() };
    assert_eq!(get(&HttpClient::with(client(trusting)), &url).await.unwrap(), "HTTP/2.0");
}

#[tokio::test]
async fn a_client_shows_its_certificate_where_one_is_asked_for() {
    let authority = Authority::new();
    let asking = ServerTls { client_ca_file: authority.ca_file(), ..authority.server("localhost") };
    let (_server, echo, port) = https(asking).await;
    let url = format!("https://localhost:{port}/");
    let error = get(&HttpClient::with(client(authority.client())), &url).await.unwrap_err();
    assert!(chain(&error).contains("received fatal alert: CertificateRequired"), "{}", chain(&error));
    assert_eq!(echo.peers(), 0);
    let (cert_file, key_file) = authority.signed("agent", "agent", GOOD);
    let known = ClientTls { cert_file, key_file, ..authority.client() };
    assert_eq!(get(&HttpClient::with(client(known)), &url).await.unwrap(), "HTTP/2.0");
}

#[tokio::test]
async fn a_file_that_is_missing_is_told_at_start_even_for_clear_text() {
    let authority = Authority::new();
    let missing = ClientTls { ca_file: authority.missing(), ..ClientTls::default() };
    let error = HttpClient::with(client(missing)).prepare(false).await.unwrap_err();
    assert!(matches!(error, TlsError::File { key: "ca_file", .. }), "{error}");
    // Without files nothing is read, so a machine without authorities can send in clear text.
    HttpClient::with(client(ClientTls::default())).prepare(false).await.unwrap();
}

#[tokio::test]
async fn clear_text_to_a_port_for_tls_is_answered_in_clear_text() {
    let authority = Authority::new();
    let (_server, echo, port) = https(authority.server("localhost")).await;
    for request in ["GET / HTTP/1.1\r\nHost: h\r\n\r\n", "POST /v1/traces HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"] {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let expected = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
        assert_eq!(answer, expected);
    }
    assert_eq!(echo.peers(), 0);
}

#[tokio::test]
async fn noise_instead_of_a_handshake_is_counted() {
    let authority = Authority::new();
    let telemetry = chaperone_pipeline::Telemetry::default();
    let counters = ConnectionCounters::new(&telemetry, &[("receiver", "otlp")]);
    let tls = Some(TlsServer::load(authority.server("localhost"), HTTP).unwrap());
    let (server, _, port) = serve(ServerSettings { tls, counters: Some(counters), ..ServerSettings::http(10) }).await;
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(b"this is no handshake").await.unwrap();
    let _ = stream.read_to_end(&mut Vec::new()).await;
    server.stop(Duration::from_secs(20)).await;
    let families = telemetry.families();
    let failed = families.iter().flat_map(|family| &family.samples);
    let failed = failed.filter(|sample| sample.labels.iter().any(|(_, value)| value == "handshake"));
    assert_eq!(failed.map(|sample| sample.value).sum::<f64>(), 1.0);
}

#[tokio::test]
async fn connections_are_used_again_unless_that_is_turned_off() {
    let (_server, echo, port) = serve(ServerSettings::http(10)).await;
    let url = format!("http://localhost:{port}/");
    let fresh = HttpClient::with(HttpClientSettings { keep_alives: false, ..client(ClientTls::default()) });
    for _ in 0..3 {
        get(&fresh, &url).await.unwrap();
    }
    assert_eq!(echo.peers(), 3);
    let narrow = HttpClient::with(HttpClientSettings { max_connections: 1, ..client(ClientTls::default()) });
    let at_once = (0..10).map(|_| get(&narrow, &url));
    assert!(futures_util::future::join_all(at_once).await.iter().all(Result::is_ok));
    assert_eq!(echo.peers(), 4, "ten requests at once took more than one connection");
}

fn call() -> Call {
    Call {
        path: "/service/Method",
        headers: HeaderMap::new(),
        message: vec![Bytes::from_static(b"message")],
        compression: BodyEncoding::Identity,
        timeout: Duration::from_secs(20),
    }
}

#[tokio::test]
async fn grpc_is_spoken_over_tls_to_a_server_of_another_name() {
    let authority = Authority::new();
    let tls = Some(TlsServer::load(authority.server("backend.example"), GRPC).unwrap());
    let (_server, echo, port) = serve(ServerSettings { tls, ..ServerSettings::grpc(10) }).await;
    let there: http::uri::Authority = format!("127.0.0.1:{port}").parse().unwrap();
    let direct = GrpcClientSettings { tls: Some(authority.client()), ..GrpcClientSettings::to(there.clone()) };
    let error = GrpcClient::new(direct.clone()).unary(call()).await.unwrap_err();
    assert!(chain(&error).contains("not valid for name"), "{}", chain(&error));
    let server = "backend.example:1".parse().unwrap();
    let called = GrpcClient::new(GrpcClientSettings { server, route: Route::Fixed(there), ..direct });
    called.prepare().await.unwrap();
    assert_eq!(called.unary(call()).await.unwrap(), Bytes::new());
    assert_eq!(echo.0.lock().unwrap()[0].1, "backend.example:1");
}

#[tokio::test]
async fn grpc_is_spoken_over_a_unix_socket_with_and_without_tls() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    for secure in [false, true] {
        let path = folder.path().join("otlp.sock");
        let endpoint = Endpoint::new(path.to_str().unwrap());
        let listener = Listener::bind_on(Transport::Unix, &endpoint).await.unwrap();
        let tls = secure.then(|| TlsServer::load(authority.server("localhost"), GRPC).unwrap());
        let echo = Arc::new(Echo::default());
        let server = Server::start(listener, ServerSettings { tls, ..ServerSettings::grpc(10) }, Arc::clone(&echo));
        let tls = secure.then(|| authority.client());
        let settings =
            GrpcClientSettings { route: Route::Unix(path), tls, ..GrpcClientSettings::to("localhost".parse().unwrap()) };
        assert_eq!(GrpcClient::new(settings).unary(call()).await.unwrap(), Bytes::new());
        assert_eq!(echo.0.lock().unwrap()[0].0, Peer::default());
        server.stop(Duration::from_secs(20)).await;
    }
}

#[tokio::test]
async fn nobody_at_a_unix_socket_is_an_error_that_says_so() {
    let route = Route::Unix("/nowhere/otlp.sock".into());
    let settings = GrpcClientSettings { route, ..GrpcClientSettings::to("localhost".parse().unwrap()) };
    let error = GrpcClient::new(settings).unary(call()).await.unwrap_err();
    assert!(chain(&error).contains("No such file or directory"), "{}", chain(&error));
}

/// A proxy for one connection: gives the header that it got, and for a tunnel passes bytes on until an end closes.
async fn one_tunnel(proxy: TcpListener, to: u16) -> String {
    let mut inner = proxy.accept().await.unwrap().0;
    let mut asked = Vec::new();
    while !asked.ends_with(b"\r\n\r\n") {
        asked.push(inner.read_u8().await.unwrap());
    }
    let asked = String::from_utf8(asked).unwrap();
    if asked.starts_with("CONNECT ") {
        inner.write_all(b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n").await.unwrap();
        let mut outer = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut inner, &mut outer).await;
    } else {
        inner.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\npassed").await.unwrap();
    }
    asked
}

#[tokio::test]
async fn a_proxy_passes_clear_text_on_and_tunnels_tls() {
    let authority = Authority::new();
    let (_server, _, port) = https(authority.server("localhost")).await;
    for (url, expected, first) in [
        (format!("https://localhost:{port}/"), "HTTP/2.0", format!("CONNECT localhost:{port} HTTP/1.1\r\n")),
        ("http://backend.example/v1/logs".to_owned(), "passed", "GET http://backend.example/v1/logs HTTP/1.1\r\n".to_owned()),
    ] {
        let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = proxy.local_addr().unwrap();
        let through = Proxy::at(&format!("http://user:word@{address}")).unwrap();
        let settings = HttpClientSettings { route: Route::Proxy(through), ..client(authority.client()) };
        let asking = async {
            let client = HttpClient::with(settings);
            get(&client, &url).await
        };
        let (asked, answer) = tokio::join!(one_tunnel(proxy, port), asking);
        assert_eq!(answer.unwrap(), expected);
        assert!(asked.starts_with(&first), "{asked}");
        // `user:word`.
        assert!(asked.to_ascii_lowercase().contains("proxy-authorization: basic dxnlcjp3b3jk\r\n"), "{asked}");
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_in_the_error() {
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let through = Proxy::at(&format!("http://{}", proxy.local_addr().unwrap())).unwrap();
    let settings = HttpClientSettings { route: Route::Proxy(through), ..HttpClientSettings::default() };
    let refusing = async {
        let mut stream = proxy.accept().await.unwrap().0;
        let _ = stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    };
    let client = HttpClient::with(settings);
    let ((), answer) = tokio::join!(refusing, get(&client, "https://backend.example/"));
    let said = chain(&answer.unwrap_err());
    assert!(said.contains("the proxy refused a tunnel: HTTP/1.1 407 Proxy Authentication Required"), "{said}");
}
