//! The files that a configuration was read from, with digests of what they said.
//!
//! Filled while the configuration is read, so that what is compared later is what was really read, and not what stood
//! in a file a moment after. Files that could not be read are remembered too: they may come.

use crate::sources;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::path::{Path, PathBuf};

/// Files and digests of their contents.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Inputs {
    files: RefCell<BTreeMap<PathBuf, u64>>,
}

impl Inputs {
    /// Reads a file and remembers it. The error is the reason alone.
    pub fn read(&self, path: &str) -> Result<String, String> {
        let text = sources::file(path);
        self.files.borrow_mut().insert(PathBuf::from(path), digest(&text));
        text
    }
    /// The folders in which the files stand.
    pub fn folders(&self) -> Vec<PathBuf> {
        let mut folders: Vec<PathBuf> = self.files.borrow().keys().map(|path| folder(path)).collect();
        folders.sort();
        folders.dedup();
        folders
    }
    /// The same files with what they say now.
    pub fn again(&self) -> Inputs {
        let files = self.files.borrow();
        let now = files.keys().map(|path| (path.clone(), digest(&sources::file(&path.to_string_lossy()))));
        Inputs { files: RefCell::new(now.collect()) }
    }
    /// Names of the files whose contents differ.
    pub fn different(&self, now: &Inputs) -> Vec<String> {
        let (before, now) = (self.files.borrow(), now.files.borrow());
        let changed = now.iter().filter(|(path, digest)| before.get(*path) != Some(*digest));
        changed.map(|(path, _)| path.display().to_string()).collect()
    }
    /// Whether there is nothing to watch.
    pub fn is_empty(&self) -> bool {
        self.files.borrow().is_empty()
    }
}

fn folder(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn digest(text: &Result<String, String>) -> u64 {
    // The same keys every time: two digests of one process are compared, nobody chooses texts against them.
    BuildHasherDefault::<DefaultHasher>::default().hash_one(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_says_something_else_is_different_and_one_that_was_only_touched_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a.yaml"), folder.path().join("b.yaml"));
        std::fs::write(&a, "x: 1").unwrap();
        let inputs = Inputs::default();
        assert_eq!(inputs.read(a.to_str().unwrap()), Ok("x: 1".to_owned()));
        assert!(inputs.read(b.to_str().unwrap()).is_err());
        assert_eq!(inputs.folders(), [folder.path()]);
        std::fs::write(&a, "x: 1").unwrap();
        assert_eq!(inputs.different(&inputs.again()), Vec::<String>::new());
        std::fs::write(&b, "").unwrap();
        assert_eq!(inputs.different(&inputs.again()), [b.display().to_string()], "a file that was missing came");
        std::fs::write(&a, "x: 2").unwrap();
        assert_eq!(inputs.different(&inputs.again()).len(), 2);
    }

    #[test]
    fn a_bare_name_stands_in_the_working_directory() {
        assert_eq!(folder(Path::new("collector.yaml")), Path::new("."));
        assert_eq!(folder(Path::new("/etc/collector.yaml")), Path::new("/etc"));
    }
}
