//! `${env:NAME}`, `${env:NAME:-default}`, `${NAME}`, `${file:PATH}`, `${yaml:TEXT}` and `$$` in values.
//!
//! A value that is nothing but one `${...}` becomes whatever its text means as YAML, with the original text kept for
//! settings that want text (a file's last line end with it); within other text it is put in as it is.
//! What came out of a variable or a file is expanded again; the whole configuration may take 1,000 steps.
//! Keys and comments are never expanded.

use crate::nest::nested;
use crate::parse::MAX_DEPTH;
use crate::problems::join;
use crate::scalar::{Scalar, Style};
use crate::tree::{Kind, item_path};
use crate::{Location, Node, Problem, Problems, Severity, Surroundings, suggest};
use std::collections::BTreeSet;

/// Expansions over a whole configuration.
const MAX_STEPS: usize = 1_000;
/// Expansions within what was expanded.
const MAX_NESTING: usize = 32;

/// Expands every value of a tree.
pub(crate) fn expand(node: Node, around: &Surroundings, problems: &mut Problems) -> Node {
    let mut expander = Expander { around, problems, steps: 0, warned: BTreeSet::new(), depth: 0, at: None, path: String::new() };
    expander.node(node, "", 0)
}

struct Expander<'a> {
    around: &'a Surroundings<'a>,
    problems: &'a mut Problems,
    steps: usize,
    /// Unset variables that were warned of: one warning each.
    warned: BTreeSet<String>,
    /// Lists and maps around the value being expanded: what comes out must keep the tree's cap.
    depth: usize,
    /// The value being expanded.
    at: Option<Location>,
    path: String,
}

/// A piece of a value: text, or what a `${...}` gave, not expanded yet.
enum Piece {
    Text(String),
    /// `None`: the variable is not set.
    Found(Option<Found>),
}

/// What a variable or a file holds.
struct Found {
    text: String,
    /// The file it came from: lists and maps in it have places of their own.
    file: Option<String>,
}

/// What may stand before the colon in `${...}`.
const SCHEMES: [&str; 3] = ["env", "file", "yaml"];

/// Why a value cannot be expanded, with a hint.
type Fault = (String, Option<String>);

