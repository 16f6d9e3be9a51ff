//! Checkpoints of a component's state: handed over in `process` or `tick`, written by a thread that serves no data.
//!
//! Changes of one key replace each other while they wait, so what waits is bounded by the component's own keys. A write that
//! fails is counted, said once, and tried again with whatever has come since. In memory there is nothing to wait for, and
//! changes are written at once.

use crate::storage::{Change, StorageError, Stored};
use crate::{Counter, Storage};
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Pause after a write that failed.
const PAUSE: Duration = Duration::from_secs(1);

/// Where a component leaves its checkpoints. Dropping it writes what waits, once.
pub struct Checkpoints {
    // Shared with the thread that writes.
    desk: Arc<Desk>,
    writer: Option<std::thread::JoinHandle<()>>,
}

struct Desk {
    store: Arc<dyn Storage>,
    namespace: String,
    failures: Counter,
    tray: Mutex<Tray>,
    changed: Condvar,
}

#[derive(Default)]
struct Tray {
    /// By key; `None` removes it.
    waiting: BTreeMap<String, Option<Stored>>,
    is_writing: bool,
    has_failed: bool,
    /// Attempts so far: what `flush` watches.
    attempts: u64,
    is_ending: bool,
}

impl Checkpoints {
    /// Over a store in memory: written at once.
    pub(crate) fn direct(store: Arc<dyn Storage>, namespace: String, failures: Counter) -> Checkpoints {
        Checkpoints { desk: Arc::new(Desk::new(store, namespace, failures)), writer: None }
    }
    /// Over a store that may take its time: written by a thread.
    pub(crate) fn in_background(
        store: Arc<dyn Storage>,
        namespace: String,
        failures: Counter,
    ) -> Result<Checkpoints, std::io::Error> {
        let desk = Arc::new(Desk::new(store, namespace, failures));
        let of_writer = Arc::clone(&desk);
        let builder = std::thread::Builder::new().name("chaperone-state".to_owned());
        let writer = builder.spawn(move || of_writer.write_until_ended())?;
        Ok(Checkpoints { desk, writer: Some(writer) })
    }
    /// What was stored before, in order of the keys. May read files: for `start`.
    pub fn load(&self) -> Result<Vec<(String, Stored)>, StorageError> {
        self.desk.store.list(&self.desk.namespace)
    }
    /// Whether the state outlives the process, and is written by a thread.
    pub fn is_in_background(&self) -> bool {
        self.writer.is_some()
    }
    /// Takes changes over. Never waits for the store, unless that is memory.
    pub fn put(&self, changes: impl IntoIterator<Item = Change>) {
        let mut tray = self.desk.lock();
        for change in changes {
            match change {
                Change::Set { key, stored } => tray.waiting.insert(key, Some(stored)),
                Change::Delete { key } => tray.waiting.insert(key, None),
            };
        }
        if tray.waiting.is_empty() {
            return;
        }
        if self.writer.is_none() {
            drop(self.desk.write(tray));
        } else {
            self.desk.changed.notify_all();
        }
    }
    /// Waits until everything is written or an attempt has failed, at most so long: for `drain`.
    pub fn flush(&self, patience: Duration) {
        if self.writer.is_none() {
            return;
        }
        let tray = self.desk.lock();
        let before = tray.attempts;
        let is_open = |tray: &mut Tray| {
            let is_idle = tray.waiting.is_empty() && !tray.is_writing;
            let has_failed_since = tray.has_failed && tray.attempts > before;
            !is_idle && !has_failed_since
        };
        // A failed attempt is tried at once, not after its pause.
        self.desk.changed.notify_all();
        drop(self.desk.changed.wait_timeout_while(tray, patience, is_open));
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.desk.lock().is_ending = true;
        self.desk.changed.notify_all();
        if let Some(writer) = self.writer.take() {
            // A panic of the writer was told when it happened.
            let _ = writer.join();
        }
    }
}

