//! What must hold for any input: one function a fuzz target, so that a finding can be replayed without libFuzzer.
//!
//! `cargo xtask fuzz` builds and runs the targets; each is a single call into this crate.
//! The edits, and the same edits on the oracle's structs, are those of the property tests.

pub mod compressed;
pub mod configuration;
pub mod json;
pub mod metrics;
#[path = "../../proto/tests/oracle/ops.rs"]
pub mod ops;
mod plan;
pub mod records;
#[path = "../../proto/tests/oracle/values.rs"]
pub mod values;
