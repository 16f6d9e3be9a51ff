//! One component's store: the file, an index of where each value stands, and the file written anew when half of it is dead.
//!
//! A batch counts when its record is in the file whole. A write that fails is cut off again and changes nothing, so a full
//! disk leaves what was stored before. Memory holds keys, not values.

use super::log::{self, Found, Place, Sum};
use chaperone_pipeline::storage::{Change, Storage, StorageError, Stored};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A smaller file is never written anew by itself: it is cheaper to keep.
const SMALL: u64 = 1 << 20;
/// Values of one record when a file is written anew, which bounds the memory that takes.
const COMPACTED_RECORD: usize = 1 << 20;

/// How a store behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoreSettings {
    /// Waits for the disk after every batch.
    pub fsync: bool,
    /// Writes the file anew when it is opened.
    pub compact_on_start: bool,
    /// Puts a file that is not a store aside instead of refusing it.
    pub recreate: bool,
    /// Largest file; 0 = as large as the disk.
    pub max_size: u64,
}

/// An open store.
pub(super) struct Store {
    path: PathBuf,
    settings: StoreSettings,
    /// Held, so that no other process writes here; given up with the store.
    _lock: File,
    open: Mutex<Open>,
}

struct Open {
    file: File,
    /// Where the next record goes. What stands behind it is what a failed write left.
    end: u64,
    sum: Sum,
    index: BTreeMap<String, BTreeMap<String, Place>>,
    /// Bytes of the values and keys that count.
    live: u64,
    /// No new attempt to write the file anew before it is so large.
    next_compaction: u64,
    /// What a failed write left is cut off before the next.
    dirty: bool,
}

/// A store could not be opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    #[error("cannot open `{path}`")]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "`{path}` is not a store of this program, or one of a newer version; move it away, or set `recreate: true` to have it put aside"
    )]
    Foreign { path: PathBuf },
}

impl Store {
    /// Opens or makes the file. `lock` is the locked lock file of this store.
    pub(super) fn open(path: &Path, lock: File, settings: StoreSettings) -> Result<Store, OpenError> {
        let failed = |source| OpenError::Io { path: path.to_owned(), source };
        // What a crash left of a file being written anew.
        remove_if_there(&beside(path, "compact")).map_err(failed)?;
        let mut open = match Open::read(path).map_err(failed)? {
            Some(open) => open,
            None if settings.recreate => {
                let aside = beside(path, "backup");
                std::fs::rename(path, &aside).map_err(failed)?;
                tracing::warn!(file = %path.display(), backup = %aside.display(), "a file that is not a store was put aside");
                let fresh = Open::read(path).map_err(failed)?;
                fresh.ok_or_else(|| OpenError::Foreign { path: path.to_owned() })?
            }
            None => return Err(OpenError::Foreign { path: path.to_owned() }),
        };
        if settings.compact_on_start
            && let Err(error) = open.compact(path)
        {
            tracing::warn!(%error, file = %path.display(), "a store could not be written anew; it is used as it is");
        }
        Ok(Store { path: path.to_owned(), settings, _lock: lock, open: Mutex::new(open) })
    }

    /// Waits until everything is on the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.lock().file.sync_all()
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, what: &str, source: io::Error) -> StorageError {
        StorageError { message: format!("cannot {what} `{}`", self.path.display()), source: Some(source) }
    }
}

impl Storage for Store {
    fn get(&self, namespace: &str, key: &str) -> Result<Option<Stored>, StorageError> {
        let mut open = self.lock();
        let Some(place) = open.index.get(namespace).and_then(|keys| keys.get(key)).copied() else { return Ok(None) };
        open.value(place).map(Some).map_err(|error| self.failed("read", error))
    }

    fn list(&self, namespace: &str) -> Result<Vec<(String, Stored)>, StorageError> {
        let mut open = self.lock();
        let places: Vec<(String, Place)> =
            open.index.get(namespace).into_iter().flatten().map(|(key, place)| (key.clone(), *place)).collect();
        let mut found = Vec::with_capacity(places.len());
        for (key, place) in places {
            found.push((key, open.value(place).map_err(|error| self.failed("read", error))?));
        }
        Ok(found)
    }

    fn batch(&self, namespace: &str, changes: &[Change]) -> Result<(), StorageError> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut open = self.lock();
        let refused = |message| StorageError { message, source: None };
        let mut record = log::encode(&open.sum, namespace, changes).map_err(refused)?;
        let limit = self.settings.max_size;
        if limit > 0 && open.end + record.bytes.len() as u64 > limit {
            // Dead values may be what fills it.
            open.compact(&self.path).map_err(|error| self.failed("write anew", error))?;
            record = log::encode(&open.sum, namespace, changes).map_err(refused)?;
            if open.end + record.bytes.len() as u64 > limit {
                return Err(refused(format!("`{}` is full: it may have {limit} bytes (`max_size`)", self.path.display())));
            }
        }
        open.append(record, namespace, self.settings.fsync).map_err(|error| self.failed("write", error))?;
        if open.is_half_dead()
            && let Err(error) = open.compact(&self.path)
        {
            open.next_compaction = open.end + open.end / 2;
            tracing::warn!(%error, file = %self.path.display(), "a store could not be written anew; it goes on growing");
        }
        Ok(())
    }
}

