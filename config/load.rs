//! From sources to a document: parse, merge, expand `${...}`, read sections. All problems at once.
//!
//! Sources are merged before anything is expanded, so a variable in a value that a later source replaces is never asked for.
//! `--set` sources count last, wherever they stand.

use crate::expand::expand;
use crate::merge::merge;
use crate::nest::nested;
use crate::parse::MAX_DEPTH;
use crate::problems::join;
use crate::tree::{Kind, Pair};
use crate::{Document, Location, Node, Problem, Problems, Severity, Surroundings, read};

/// Where configuration comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file; the text is read by the caller, so that this crate is tested without files.
    Text {
        /// Name shown in positions.
        name: String,
        /// YAML.
        text: String,
    },
    /// `--set a.b.c=value`.
    Set(String),
}

/// Loads a configuration that names no file. `env` looks an environment variable up.
///
/// The problems of a successful load are warnings.
pub fn load(sources: &[Source], env: &dyn Fn(&str) -> Option<String>) -> Result<(Document, Problems), Problems> {
    match load_what_is_there(sources, &Surroundings::of_env(env)) {
        (Some(document), problems) if !problems.has_errors() => Ok((document, problems)),
        (_, problems) => Err(problems),
    }
}

/// As [`load`] with files and gates, and with what could be read in spite of errors, so that the settings of its components
/// can be checked too.
///
/// `None` when a source is not YAML or not a map.
pub fn load_what_is_there(sources: &[Source], around: &Surroundings) -> (Option<Document>, Problems) {
    let mut problems = Problems::new();
    let mut trees = Vec::new();
    let texts = sources.iter().filter(|source| matches!(source, Source::Text { .. }));
    let sets = sources.iter().filter(|source| matches!(source, Source::Set(_)));
    for source in texts.chain(sets) {
        let tree = match source {
            Source::Text { name, text } => file(text, name),
            Source::Set(text) => set(text),
        };
        match tree {
            Ok(tree) => trees.push(tree),
            Err(found) => problems.extend(found),
        }
    }
    if problems.has_errors() {
        return (None, problems);
    }
    let append = around.gates.append_lists;
    let merged = trees.into_iter().fold(Node::map(Vec::new(), None), |below, over| merge(below, over, append));
    let tree = expand(merged, around, &mut problems);
    let document = read::document(tree, around.gates, &mut problems);
    problems.sort_by_place();
    (Some(document), problems)
}

/// A file: its root must be a map; one that says nothing is an empty map.
fn file(text: &str, name: &str) -> Result<Node, Problems> {
    let tree = Node::parse(text, name)?;
    if tree.is_null() {
        return Ok(Node::map(Vec::new(), tree.location));
    }
    if !tree.is_map() {
        return Err(Problems::from(Problem {
            severity: Severity::Error,
            message: format!("the configuration must be a map, found {}", tree.describe()),
            location: tree.location,
            path: String::new(),
            hint: None,
        }));
    }
    Ok(nested(tree, 0))
}

/// `--set a.b.c=value`: the value is YAML, nothing is null. `::` separates as well as `.`.
fn set(text: &str) -> Result<Node, Problems> {
    let source = format!("--set {text}");
    let bad = |message: &str, column| {
        let location = Some(Location { file: source.clone(), line: 1, column });
        let hint = Some("write `--set a.b.c=value`".to_owned());
        Problems::from(Problem { severity: Severity::Error, message: message.to_owned(), location, path: String::new(), hint })
    };
    let Some((key, value)) = text.split_once('=') else {
        return Err(bad("missing equal sign", 1));
    };
    let column = key.chars().count() + 2;
    let key = key.trim();
    let segments: Vec<&str> = if key.contains("::") { key.split("::").collect() } else { key.split('.').collect() };
    if segments.iter().any(|segment| segment.is_empty()) {
        return Err(bad("empty key", 1));
    }
    if segments.len() > MAX_DEPTH / 2 {
        return Err(bad("the key is nested too deep", 1));
    }
    let mut tree = match Node::parse(value.trim(), &source) {
        Ok(tree) => tree,
        Err(mut problems) => {
            for problem in problems.iter_mut() {
                problem.path = join(&segments.join("."), &problem.path);
                shift_place(&mut problem.location, column);
            }
            return Err(problems);
        }
    };
    shift(&mut tree, column);
    for segment in segments.iter().rev() {
        let place = Location { file: source.clone(), line: 1, column: 1 };
        let pair = Pair { key: (*segment).to_owned(), location: Some(place.clone()), value: tree };
        tree = Node::map(vec![pair], Some(place));
    }
    Ok(nested(tree, 0))
}

/// Moves the places of a value to where it stands behind the equal sign.
fn shift(node: &mut Node, column: usize) {
    shift_place(&mut node.location, column);
    match &mut node.kind {
        Kind::Scalar(_) => {}
        Kind::List(items) => items.iter_mut().for_each(|item| shift(item, column)),
        Kind::Map(pairs) => {
            for pair in pairs {
                shift_place(&mut pair.location, column);
                shift(&mut pair.value, column);
            }
        }
    }
}

fn shift_place(location: &mut Option<Location>, column: usize) {
    if let Some(location) = location.as_mut().filter(|location| location.line == 1) {
        location.column += column - 1;
    }
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