impl Desk {
    fn new(store: Arc<dyn Storage>, namespace: String, failures: Counter) -> Desk {
        Desk { store, namespace, failures, tray: Mutex::default(), changed: Condvar::new() }
    }
    fn lock(&self) -> MutexGuard<'_, Tray> {
        self.tray.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_until_ended(&self) {
        let mut tray = self.lock();
        loop {
            if !tray.waiting.is_empty() {
                tray = self.write(tray);
                if tray.has_failed && !tray.is_ending {
                    let waited = self.changed.wait_timeout(tray, PAUSE);
                    tray = waited.unwrap_or_else(PoisonError::into_inner).0;
                    continue;
                }
            }
            if tray.is_ending {
                return;
            }
            if tray.waiting.is_empty() {
                tray = self.changed.wait(tray).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Writes what waits, without the lock meanwhile.
    fn write<'a>(&'a self, mut tray: MutexGuard<'a, Tray>) -> MutexGuard<'a, Tray> {
        let taken = std::mem::take(&mut tray.waiting);
        tray.is_writing = true;
        drop(tray);
        let change = |(key, stored): (&String, &Option<Stored>)| match stored {
            Some(stored) => Change::Set { key: key.clone(), stored: stored.clone() },
            None => Change::Delete { key: key.clone() },
        };
        let changes: Vec<Change> = taken.iter().map(change).collect();
        let written = self.store.batch(&self.namespace, &changes);
        let mut tray = self.lock();
        tray.is_writing = false;
        tray.attempts += 1;
        match written {
            Ok(()) => {
                if std::mem::take(&mut tray.has_failed) {
                    tracing::info!(component = self.namespace, "state is stored again");
                }
            }
            Err(error) => {
                self.failures.add(1);
                if !std::mem::replace(&mut tray.has_failed, true) {
                    let cause = error.source.as_ref().map(ToString::to_string);
                    tracing::warn!(%error, cause, component = self.namespace, "state was not stored, will try again");
                }
                for (key, stored) in taken {
                    // What came meanwhile is newer.
                    tray.waiting.entry(key).or_insert(stored);
                }
            }
        }
        self.changed.notify_all();
        tray
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MemoryStorage, Telemetry};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc;

    const LONG: Duration = Duration::from_secs(60);

    /// A store that refuses while it is told to, and waits for leave to write.
    struct Moody {
        kept: MemoryStorage,
        refuses: AtomicBool,
        leave: Mutex<mpsc::Receiver<()>>,
    }

    impl Storage for Moody {
        fn get(&self, namespace: &str, key: &str) -> Result<Option<Stored>, StorageError> {
            self.kept.get(namespace, key)
        }
        fn list(&self, namespace: &str) -> Result<Vec<(String, Stored)>, StorageError> {
            self.kept.list(namespace)
        }
        fn batch(&self, namespace: &str, changes: &[Change]) -> Result<(), StorageError> {
            self.leave.lock().unwrap().recv().expect("leave to write");
            if self.refuses.load(Ordering::Acquire) {
                return Err(StorageError { message: "not now".into(), source: None });
            }
            self.kept.batch(namespace, changes)
        }
    }

    fn moody() -> (Arc<Moody>, mpsc::SyncSender<()>, Checkpoints, Counter) {
        let (give, leave) = mpsc::sync_channel(100);
        let store = Arc::new(Moody { kept: MemoryStorage::default(), refuses: AtomicBool::new(false), leave: Mutex::new(leave) });
        let failures = Telemetry::default().counter("f", "F.", &[]);
        let of = Arc::<Moody>::clone(&store);
        let checkpoints = Checkpoints::in_background(of, "n".into(), failures.clone()).unwrap();
        (store, give, checkpoints, failures)
    }

    fn set(key: &str, value: &str) -> Change {
        Change::Set { key: key.into(), stored: Stored { version: 1, value: value.into() } }
    }

    fn kept(store: &dyn Storage) -> Vec<(String, String)> {
        let list = store.list("n").unwrap();
        list.into_iter().map(|(key, stored)| (key, String::from_utf8(stored.value).unwrap())).collect()
    }

    #[test]
    fn whoever_hands_over_does_not_wait_for_the_store_and_a_flush_does() {
        let (store, give, checkpoints, failures) = moody();
        checkpoints.put([set("a", "1"), set("b", "1")]);
        checkpoints.put([set("a", "2"), Change::Delete { key: "b".into() }, set("c", "3")]);
        assert!(kept(&*store).is_empty());
        (0..10).for_each(|_| give.send(()).unwrap());
        checkpoints.flush(LONG);
        assert_eq!(kept(&*store), [("a".into(), "2".into()), ("c".into(), "3".into())]);
        assert_eq!(failures.get(), 0);
    }

    #[test]
    fn what_could_not_be_written_is_written_later_unless_it_is_older_than_what_came() {
        let (store, give, checkpoints, failures) = moody();
        store.refuses.store(true, Ordering::Release);
        checkpoints.put([set("a", "old"), set("b", "1")]);
        (0..10).for_each(|_| give.send(()).unwrap());
        checkpoints.flush(LONG);
        assert!(failures.get() > 0 && kept(&*store).is_empty());
        store.refuses.store(false, Ordering::Release);
        checkpoints.put([set("a", "new")]);
        (0..10).for_each(|_| give.send(()).unwrap());
        checkpoints.flush(LONG);
        assert_eq!(kept(&*store), [("a".into(), "new".into()), ("b".into(), "1".into())]);
    }

    #[test]
    fn the_end_writes_what_waits() {
        let (store, give, checkpoints, _) = moody();
        checkpoints.put([set("a", "1")]);
        (0..10).for_each(|_| give.send(()).unwrap());
        drop(checkpoints);
        assert_eq!(kept(&*store).len(), 1);
    }

    #[test]
    fn in_memory_it_is_written_at_once() {
        let store = Arc::new(MemoryStorage::default());
        let of = Arc::<MemoryStorage>::clone(&store);
        let checkpoints = Checkpoints::direct(of, "n".into(), Telemetry::default().counter("f", "F.", &[]));
        checkpoints.put([set("a", "1")]);
        assert_eq!(kept(&*store), [("a".into(), "1".into())]);
        assert!(!checkpoints.is_in_background());
        assert_eq!(checkpoints.load().unwrap().len(), 1);
    }
}
