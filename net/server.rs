//! Listens, serves HTTP/1.1 and HTTP/2 on one port, and stops without cutting requests short.
//!
//! The only place that spawns a task a connection; what is done with a request is the handler's.
//! Frames and windows are larger than HTTP/2's defaults, which cost a telemetry server half its time.

use crate::Body;
use chaperone_config::Endpoint;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot, watch};
use tracing::{debug, warn};

/// Largest HTTP/2 frame that is taken.
const FRAME: u32 = 1 << 20;
/// Bytes that one stream may send before it must wait.
const STREAM_WINDOW: u32 = 1 << 20;
/// Bytes that all streams of a connection may send before they must wait.
const CONNECTION_WINDOW: u32 = 4 << 20;
/// Connections of one listener; more wait to be accepted.
const MAX_CONNECTIONS: usize = 10_000;
/// How long a connection may be silent before its first byte, and over HTTP/1 between two requests. Exporters of SDKs
/// send once a minute and should find their connection again.
const SILENCE: Duration = Duration::from_secs(300);
/// How often an HTTP/2 peer is asked whether it is still there, and how long it may take to say so.
const PING: (Duration, Duration) = (Duration::from_secs(120), Duration::from_secs(20));
/// Pause after a failed accept (no file descriptors left), so that it does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers requests.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request of `peer`. Errors are answers too.
    fn handle(self: Arc<Self>, request: Request<Incoming>, peer: SocketAddr) -> BoxFuture<'static, Response<Body>>;
}

/// How connections are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerSettings {
    /// Whether HTTP/1.1 is spoken beside HTTP/2.
    pub http1: bool,
    /// Requests of one HTTP/2 connection at a time.
    pub max_concurrent_streams: u32,
}

/// A socket could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The endpoint is not `host:port`.
    #[error("`{endpoint}` is not an address to listen on, expected `host:port`")]
    Endpoint { endpoint: String },
    /// The name has no address.
    #[error("cannot resolve `{endpoint}`")]
    Resolve {
        endpoint: String,
        #[source]
        source: std::io::Error,
    },
    /// Mostly: the port is taken.
    #[error("cannot listen on `{endpoint}`")]
    Bind {
        endpoint: String,
        #[source]
        source: std::io::Error,
    },
}

/// An open socket that does not accept yet.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Opens a socket. Port 0 lets the system choose; `address` tells.
    pub async fn bind(endpoint: &Endpoint) -> Result<Listener, BindError> {
        let text = endpoint.as_str();
        let shaped = text.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        if !shaped || text.contains('/') {
            return Err(BindError::Endpoint { endpoint: text.to_owned() });
        }
        // An empty host means all interfaces, as in Go.
        let resolvable = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text.to_owned() };
        let resolve = |source| BindError::Resolve { endpoint: text.to_owned(), source };
        let mut addresses: Vec<SocketAddr> = tokio::net::lookup_host(&resolvable).await.map_err(resolve)?.collect();
        // `localhost` is both families; clients that know only one know the older.
        addresses.sort_by_key(SocketAddr::is_ipv6);
        let bind = |source| BindError::Bind { endpoint: text.to_owned(), source };
        let listener = TcpListener::bind(addresses.as_slice()).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        Ok(Listener { listener, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// A server at work. Dropping it stops accepting and lets requests in flight end by themselves.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<Duration>>,
    stopped: oneshot::Receiver<()>,
}

impl Server {
    /// Begins to accept.
    #[expect(clippy::disallowed_methods, reason = "connections are the server's own tasks, ended by `stop`")]
    pub fn start(listener: Listener, settings: ServerSettings, handler: Arc<impl Handler>) -> Server {
        let (stop, asked) = oneshot::channel();
        let (done, stopped) = oneshot::channel();
        let address = listener.address;
        tokio::spawn(async move {
            accept_until_stopped(listener.listener, settings, handler, asked).await;
            let _ = done.send(());
        });
        Server { address, stop: Some(stop), stopped }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting, lets requests in flight finish within `deadline`, then cuts what is left.
    pub async fn stop(mut self, deadline: Duration) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(deadline);
        }
        let _ = self.stopped.await;
    }
}

fn protocol(settings: ServerSettings) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(SILENCE);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_frame_size(FRAME)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(settings.max_concurrent_streams)
        .keep_alive_interval(PING.0)
        .keep_alive_timeout(PING.1);
    if settings.http1 { builder } else { builder.http2_only() }
}

/// What connections are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Serving,
    /// Finish what was begun.
    Stopping,
    /// End now.
    Cutting,
}

