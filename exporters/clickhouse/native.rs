//! Columns and blocks in ClickHouse's `Native` format.
//!
//! A block is a header, then column after column: name, type, and the values in the layout of that type.
//! Columns are filled row by row and written once; texts that repeat go by dictionary, as the server stores them.
//! The surprise: types that hold a dictionary write its version before anything else of the column, offsets included.

mod cells;
mod column;
mod low;

pub use cells::CellColumns;
pub use column::{ArrayColumn, Column, MapColumn, Mark, Numbers, Texts};
pub use low::LowTexts;

use bytes::Bytes;

/// A block under construction.
#[derive(Debug)]
pub struct Block {
    names: Vec<&'static str>,
    rows: usize,
    body: Vec<u8>,
}

impl Block {
    /// A block of so many rows, with room for so many bytes.
    pub fn new(rows: usize, bytes: usize) -> Block {
        let mut body = Vec::with_capacity(HEADER + bytes);
        body.resize(HEADER, 0);
        Block { names: Vec::new(), rows, body }
    }

    /// Adds a column. Its name and type are as in the table; the server converts where its own type differs.
    pub fn column(&mut self, name: &'static str, type_name: &str, column: &impl Column) {
        self.names.push(name);
        write_text(name.as_bytes(), &mut self.body);
        write_text(type_name.as_bytes(), &mut self.body);
        column.write_prefix(&mut self.body);
        column.write(&mut self.body);
    }

    /// Names of its columns, in order.
    pub fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// The bytes. Nothing is moved: the header goes into the room kept for it, right before the first column.
    pub fn finish(mut self) -> Bytes {
        let mut header = Vec::with_capacity(HEADER);
        write_size(self.names.len(), &mut header);
        write_size(self.rows, &mut header);
        let start = HEADER - header.len();
        self.body[start..HEADER].copy_from_slice(&header);
        Bytes::from(self.body).slice(start..)
    }
}

/// Room for the number of columns and of rows, each a size of at most ten bytes.
const HEADER: usize = 20;

/// A size in seven-bit groups, the lowest first.
fn write_size(mut size: usize, out: &mut Vec<u8>) {
    while size >= 0x80 {
        out.push(size as u8 | 0x80);
        size >>= 7;
    }
    out.push(size as u8);
}

fn write_text(text: &[u8], out: &mut Vec<u8>) {
    write_size(text.len(), out);
    out.extend_from_slice(text);
}
