//! `${env:NAME}`, `${env:NAME:-default}`, `${NAME}` and `$$` in values.
//!
//! A value that is nothing but one `${...}` becomes whatever its text means as YAML, with the original text kept for
//! settings that want text; within other text it is put in as it is.
//! What came out of a variable is expanded again; the whole configuration may take 1,000 steps.
//! Keys and comments are never expanded.

use crate::parse::MAX_DEPTH;
use crate::problems::join;
use crate::scalar::{Scalar, Style};
use crate::tree::{Kind, item_path};
use crate::{Location, Node, Problem, Problems, Severity};
use std::collections::BTreeSet;

/// Expansions over a whole configuration.
const MAX_STEPS: usize = 1_000;
/// Expansions within what was expanded.
const MAX_NESTING: usize = 32;

/// Expands every value of a tree.
pub(crate) fn expand(node: Node, env: &dyn Fn(&str) -> Option<String>, problems: &mut Problems) -> Node {
    let mut expander = Expander { env, problems, steps: 0, warned: BTreeSet::new(), depth: 0, at: None, path: String::new() };
    expander.node(node, "", 0)
}

struct Expander<'a> {
    env: &'a dyn Fn(&str) -> Option<String>,
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

/// A piece of a value: text, or what a variable gave, not expanded yet.
enum Piece {
    Text(String),
    /// `None`: the variable is not set.
    Variable(Option<String>),
}

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
            [Piece::Variable(None)] => Ok(Node::scalar(Scalar::plain(""), None)),
            [Piece::Variable(Some(text))] => self.value(text, nesting + 1),
            _ => {
                let text = self.concat(pieces, nesting)?;
                // Put together it is text, and a number too if a setting wants one and it reads as one.
                Ok(Node::scalar(Scalar { text: text.clone(), style: Style::Plain, original: Some(text) }, None))
            }
        }
    }

    /// What the text of a variable means where it is a whole value: any YAML.
    fn value(&mut self, text: &str, nesting: usize) -> Result<Node, Fault> {
        if nesting > MAX_NESTING {
            return Err(("too many recursive expansions".to_owned(), None));
        }
        if let Ok(node) = Node::parse(text, "")
            && !matches!(node.kind, Kind::Scalar(_))
        {
            if self.depth + node.height() > MAX_DEPTH {
                return Err((format!("nested deeper than {MAX_DEPTH} levels"), None));
            }
            let (path, at) = (self.path.clone(), self.at.clone());
            let node = self.node(relocated(node, at.as_ref()), &path, nesting);
            return Ok(Node { original: Some(text.to_owned()), ..node });
        }
        if !text.contains('$') {
            return Ok(typed(text));
        }
        let pieces = self.pieces(text, nesting)?;
        match pieces.as_slice() {
            [Piece::Variable(Some(text))] => self.value(text, nesting + 1),
            [Piece::Variable(None)] => Ok(Node::scalar(Scalar::plain(""), None)),
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
                Piece::Variable(None) => {}
                Piece::Variable(Some(text)) if text.contains('$') => whole.push_str(&self.flat(&text, nesting + 1)?),
                Piece::Variable(Some(text)) => whole.push_str(&text),
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
            pieces.push(Piece::Variable(self.look_up(&uri)?));
            rest = after;
        }
        plain.push_str(rest);
        if !plain.is_empty() || pieces.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(pieces)
    }

    fn look_up(&mut self, uri: &str) -> Result<Option<String>, Fault> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return Err(("too many recursive expansions".to_owned(), None));
        }
        let (scheme, rest) = uri.split_once(':').unwrap_or(("env", uri));
        if scheme != "env" {
            let hint = match rest.strip_prefix('-') {
                Some(_) if is_name(scheme) => format!("write `${{env:{uri}}}`"),
                _ => "known here: `env`".to_owned(),
            };
            return Err((format!("scheme `{scheme}` is not supported in `${{{uri}}}`"), Some(hint)));
        }
        let (name, fallback) = match rest.split_once(":-") {
            Some((name, fallback)) => (name, Some(fallback)),
            None => (rest, None),
        };
        if name.contains('$') {
            return Err((format!("`${{{uri}}}` contains an unsupported character: `$`"), None));
        }
        if !is_name(name) {
            let hint = "a name is letters, digits and `_`, and does not begin with a digit".to_owned();
            return Err((format!("environment variable `{name}` has an invalid name"), Some(hint)));
        }
        let value = (self.env)(name).or_else(|| fallback.map(str::to_owned));
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

