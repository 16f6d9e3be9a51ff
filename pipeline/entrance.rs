//! Where receivers hand requests in: admission, indexing, the run, and the outcome.
//!
//! Bodies over 1 MiB are indexed and run on a bounded compute lane, smaller ones on the thread that received them.
//! What was admitted runs to its end whether or not the client still listens. A request whose acknowledgement takes
//! longer than 4 s is answered with "try again"; its retry joins it if it still runs.
//!
//! All bodies being received share one budget: a quarter of the memory, at least 64 MiB and at most 1 GiB.

use crate::engine::accounted::Accounted;
use crate::engine::door::Door;
use crate::{Batch, ClientInfo, Outcome};
use bytes::Bytes;
use chaperone_proto::Signal;
use std::sync::Arc;
use std::time::Duration;

/// How a request is serialized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Protobuf.
    Protobuf,
    /// OTLP/JSON.
    Json,
}

/// One uncompressed request body.
#[derive(Debug, Clone)]
pub struct Payload {
    /// Its signal.
    pub signal: Signal,
    /// How it is serialized.
    pub encoding: Encoding,
    /// The body.
    pub body: Bytes,
    /// `http` or `grpc`: the label of the Collector's own metrics.
    pub transport: &'static str,
    /// Who sent it.
    pub client: Option<Arc<ClientInfo>>,
}

/// Why a request was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// 400 / INVALID_ARGUMENT.
    #[error("{message}")]
    Malformed {
        /// For the client.
        message: String,
    },
    /// No pipeline of this signal: 404 / UNIMPLEMENTED.
    #[error("no pipeline takes {signal}")]
    NotServed {
        /// The signal's name.
        signal: &'static str,
    },
    /// Over a budget: 429 or 503 / RESOURCE_EXHAUSTED or UNAVAILABLE.
    #[error("{message}")]
    Overloaded {
        /// For the client.
        message: String,
        /// When to try again.
        after: Option<Duration>,
    },
    /// 503 / UNAVAILABLE.
    #[error("{message}")]
    Retryable {
        /// For the client.
        message: String,
        /// When to try again.
        after: Option<Duration>,
    },
    /// 500 / INTERNAL: never again.
    #[error("{message}")]
    Permanent {
        /// For the client.
        message: String,
    },
}

/// A receiver's door into the graph. Cheap to clone.
#[derive(Clone)]
pub struct Entrance {
    // Shared by a receiver's connections.
    pub(crate) door: Arc<Door>,
}

impl Entrance {
    /// Signals for which a pipeline has this receiver.
    pub fn serves(&self, signal: Signal) -> bool {
        self.door.serves(signal)
    }
    /// Admits, indexes and runs one request; returns when it is acknowledged.
    ///
    /// A client that goes away while this waits cancels nothing that was admitted.
    pub async fn submit(&self, payload: Payload) -> Result<(), Refused> {
        self.door.submit(payload, None).await
    }
    /// The same for a body that was charged while it was received: the charge becomes the room reserved for it.
    pub async fn submit_charged(&self, payload: Payload, charge: Charge) -> Result<(), Refused> {
        self.door.submit(payload, Some(charge)).await
    }
    /// The same for data that are indexed already (`own_events`, tests).
    pub async fn submit_batch(&self, batch: Batch) -> Outcome {
        self.door.submit_batch(batch).await
    }
    /// Reserves room for a body being received; the charge ends when it is dropped. `None` when over the budget.
    pub fn charge(&self, bytes: usize) -> Option<Charge> {
        let mut charge = Charge { bytes: 0, limit: self.door.receive_limit, accounted: Arc::clone(&self.door.accounted) };
        charge.grow(bytes).then_some(charge)
    }
}

/// Bytes of a body being received, counted against the process-wide budget until dropped.
#[derive(Debug)]
pub struct Charge {
    bytes: usize,
    limit: usize,
    // Shared by all bodies and by whoever asks for accounted memory.
    accounted: Arc<Accounted>,
}

impl Charge {
    /// Adds bytes that arrived or were decompressed; false when over the budget.
    #[must_use]
    pub fn grow(&mut self, bytes: usize) -> bool {
        let grown = self.accounted.receiving.add_below(bytes, self.limit);
        if grown {
            self.bytes += bytes;
        }
        grown
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.accounted.receiving.sub(self.bytes);
    }
}
