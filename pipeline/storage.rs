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
