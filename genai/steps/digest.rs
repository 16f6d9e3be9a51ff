//! Keyed digests and sizes of tool arguments, tool results and messages.
//!
//! The exact digest is of the value as JSON with sorted keys, so that spellings of one value agree.
//! The shape digest leaves volatile values out ([`super::shape()`]).
//! Both are 128 bits of keyed BLAKE3: without the key nobody can test guesses against them.

use super::shape::shape;
use serde_json::Value as Json;

/// Makes digests with one key.
#[derive(Debug, Clone)]
pub struct Digester {
    key: [u8; 32],
}

/// Digests and size of one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digests {
    /// Of the exact value, in hex.
    pub exact: String,
    /// Of the value without what changes from call to call, in hex.
    pub shape: String,
    /// Size of the value as JSON text with sorted keys; of a text its own length.
    pub bytes: usize,
    /// Nothing, an empty text, list or object.
    pub empty: bool,
}

impl Digester {
    /// With the key of `hash_key`.
    pub fn new(key: [u8; 32]) -> Digester {
        Digester { key }
    }

    /// Digests of a value.
    pub fn value(&self, value: &Json) -> Digests {
        // The map of serde_json is sorted by key.
        let exact = value.to_string();
        let bytes = value.as_str().map_or(exact.len(), str::len);
        Digests { exact: self.text(&exact), shape: self.text(&shape(value).to_string()), bytes, empty: is_empty(value) }
    }

    /// Digest of a text as it is, in hex.
    pub fn text(&self, text: &str) -> String {
        self.texts(&[text])
    }

    /// Digest of texts in a row, each with its length, in hex.
    pub fn texts(&self, texts: &[&str]) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        for text in texts {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        let mut digest = [0; 16];
        hasher.finalize_xof().fill(&mut digest);
        crate::record::hex(&digest)
    }
}

fn is_empty(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::String(text) => text.trim().is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(pairs) => pairs.is_empty(),
        Json::Bool(_) | Json::Number(_) => false,
    }
}
