//! The `clickhouse` exporter against a real ClickHouse 26.7: what it writes, and that it writes it once.
//!
//! The engine is fetched by `cargo xtask test`.

#![expect(clippy::unwrap_used, reason = "a test that panics says where")]

mod agent_rows;
mod calls;
mod contrib_rows;
mod corpus_rows;
mod delivery;
mod every_capture;
mod json;
mod oracle;
mod pipeline;
mod support;
