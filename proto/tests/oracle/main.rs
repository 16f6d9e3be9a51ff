//! The index against `opentelemetry-proto`: whatever is read, edited, split or written must equal the same done on structs.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod corpus;
mod edits;
mod hostile;
mod json;
mod json_rules;
mod memory;
mod metric_strategies;
mod ops;
mod read;
mod select;
mod shown;
mod split;
mod strategies;
mod values;

use chaperone_proto::keys;
use ops::KEYS;

/// Runs before anything is decoded.
pub fn install() {
    keys::install(&KEYS);
}

/// The chunks of an encoded request as one body.
pub fn join(chunks: Vec<bytes::Bytes>) -> Vec<u8> {
    chunks.concat()
}
