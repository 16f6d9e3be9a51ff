//! From the chunks of a delivery to blocks: each of one table and one partition, bounded in rows and bytes.
//!
//! The same chunks give the same blocks in the same order, byte for byte: a repeated delivery must meet the tokens of the
//! first one with the same rows. So nothing here looks at a clock, a setting, or what the server said, but for the columns
//! that its tables have.

use super::native::CellColumns;
use super::spans::SpanColumns;
use super::tables::{Table, Tables};
use bytes::Bytes;
use chaperone_pipeline::Chunk;
use chaperone_proto::Data;
use chaperone_store::{Row, Rows};
use std::collections::BTreeMap;

/// Limits of one INSERT: ClickHouse takes such a block whole, without cutting it.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub rows: usize,
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { rows: 100_000, bytes: 64 << 20 }
    }
}

/// One INSERT to be.
#[derive(Debug)]
pub struct Prepared {
    /// Where it goes.
    pub table: Table,
    /// Days since 1970: the partition.
    pub day: u64,
    /// Number among the blocks of this table and partition.
    pub number: u32,
    /// Columns of the block.
    pub columns: Vec<&'static str>,
    /// Rows of the block.
    pub rows: usize,
    /// The block.
    pub bytes: Bytes,
}

/// Blocks of a delivery, and what could not be read.
#[derive(Debug, Default)]
pub struct Delivery {
    pub blocks: Vec<Prepared>,
    pub rejected: usize,
    pub message: Option<String>,
}

/// Partition of a time: its day. The tables are partitioned by `toDate`, in the server's zone, which is UTC unless it says
/// otherwise at start.
fn day(time_ns: u64) -> u64 {
    time_ns / 86_400_000_000_000
}

/// Decodes the chunks and fills blocks.
pub fn prepare(chunks: &[Chunk], tables: &Tables, limits: Limits) -> Delivery {
    let mut delivery = Delivery::default();
    let mut requests = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        match chunk.decode() {
            Ok(data) => requests.push(data),
            Err(error) => {
                delivery.rejected += chunk.items;
                delivery.message = Some(error.to_string());
            }
        }
    }
    spans(&requests, tables, limits, &mut delivery.blocks);
    let mut rows = Rows::default();
    requests.iter().for_each(|data| rows.add(data));
    typed(&rows.llm_calls, Table::LlmCalls, tables, limits, &mut delivery.blocks);
    delivery
}

/// A partition that is being filled.
struct Partition<C> {
    columns: C,
    number: u32,
}

fn spans(requests: &[Data], tables: &Tables, limits: Limits, blocks: &mut Vec<Prepared>) {
    let mut partitions: BTreeMap<u64, Partition<SpanColumns>> = BTreeMap::new();
    let mut scratch = Vec::new();
    let has = |column: &str| tables.has(Table::Traces, column);
    for (number, data) in requests.iter().enumerate() {
        let Data::Traces(traces) = data else { continue };
        for span in traces.spans() {
            let day = day(span.start_ns());
            let open = partitions.entry(day).or_insert_with(|| Partition { columns: SpanColumns::default(), number: 0 });
            open.columns.push(number, span, &mut scratch);
            if open.columns.rows() >= limits.rows || open.columns.bytes() >= limits.bytes {
                let full = std::mem::take(&mut open.columns);
                blocks.push(prepared(Table::Traces, day, open.number, full.rows(), full.block(has)));
                open.number += 1;
            }
        }
    }
    for (day, open) in partitions {
        if open.columns.rows() > 0 {
            blocks.push(prepared(Table::Traces, day, open.number, open.columns.rows(), open.columns.block(has)));
        }
    }
}

fn typed<R: Row>(rows: &[R], table: Table, tables: &Tables, limits: Limits, blocks: &mut Vec<Prepared>) {
    let mut partitions: BTreeMap<u64, Partition<CellColumns>> = BTreeMap::new();
    let has = |column: &str| tables.has(table, column);
    for row in rows {
        let day = day(row.time_ns());
        let open = partitions.entry(day).or_insert_with(|| Partition { columns: CellColumns::of::<R>(), number: 0 });
        open.columns.push(row);
        if open.columns.rows() >= limits.rows || open.columns.bytes() >= limits.bytes {
            let full = std::mem::replace(&mut open.columns, CellColumns::of::<R>());
            blocks.push(prepared(table, day, open.number, full.rows(), full.block(has)));
            open.number += 1;
        }
    }
    for (day, open) in partitions {
        if open.columns.rows() > 0 {
            blocks.push(prepared(table, day, open.number, open.columns.rows(), open.columns.block(has)));
        }
    }
}

fn prepared(table: Table, day: u64, number: u32, rows: usize, block: super::native::Block) -> Prepared {
    Prepared { table, day, number, columns: block.names().to_vec(), rows, bytes: block.finish() }
}
