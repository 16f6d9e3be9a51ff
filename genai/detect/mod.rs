//! Detectors: what goes wrong in the behaviour of an agent, found while its telemetry streams by.
//!
//! A detector reads [`Step`]s of one session in order and gives [`Finding`]s with the evidence for each.
//! Everything is bounded: a session's state has a fixed size, and who holds sessions evicts and counts.
//! No clock is read: time is event time, and the caller says when nothing newer came for long.
//! The surprise: steps arrive out of order, so [`Reorder`] sits in front of every detector that reads a sequence.

pub mod error_template;
pub mod finding;
pub mod loops;
pub mod observe;
pub mod reorder;
pub mod session;
pub mod snippet;
pub mod step;

pub use finding::{Finding, Severity};
pub use loops::{LoopDetector, LoopSettings};
pub use observe::{Observed, observe, session_of_trace};
pub use reorder::{Reorder, Taken};
pub use session::Session;
pub use step::{Body, Digest, SessionKey, Source, Step, ToolCall};
