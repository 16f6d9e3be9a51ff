//! Tables of agent data: schema, migrations and row builders, shared by the SQLite and ClickHouse exporters.
//!
//! A row is a pure function of the bytes of one batch. Which rows there are and what their columns hold is said once, here;
//! the exporters only carry them to their database.
//! Left out: connections, settings, and anything that needs a clock or a price table.

pub mod cell;
pub mod clickhouse;
pub mod rows;
pub mod sqlite;
pub mod text;

pub use cell::{Cell, Column, Layout, Row};
pub use rows::Rows;
