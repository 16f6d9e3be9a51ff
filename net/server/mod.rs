//! Listens, serves HTTP/1.1 and HTTP/2 on one port, and stops without cutting requests short.
//!
//! The only place that spawns a task a connection; what is done with a request is the handler's.
//! Frames and windows are larger than HTTP/2's defaults, which cost a telemetry server half its time.

mod connection;
mod pulse;
mod settings;
#[cfg(test)]
mod tests;

pub use settings::{ConnectionCounters, ServerSettings};

use crate::Body;
use crate::listen::{ListenAddress, Listener, Peer};
use connection::{House, serve};
use futures_util::future::BoxFuture;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot, watch};
use tracing::warn;

/// Most that is read at once over HTTP/1: little enough to be copied on while it is near the core.
const READ: usize = 128 << 10;
/// Largest HTTP/2 frame that is taken.
const FRAME: u32 = 1 << 20;
/// Bytes that one stream may send before it must wait.
const STREAM_WINDOW: u32 = 1 << 20;
/// Bytes that all streams of a connection may send before they must wait.
const CONNECTION_WINDOW: u32 = 4 << 20;
/// Pause after a failed accept (no file descriptors left), so that it does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers requests.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request of `peer`. Errors are answers too.
    fn handle(self: Arc<Self>, request: Request<Incoming>, peer: Peer) -> BoxFuture<'static, Response<Body>>;
}

/// A server at work. Dropping it stops accepting and lets requests in flight end by themselves.
#[derive(Debug)]
pub struct Server {
    address: ListenAddress,
    stop: Option<oneshot::Sender<Duration>>,
    stopped: oneshot::Receiver<()>,
}

impl Server {
    /// Begins to accept.
    #[expect(clippy::disallowed_methods, reason = "connections are the server's own tasks, ended by `stop`")]
    pub fn start(listener: Listener, settings: ServerSettings, handler: Arc<impl Handler>) -> Server {
        let (stop, asked) = oneshot::channel();
        let (done, stopped) = oneshot::channel();
        let address = listener.address().clone();
        tokio::spawn(async move {
            accept_until_stopped(listener, settings, handler, asked).await;
            let _ = done.send(());
        });
        Server { address, stop: Some(stop), stopped }
    }

    /// Where it listens.
    pub fn address(&self) -> &ListenAddress {
        &self.address
    }

    /// Stops accepting, lets requests in flight finish within `deadline`, then cuts what is left.
    pub async fn stop(mut self, deadline: Duration) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(deadline);
        }
        let _ = self.stopped.await;
    }
}

fn protocol(settings: &ServerSettings) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // How long headers may take is watched by `pulse`, which tells a slow one from a quiet connection.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(None).keep_alive(settings.keep_alives).max_buf_size(READ);
    let (ping_after, ping_timeout) = settings.ping();
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_frame_size(FRAME)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(settings.max_concurrent_streams)
        .keep_alive_interval(ping_after)
        .keep_alive_timeout(ping_timeout);
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
async fn accept_until_stopped<H: Handler>(
    listener: Listener,
    settings: ServerSettings,
    handler: Arc<H>,
    mut asked: oneshot::Receiver<Duration>,
) {
    // Shared by the connections' tasks: each holds a permit.
    let permits = Arc::new(Semaphore::new(settings.max_connections));
    let limit = u32::try_from(settings.max_connections).unwrap_or(u32::MAX);
    // Shared by the connections' tasks.
    let house = Arc::new(House { protocol: protocol(&settings), settings, handler });
    // Told when the server stops, and again when everything must end at once.
    let (phase, _) = watch::channel(Phase::Serving);
    let (mut number, mut was_full) = (0_u64, false);
    let deadline = loop {
        let accepted = tokio::select! {
            deadline = &mut asked => break deadline.unwrap_or_default(),
            accepted = listener.accept() => accepted,
        };
        let (socket, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!(%error, "could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else {
            if let Some(counters) = &house.settings.counters {
                counters.too_many.add(1);
            }
            if !std::mem::replace(&mut was_full, true) {
                warn!(%peer, limit, "a connection was closed at once: there are too many");
            }
            continue;
        };
        was_full = false;
        number = number.wrapping_add(1);
        let (house, phase) = (Arc::clone(&house), phase.subscribe());
        tokio::spawn(async move {
            serve(house, socket, peer, number, phase).await;
            drop(permit);
        });
    };
    // Nobody new gets in while those who are there finish.
    drop(listener);
    phase.send_replace(Phase::Stopping);
    // Every connection's task holds a permit until it ends.
    let all_ended = permits.acquire_many(limit);
    if tokio::time::timeout(deadline, all_ended).await.is_err() {
        warn!("requests were still in flight at the end of the stop deadline");
        phase.send_replace(Phase::Cutting);
    }
}
