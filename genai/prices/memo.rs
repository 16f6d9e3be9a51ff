//! What was found out for a provider and a model, kept: a collector sees few pairs, and each of them on thousands of spans.
//!
//! A batch takes the pairs that are known and looks up the others; what it learnt is known to the next batch.
//! No lock is held while anything is looked up.

use crate::fast_hash::{Map, text_hash};
use std::sync::{Arc, PoisonError, RwLock};

/// Names are the sender's: they may not fill the memory.
const MOST: usize = 1024;

/// Values by provider and model.
#[derive(Debug)]
pub struct PairMemo<T> {
    known: RwLock<Arc<Map<u64, Pair<T>>>>,
}

#[derive(Debug, Clone)]
struct Pair<T> {
    provider: Box<str>,
    model: Box<str>,
    value: T,
}

impl<T> Default for PairMemo<T> {
    fn default() -> Self {
        PairMemo { known: RwLock::default() }
    }
}

impl<T: Clone> PairMemo<T> {
    /// Begins to ask for the records of one batch.
    pub fn ask(&self) -> Asking<'_, T> {
        let known = Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner));
        Asking { memo: self, known, learnt: Vec::new() }
    }
}

/// The questions of one batch.
#[derive(Debug)]
pub struct Asking<'m, T: Clone> {
    memo: &'m PairMemo<T>,
    known: Arc<Map<u64, Pair<T>>>,
    learnt: Vec<(u64, Pair<T>)>,
}

impl<T: Clone> Asking<'_, T> {
    /// The value of a pair: known, or found out now.
    pub fn get(&mut self, provider: &str, model: &str, find_out: impl FnOnce() -> T) -> T {
        let hash = text_hash(model).rotate_left(1) ^ text_hash(provider);
        let fits = |pair: &Pair<T>| &*pair.provider == provider && &*pair.model == model;
        if let Some(pair) = self.known.get(&hash).filter(|pair| fits(pair)) {
            return pair.value.clone();
        }
        if let Some((_, pair)) = self.learnt.iter().find(|(_, pair)| fits(pair)) {
            return pair.value.clone();
        }
        let value = find_out();
        if self.learnt.len() < MOST {
            self.learnt.push((hash, Pair { provider: provider.into(), model: model.into(), value: value.clone() }));
        }
        value
    }
}

impl<T: Clone> Drop for Asking<'_, T> {
    fn drop(&mut self) {
        if self.learnt.is_empty() {
            return;
        }
        let mut held = self.memo.known.write().unwrap_or_else(PoisonError::into_inner);
        let mut known = if held.len() + self.learnt.len() > MOST { Map::default() } else { (**held).clone() };
        known.extend(self.learnt.drain(..));
        *held = Arc::new(known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_found_out_once_and_another_is_not_taken_for_it() {
        let memo = PairMemo::default();
        let ask = |provider: &str, model: &str, value: u32| memo.ask().get(provider, model, || value);
        assert_eq!(ask("openai", "gpt-4o", 1), 1);
        assert_eq!(ask("openai", "gpt-4o", 2), 1);
        assert_eq!(ask("gpt-4o", "openai", 3), 3);
        assert_eq!(ask("", "gpt-4o", 4), 4);
        let mut asking = memo.ask();
        assert_eq!((asking.get("a", "b", || 5), asking.get("a", "b", || 6)), (5, 5), "within a batch");
    }

    #[test]
    fn names_without_end_do_not_fill_the_memory() {
        let memo = PairMemo::default();
        for number in 0..5 * MOST {
            memo.ask().get("openai", &format!("model-{number}"), || number);
        }
        assert!(memo.known.read().unwrap().len() <= MOST);
        assert_eq!(memo.ask().get("openai", &format!("model-{}", 5 * MOST - 1), || 0), 5 * MOST - 1);
    }
}
