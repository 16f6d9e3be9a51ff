//! The kinds of columns that agent tables have, and one value of a row.
//!
//! A kind fixes three things at once: the Rust type of a row's field, the column type in ClickHouse, and how SQLite keeps it.
//! So the two exporters cannot disagree about a row, and adding a column is one line in the row's list.

use std::borrow::Cow;

/// One column of an agent table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Name in ClickHouse.
    pub clickhouse: &'static str,
    /// Name in SQLite and of the row's field.
    pub sqlite: &'static str,
    /// Type in ClickHouse, as `DESCRIBE TABLE` prints it.
    pub clickhouse_type: &'static str,
    /// Type in SQLite.
    pub sqlite_type: &'static str,
    /// How the bytes of a block are laid out.
    pub layout: Layout,
}

/// Byte layouts of columns in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Texts one after the other.
    Text,
    /// Texts by dictionary.
    LowText,
    /// Numbers of this many bytes.
    Number(u8),
    /// 16 bytes.
    Id,
    /// Arrays of texts by dictionary.
    LowTexts,
    /// Maps from text to unsigned 64-bit number.
    Counts,
}

/// One value of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'r> {
    /// Text.
    Text(&'r str),
    /// A whole number that is never negative.
    Uint(u64),
    /// Yes or no.
    Bool(bool),
    /// Nanoseconds since 1970.
    Time(u64),
    /// Money in millionths of millionths.
    Money(i64),
    /// A measure.
    Float(f64),
    /// 16 bytes; all zero = none.
    Id([u8; 16]),
    /// A word of a closed list and its number there.
    Word(&'static str, i8),
    /// Texts.
    Texts(&'r [Cow<'r, str>]),
    /// Named counts.
    Counts(&'r [(Cow<'r, str>, u64)]),
    /// Anything else, as JSON text.
    Json(&'r str),
}

/// A kind of column; `'a` is the request that the row was read from.
pub trait Kind<'a> {
    /// The field's type.
    type Value;
    /// Type in ClickHouse.
    const CLICKHOUSE: &'static str;
    /// Type in SQLite.
    const SQLITE: &'static str;
    /// Layout in a block.
    const LAYOUT: Layout;
    /// The field as a cell.
    fn cell<'r>(value: &'r Self::Value) -> Cell<'r>
    where
        'a: 'r;
}

macro_rules! kind {
    ($(#[$doc:meta])* $name:ident, $value:ty, $clickhouse:literal, $sqlite:literal, $layout:expr, |$v:ident| $cell:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $name {}
        impl<'a> Kind<'a> for $name {
            type Value = $value;
            const CLICKHOUSE: &'static str = $clickhouse;
            const SQLITE: &'static str = $sqlite;
            const LAYOUT: Layout = $layout;
            fn cell<'r>($v: &'r $value) -> Cell<'r>
            where
                'a: 'r,
            {
                $cell
            }
        }
    };
}

/// The kinds.
pub mod kind {
    use super::{Cell, Cow, Kind, Layout};

