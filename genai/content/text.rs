//! Rules for text that stands outside attributes: span names, status messages, bodies of logs.

pub(super) use super::recognise::has_long_number;

/// Longest text of an unknown key that passes.
pub(super) const MAX_UNKNOWN: usize = 128;

/// Whether a text is such a note.
pub(super) fn is_note(text: &str) -> bool {
    text.starts_with("[removed ") && text.ends_with(" bytes]")
}

/// What stands where a text was.
pub(super) fn removed(bytes: usize) -> String {
    format!("[removed {bytes} bytes]")
}

/// A sentence rather than a name: a question, several lines, or more words than a name has.
pub(super) fn is_prose(text: &str) -> bool {
    const MOST_WORDS: usize = 5;
    text.contains(['?', '\n']) || text.split_whitespace().count() > MOST_WORDS
}

/// Whether a log's body is a name (of an event) rather than something that was said.
pub(super) fn is_identifier(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'/' | b'-'))
}

/// An address without its query.
pub(super) fn without_query(address: &str) -> Option<String> {
    let (path, _) = address.split_once('?')?;
    Some(format!("{path}?[removed]"))
}
