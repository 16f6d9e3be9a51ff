//! The `otlp` receiver against the Collector's rules, numbered: a test a rule, over real sockets.
//!
//! `r3_2_04` is the fourth rule of section 3.2 (HTTP); 3.1 are the settings, 3.3 is gRPC, 3.4 the JSON mapping. The table of
//! `README.md` beside this file says what each rule is. Where the answer of a Collector is quoted, it was recorded from a
//! running 0.157. Where we depart on purpose the test shows what we do, and says so.

#![expect(clippy::unwrap_used, reason = "a test that panics says where")]

mod bench;
mod bodies;
mod contract_cors;
mod contract_encodings;
mod contract_grpc;
mod contract_http;
mod contract_json;
mod contract_outcomes;
mod contract_settings;
mod contract_sockets;
mod grpc;
mod hostile;
mod parts;
mod table;
mod wire;
