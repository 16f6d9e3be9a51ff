//! Payloads for benchmarks: two sizes of span, seeded, so that instruction counts compare from commit to commit.
//!
//! *Lean*: 512 spans of about 552 bytes with 12 attributes. *Chat*: 100 spans of about 6.9 KB with 20
//! attributes, messages as JSON text among them. *Huge*: 20 spans of about 107 KB, the same with long messages. In all: 3 resources, 5 % of keys unknown to the process,
//! 5 % of spans with an event, 2 % with a link, 10 % of texts not ASCII.

mod agents;
mod chat;
mod draw;
mod huge;
mod lean;
mod request;

pub use agents::Form;
pub use request::unknown_keys;

/// A serialized `ExportTraceServiceRequest` of 512 small spans.
pub fn lean(seed: u64) -> Vec<u8> {
    request::request(seed, 512, lean::span)
}

/// A serialized `ExportTraceServiceRequest` of 100 spans with messages.
pub fn chat(seed: u64) -> Vec<u8> {
    request::request(seed, 100, chat::span)
}

/// As [`lean`], with another number of spans.
pub fn lean_of(seed: u64, count: usize) -> Vec<u8> {
    request::request(seed, count, lean::span)
}

/// A serialized `ExportTraceServiceRequest` of 20 spans with long messages.
pub fn huge(seed: u64) -> Vec<u8> {
    request::request(seed, 20, huge::span)
}

#[cfg(test)]
mod tests;
