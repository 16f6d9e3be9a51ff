//! Waits until a file that the configuration was read from says something else.
//!
//! Folders are watched, not files: editors and mounted volumes put a new file in the place of the old one. What decides
//! is what the files say, after a moment of quiet, so that a half-written file is seldom seen and a touched one never.
//! Every few seconds the files are looked at in any case: network file systems tell nothing.

use crate::inputs::Inputs;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc;
use tracing::debug;

/// Quiet time after the last event before files are read: editors write in several steps.
const QUIET: Duration = Duration::from_millis(250);
/// Longest wait for quiet: a folder in which something is always written must not hide a change.
const NOISY: Duration = Duration::from_secs(3);
/// How often files are looked at although nothing was told.
const LOOK: Duration = Duration::from_secs(10);

/// The watch over the files of the configuration.
pub(crate) struct Watch {
    inputs: Inputs,
    told: mpsc::Receiver<()>,
    /// None where the system offers nothing: then looking now and then is all there is.
    watcher: Option<RecommendedWatcher>,
    folders: BTreeSet<PathBuf>,
    look: Duration,
}

impl Watch {
    /// Watches the files that were read.
    pub fn of(inputs: Inputs) -> Watch {
        Watch::looking_every(LOOK, inputs)
    }

    fn looking_every(look: Duration, inputs: Inputs) -> Watch {
        // One place: what was told before anybody listens is told once.
        let (tell, told) = mpsc::channel(1);
        let tell = move |event: notify::Result<notify::Event>| {
            // That somebody read a file is no news; and the watch itself reads.
            if !event.is_ok_and(|event| event.kind.is_access()) {
                let _ = tell.try_send(());
            }
        };
        let watcher = notify::recommended_watcher(tell);
        let watcher = watcher.inspect_err(|error| debug!(%error, "folders cannot be watched, files are looked at instead")).ok();
        let mut watch = Watch { inputs: Inputs::default(), told, watcher, folders: BTreeSet::new(), look };
        watch.follow(inputs);
        watch
    }

    /// Watches other files from now on: those of the configuration that was read last.
    pub fn follow(&mut self, inputs: Inputs) {
        let folders: BTreeSet<PathBuf> = inputs.folders().into_iter().collect();
        if let Some(watcher) = &mut self.watcher {
            for gone in self.folders.difference(&folders) {
                let _ = watcher.unwatch(gone);
            }
            for new in folders.difference(&self.folders) {
                if let Err(error) = watcher.watch(new, RecursiveMode::NonRecursive) {
                    debug!(%error, folder = %new.display(), "a folder cannot be watched, its files are looked at instead");
                }
            }
        }
        self.folders = folders;
        self.inputs = inputs;
    }

    /// Whether there is any file to watch.
    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }

    /// Waits until a file says something else than when it was read, and gives the names of all that do.
    ///
    /// Tells each change once, whatever becomes of the reload; may be dropped at any time without losing one.
    pub async fn changed(&mut self) -> Vec<String> {
        loop {
            tokio::select! {
                Some(()) = self.told.recv() => self.quiet().await,
                () = tokio::time::sleep(self.look) => {}
            }
            let now = self.inputs.again();
            let changed = self.inputs.different(&now);
            if !changed.is_empty() {
                self.inputs = now;
                return changed;
            }
        }
    }

    async fn quiet(&mut self) {
        let quiet = async { while let Ok(Some(())) = tokio::time::timeout(QUIET, self.told.recv()).await {} };
        let _ = tokio::time::timeout(NOISY, quiet).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn inputs(path: &Path) -> Inputs {
        let inputs = Inputs::default();
        let _ = inputs.read(path.to_str().unwrap());
        inputs
    }

    /// Replaced by renaming, as editors and volumes do, and written in place.
    #[tokio::test]
    async fn a_changed_file_is_told_once_and_one_that_was_touched_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("collector.yaml");
        std::fs::write(&path, "a: 1").unwrap();
        let mut watch = Watch::of(inputs(&path));
        std::fs::write(&path, "a: 1").unwrap();
        std::fs::write(folder.path().join("other"), "x").unwrap();
        let touched = tokio::time::timeout(QUIET * 3, watch.changed()).await;
        assert!(touched.is_err(), "nothing changed: {touched:?}");
        std::fs::write(folder.path().join("new"), "a: 2").unwrap();
        std::fs::rename(folder.path().join("new"), &path).unwrap();
        assert_eq!(watch.changed().await, [path.display().to_string()]);
        std::fs::write(&path, "a: 3").unwrap();
        assert_eq!(watch.changed().await.len(), 1);
        let again = tokio::time::timeout(QUIET * 3, watch.changed()).await;
        assert!(again.is_err(), "told twice: {again:?}");
    }

    #[tokio::test]
    async fn what_the_system_does_not_tell_is_found_by_looking() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("collector.yaml");
        std::fs::write(&path, "a: 1").unwrap();
        let mut watch = Watch::looking_every(Duration::from_millis(20), inputs(&path));
        watch.watcher = None;
        std::fs::write(&path, "a: 2").unwrap();
        assert_eq!(watch.changed().await.len(), 1);
    }

    #[tokio::test]
    async fn a_change_between_reading_and_watching_is_not_missed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("collector.yaml");
        std::fs::write(&path, "a: 1").unwrap();
        let inputs = inputs(&path);
        std::fs::write(&path, "a: 2").unwrap();
        let mut watch = Watch::looking_every(Duration::from_millis(20), inputs);
        assert_eq!(watch.changed().await.len(), 1);
    }
}
