//! One connection from its first byte to its end: handshake, requests, and the reasons to close it.

use super::pulse::{Overdue, Pulse, Watched};
use super::settings::SILENCE;
use super::{Handler, Phase, ServerSettings};
use crate::listen::Peer;
use crate::stream::{Socket, Stream};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{sleep_until, timeout};
use tracing::debug;

/// How long an idle connection that was told to end may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(10);
/// How long a client that was refused may take to read why.
const LINGER: Duration = Duration::from_secs(1);
/// Of what it says meanwhile no more is read.
const IGNORED: u64 = 64 << 10;
/// Pause before a beginning that is too short to be told apart is looked at again: nothing wakes who only looks.
const GLANCE: Duration = Duration::from_millis(20);
/// What a client hears that speaks clear text to a TLS port: the words of Go's server, which people search for.
const NOT_TLS: &[u8] = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
/// Beginnings of requests in clear text, as a TLS record can never begin.
const METHODS: [&[u8; 5]; 5] = [b"GET /", b"HEAD ", b"POST ", b"PUT /", b"OPTIO"];

/// What every connection of a server shares.
pub(super) struct House<H> {
    pub(super) protocol: auto::Builder<TokioExecutor>,
    pub(super) settings: ServerSettings,
    pub(super) handler: Arc<H>,
}

/// Serves one connection until it ends. `number` counts connections, to spread what happens at a certain age.
pub(super) async fn serve<H: Handler>(
    house: Arc<House<H>>,
    socket: Socket,
    peer: Peer,
    number: u64,
    mut phase: watch::Receiver<Phase>,
) {
    let stopping = async |phase: &mut watch::Receiver<Phase>| {
        let _ = phase.wait_for(|phase| *phase != Phase::Serving).await;
    };
    // Who never said anything is not waited for when the server stops.
    tokio::select! {
        begun = timeout(SILENCE, readable(&socket)) => if begun.is_err() { return },
        () = stopping(&mut phase) => return,
    }
    let stream = tokio::select! {
        stream = secured(&house.settings, socket, peer) => stream,
        () = stopping(&mut phase) => return,
    };
    if let Some(stream) = stream {
        supervised(&house, stream, peer, number, phase).await;
    }
}

async fn readable(socket: &Socket) {
    let _ = match socket {
        Socket::Tcp(stream) => stream.readable().await,
        Socket::Unix(stream) => stream.readable().await,
        Socket::AcceptedUnix(stream) => stream.readable().await,
    };
}

/// The stream that requests come over, after the handshake if there is one; `None` when it failed.
async fn secured(settings: &ServerSettings, mut socket: Socket, peer: Peer) -> Option<Stream> {
    let Some(tls) = &settings.tls else { return Some(Stream::Plain(socket)) };
    let failed = |error: std::io::Error| {
        debug!(%error, %peer, "TLS handshake failed");
        if let Some(counters) = &settings.counters {
            counters.handshake.add(1);
        }
    };
    let patience = settings.patience().header;
    if settings.http1 && timeout(patience, is_clear_text(&socket)).await.unwrap_or_default() {
        failed(std::io::Error::other("a request in clear text"));
        let _ = timeout(LINGER, answer_in_clear_text(&mut socket)).await;
        return None;
    }
    match timeout(patience, tls.accept(socket)).await {
        Ok(Ok(stream)) => return Some(stream),
        Ok(Err((error, mut socket))) => {
            failed(error);
            let _ = timeout(LINGER, drain(&mut socket)).await;
        }
        Err(_elapsed) => failed(std::io::ErrorKind::TimedOut.into()),
    }
    None
}

/// Ends our side, and reads until the other one ends: a socket closed over unread bytes is reset, and the client would not
/// see what it was told.
async fn drain(socket: &mut Socket) {
    let _ = socket.shutdown().await;
    let _ = tokio::io::copy(&mut socket.take(IGNORED), &mut tokio::io::sink()).await;
}