impl Open {
    /// Reads a file, made if it is not there; `None` if it is not a store.
    fn read(path: &Path) -> io::Result<Option<Open>> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut open_index = BTreeMap::new();
        let mut live = 0;
        let read = log::read(&mut file, |namespace, changes| apply(&mut open_index, &mut live, namespace, changes, 0))?;
        let Ok(end) = read else { return Ok(None) };
        if end.good < end.length {
            let dropped = end.length - end.good;
            tracing::warn!(file = %path.display(), dropped_bytes = dropped, "the end of a store was damaged and is dropped");
            file.set_len(end.good)?;
        }
        let mut good = end.good;
        if good == 0 {
            file.seek(SeekFrom::Start(0))?;
            file.write_all(log::HEADER)?;
            good = log::HEADER.len() as u64;
        }
        let index = open_index;
        Ok(Some(Open { file, end: good, sum: end.sum, index, live, next_compaction: SMALL, dirty: false }))
    }

    fn value(&mut self, place: Place) -> io::Result<Stored> {
        self.file.seek(SeekFrom::Start(place.at))?;
        let mut value = vec![0; place.length as usize];
        self.file.read_exact(&mut value)?;
        Ok(Stored { version: place.version, value })
    }

    /// Writes a record behind the others. On an error the file is as it was before.
    fn append(&mut self, record: log::Record, namespace: &str, fsync: bool) -> io::Result<()> {
        if self.dirty {
            self.file.set_len(self.end)?;
            self.dirty = false;
        }
        let written = self
            .file
            .seek(SeekFrom::Start(self.end))
            .and_then(|_| self.file.write_all(&record.bytes))
            .and_then(|()| if fsync { self.file.sync_data() } else { Ok(()) });
        if let Err(error) = written {
            self.dirty = self.file.set_len(self.end).is_err();
            return Err(error);
        }
        apply(&mut self.index, &mut self.live, namespace, record.changes, self.end);
        self.end += record.bytes.len() as u64;
        self.sum = record.sum;
        Ok(())
    }

    fn is_half_dead(&self) -> bool {
        self.end > self.next_compaction && self.end > 2 * self.live
    }

    /// Writes what counts into a new file, which then takes the place of the old one.
    fn compact(&mut self, path: &Path) -> io::Result<()> {
        let beside = beside(path, "compact");
        let written = self.write_compacted(&beside);
        let made = written.and_then(|made| {
            made.file.sync_all()?;
            std::fs::rename(&beside, path)?;
            Ok(made)
        });
        match made {
            Ok(made) => {
                *self = made;
                // So that the new name survives a power cut; the old file would be as good.
                if let Some(folder) = path.parent().and_then(|folder| File::open(folder).ok()) {
                    let _ = folder.sync_all();
                }
                Ok(())
            }
            Err(error) => {
                let _ = remove_if_there(&beside);
                Err(error)
            }
        }
    }

    fn write_compacted(&mut self, path: &Path) -> io::Result<Open> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
        file.write_all(log::HEADER)?;
        let end = log::HEADER.len() as u64;
        let sum = log::first_sum();
        let mut made = Open { file, end, sum, index: BTreeMap::new(), live: 0, next_compaction: SMALL, dirty: false };
        let all: Vec<(String, Vec<(String, Place)>)> = self
            .index
            .iter()
            .map(|(namespace, keys)| (namespace.clone(), keys.iter().map(|(key, place)| (key.clone(), *place)).collect()))
            .collect();
        for (namespace, keys) in all {
            let (mut changes, mut size) = (Vec::new(), 0);
            for (key, place) in keys {
                let stored = self.value(place)?;
                size += key.len() + stored.value.len();
                changes.push(Change::Set { key, stored });
                if size >= COMPACTED_RECORD {
                    made.put(&namespace, &changes)?;
                    (changes, size) = (Vec::new(), 0);
                }
            }
            made.put(&namespace, &changes)?;
        }
        Ok(made)
    }

    fn put(&mut self, namespace: &str, changes: &[Change]) -> io::Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let record = log::encode(&self.sum, namespace, changes).map_err(io::Error::other)?;
        self.append(record, namespace, false)
    }
}

/// Brings changes into an index; `base` is where the record begins.
fn apply(index: &mut BTreeMap<String, BTreeMap<String, Place>>, live: &mut u64, namespace: &str, changes: Vec<Found>, base: u64) {
    let size = |key: &str, place: &Place| (key.len() + 16) as u64 + u64::from(place.length);
    if !index.contains_key(namespace) {
        index.insert(namespace.to_owned(), BTreeMap::new());
    }
    let Some(keys) = index.get_mut(namespace) else { return };
    for change in changes {
        let (key, new) = match change {
            Found::Set(key, place) => (key, Some(Place { at: place.at + base, ..place })),
            Found::Delete(key) => (key, None),
        };
        if let Some(old) = keys.remove(&key) {
            *live -= size(&key, &old);
        }
        if let Some(place) = new {
            *live += size(&key, &place);
            keys.insert(key, place);
        }
    }
}

/// `<path>.<word>`: names of components hold no such ending.
fn beside(path: &Path, word: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(word);
    path.with_file_name(name)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
impl Store {
    /// For tests: the length of the file.
    pub(super) fn length(&self) -> u64 {
        self.lock().end
    }
}
