//! Makes agent telemetry: behaviours of agents for `chaperone generate`, examples and tests.

pub mod behaviours;
pub mod payloads;
