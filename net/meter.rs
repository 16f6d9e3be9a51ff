//! Charging a body to a budget while it is received, and what can go wrong meanwhile.

use chaperone_pipeline::entrance::Charge;

/// Something that counts the bytes of one body against a budget for as long as it lives.
pub trait Meter: Send {
    /// Counts more bytes; false when the budget does not have them. Nothing is ever waited for.
    #[must_use]
    fn grow(&mut self, bytes: usize) -> bool;
}

impl Meter for Charge {
    fn grow(&mut self, bytes: usize) -> bool {
        Charge::grow(self, bytes)
    }
}

/// For bodies that no budget covers: what a client reads back, which is capped instead.
impl Meter for () {
    fn grow(&mut self, _bytes: usize) -> bool {
        true
    }
}

/// Why a body was not received.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// Larger than one message may be, before or after decompression. Sending it again will not help.
    #[error("message larger than {limit} bytes")]
    TooLarge { limit: usize },
    /// The budget of bytes being received is used up. Later it will fit.
    #[error("too many bytes being received, try again later")]
    OverBudget,
    /// The sender stopped sending.
    #[error("the request body stopped arriving")]
    TooSlow,
    /// The compressed data are not what their encoding says.
    #[error("{message}")]
    Corrupt { encoding: &'static str, message: String },
    /// The connection broke.
    #[error("the connection ended before the body was complete")]
    Disconnected(#[source] crate::BoxError),
}
