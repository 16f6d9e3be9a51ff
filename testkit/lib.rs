//! Only for tests: captures, fake endpoints, the test ClickHouse, the conservation checker.

pub mod clickhouse;
pub mod conservation;
pub mod collector;
pub mod corpus;
pub mod fake_http;