    kind!(/** Text of many values. */ Text, Cow<'a, str>, "String", "TEXT", Layout::Text, |v| Cell::Text(v));
    kind!(/** Text of few values. */ LowText, Cow<'a, str>, "LowCardinality(String)", "TEXT", Layout::LowText, |v| Cell::Text(v));
    kind!(/** JSON text. */ Json, String, "String", "TEXT", Layout::Text, |v| Cell::Json(v));
    kind!(/** Whole number. */ U64, u64, "UInt64", "INTEGER", Layout::Number(8), |v| Cell::Uint(*v));
    kind!(/** Whole number. */ U32, u32, "UInt32", "INTEGER", Layout::Number(4), |v| Cell::Uint(u64::from(*v)));
    kind!(/** Whole number. */ U16, u16, "UInt16", "INTEGER", Layout::Number(2), |v| Cell::Uint(u64::from(*v)));
    kind!(/** Whole number. */ U8, u8, "UInt8", "INTEGER", Layout::Number(1), |v| Cell::Uint(u64::from(*v)));
    kind!(/** Yes or no. */ Bool, bool, "Bool", "INTEGER", Layout::Number(1), |v| Cell::Bool(*v));
    kind!(/** Nanoseconds since 1970. */ Time, u64, "DateTime64(9)", "INTEGER", Layout::Number(8), |v| Cell::Time(*v));
    kind!(/** USD in millionths of millionths. */ Money, i64, "Decimal(18, 12)", "REAL", Layout::Number(8), |v| Cell::Money(*v));
    kind!(/** Measure. */ F32, f32, "Float32", "REAL", Layout::Number(4), |v| Cell::Float(f64::from(*v)));
    kind!(/** Measure. */ F64, f64, "Float64", "REAL", Layout::Number(8), |v| Cell::Float(*v));
    kind!(/** 16 bytes of a digest. */ Id, [u8; 16], "FixedString(16)", "TEXT", Layout::Id, |v| Cell::Id(*v));
    kind!(
        /** Texts of few values. */
        LowTexts, Vec<Cow<'a, str>>, "Array(LowCardinality(String))", "TEXT", Layout::LowTexts, |v| Cell::Texts(v)
    );
    kind!(
        /** Named counts. */
        Counts, Vec<(Cow<'a, str>, u64)>, "Map(LowCardinality(String), UInt64)", "TEXT", Layout::Counts, |v| Cell::Counts(v)
    );
}

/// Declares a closed list of words: an `Enum8` in ClickHouse, a text in SQLite.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident $clickhouse:literal { $($variant:ident = $number:literal $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $(#[doc = $text] $variant),*
        }
        impl $name {
            /// The word, if it is in the list.
            pub fn parse(text: &str) -> Option<$name> {
                match text {
                    $($text => Some($name::$variant),)*
                    _ => None,
                }
            }
            /// The word.
            pub fn text(self) -> &'static str {
                match self {
                    $($name::$variant => $text),*
                }
            }
        }
        impl<'a> $crate::cell::Kind<'a> for $name {
            type Value = $name;
            const CLICKHOUSE: &'static str = $clickhouse;
            const SQLITE: &'static str = "TEXT";
            const LAYOUT: $crate::cell::Layout = $crate::cell::Layout::Number(1);
            fn cell<'r>(value: &'r $name) -> $crate::cell::Cell<'r>
            where
                'a: 'r,
            {
                match value {
                    $($name::$variant => $crate::cell::Cell::Word($text, $number)),*
                }
            }
        }
    };
}
pub(crate) use words;

/// What the two stores need to know of a row.
pub trait Row {
    /// Table in ClickHouse.
    const CLICKHOUSE_TABLE: &'static str;
    /// Table in SQLite.
    const SQLITE_TABLE: &'static str;
    /// Its columns, in the order of `cells`.
    const COLUMNS: &'static [Column];
    /// Its values, in the order of `COLUMNS`.
    fn cells(&self) -> Vec<Cell<'_>>;
    /// When it happened, nanoseconds since 1970: what ClickHouse partitions by.
    fn time_ns(&self) -> u64;
}

/// Declares a row: kind, field and SQLite column, ClickHouse column. The field named after `by` is the row's time.
macro_rules! row {
    (
        $(#[$doc:meta])*
        $name:ident in $clickhouse:literal, $sqlite:literal by $time:ident {
            $($kind:ident $field:ident $column:literal),* $(,)?
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name<'a> {
            $(#[doc = $column] pub $field: <$kind as $crate::cell::Kind<'a>>::Value),*
        }
        impl $crate::cell::Row for $name<'_> {
            const CLICKHOUSE_TABLE: &'static str = $clickhouse;
            const SQLITE_TABLE: &'static str = $sqlite;
            const COLUMNS: &'static [$crate::cell::Column] = &[$($crate::cell::Column {
                clickhouse: $column,
                sqlite: stringify!($field),
                clickhouse_type: <$kind as $crate::cell::Kind<'static>>::CLICKHOUSE,
                sqlite_type: <$kind as $crate::cell::Kind<'static>>::SQLITE,
                layout: <$kind as $crate::cell::Kind<'static>>::LAYOUT,
            }),*];
            fn cells(&self) -> Vec<$crate::cell::Cell<'_>> {
                vec![$(<$kind as $crate::cell::Kind<'_>>::cell(&self.$field)),*]
            }
            fn time_ns(&self) -> u64 {
                self.$time
            }
        }
    };
}
pub(crate) use row;
