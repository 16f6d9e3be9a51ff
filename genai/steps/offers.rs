//! The tools that models were offered, remembered by the text of their definitions.
//!
//! Every request of a run carries the same definitions, often tens of kilobytes, and only names and hints are read of them.
//! A text stands for itself by two hashes of 64 bits, each seeded anew in each process.

use super::{Offered, offered_tools};
use crate::fast_hash::Map;
use chaperone_proto::{Entry, ValueRef};
use foldhash::quality::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

/// Definitions are the sender's: they may not fill the memory. Longer lists of tools, or of longer names, are read each time.
const MOST: usize = 128;
const MOST_TOOLS: usize = 256;
const MOST_BYTES: usize = 8 << 10;

static KNOWN: LazyLock<Offers> = LazyLock::new(Offers::default);

#[derive(Default)]
struct Offers {
    seeds: [RandomState; 2],
    known: RwLock<Map<[u64; 2], Arc<[Offered]>>>,
}

/// The tools that definitions name.
pub(super) fn offered(definitions: Entry<'_>) -> Arc<[Offered]> {
    match definitions.text_bytes() {
        Some(text) => KNOWN.of(text, || definitions.value()),
        None => offered_tools(definitions.value()).into(),
    }
}

impl Offers {
    fn of<'v>(&self, text: &[u8], value: impl FnOnce() -> ValueRef<'v>) -> Arc<[Offered]> {
        let key = self.seeds.each_ref().map(|seed| seed.hash_one(text));
        if let Some(found) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Arc::clone(found);
        }
        let found: Arc<[Offered]> = offered_tools(value()).into();
        let bytes: usize = found.iter().map(|tool| tool.name.len()).sum();
        if found.len() <= MOST_TOOLS && bytes <= MOST_BYTES {
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= MOST {
                known.clear();
            }
            known.insert(key, Arc::clone(&found));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(offers: &Offers, text: &str) -> Vec<String> {
        let found = offers.of(text.as_bytes(), || ValueRef::Str(text));
        found.iter().map(|tool| tool.name.clone()).collect()
    }

    #[test]
    fn definitions_are_read_once_and_others_are_not_taken_for_them() {
        let offers = Offers::default();
        let (one, two) = (r#"[{"name":"one"}]"#, r#"[{"name":"two"}]"#);
        assert_eq!(names(&offers, one), ["one"]);
        assert_eq!(names(&offers, two), ["two"]);
        let again = offers.of(one.as_bytes(), || panic!("it was read before"));
        assert_eq!(again.first().map(|tool| tool.name.as_str()), Some("one"));
    }

    #[test]
    fn definitions_without_end_do_not_fill_the_memory() {
        let offers = Offers::default();
        for number in 0..3 * MOST {
            assert_eq!(names(&offers, &format!(r#"[{{"name":"tool-{number}"}}]"#)), [format!("tool-{number}")]);
        }
        assert!(offers.known.read().unwrap().len() <= MOST);
        let many = format!("[{}]", vec![r#"{"name":"a"}"#; MOST_TOOLS + 1].join(","));
        let offers = Offers::default();
        assert_eq!(names(&offers, &many).len(), MOST_TOOLS + 1);
        assert_eq!(names(&offers, &format!(r#"[{{"name":"{}"}}]"#, "x".repeat(MOST_BYTES + 1))).len(), 1);
        assert!(offers.known.read().unwrap().is_empty());
    }
}