impl Expander<'_> {
    fn node(&mut self, node: Node, path: &str, nesting: usize) -> Node {
        let Node { kind, location, original } = node;
        self.depth += 1;
        let kind = match kind {
            Kind::Scalar(scalar) => {
                // A scalar is no level of its own: what it becomes takes its place.
                self.depth -= 1;
                return self.scalar(scalar, location, path, nesting);
            }
            Kind::List(items) => {
                let items = items.into_iter().enumerate();
                Kind::List(items.map(|(index, item)| self.node(item, &item_path(path, index), nesting)).collect())
            }
            Kind::Map(mut pairs) => {
                for pair in &mut pairs {
                    let value = std::mem::replace(&mut pair.value, Node::null());
                    pair.value = self.node(value, &join(path, &pair.key), nesting);
                }
                Kind::Map(pairs)
            }
        };
        self.depth -= 1;
        Node { kind, location, original }
    }

    fn scalar(&mut self, scalar: Scalar, location: Option<Location>, path: &str, nesting: usize) -> Node {
        if !scalar.text.contains('$') {
            return Node::scalar(scalar, location);
        }
        path.clone_into(&mut self.path);
        self.at.clone_from(&location);
        match self.expanded(&scalar, nesting) {
            Ok(node) => Node { location, ..node },
            Err((message, hint)) => {
                self.report(Severity::Error, message, hint);
                Node::scalar(scalar, location)
            }
        }
    }

    fn expanded(&mut self, scalar: &Scalar, nesting: usize) -> Result<Node, Fault> {
        let pieces = self.pieces(&scalar.text, nesting)?;
        match pieces.as_slice() {
            [Piece::Text(text)] => Ok(Node::scalar(Scalar { text: text.clone(), ..scalar.clone() }, None)),
            [Piece::Found(None)] => Ok(Node::scalar(Scalar::plain(""), None)),
            [Piece::Found(Some(found))] => self.value(found, nesting + 1),
            _ => {
                let text = self.concat(pieces, nesting)?;
                // Put together it is text, and a number too if a setting wants one and it reads as one.
                Ok(Node::scalar(Scalar { text: text.clone(), style: Style::Plain, original: Some(text) }, None))
            }
        }
    }

    /// What the text of a variable means where it is a whole value: any YAML.
    fn value(&mut self, found: &Found, nesting: usize) -> Result<Node, Fault> {
        let text = found.text.as_str();
        if nesting > MAX_NESTING {
            return Err(("too many recursive expansions".to_owned(), None));
        }
        if let Ok(node) = Node::parse(text, found.file.as_deref().unwrap_or_default())
            && !matches!(node.kind, Kind::Scalar(_))
        {
            if self.depth + node.height() > MAX_DEPTH {
                return Err((format!("nested deeper than {MAX_DEPTH} levels"), None));
            }
            let (path, at) = (self.path.clone(), self.at.clone());
            let place = found.file.is_none().then_some(at.as_ref());
            let node = nested(hidden(node, place), self.depth);
            let node = self.node(node, &path, nesting);
            return Ok(Node { original: Some(text.to_owned()), ..node });
        }
        if !text.contains('$') {
            return Ok(typed(text));
        }
        let pieces = self.pieces(text, nesting)?;
        match pieces.as_slice() {
            [Piece::Found(Some(found))] => self.value(found, nesting + 1),
            [Piece::Found(None)] => Ok(Node::scalar(Scalar::plain(""), None)),
            _ => Ok(typed(&self.concat(pieces, nesting)?)),
        }
    }

    /// Text with every expansion in it put in as text.
    fn flat(&mut self, text: &str, nesting: usize) -> Result<String, Fault> {
        if nesting > MAX_NESTING {
            return Err(("too many recursive expansions".to_owned(), None));
        }
        let pieces = self.pieces(text, nesting)?;
        self.concat(pieces, nesting)
    }

    fn concat(&mut self, pieces: Vec<Piece>, nesting: usize) -> Result<String, Fault> {
        let mut whole = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => whole.push_str(&text),
                Piece::Found(None) => {}
                Piece::Found(Some(found)) if found.text.contains('$') => whole.push_str(&self.flat(&found.text, nesting + 1)?),
                Piece::Found(Some(found)) => whole.push_str(&found.text),
            }
        }
        Ok(whole)
    }

    /// Cuts text at its expansions and looks the variables up.
    ///
    /// A run of `$` before `{` escapes in pairs, an odd one expands; elsewhere `$$` is `$` and a lone one stays.
    fn pieces(&mut self, text: &str, nesting: usize) -> Result<Vec<Piece>, Fault> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some((before, from)) = rest.find('$').map(|at| rest.split_at(at)) {
            plain.push_str(before);
            let after = from.trim_start_matches('$');
            let run = from.len() - after.len();
            let body = after.strip_prefix('{').filter(|_| run % 2 == 1).and_then(split_at_closing);
            let Some((body, after)) = body else {
                let kept = if after.starts_with('{') && run % 2 == 0 { run / 2 } else { run.div_ceil(2) };
                plain.extend(std::iter::repeat_n('$', kept));
                rest = after;
                continue;
            };
            plain.extend(std::iter::repeat_n('$', run / 2));
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            let uri = if body.contains("${") { self.flat(body, nesting + 1)? } else { body.to_owned() };
            pieces.push(Piece::Found(self.look_up(&uri)?));
            rest = after;
        }
        plain.push_str(rest);
        if !plain.is_empty() || pieces.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(pieces)
    }

    fn look_up(&mut self, uri: &str) -> Result<Option<Found>, Fault> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return Err(("too many recursive expansions".to_owned(), None));
        }
        let (scheme, rest) = uri.split_once(':').unwrap_or(("env", uri));
        if let "http" | "https" = scheme {
            let hint = "fetch it before the start, and write `${file:PATH}`".to_owned();
            return Err((format!("`${{{uri}}}`: configuration is not read over the network"), Some(hint)));
        }
        if !SCHEMES.contains(&scheme) {
            let hint = match rest.strip_prefix('-') {
                Some(_) if is_name(scheme) => Some(format!("write `${{env:{uri}}}`")),
                _ => suggest::one_of(&SCHEMES),
            };
            return Err((format!("scheme `{scheme}` is not supported in `${{{uri}}}`"), hint));
        }
        // A fallback may hold anything: what is in it was expanded before.
        let asked = if scheme == "env" { rest.split_once(":-").map_or(rest, |(name, _)| name) } else { rest };
        if asked.contains('$') {
            return Err((format!("`${{{uri}}}` contains an unsupported character: `$`"), None));
        }
        match scheme {
            "file" => match (self.around.file)(rest) {
                Ok(text) => Ok(Some(Found { text, file: Some(rest.to_owned()) })),
                Err(reason) => Err((format!("cannot read the file `{rest}`: {reason}"), None)),
            },
            "yaml" => Ok(Some(Found { text: rest.to_owned(), file: None })),
            _ => Ok(self.variable(rest)?.map(|text| Found { text, file: None })),
        }
    }

    /// `NAME` or `NAME:-fallback`.
    fn variable(&mut self, rest: &str) -> Result<Option<String>, Fault> {
        let (name, fallback) = match rest.split_once(":-") {
            Some((name, fallback)) => (name, Some(fallback)),
            None => (rest, None),
        };
        if !is_name(name) {
            let hint = "a name is letters, digits and `_`, and does not begin with a digit".to_owned();
            return Err((format!("environment variable `{name}` has an invalid name"), Some(hint)));
        }
        let value = (self.around.env)(name).or_else(|| fallback.map(str::to_owned));
        if value.is_none() && self.warned.insert(name.to_owned()) {
            let hint = format!("set it, or write `${{env:{name}:-default}}`");
            self.report(Severity::Warning, format!("environment variable `{name}` is not set"), Some(hint));
        }
        Ok(value)
    }

    fn report(&mut self, severity: Severity, message: String, hint: Option<String>) {
        let (location, path) = (self.at.clone(), self.path.clone());
        self.problems.push(Problem { severity, message, location, path, hint });
    }
}

