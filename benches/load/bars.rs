//! What this project promises: bars of CPU seconds for a million spans, of ratios to peers, of memory.

use crate::cell::Work;
use crate::payload::{Payload, Protocol};
use crate::system::{Kind, Route};

/// The most CPU seconds for a million spans, over uncompressed OTLP in closed loop.
pub fn cpu(work: Work) -> Option<f64> {
    match (work.route, work.protocol, work.payload) {
        (Route::Receive, Protocol::Http, Payload::Lean) => Some(0.8),
        (Route::Receive, Protocol::Http, Payload::Chat) => Some(2.8),
        (Route::Receive, Protocol::Grpc, Payload::Lean) => Some(1.2),
        (Route::Receive, Protocol::Grpc, Payload::Chat) => Some(5.5),
        (Route::Pass, Protocol::Http, Payload::Lean) => Some(1.3),
        (Route::Pass, Protocol::Http, Payload::Chat) => Some(6.0),
        _ => None,
    }
}

/// The least number of times a peer must need more CPU.
pub fn ratio(peer: Kind, work: Work) -> Option<f64> {
    match (peer, work.route, work.protocol, work.payload) {
        (Kind::Rotel, Route::Receive, Protocol::Http, Payload::Lean) => Some(7.0),
        (Kind::Rotel, Route::Receive, Protocol::Http, Payload::Chat) => Some(5.0),
        (Kind::Go, Route::Receive, Protocol::Http, Payload::Lean) => Some(7.0),
        (Kind::Go, Route::Receive, Protocol::Http, Payload::Chat) => Some(8.0),
        (Kind::Go, Route::Pass, Protocol::Http, Payload::Lean) => Some(6.0),
        (Kind::Go, Route::Pass, Protocol::Http, Payload::Chat) => Some(8.0),
        (Kind::Go, Route::Receive, Protocol::Grpc, Payload::Lean) => Some(4.0),
        (Kind::Go, Route::Receive, Protocol::Grpc, Payload::Chat) => Some(3.0),
        _ => None,
    }
}

/// The most anonymous memory in MiB under load: so much, and what the configured queue may hold.
pub fn memory(work: Work) -> Option<f64> {
    let queue = if work.route == Route::Pass { QUEUE_MIB } else { 0.0 };
    match work.payload {
        Payload::Lean => Some(40.0 + queue),
        Payload::Chat => Some(80.0 + queue),
        Payload::Huge | Payload::Small | Payload::Heavy => None,
    }
}

/// The default of `max_bytes` of an exporter's queue. It is full when the sink is slower than the senders.
const QUEUE_MIB: f64 = 64.0;

/// The least number of times a peer must hold more anonymous memory.
pub fn memory_ratio(peer: Kind, work: Work) -> Option<f64> {
    match (peer, work.route, work.protocol, work.payload) {
        (Kind::Go, Route::Pass, Protocol::Http, Payload::Lean) => Some(3.0),
        (Kind::Go, Route::Pass, Protocol::Http, Payload::Chat) => Some(10.0),
        _ => None,
    }
}

/// The same as [`memory`] when nothing is sent.
pub const IDLE_MIB: f64 = 15.0;
/// Share of a core at 10,000 spans a second.
pub const TESTBED_CORE: f64 = 0.10;
/// Anonymous memory in MiB then.
pub const TESTBED_MIB: f64 = 50.0;
/// Share of the even throughput that is left when one of four senders is ten times heavier.
pub const SKEW: f64 = 0.80;
