//! Behaviours of made agents, as the OTLP requests their SDK would send: for `chaperone generate`, examples and tests.
//!
//! The agents speak the newest GenAI semantic conventions, with content, as an auto-instrumented framework does: spans of
//! agents, model calls and tool calls, exported when they end, in batches of five seconds.
//! Everything follows from the seed and the start; nothing here reads a clock.

mod agent;
mod loops;
mod normal;
mod otlp;
#[cfg(test)]
mod tests;

use agent::Recorder;
use bytes::Bytes;
use chaperone_proto::Signal;

/// One export request of a made agent.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its signal.
    pub signal: Signal,
    /// Serialized protobuf.
    pub body: Bytes,
    /// When the SDK would send it, nanoseconds since 1970: after the end of everything in it.
    pub time_unix_ns: u64,
}

/// Names of the behaviours.
pub const SCENARIOS: &[&str] = &["normal", "loop"];

/// The requests of a behaviour whose first span starts at `start_unix_ns`; `None` when there is no such behaviour.
///
/// Another seed gives other ids, durations and token counts, and the same story.
pub fn scenario(name: &str, start_unix_ns: u64, seed: u64) -> Option<Vec<Request>> {
    let tell: fn(&mut Recorder) = match name {
        "normal" => normal::tell,
        "loop" => loops::tell,
        _ => return None,
    };
    let mut recorder = Recorder::new(start_unix_ns, seed);
    tell(&mut recorder);
    Some(recorder.requests())
}

/// How long a behaviour takes from its first start to its last end, in nanoseconds; `None` when there is no such one.
pub fn duration_ns(name: &str, seed: u64) -> Option<u64> {
    Some(scenario(name, 0, seed)?.last().map_or(0, |request| request.time_unix_ns))
}
