//! Rotation: a full file is set aside under the time of its end, and old ones are removed.
//!
//! The live file keeps its name. `out.jsonl` is set aside as `out-2026-11-21T09-13-06.577-size.jsonl`, as the Collector
//! does. Only files whose names have exactly this form are ever removed.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

const DEFAULT_MEGABYTES: u64 = 100;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Why a file was set aside; the Collector's word.
const REASON: &str = "-size";
/// A digit stands for any digit.
const SHAPE: &[u8] = b"0000-00-00T00-00-00.000";

/// When a file is set aside, and how many of these are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rotation {
    /// Size in MiB that a file does not pass, unless one request alone is larger. 0 means 100.
    pub max_megabytes: u64,
    /// Days after which a file that was set aside is removed. 0 = never.
    pub max_days: u64,
    /// Files set aside that are kept. 0 = all.
    pub max_backups: u64,
    /// Names carry the local time instead of UTC.
    pub localtime: bool,
}

impl Default for Rotation {
    fn default() -> Self {
        Rotation { max_megabytes: DEFAULT_MEGABYTES, max_days: 0, max_backups: 100, localtime: false }
    }
}

impl Rotation {
    pub(super) fn max_bytes(&self) -> u64 {
        let megabytes = if self.max_megabytes == 0 { DEFAULT_MEGABYTES } else { self.max_megabytes };
        megabytes.saturating_mul(1 << 20)
    }

    /// Renames the file; gives its new place.
    pub(super) fn set_aside(&self, path: &Path, now_unix_ns: u64) -> std::io::Result<PathBuf> {
        let mut at = now_unix_ns;
        loop {
            let backup = self.backup(path, at);
            // Two in one millisecond must not become one.
            if !backup.exists() {
                std::fs::rename(path, &backup)?;
                return Ok(backup);
            }
            at = at.saturating_add(1_000_000);
        }
    }

    fn backup(&self, path: &Path, unix_ns: u64) -> PathBuf {
        let zone = if self.localtime { TimeZone::system() } else { TimeZone::UTC };
        let at = Timestamp::from_nanosecond(i128::from(unix_ns)).expect("invariant: 64 bits of nanoseconds end in 2554");
        let at = at.to_zoned(zone).strftime("%Y-%m-%dT%H-%M-%S.%3f").to_string();
        let (before, after) = around(path);
        path.with_file_name(format!("{before}{at}{after}"))
    }

    /// Removes what is too much or too old. What cannot be removed is told and stays.
    pub(super) fn remove_old(&self, path: &Path, now_unix_ns: u64) {
        let backups = match backups(path) {
            Ok(backups) => backups,
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "could not look for files set aside before");
                return;
            }
        };
        let keep = if self.max_backups == 0 { usize::MAX } else { usize::try_from(self.max_backups).unwrap_or(usize::MAX) };
        for (newer, backup) in backups.iter().rev().enumerate() {
            if (newer >= keep || self.is_too_old(backup, now_unix_ns))
                && let Err(error) = std::fs::remove_file(backup)
            {
                tracing::warn!(%error, path = %backup.display(), "could not remove an old file");
            }
        }
    }

    /// By the time of its last write.
    fn is_too_old(&self, backup: &Path, now_unix_ns: u64) -> bool {
        let Ok(written) = std::fs::metadata(backup).and_then(|metadata| metadata.modified()) else { return false };
        let days = DAY.saturating_mul(u32::try_from(self.max_days).unwrap_or(u32::MAX));
        let age = (UNIX_EPOCH + Duration::from_nanos(now_unix_ns)).duration_since(written).unwrap_or_default();
        self.max_days > 0 && age > days
    }
}

/// What stands before and after the time in the name of a file set aside.
fn around(path: &Path) -> (String, String) {
    let text = |part: Option<&std::ffi::OsStr>| part.map(|part| part.to_string_lossy().into_owned());
    let extension = text(path.extension()).map(|extension| format!(".{extension}")).unwrap_or_default();
    (format!("{}-", text(path.file_stem()).unwrap_or_default()), format!("{REASON}{extension}"))
}

/// Files set aside, oldest first.
fn backups(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    let (before, after) = around(path);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?.path();
        let name = entry.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let time = name.strip_prefix(&before).and_then(|rest| rest.strip_suffix(&after));
        if time.is_some_and(is_time) {
            found.push(entry);
        }
    }
    // Years come first in a name, milliseconds last.
    found.sort();
    Ok(found)
}

fn is_time(text: &str) -> bool {
    let fits = |(found, shape): (u8, &u8)| if *shape == b'0' { found.is_ascii_digit() } else { found == *shape };
    text.len() == SHAPE.len() && text.bytes().zip(SHAPE).all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{File, read_dir, write};
    use std::time::SystemTime;

    /// 2001-09-09 01:46:40.123456789.
    const NOW: u64 = 1_000_000_000_123_456_789;

    fn names(folder: &Path) -> Vec<String> {
        let entries = read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = entries.collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_set_aside_under_its_time_and_never_over_another() {
        let folder = tempfile::tempdir().unwrap();
        for (name, first, second) in [
            ("out.jsonl", "out-2001-09-09T01-46-40.123-size.jsonl", "out-2001-09-09T01-46-40.124-size.jsonl"),
            ("bare", "bare-2001-09-09T01-46-40.123-size", "bare-2001-09-09T01-46-40.124-size"),
        ] {
            let path = folder.path().join(name);
            for expected in [first, second] {
                write(&path, expected).unwrap();
                let backup = Rotation::default().set_aside(&path, NOW).unwrap();
                assert_eq!(backup, folder.path().join(expected));
                assert_eq!(std::fs::read_to_string(backup).unwrap(), expected);
            }
        }
    }

    #[test]
    fn the_oldest_are_removed_and_other_files_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let time = |i: u8| format!("out-2001-09-0{i}T00-00-00.000-size.json");
        let others = ["out-2001-09-01.json", "out-2001-09-01T00-00-00.000-size.pb", "other-2001-09-01T00-00-00.000-size.json"];
        for name in (1..=4).map(time).chain(others.map(str::to_owned)) {
            write(folder.path().join(name), "").unwrap();
        }
        let path = folder.path().join("out.json");
        Rotation { max_backups: 0, ..Rotation::default() }.remove_old(&path, NOW);
        assert_eq!(names(folder.path()).len(), 7);
        Rotation { max_backups: 2, ..Rotation::default() }.remove_old(&path, NOW);
        let mut left: Vec<String> = (3..=4).map(time).chain(others.map(str::to_owned)).collect();
        left.sort();
        assert_eq!(names(folder.path()), left);
    }

    #[test]
    fn files_older_than_the_days_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let now = UNIX_EPOCH + Duration::from_nanos(NOW);
        let aside = |name: &str, written: SystemTime| {
            let file = File::create(folder.path().join(name)).unwrap();
            file.set_modified(written).unwrap();
        };
        aside("out-2001-09-01T00-00-00.000-size", now - 3 * DAY);
        aside("out-2001-09-02T00-00-00.000-size", now - DAY);
        Rotation { max_days: 2, ..Rotation::default() }.remove_old(&folder.path().join("out"), NOW);
        assert_eq!(names(folder.path()), ["out-2001-09-02T00-00-00.000-size"]);
    }

    #[test]
    fn nothing_and_the_default_are_a_hundred_mebibytes() {
        let bytes = |max_megabytes| Rotation { max_megabytes, ..Rotation::default() }.max_bytes();
        assert_eq!((bytes(0), bytes(1)), (100 << 20, 1 << 20));
        assert_eq!(Rotation::default().max_bytes(), 100 << 20);
    }
}
