//! Why a request cannot be decoded, and the limits that protect the decoder.

/// A structural fault: the request is refused with 400 / INVALID_ARGUMENT.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The protobuf is cut short or a length leads out of its message.
    #[error("truncated message at byte {offset}")]
    Truncated { offset: usize },
    /// An overlong or zero tag, or a varint of more than ten bytes.
    #[error("invalid tag or varint at byte {offset}")]
    InvalidTag { offset: usize },
    /// A group, or a field with another wire type than OTLP gives it.
    #[error("wrong wire type for `{field}` at byte {offset}")]
    WireType { field: &'static str, offset: usize },
    /// A trace id that is not 0 or 16 bytes, a span id that is not 0 or 8.
    #[error("`{field}` has {len} bytes, expected {expected}")]
    IdLength { field: &'static str, len: usize, expected: usize },
    /// Values nested deeper than `Limits::max_depth`.
    #[error("values nested deeper than {limit}")]
    TooDeep { limit: usize },
    /// More records, attributes or bytes than a limit allows.
    #[error("more than {limit} {what}")]
    TooMany { what: &'static str, limit: usize },
    /// OTLP/JSON that is not JSON, or has a wrong type at a path.
    #[error("invalid OTLP/JSON at line {line} column {column}: {message}")]
    Json { line: usize, column: usize, message: String },
}

/// What a request may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Nesting of arrays and maps in one value.
    pub max_depth: usize,
    /// Spans, log records or data points in one request.
    pub max_records: usize,
    /// Attributes in one request, all levels together.
    pub max_attributes: usize,
    /// How many times its own bytes a request may take in memory, beyond the first MiB.
    ///
    /// What senders write takes once to three times; many empty messages would take fifty times.
    pub max_growth: usize,
}

impl Limits {
    /// For requests of strangers.
    pub const DEFAULT: Limits = Limits { max_depth: 64, max_records: 1_000_000, max_attributes: 16_000_000, max_growth: 12 };

    /// For what was decoded before: it was judged then.
    pub const NONE: Limits =
        Limits { max_depth: 1000, max_records: usize::MAX, max_attributes: usize::MAX, max_growth: usize::MAX };

    /// Bytes that the entries of a request of this length may take. Lists that grow may reserve twice as much.
    pub(crate) fn most_memory(&self, body: usize) -> usize {
        body.saturating_mul(self.max_growth).saturating_add(1 << 20)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits::DEFAULT
    }
}
