//! Which record this is, the same when it is sent again.

use crate::keys;
use chaperone_proto::RecordRef;

/// Identity of a span (trace and span id) or of a log record (its record id).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Identity {
    /// A span.
    Span {
        /// Trace id.
        trace: [u8; 16],
        /// Span id.
        span: [u8; 8],
    },
    /// A log record.
    Log([u8; 16]),
}

impl Identity {
    /// The identity of a record. `None` for a span without ids and for a log that was not normalised: those are always new.
    pub fn of(record: RecordRef<'_>) -> Option<Identity> {
        match record {
            RecordRef::Span(span) => Some(Identity::Span { trace: span.trace_id()?, span: span.span_id()? }),
            RecordRef::Log(log) => parse_hex(log.attrs().str(keys::CHAPERONE_RECORD_ID)?).map(Identity::Log),
        }
    }

    /// As `chaperone.usage.duplicate_of` names it: a span id in 16 hex digits, or a record id in 32.
    pub fn text(&self) -> String {
        match self {
            Identity::Span { span, .. } => crate::record::hex(span),
            Identity::Log(id) => crate::record::hex(id),
        }
    }
}

fn parse_hex(text: &str) -> Option<[u8; 16]> {
    if text.len() != 32 {
        return None;
    }
    u128::from_str_radix(text, 16).ok().map(u128::to_be_bytes)
}
