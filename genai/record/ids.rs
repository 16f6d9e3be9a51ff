//! Identity of records and runs (contracts, section 1).
//!
//! The record id is a 128-bit unkeyed digest: of signal, trace and span id for a span, of what identifies the event for a log.
//! A log's id is made once, by the normaliser, from the record as received, and travels as `chaperone.record.id`.

use crate::keys;
use chaperone_proto::RecordRef;
use std::borrow::Cow;

/// The record's id in 32 hex digits: the attribute, else computed from trace and span id (spans).
///
/// A log record without the attribute was not normalised; its id is computed from trace id, span id and event name.
pub fn id(record: RecordRef<'_>) -> Cow<'_, str> {
    if let Some(id) = record.attrs().str(keys::CHAPERONE_RECORD_ID) {
        return Cow::Borrowed(id);
    }
    let name = record.as_log().map_or("", chaperone_proto::LogRef::event_name);
    Cow::Owned(hex(&record_digest(record.signal().name(), record.trace_id(), record.span_id(), name, &[])))
}

/// The id of the span with these ids.
pub fn id_of_span(trace_id: Option<[u8; 16]>, span_id: Option<[u8; 8]>) -> String {
    hex(&record_digest("traces", trace_id, span_id, "", &[]))
}

/// Digest of what identifies a record. `rest`: request id, call id or response id, else the record's own bytes.
pub fn record_digest(signal: &str, trace: Option<[u8; 16]>, span: Option<[u8; 8]>, event: &str, rest: &[u8]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    for part in [signal.as_bytes(), &trace.unwrap_or_default(), &span.unwrap_or_default(), event.as_bytes(), rest] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let mut digest = [0; 16];
    hasher.finalize_xof().fill(&mut digest);
    digest
}

/// The run the record belongs to: `chaperone.run.id`, else the trace id in hex, else empty.
pub fn run_id(record: RecordRef<'_>) -> Cow<'_, str> {
    if let Some(id) = record.attrs().str(keys::CHAPERONE_RUN_ID) {
        return Cow::Borrowed(id);
    }
    record.trace_id().map_or(Cow::Borrowed(""), |trace| Cow::Owned(hex(&trace)))
}

/// Lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for chunk in bytes.chunks(ID) {
        let mut digits = [0; 2 * ID];
        for (pair, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(chunk) {
            *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
        }
        let digits = digits.get(..2 * chunk.len()).unwrap_or_default();
        text.push_str(str::from_utf8(digits).expect("invariant: digits are ASCII"));
    }
    text
}

/// Most of what is written so is as long as an id of a trace.
const ID: usize = 16;
const DIGITS: &[u8; 16] = b"0123456789abcdef";