/// Gives every value of a tree one place: where the variable is named.
fn relocated(node: Node, at: Option<&Location>) -> Node {
    let kind = match node.kind {
        Kind::List(items) => Kind::List(items.into_iter().map(|item| relocated(item, at)).collect()),
        Kind::Map(mut pairs) => {
            for pair in &mut pairs {
                pair.location = at.cloned();
                let value = std::mem::replace(&mut pair.value, Node::null());
                pair.value = relocated(value, at);
            }
            Kind::Map(pairs)
        }
        scalar => scalar,
    };
    // Strings in a list or map are not text of the file: messages must not show them.
    let kind = match kind {
        Kind::Scalar(scalar) => Kind::Scalar(Scalar { original: Some(scalar.text.clone()), ..scalar }),
        other => other,
    };
    Node { kind, location: at.cloned(), original: None }
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
mod tests {
    use super::*;

    fn env(name: &str) -> Option<String> {
        let value = match name {
            "X" => "value",
            "NUMBER" => "0123",
            "QUOTED" => "\"5\"",
            "EMPTY" => "",
            "LIST" => "[a, '${env:X}']",
            "WHICH" => "X",
            "INDIRECT" => "${env:X}",
            "PRICE" => "5$$",
            "SELF" => "${env:SELF}",
            "GROWS" => "[x, '${env:GROWS}']",
            "BAD_YAML" => "[unclosed",
            "MAP" => "key: value",
            _ => return None,
        };
        Some(value.to_owned())
    }

    fn expanded(text: &str) -> (Node, Problems) {
        let mut problems = Problems::new();
        let tree = Node::parse(&format!("v: {text}"), "t.yaml").expect("invariant: the test's YAML is good");
        let tree = expand(tree, &env, &mut problems);
        (tree.get("v").cloned().unwrap_or_else(Node::null), problems)
    }

    fn text(value: &str) -> String {
        let (node, problems) = expanded(value);
        assert!(problems.is_empty(), "{problems}");
        node.deserialize::<String>().unwrap_or_else(|problems| panic!("{problems}"))
    }

    fn message(value: &str) -> String {
        expanded(value).1.to_string()
    }

    #[test]
    fn variables_are_put_in() {
        assert_eq!(text("${env:X}"), "value");
        assert_eq!(text("${X}"), "value");
        assert_eq!(text("a-${env:X}-b"), "a-value-b");
        assert_eq!(text("'${env:X}${env:X}'"), "valuevalue");
        assert_eq!(text("${env:NOPE:-fallback}"), "fallback");
        assert_eq!(text("${env:NOPE:-${env:X}}"), "value");
        assert_eq!(text("a${env:EMPTY:-fallback}b"), "ab");
        assert_eq!(text("${env:${env:WHICH}}"), "value");
        assert_eq!(text("${env:INDIRECT}"), "value");
        assert_eq!(text("${env:MAP}"), "key: value");
        assert_eq!(text("${env:BAD_YAML}"), "[unclosed");
    }

    #[test]
    fn dollars_escape_in_pairs() {
        for (value, expected) in [
            ("a$$$b", "a$$b"),
            ("a$b", "a$b"),
            ("$NAME", "$NAME"),
            ("$${env:X}", "${env:X}"),
            ("$$${env:X}", "$value"),
            ("$$$${env:X}", "$${env:X}"),
            ("'${env:X'", "${env:X"),
            ("${env:PRICE}", "5$"),
        ] {
            assert_eq!(text(value), expected, "{value}");
        }
    }

    #[test]
    fn a_whole_value_takes_the_type_it_reads_as() {
        let (node, _) = expanded("${env:NUMBER}");
        assert_eq!(node.deserialize::<u32>().ok(), Some(83));
        assert_eq!(node.deserialize::<String>().ok().as_deref(), Some("0123"));
        let (node, _) = expanded("${env:LIST}");
        assert_eq!(node.deserialize::<Vec<String>>().ok(), Some(vec!["a".to_owned(), "value".to_owned()]));
        let (node, _) = expanded("\"${env:QUOTED}\"");
        assert_eq!(node.deserialize::<String>().ok().as_deref(), Some("\"5\""));
        assert!(node.deserialize::<u32>().is_err());
        assert!(expanded("${env:EMPTY}").0.is_null());
    }

    #[test]
    fn an_unset_variable_is_null_with_one_warning() {
        let (node, problems) = expanded("['${env:NOPE}', '${env:NOPE}']");
        assert!(node.items().all(Node::is_null));
        assert_eq!(
            problems.to_string(),
            "warning: environment variable `NOPE` is not set\n  --> t.yaml:1:5  v[0]\n  \
             hint: set it, or write `${env:NOPE:-default}`"
        );
    }

    #[test]
    fn bad_expansions_say_what_to_write() {
        for (value, expected) in [
            (
                "${NAME:-x}",
                "error: scheme `NAME` is not supported in `${NAME:-x}`\n  --> t.yaml:1:4  v\n  hint: write `${env:NAME:-x}`",
            ),
            ("${foo:Y}", "error: scheme `foo` is not supported in `${foo:Y}`\n  --> t.yaml:1:4  v\n  hint: known here: `env`"),
            (
                "${1Y}",
                "error: environment variable `1Y` has an invalid name\n  --> t.yaml:1:4  v\n  \
                 hint: a name is letters, digits and `_`, and does not begin with a digit",
            ),
            ("${env:$Y}", "error: `${env:$Y}` contains an unsupported character: `$`\n  --> t.yaml:1:4  v"),
            ("${env:SELF}", "error: too many recursive expansions\n  --> t.yaml:1:4  v"),
            ("${env:GROWS}", "error: too many recursive expansions\n  --> t.yaml:1:4  v"),
        ] {
            let found = message(value);
            assert!(found.starts_with(expected), "{found}");
        }
        assert!(message("${}").starts_with("error: environment variable `` has an invalid name"));
    }
}
