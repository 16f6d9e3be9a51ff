//! Patterns of paths: `*` and `?` within one name, `**` for any number of folders.
//!
//! Names that begin with a dot are matched only by a pattern that does so too, as in a shell.

use super::recording::RecordingError;
use std::path::{Path, PathBuf};

/// Whether a path is a pattern.
pub(super) fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?'])
}

/// What matches a pattern, in the order of names; nothing when nothing does.
pub(super) fn expand(pattern: &str) -> Result<Vec<PathBuf>, RecordingError> {
    let (root, rest) = match pattern.strip_prefix('/') {
        Some(rest) => (PathBuf::from("/"), rest),
        None => (PathBuf::new(), pattern),
    };
    let names: Vec<&str> = rest.split('/').filter(|name| !name.is_empty()).collect();
    let mut found = Vec::new();
    descend(&root, &names, &mut found)?;
    // Two folders deep `**` may stand for one path in several ways.
    found.sort();
    found.dedup();
    Ok(found)
}

fn descend(folder: &Path, names: &[&str], found: &mut Vec<PathBuf>) -> Result<(), RecordingError> {
    let Some((name, rest)) = names.split_first() else {
        found.push(folder.to_owned());
        return Ok(());
    };
    if *name == "**" {
        descend(folder, rest, found)?;
        for path in entries(folder)? {
            // A link to a folder above would never end.
            if path.is_dir() && !path.is_symlink() && !is_hidden(&path) {
                descend(&path, names, found)?;
            }
        }
        return Ok(());
    }
    if !is_pattern(name) {
        let path = folder.join(name);
        return if path.exists() { descend(&path, rest, found) } else { Ok(()) };
    }
    for path in entries(folder)? {
        let matching = path.file_name().and_then(|found| found.to_str()).is_some_and(|found| matches(name, found));
        if matching && (rest.is_empty() || path.is_dir()) && (!is_hidden(&path) || name.starts_with('.')) {
            descend(&path, rest, found)?;
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, RecordingError> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let unreadable = |source| RecordingError::Folder { folder: folder.to_owned(), source };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        paths.push(entry.map_err(unreadable)?.path());
    }
    paths.sort();
    Ok(paths)
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// Whether one name matches; after a mismatch the last star takes one more character, so that no pattern is slow.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(wanted) if *wanted == '?' || *wanted == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    n = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|left| *left == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_matches_its_pattern() {
        for (pattern, name, expected) in [
            ("*.json", "a.json", true),
            ("*.json", "a.jsonl", false),
            ("*-traces*.pb", "001-traces-x.pb", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b", "xxaxxbxx", false),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn folders_are_walked_as_the_pattern_says() {
        let root = tempfile::tempdir().unwrap();
        for file in ["a.json", "b.pb", ".hidden.json", "x/a.json", "x/y/a.json", "z/y/b.json"] {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let check = |pattern: &str, expected: &[&str]| {
            let found = expand(&format!("{}/{pattern}", root.path().display())).unwrap();
            let found: Vec<_> = found.iter().map(|path| path.strip_prefix(root.path()).unwrap().to_str().unwrap()).collect();
            assert_eq!(found, expected, "{pattern}");
        };
        check("*.json", &["a.json"]);
        check(".*.json", &[".hidden.json"]);
        check("**/*.json", &["a.json", "x/a.json", "x/y/a.json", "z/y/b.json"]);
        check("*/y/*", &["x/y/a.json", "z/y/b.json"]);
        check("**/y", &["x/y", "z/y"]);
        check("**/**/b.*", &["b.pb", "z/y/b.json"]);
        check("nowhere/*", &[]);
        check("a.json/*", &[]);
    }
}
