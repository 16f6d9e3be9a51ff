//! Only for tests: captures, fake endpoints, the test ClickHouse, the conservation checker.

pub mod corpus;