/// A scalar out of a variable: what its text means as YAML, with the text kept.
fn typed(text: &str) -> Node {
    let scalar = match Node::parse(text, "").map(|node| node.kind) {
        Ok(Kind::Scalar(scalar)) => Scalar { original: Some(text.to_owned()), ..scalar },
        _ => Scalar { text: text.to_owned(), style: Style::Text, original: Some(text.to_owned()) },
    };
    Node::scalar(scalar, None)
}

/// Marks every scalar of a tree as one whose text messages must not show, and moves all to `place` where there is one.
fn hidden(node: Node, place: Option<Option<&Location>>) -> Node {
    let location = match place {
        Some(place) => place.cloned(),
        None => node.location,
    };
    let kind = match node.kind {
        Kind::List(items) => Kind::List(items.into_iter().map(|item| hidden(item, place)).collect()),
        Kind::Map(mut pairs) => {
            for pair in &mut pairs {
                if let Some(place) = place {
                    pair.location = place.cloned();
                }
                let value = std::mem::replace(&mut pair.value, Node::null());
                pair.value = hidden(value, place);
            }
            Kind::Map(pairs)
        }
        Kind::Scalar(scalar) => Kind::Scalar(Scalar { original: Some(scalar.text.clone()), ..scalar }),
    };
    Node { kind, location, original: None }
}

/// What is before the `}` that closes, and what is after it; nested `${` have their own.
fn split_at_closing(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0;
    let mut before = '\0';
    for (at, c) in text.char_indices() {
        match c {
            '{' if before == '$' => depth += 1,
            '}' if depth == 0 => return Some((text.get(..at)?, text.get(at + 1..)?)),
            '}' => depth -= 1,
            _ => {}
        }
        before = c;
    }
    None
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
#[path = "expand_tests.rs"]
mod tests;
