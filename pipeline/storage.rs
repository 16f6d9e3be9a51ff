//! Small durable state of components: versioned values by namespace and key, atomic per batch.
//!
//! Called in `start` and from a writer thread, never in `process`.

use std::collections::BTreeMap;
use std::sync::Mutex;

/// A stored value and the version of its format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Version the writer gave.
    pub version: u32,
    /// The bytes.
    pub value: Vec<u8>,
}

/// One change of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Sets a key.
    Set {
        /// Key.
        key: String,
        /// Value.
        stored: Stored,
    },
    /// Removes a key.
    Delete {
        /// Key.
        key: String,
    },
}

/// The store could not read or write.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct StorageError {
    /// What could not be done.
    pub message: String,
    /// Why.
    #[source]
    pub source: Option<std::io::Error>,
}

/// A store of small values.
pub trait Storage: Send + Sync {
    /// The value of a key.
    fn get(&self, namespace: &str, key: &str) -> Result<Option<Stored>, StorageError>;
    /// All keys of a namespace with their values, in order of the keys.
    fn list(&self, namespace: &str) -> Result<Vec<(String, Stored)>, StorageError>;
    /// Applies all changes or none.
    fn batch(&self, namespace: &str, changes: &[Change]) -> Result<(), StorageError>;
    /// Sets one key.
    fn set(&self, namespace: &str, key: &str, stored: Stored) -> Result<(), StorageError> {
        self.batch(namespace, &[Change::Set { key: key.to_owned(), stored }])
    }
    /// Removes one key.
    fn delete(&self, namespace: &str, key: &str) -> Result<(), StorageError> {
        self.batch(namespace, &[Change::Delete { key: key.to_owned() }])
    }
}

/// Keeps values for the life of the process.
#[derive(Debug, Default)]
pub struct MemoryStorage {
    values: Mutex<BTreeMap<(String, String), Stored>>,
}

impl MemoryStorage {
    fn values(&self) -> std::sync::MutexGuard<'_, BTreeMap<(String, String), Stored>> {
        self.values.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Storage for MemoryStorage {
    fn get(&self, namespace: &str, key: &str) -> Result<Option<Stored>, StorageError> {
        Ok(self.values().get(&(namespace.to_owned(), key.to_owned())).cloned())
    }
    fn list(&self, namespace: &str) -> Result<Vec<(String, Stored)>, StorageError> {
        let values = self.values();
        let of_namespace = values.iter().filter(|((space, _), _)| space == namespace);
        Ok(of_namespace.map(|((_, key), stored)| (key.clone(), stored.clone())).collect())
    }
    fn batch(&self, namespace: &str, changes: &[Change]) -> Result<(), StorageError> {
        let mut values = self.values();
        for change in changes {
            match change {
                Change::Set { key, stored } => {
                    values.insert((namespace.to_owned(), key.clone()), stored.clone());
                }
                Change::Delete { key } => {
                    values.remove(&(namespace.to_owned(), key.clone()));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(value: &str) -> Stored {
        Stored { version: 1, value: value.into() }
    }

    /// What every store has to do; further implementations run the same.
    fn check(store: &dyn Storage) {
        assert_eq!(store.get("a", "k").unwrap(), None);
        store.set("a", "k", stored("1")).unwrap();
        store.set("b", "k", stored("other")).unwrap();
        assert_eq!(store.get("a", "k").unwrap(), Some(stored("1")), "namespaces are apart");

        let set = |key: &str, value: &str| Change::Set { key: key.into(), stored: stored(value) };
        let delete = |key: &str| Change::Delete { key: key.into() };
        store.batch("a", &[set("z", "2"), set("k", "3"), delete("absent"), set("gone", "4"), delete("gone")]).unwrap();
        let all = [("k".to_owned(), stored("3")), ("z".to_owned(), stored("2"))];
        assert_eq!(store.list("a").unwrap(), all, "in order of the keys, changes in theirs");

        store.set("a", "z", Stored { version: 7, value: Vec::new() }).unwrap();
        assert_eq!(store.get("a", "z").unwrap().map(|stored| stored.version), Some(7));
        store.delete("a", "k").unwrap();
        assert_eq!(store.get("a", "k").unwrap(), None);
        assert_eq!(store.get("b", "k").unwrap(), Some(stored("other")));
    }

    #[test]
    fn the_memory_store_keeps_what_it_was_given() {
        check(&MemoryStorage::default());
    }

    #[test]
    fn a_batch_is_seen_whole_or_not_at_all() {
        let store = MemoryStorage::default();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for round in 0..500 {
                    let value = stored(&round.to_string());
                    let keys = ["a", "b", "c"];
                    let changes = keys.map(|key| Change::Set { key: key.into(), stored: value.clone() });
                    store.batch("n", &changes).unwrap();
                }
            });
            for _ in 0..500 {
                let seen = store.list("n").unwrap();
                assert!(seen.is_empty() || seen.len() == 3 && seen.iter().all(|(_, stored)| *stored == seen[0].1), "{seen:?}");
            }
        });
    }
}
