//! Keyed digests: pseudonyms of identities, and the fingerprint of removed content.

use crate::record::hex;
use crate::steps::Digester;
use chaperone_proto::ValueRef;

/// A pseudonym: 128 bits of a keyed digest in hex. Equal for equal texts under one key, and nothing without the key.
pub fn pseudonym(hash_key: &[u8; 32], text: &str) -> String {
    shorten(&blake3::keyed_hash(hash_key, text.as_bytes()))
}

fn shorten(hash: &blake3::Hash) -> String {
    hex(hash.as_bytes().get(..16).unwrap_or_default())
}

/// Collects removed content of one record: its size, and one digest that does not depend on the order of attributes.
#[derive(Debug)]
pub(super) struct Fingerprint {
    digester: Digester,
    parts: Vec<String>,
    pub(super) bytes: usize,
}

impl Fingerprint {
    pub(super) fn new(hash_key: &[u8; 32]) -> Fingerprint {
        Fingerprint { digester: Digester::new(*hash_key), parts: Vec::new(), bytes: 0 }
    }
    pub(super) fn add(&mut self, name: &str, value: ValueRef<'_>) {
        let (part, bytes) = with_text(value, |text| (self.digester.texts(&[name, text]), text.len()));
        self.bytes += bytes;
        self.parts.push(part);
    }
    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }
    pub(super) fn digest(&mut self) -> String {
        self.parts.sort_unstable();
        let parts: Vec<&str> = self.parts.iter().map(String::as_str).collect();
        self.digester.texts(&parts)
    }
}

/// Calls `f` with the text of a value: text as it is, anything else as JSON.
pub(super) fn with_text<T>(value: ValueRef<'_>, f: impl FnOnce(&str) -> T) -> T {
    if let ValueRef::Str(text) = value {
        return f(text);
    }
    let mut json = String::new();
    value.write_json(&mut json);
    f(&json)
}
