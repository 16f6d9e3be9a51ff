//! Rules for text that stands outside attributes: span names, status messages, bodies of logs.

use super::recognise::{Recognizers, has_long_number};
use chaperone_proto::ValueRef;

/// Longest text of an unknown key that passes.
pub(super) const MAX_UNKNOWN: usize = 128;

/// What stands where a text was.
pub(super) fn removed(bytes: usize) -> String {
    format!("[removed {bytes} bytes]")
}

/// Whether a text nobody knows may pass.
pub(super) fn passes(text: &str) -> bool {
    text.len() <= MAX_UNKNOWN && !has_long_number(text) && !Recognizers::all().fires(text)
}

/// Whether a value nobody knows may pass: numbers and booleans do, text and what holds text by [`passes`].
pub(super) fn value_passes(value: ValueRef<'_>) -> bool {
    match value {
        ValueRef::Empty | ValueRef::Int(_) | ValueRef::Double(_) | ValueRef::Bool(_) => true,
        ValueRef::Bytes(_) => false,
        ValueRef::Str(text) => passes(text),
        ValueRef::Array(_) | ValueRef::Map(_) => super::digest::with_text(value, passes),
    }
}

/// Whether a span's name may pass. Some emitters put the prompt there: prose does not.
pub(super) fn name_passes(name: &str) -> bool {
    passes(name) && !is_prose(name)
}

/// A sentence rather than a name: a question, several lines, or more words than a name has.
fn is_prose(text: &str) -> bool {
    const MOST_WORDS: usize = 5;
    text.contains(['?', '\n']) || text.split_whitespace().count() > MOST_WORDS
}

/// Whether a log's body is a name (of an event) rather than something that was said.
pub(super) fn is_identifier(text: &str) -> bool {
    passes(text) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'/' | b'-'))
}

/// An address without its query.
pub(super) fn without_query(address: &str) -> Option<String> {
    let (path, _) = address.split_once('?')?;
    Some(format!("{path}?[removed]"))
}