/// Whether a client that should speak TLS speaks HTTP. Only TCP can be looked at without being read.
async fn is_clear_text(socket: &Socket) -> bool {
    let Socket::Tcp(stream) = socket else { return false };
    let mut first = [0; 5];
    loop {
        match stream.peek(&mut first).await {
            Ok(5) => return METHODS.contains(&&first),
            // Less than a record's header: the rest is on its way.
            Ok(seen) if METHODS.iter().any(|method| method.get(..seen) == first.get(..seen)) && seen > 0 => {
                tokio::time::sleep(GLANCE).await;
            }
            _ => return false,
        }
    }
}

async fn answer_in_clear_text(socket: &mut Socket) {
    let _ = socket.write_all(NOT_TLS).await;
    drain(socket).await;
}

async fn supervised<H: Handler>(house: &House<H>, stream: Stream, peer: Peer, number: u64, mut phase: watch::Receiver<Phase>) {
    let settings = &house.settings;
    // Shared by the socket, the requests and this task.
    let pulse = Arc::new(Pulse::new(settings.patience(), !settings.http1 || stream.negotiated_h2()));
    let (handler, requests) = (Arc::clone(&house.handler), Arc::clone(&pulse));
    let service = service_fn(move |request| {
        let under_way = requests.request();
        let answer = Arc::clone(&handler).handle(request, peer);
        async move {
            let answer = answer.await;
            drop(under_way);
            Ok::<_, Infallible>(answer)
        }
    });
    let io = TokioIo::new(Watched::new(stream, Arc::clone(&pulse)));
    let mut connection = pin!(house.protocol.serve_connection(io, service));
    let mut cut_at = pin!(tokio::time::sleep(Duration::ZERO));
    let mut will_be_cut = false;
    let mut seen = Phase::Serving;
    let mut is_ending = false;
    let age = settings.max_age;
    let mut too_old = pin!(sleep_until(tokio::time::Instant::now() + spread(age, number)));
    let mut overdue = pin!(pulse.overdue());
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    debug!(%error, %peer, "a connection ended with an error");
                }
                return;
            }
            changed = phase.wait_for(|phase| *phase != seen) => {
                seen = changed.map_or(Phase::Cutting, |phase| *phase);
                if seen == Phase::Cutting {
                    debug!(%peer, "a connection was cut at the end of the stop deadline");
                    return;
                }
                is_ending = true;
                connection.as_mut().graceful_shutdown();
            }
            () = cut_at.as_mut(), if will_be_cut => {
                debug!(%peer, "a connection was cut because its time was up");
                return;
            }
            why = overdue.as_mut(), if !is_ending => match why {
                Overdue::Header => {
                    debug!(%peer, "a connection was closed because a header did not end");
                    if let Some(counters) = &settings.counters {
                        counters.slow_header.add(1);
                    }
                    return;
                }
                Overdue::Idle => {
                    is_ending = true;
                    connection.as_mut().graceful_shutdown();
                    cut_at.as_mut().reset(tokio::time::Instant::now() + GOODBYE);
                    will_be_cut = true;
                }
            },
            () = too_old.as_mut(), if !age.is_zero() && !is_ending => {
                is_ending = true;
                connection.as_mut().graceful_shutdown();
                if !settings.max_age_grace.is_zero() {
                    cut_at.as_mut().reset(tokio::time::Instant::now() + settings.max_age_grace);
                    will_be_cut = true;
                }
            }
        }
    }
}

/// `age` and up to a tenth more or less, evenly over the connections in the order they came.
fn spread(age: Duration, number: u64) -> Duration {
    // Steps of the golden ratio come back to no earlier place, and leave no gap.
    let step = (number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as f64 / f64::from(u32::MAX);
    age.mul_f64(0.9 + 0.2 * step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_spread_by_a_tenth() {
        let age = Duration::from_secs(100);
        let ages: Vec<Duration> = (0..100).map(|number| spread(age, number)).collect();
        assert!(ages.iter().all(|age| (90..=110).contains(&age.as_secs())), "{ages:?}");
        let early = ages.iter().filter(|spread| **spread < age).count();
        assert!((40..=60).contains(&early), "{early}");
    }
}
