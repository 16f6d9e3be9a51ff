//! What a connection is doing, so that one which does nothing, or does it too slowly, is closed.
//!
//! The protocol library tells when a request is complete, the socket when bytes arrive: from both follows whether a
//! header is under way and since when, and how long nothing was.
//! Timers are armed for the earliest moment at which anything could be due and look again then; a busy connection pays
//! for two relaxed stores a request.

use crate::stream::Stream;
use std::io::{ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// No header is under way.
const NONE: u64 = u64::MAX;
/// How every HTTP/2 connection begins.
const PREFACE: &[u8] = b"PRI ";
/// Bytes of the preface and of an empty SETTINGS frame, without which nothing is said over HTTP/2.
const H2_HELLO: u64 = 33;

/// How long a connection may take over what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// From the first byte of a request's header to its last.
    pub header: Duration,
    /// Between two requests over HTTP/1.
    pub idle_http1: Duration,
    /// Without a request over HTTP/2; `None` = for ever, pings find the dead.
    pub idle_http2: Option<Duration>,
    /// For a write that the peer does not take; zero = for ever.
    pub write: Duration,
}

/// Why it is time for a connection to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overdue {
    /// A header did not end.
    Header,
    /// Nothing happened.
    Idle,
}

/// Shared by the socket, the requests of the connection, and the task that watches it.
#[derive(Debug)]
pub(super) struct Pulse {
    began: Instant,
    patience: Patience,
    http2: AtomicBool,
    in_flight: AtomicU32,
    received: AtomicU64,
    /// Milliseconds from `began` to the first byte of the header that is under way.
    header_since: AtomicU64,
    /// Milliseconds from `began` to the end of the last request.
    quiet_since: AtomicU64,
}

impl Pulse {
    pub(super) fn new(patience: Patience, http2: bool) -> Pulse {
        Pulse {
            began: Instant::now(),
            patience,
            http2: AtomicBool::new(http2),
            in_flight: AtomicU32::new(0),
            received: AtomicU64::new(0),
            header_since: AtomicU64::new(NONE),
            quiet_since: AtomicU64::new(0),
        }
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(NONE - 1)
    }

    fn received(&self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.received.fetch_add(bytes.len() as u64, Relaxed) == 0 && bytes.starts_with(PREFACE) {
            self.http2.store(true, Relaxed);
        }
        if self.in_flight.load(Relaxed) == 0 && self.header_since.load(Relaxed) == NONE {
            self.header_since.store(self.elapsed(), Relaxed);
        }
    }

    /// A request is complete up to its body; it ends with the guard.
    pub(super) fn request(self: &Arc<Pulse>) -> InFlight {
        self.in_flight.fetch_add(1, Relaxed);
        self.header_since.store(NONE, Relaxed);
        InFlight(Arc::clone(self))
    }

    /// When the connection must go if nothing happens until then, and why.
    fn due(&self) -> Option<(Instant, Overdue)> {
        if self.in_flight.load(Relaxed) > 0 {
            return None;
        }
        let http2 = self.http2.load(Relaxed);
        let idle = if http2 { self.patience.idle_http2 } else { Some(self.patience.idle_http1) };
        let quiet = Duration::from_millis(self.quiet_since.load(Relaxed));
        let idle = idle.map(|idle| (self.began + quiet + idle, Overdue::Idle));
        let since = self.header_since.load(Relaxed);
        // Over HTTP/2 bytes also arrive between requests; only the beginning must not take for ever.
        if since == NONE || (http2 && self.received.load(Relaxed) >= H2_HELLO) {
            return idle;
        }
        let header = (self.began + Duration::from_millis(since) + self.patience.header, Overdue::Header);
        Some(idle.map_or(header, |idle| if idle.0 < header.0 { idle } else { header }))
    }

    /// Waits until the connection is overdue.
    pub(super) async fn overdue(&self) -> Overdue {
        let mut timer = std::pin::pin!(sleep(Duration::ZERO));
        std::future::poll_fn(|cx| {
            loop {
                let Some((due, why)) = self.due() else { return Poll::Pending };
                if due < timer.deadline() {
                    timer.as_mut().reset(due);
                }
                ready!(timer.as_mut().poll(cx));
                if due <= Instant::now() {
                    return Poll::Ready(why);
                }
                timer.as_mut().reset(due);
            }
        })
        .await
    }
}

/// One request under way.
pub(super) struct InFlight(Arc<Pulse>);

impl Drop for InFlight {
    fn drop(&mut self) {
        if self.0.in_flight.fetch_sub(1, Relaxed) == 1 {
            self.0.quiet_since.store(self.0.elapsed(), Relaxed);
        }
    }
}

/// A stream that tells its pulse what arrives, and gives up a write that the peer does not take.
pub(super) struct Watched {
    stream: Stream,
    // Shared with the connection's task and requests.
    pulse: Arc<Pulse>,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Watched {
    pub(super) fn new(stream: Stream, pulse: Arc<Pulse>) -> Watched {
        Watched { stream, pulse, stalled: None }
    }

    /// Passes on what became of a write; one that waits too long is an error.
    fn in_time<T>(&mut self, cx: &mut Context<'_>, written: Poll<Result<T>>) -> Poll<Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        if self.pulse.patience.write.is_zero() {
            return Poll::Pending;
        }
        let patience = self.pulse.patience.write;
        let timer = self.stalled.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Err(ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        self.pulse.received(buf.filled().get(before..).unwrap_or_default());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.in_time(cx, written)
    }
    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.in_time(cx, written)
    }
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.in_time(cx, flushed)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let ended = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.in_time(cx, ended)
    }
}