#[expect(clippy::disallowed_methods, reason = "one task a connection, bounded by a semaphore and ended by `stop`")]
async fn accept_until_stopped(
    listener: TcpListener,
    settings: ServerSettings,
    handler: Arc<impl Handler>,
    mut asked: oneshot::Receiver<Duration>,
) {
    let protocol = protocol(settings);
    let graceful = GracefulShutdown::new();
    // Shared by the connections' tasks: each holds a permit.
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    // Told when the server stops, and again when everything must end at once.
    let (phase, _) = watch::channel(Phase::Serving);
    let deadline = loop {
        let next = async {
            let permit = Arc::clone(&permits).acquire_owned().await.expect("invariant: never closed");
            (listener.accept().await, permit)
        };
        let ((accepted, permit), mut ending) = tokio::select! {
            deadline = &mut asked => break deadline.unwrap_or_default(),
            next = next => (next, phase.subscribe()),
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!(%error, "could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Answers are small: waiting to fill a packet only delays them.
        let _ = stream.set_nodelay(true);
        let (watcher, protocol, handler) = (graceful.watcher(), protocol.clone(), Arc::clone(&handler));
        tokio::spawn(async move {
            let mut cut = ending.clone();
            tokio::select! {
                begun = tokio::time::timeout(SILENCE, stream.readable()) => if begun.is_err() { return },
                _ = ending.wait_for(|phase| *phase != Phase::Serving) => return,
            }
            tokio::select! {
                ended = watcher.watch(connection(&protocol, stream, peer, handler)) => {
                    if let Err(error) = ended {
                        debug!(%error, %peer, "a connection ended with an error");
                    }
                }
                _ = cut.wait_for(|phase| *phase == Phase::Cutting) => {
                    debug!(%peer, "a connection was cut at the end of the stop deadline");
                }
            }
            drop(permit);
        });
    };
    drop(listener);
    phase.send_replace(Phase::Stopping);
    if tokio::time::timeout(deadline, graceful.shutdown()).await.is_err() {
        warn!("requests were still in flight at the end of the stop deadline");
        phase.send_replace(Phase::Cutting);
    }
}

fn connection<H: Handler>(
    protocol: &auto::Builder<TokioExecutor>,
    stream: TcpStream,
    peer: SocketAddr,
    handler: Arc<H>,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = crate::BoxError> + Send + use<H> {
    let service = service_fn(move |request| {
        let answer = Arc::clone(&handler).handle(request, peer);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    protocol.serve_connection(TokioIo::new(stream), service).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    struct Never;
    impl Handler for Never {
        fn handle(self: Arc<Self>, _request: Request<Incoming>, _peer: SocketAddr) -> BoxFuture<'static, Response<Body>> {
            Box::pin(std::future::pending())
        }
    }

    #[tokio::test]
    async fn what_cannot_be_listened_on_says_why() {
        for bad in ["", "localhost", "localhost:http", "unix:/tmp/x", "http://localhost:1"] {
            let error = Listener::bind(&Endpoint::new(bad)).await.unwrap_err();
            assert!(matches!(error, BindError::Endpoint { .. }), "{bad}: {error}");
        }
        let taken = Listener::bind(&Endpoint::new("localhost:0")).await.unwrap();
        let again = Endpoint::new(format!("127.0.0.1:{}", taken.address().port()));
        let error = Listener::bind(&again).await.unwrap_err();
        assert!(matches!(error, BindError::Bind { .. }), "{error}");
    }

    #[tokio::test]
    async fn silent_connections_do_not_delay_a_stop() {
        let listener = Listener::bind(&Endpoint::new("localhost:0")).await.unwrap();
        let server = Server::start(listener, ServerSettings { http1: true, max_concurrent_streams: 1 }, Arc::new(Never));
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        let stopped = tokio::time::timeout(Duration::from_secs(20), server.stop(Duration::from_secs(60))).await;
        assert!(stopped.is_ok(), "the stop waited for a connection that never said anything");
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0);
    }

    #[tokio::test]
    async fn a_request_that_never_ends_is_cut_at_the_deadline() {
        let listener = Listener::bind(&Endpoint::new("localhost:0")).await.unwrap();
        let server = Server::start(listener, ServerSettings { http1: true, max_concurrent_streams: 1 }, Arc::new(Never));
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
        let (read, ()) = tokio::join!(
            async {
                let mut answer = Vec::new();
                let _ = stream.read_to_end(&mut answer).await;
                answer
            },
            server.stop(Duration::from_millis(50)),
        );
        assert_eq!(read, b"");
    }
}
