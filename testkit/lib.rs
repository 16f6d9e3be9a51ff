//! Only for tests: captures, fake endpoints, the test ClickHouse, the conservation checker.

#![allow(clippy::disallowed_methods, reason = "tests wait for other processes by the machine's clock")]

pub mod certificates;
pub mod clickhouse;
pub mod collector;
pub mod conservation;
pub mod corpus;
pub mod fake_http;
pub mod scrape;
