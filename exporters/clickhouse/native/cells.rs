//! Columns of an agent table, filled from the cells of its rows.

use super::Block;
use super::column::{ArrayColumn, Column, MapColumn, Numbers, Texts};
use super::low::LowTexts;
use chaperone_store::{Cell, Layout, Row, cell};

/// The columns of one row type.
#[derive(Debug)]
pub struct CellColumns {
    columns: Vec<(&'static cell::Column, Filled)>,
    rows: usize,
}

#[derive(Debug)]
enum Filled {
    Text(Texts),
    Low(LowTexts),
    Fixed(Numbers, usize),
    Lows(ArrayColumn<LowTexts>),
    Counts(MapColumn<Numbers>),
}

impl Filled {
    fn new(layout: Layout) -> Filled {
        match layout {
            Layout::Text => Filled::Text(Texts::default()),
            Layout::LowText => Filled::Low(LowTexts::default()),
            Layout::Number(width) => Filled::Fixed(Numbers::default(), usize::from(width)),
            Layout::Id => Filled::Fixed(Numbers::default(), 16),
            Layout::LowTexts => Filled::Lows(ArrayColumn::default()),
            Layout::Counts => Filled::Counts(MapColumn::default()),
        }
    }

    fn push(&mut self, cell: Cell<'_>) {
        match (self, cell) {
            (Filled::Text(column), Cell::Text(text) | Cell::Json(text)) => column.push(text.as_bytes()),
            (Filled::Low(column), Cell::Text(text)) => column.push(text.as_bytes()),
            (Filled::Fixed(column, width), cell) => column.push(&fixed(cell)[..*width]),
            (Filled::Lows(column), Cell::Texts(texts)) => {
                texts.iter().for_each(|text| column.elements.push(text.as_bytes()));
                column.end_row(texts.len());
            }
            (Filled::Counts(column), Cell::Counts(counts)) => {
                for (name, count) in counts {
                    column.keys.push(name.as_bytes());
                    column.values.push(&count.to_le_bytes());
                }
                column.end_row(counts.len());
            }
            (filled, cell) => unreachable!("invariant: a kind's cells fit its layout, not {cell:?} in {filled:?}"),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Filled::Text(column) => column.bytes(),
            Filled::Low(column) => column.bytes(),
            Filled::Fixed(column, _) => column.bytes(),
            Filled::Lows(column) => column.elements.bytes(),
            Filled::Counts(column) => column.keys.bytes() + column.values.bytes(),
        }
    }
}

/// A value of fixed length, the lowest byte first, in a buffer that is long enough for the longest.
fn fixed(cell: Cell<'_>) -> [u8; 16] {
    let number = match cell {
        Cell::Id(id) => return id,
        Cell::Uint(number) | Cell::Time(number) => number,
        Cell::Bool(yes) => u64::from(yes),
        Cell::Money(amount) => amount as u64,
        Cell::Word(_, number) => number as u64,
        Cell::Float(number) => number.to_bits(),
        other => unreachable!("invariant: {other:?} has no fixed length"),
    };
    u128::from(number).to_le_bytes()
}

impl CellColumns {
    /// Empty columns of a row type.
    pub fn of<R: Row>() -> CellColumns {
        CellColumns { columns: R::COLUMNS.iter().map(|column| (column, Filled::new(column.layout))).collect(), rows: 0 }
    }

    /// Adds a row of that type.
    pub fn push<R: Row>(&mut self, row: &R) {
        for ((column, filled), cell) in self.columns.iter_mut().zip(row.cells()) {
            // A four-byte float is the one number whose shorter form is not its lower bytes.
            match (column.clickhouse_type, cell) {
                ("Float32", Cell::Float(number)) => filled.push(Cell::Uint(u64::from((number as f32).to_bits()))),
                _ => filled.push(cell),
            }
        }
        self.rows += 1;
    }

    /// Rows so far.
    pub fn rows(&self) -> usize {
        self.rows
    }
    /// Bytes so far, about.
    pub fn bytes(&self) -> usize {
        self.columns.iter().map(|(_, filled)| filled.bytes()).sum()
    }

    /// A block of the columns that the table has.
    pub fn block(&self, has: impl Fn(&str) -> bool) -> Block {
        let mut block = Block::new(self.rows, self.bytes());
        for (column, filled) in &self.columns {
            if has(column.clickhouse) {
                block.column(column.clickhouse, column.clickhouse_type, filled);
            }
        }
        block
    }
}

impl Column for Filled {
    fn write_prefix(&self, out: &mut Vec<u8>) {
        match self {
            Filled::Text(_) | Filled::Fixed(..) => {}
            Filled::Low(column) => column.write_prefix(out),
            Filled::Lows(column) => column.write_prefix(out),
            Filled::Counts(column) => column.write_prefix(out),
        }
    }
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Filled::Text(column) => column.write(out),
            Filled::Low(column) => column.write(out),
            Filled::Fixed(column, _) => column.write(out),
            Filled::Lows(column) => column.write(out),
            Filled::Counts(column) => column.write(out),
        }
    }
}
