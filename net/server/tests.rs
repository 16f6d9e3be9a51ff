//! Connections that behave badly, over real sockets.

use super::*;
use bytes::Bytes;
use chaperone_config::{Endpoint, Transport};
use chaperone_pipeline::Telemetry;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

struct Never;
impl Handler for Never {
    fn handle(self: Arc<Self>, _request: Request<Incoming>, _peer: Peer) -> BoxFuture<'static, Response<Body>> {
        Box::pin(std::future::pending())
    }
}

/// Answers who asked.
struct Mirror;
impl Handler for Mirror {
    fn handle(self: Arc<Self>, _request: Request<Incoming>, peer: Peer) -> BoxFuture<'static, Response<Body>> {
        let text = if peer.address.is_some() { "tcp" } else { "unix" };
        Box::pin(std::future::ready(Response::new(crate::body::full(Bytes::from_static(text.as_bytes())))))
    }
}

async fn start(settings: ServerSettings, handler: Arc<impl Handler>) -> (Server, TcpStream) {
    let listener = Listener::bind(&Endpoint::new("localhost:0")).await.unwrap();
    let server = Server::start(listener, settings, handler);
    let stream = TcpStream::connect(server.address().tcp().unwrap()).await.unwrap();
    (server, stream)
}

/// Everything until the server closes the connection.
async fn rest(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

/// The sum of an own metric's samples.
fn counted(telemetry: &Telemetry, reason: &str) -> f64 {
    let families = telemetry.families();
    let samples = families.iter().filter(|family| family.name == "chaperone_server_closed_connections");
    let samples = samples.flat_map(|family| &family.samples);
    samples.filter(|sample| sample.labels.iter().any(|(_, value)| value == reason)).map(|sample| sample.value).sum()
}

#[tokio::test]
async fn silent_connections_do_not_delay_a_stop() {
    let (server, mut stream) = start(ServerSettings::http(1), Arc::new(Never)).await;
    let stopped = tokio::time::timeout(Duration::from_secs(20), server.stop(Duration::from_secs(60))).await;
    assert!(stopped.is_ok(), "the stop waited for a connection that never said anything");
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut_at_the_deadline() {
    let (server, mut stream) = start(ServerSettings::http(1), Arc::new(Never)).await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    let (read, ()) = tokio::join!(rest(&mut stream), server.stop(Duration::from_millis(50)));
    assert_eq!(read, "");
}

#[tokio::test]
async fn a_header_that_does_not_end_closes_the_connection_and_is_counted() {
    let telemetry = Telemetry::default();
    let settings = ServerSettings {
        header_timeout: Duration::from_millis(200),
        counters: Some(ConnectionCounters::new(&telemetry, &[("receiver", "otlp")])),
        ..ServerSettings::http(1)
    };
    for beginning in [&b"POST /v1/traces HTTP/1.1\r\nHost:"[..], b"PRI * HTTP/2.0\r\n"] {
        let (server, mut stream) = start(settings.clone(), Arc::new(Mirror)).await;
        stream.write_all(beginning).await.unwrap();
        assert_eq!(rest(&mut stream).await, "");
        server.stop(Duration::from_secs(20)).await;
    }
    assert_eq!(counted(&telemetry, "slow_header"), 2.0);
}

#[tokio::test]
async fn a_quiet_connection_is_closed_only_after_its_own_time() {
    let settings = ServerSettings {
        header_timeout: Duration::from_millis(50),
        idle_timeout: Duration::from_millis(400),
        ..ServerSettings::http(1)
    };
    let (_server, mut stream) = start(settings, Arc::new(Mirror)).await;
    let began = tokio::time::Instant::now();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\ntcp"), "{answer}");
    assert!(began.elapsed() >= Duration::from_millis(400), "closed after {:?}", began.elapsed());
}

#[tokio::test]
async fn without_keep_alives_a_connection_ends_with_its_answer() {
    let settings = ServerSettings { keep_alives: false, ..ServerSettings::http(1) };
    let (_server, mut stream) = start(settings, Arc::new(Mirror)).await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn a_request_under_way_is_not_quiet() {
    struct Slow;
    impl Handler for Slow {
        fn handle(self: Arc<Self>, _request: Request<Incoming>, _peer: Peer) -> BoxFuture<'static, Response<Body>> {
            Box::pin(async {
                tokio::time::sleep(Duration::from_millis(400)).await;
                Response::new(crate::body::full("late"))
            })
        }
    }
    let short = Duration::from_millis(100);
    let settings = ServerSettings { header_timeout: short, idle_timeout: short, ..ServerSettings::http(1) };
    let (_server, mut stream) = start(settings, Arc::new(Slow)).await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    assert!(rest(&mut stream).await.ends_with("late"));
}

#[tokio::test]
async fn an_old_connection_takes_no_further_request() {
    let settings = ServerSettings { max_age: Duration::from_millis(200), ..ServerSettings::http(1) };
    let (_server, mut stream) = start(settings, Arc::new(Mirror)).await;
    let began = tokio::time::Instant::now();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    assert!(rest(&mut stream).await.ends_with("tcp"));
    assert!(began.elapsed() < Duration::from_secs(100), "it was closed as a quiet one");
}

#[tokio::test]
async fn the_requests_of_an_old_connection_are_cut_after_its_grace() {
    let short = Duration::from_millis(100);
    let settings = ServerSettings { max_age: short, max_age_grace: short, ..ServerSettings::http(1) };
    let (_server, mut stream) = start(settings, Arc::new(Never)).await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answer_is_given_up() {
    struct Endless;
    impl Handler for Endless {
        fn handle(self: Arc<Self>, _request: Request<Incoming>, _peer: Peer) -> BoxFuture<'static, Response<Body>> {
            Box::pin(std::future::ready(Response::new(crate::body::full(vec![0; 64 << 20]))))
        }
    }
    let settings = ServerSettings { write_timeout: Duration::from_millis(200), ..ServerSettings::http(1) };
    let (server, mut stream) = start(settings, Arc::new(Endless)).await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    stream.read_exact(&mut [0; 1]).await.unwrap();
    // The stop waits for the connection, which only the time-out ends.
    let stopped = tokio::time::timeout(Duration::from_secs(30), server.stop(Duration::from_secs(60))).await;
    assert!(stopped.is_ok(), "a client that does not read held the server up");
}

#[tokio::test]
async fn one_connection_too_many_is_closed_and_counted() {
    let telemetry = Telemetry::default();
    let settings = ServerSettings {
        max_connections: 1,
        counters: Some(ConnectionCounters::new(&telemetry, &[])),
        ..ServerSettings::http(1)
    };
    let (server, mut first) = start(settings, Arc::new(Mirror)).await;
    let request = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    first.write_all(request).await.unwrap();
    first.read_exact(&mut [0; 8]).await.unwrap();
    let mut second = TcpStream::connect(server.address().tcp().unwrap()).await.unwrap();
    assert_eq!(rest(&mut second).await, "");
    assert_eq!(counted(&telemetry, "too_many"), 1.0);
    // The place is free again once the first connection ended.
    drop(first);
    loop {
        let mut third = TcpStream::connect(server.address().tcp().unwrap()).await.unwrap();
        let _ = third.write_all(b"GET / HTTP/1.0\r\n\r\n").await;
        if rest(&mut third).await.ends_with("tcp") {
            break;
        }
    }
}

#[tokio::test]
async fn a_unix_socket_serves_who_has_no_address() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("http.sock");
    let endpoint = Endpoint::new(path.to_str().unwrap());
    let listener = Listener::bind_on(Transport::Unix, &endpoint).await.unwrap();
    let server = Server::start(listener, ServerSettings::http(1), Arc::new(Mirror));
    assert_eq!(server.address().to_string(), format!("unix://{}", path.display()));
    let mut stream = tokio::net::UnixStream::connect(&path).await.unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    assert!(rest(&mut stream).await.ends_with("unix"));
    server.stop(Duration::from_secs(20)).await;
    assert!(!path.exists(), "the socket's file was left behind");
}

/// One request over HTTP/2 on a connection of its own, and then until the server ends the connection.
async fn request_over_http2(server: &Server) -> Result<(), hyper::Error> {
    let stream = TcpStream::connect(server.address().tcp().unwrap()).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await?;
    let asking = async move {
        let answer = sender.send_request(Request::get("http://h/").body(crate::body::empty()).unwrap()).await;
        // With the sender gone the client would end the connection by itself.
        answer.map(|_| sender)
    };
    let (ended, asked) = tokio::join!(connection, asking);
    asked?;
    ended
}

#[tokio::test]
async fn connections_of_http_2_end_when_they_are_idle_or_old() {
    let short = Duration::from_millis(200);
    for settings in [
        ServerSettings { idle_timeout: short, ..ServerSettings::grpc(10) },
        ServerSettings { max_age: short, ..ServerSettings::grpc(10) },
        ServerSettings { idle_timeout: short, ..ServerSettings::http(10) },
    ] {
        let listener = Listener::bind(&Endpoint::new("localhost:0")).await.unwrap();
        let server = Server::start(listener, settings, Arc::new(Mirror));
        request_over_http2(&server).await.unwrap();
        server.stop(Duration::from_secs(20)).await;
    }
}

#[tokio::test]
async fn the_settings_of_a_keepalive_block_are_obeyed() {
    use chaperone_config::{Duration as Interval, Optional, ServerKeepalive};
    let mut keepalive = ServerKeepalive::default();
    let unset = ServerSettings::grpc(10).keepalive(&keepalive);
    assert_eq!(unset.ping(), ServerSettings::grpc(10).ping());
    if let Optional::Present(parameters) = &mut keepalive.server_parameters {
        parameters.time = Interval::from_secs(7);
        parameters.max_connection_idle = Interval::from_secs(8);
        parameters.max_connection_age = Interval::from_secs(9);
    }
    let set = ServerSettings::grpc(10).keepalive(&keepalive);
    assert_eq!(set.ping(), (Duration::from_secs(7), Duration::from_secs(20)));
    assert_eq!((set.idle_timeout, set.max_age), (Duration::from_secs(8), Duration::from_secs(9)));
}
