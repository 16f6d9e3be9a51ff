//! Keyed digests and sizes of tool arguments, tool results and messages.
//!
//! The exact digest is of the value as JSON with sorted keys, so that spellings of one value agree.
//! The shape digest leaves volatile values out ([`super::shape()`]).
//! Both are 128 bits of HighwayHash under the whole key: without it nobody can test guesses against them, and a conversation is
//! digested as fast as it is copied. Each request of an agent sends the whole of its conversation again.

use super::shape::{quote, shape_bytes};
use highway::{HighwayHash, HighwayHasher, Key};
use serde_json::Value as Json;

/// Makes digests with one key.
#[derive(Debug, Clone)]
pub struct Digester {
    key: Key,
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
        let (words, _) = key.as_chunks::<8>();
        let mut own = [0; 4];
        own.iter_mut().zip(words).for_each(|(own, word)| *own = u64::from_le_bytes(*word));
        Digester { key: Key(own) }
    }

    /// Digests of a value.
    pub fn value(&self, value: &Json) -> Digests {
        let exact = match value {
            Json::String(text) => {
                let mut quoted = Vec::with_capacity(text.len() + 2);
                quote(&mut quoted, |out| out.extend_from_slice(text.as_bytes()));
                quoted
            }
            // The map of serde_json is sorted by key.
            other => serde_json::to_vec(other).expect("invariant: a value is JSON"),
        };
        let bytes = value.as_str().map_or(exact.len(), str::len);
        Digests { exact: self.bytes([&*exact]), shape: self.bytes([&*shape_bytes(value)]), bytes, empty: is_empty(value) }
    }

    /// Digest of a text as it is, in hex.
    pub fn text(&self, text: &str) -> String {
        self.texts(&[text])
    }

    /// Digest of texts in a row, each with its length, in hex.
    pub fn texts(&self, texts: &[&str]) -> String {
        self.bytes(texts.iter().map(|text| text.as_bytes()))
    }

    /// The same of texts that were not read as such.
    pub(crate) fn bytes<'t>(&self, texts: impl IntoIterator<Item = &'t [u8]>) -> String {
        let mut hasher = HighwayHasher::new(self.key);
        for text in texts {
            hasher.append(&(text.len() as u64).to_le_bytes());
            hasher.append(text);
        }
        let [low, high] = hasher.finalize128();
        let mut digest = [0; 16];
        let words = low.to_le_bytes().into_iter().chain(high.to_le_bytes());
        digest.iter_mut().zip(words).for_each(|(own, byte)| *own = byte);
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
