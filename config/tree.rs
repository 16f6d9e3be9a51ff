//! A YAML tree that keeps text, style and position of every value.
//!
//! Files are merged and `${...}` is expanded on this tree, with positions kept; serde reads it at the very end.
//! A tree is at most 64 levels deep, so walking it by recursion is safe.

use crate::de::NodeDeserializer;
use crate::problems::join;
use crate::scalar::{Scalar, Value};
use crate::{Location, Problem, Problems, Severity, parse};
use serde::de::DeserializeOwned;

/// One value of the tree.
#[derive(Debug, Clone)]
pub struct Node {
    pub(crate) kind: Kind,
    pub(crate) location: Option<Location>,
    /// Of lists and maps that came out of `${...}`: the text, for settings that want text.
    pub(crate) original: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Pair>),
}

/// A key with its value.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    pub key: String,
    /// `None` for keys that come from a component's defaults.
    pub location: Option<Location>,
    pub value: Node,
}

/// What [`Node::entries`] gives for keys that no source contains.
static NOWHERE: Location = Location { file: String::new(), line: 0, column: 0 };

impl Node {
    /// Parses one YAML document (the first) of a source called `file`.
    ///
    /// Nothing is expanded: `${...}` stays as it is. Every duplicate key is reported.
    pub fn parse(text: &str, file: &str) -> Result<Node, Problems> {
        parse::parse(text, file)
    }
    /// A null without position: for components that were named without settings.
    pub fn null() -> Node {
        Node::scalar(Scalar::plain(""), None)
    }
    /// Where it stands.
    pub fn location(&self) -> Option<&Location> {
        self.location.as_ref()
    }
    /// Whether it is null or absent.
    pub fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar(scalar) if scalar.value() == Value::Null)
    }
    /// Whether it is a map.
    pub fn is_map(&self) -> bool {
        matches!(self.kind, Kind::Map(_))
    }
    /// Whether it is a list.
    pub fn is_list(&self) -> bool {
        matches!(self.kind, Kind::List(_))
    }
    /// The value of a key, if this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.pairs().iter().find(|pair| pair.key == key).map(|pair| &pair.value)
    }
    /// Where a key of this map stands.
    pub fn key_location(&self, key: &str) -> Option<&Location> {
        self.pairs().iter().find(|pair| pair.key == key).and_then(|pair| pair.location.as_ref())
    }
    /// Takes a key out of a map: how shared fronts read their keys out of a component's node.
    pub fn take(&mut self, key: &str) -> Option<Node> {
        let Kind::Map(pairs) = &mut self.kind else {
            return None;
        };
        let index = pairs.iter().position(|pair| pair.key == key)?;
        let pair = pairs.remove(index);
        // A null has no place of its own worth pointing at: the key is what the user sees.
        let location = if pair.value.is_null() { pair.location } else { pair.value.location };
        Some(Node { location, ..pair.value })
    }
    /// Pairs of a map in order with the location of the key; empty for other kinds.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Location, &Node)> {
        self.pairs().iter().map(|pair| (pair.key.as_str(), pair.location.as_ref().unwrap_or(&NOWHERE), &pair.value))
    }
    /// Elements of a list; empty for other kinds.
    pub fn items(&self) -> impl Iterator<Item = &Node> {
        let items: &[Node] = if let Kind::List(items) = &self.kind { items } else { &[] };
        items.iter()
    }
    /// The text of a scalar as written.
    pub fn text(&self) -> Option<&str> {
        if let Kind::Scalar(scalar) = &self.kind { Some(scalar.written()) } else { None }
    }
    /// Lays `over` on this tree: maps merge, everything else is replaced.
    pub fn merge(self, over: Node) -> Node {
        let location = over.location.or(self.location);
        let original = over.original;
        match (self.kind, over.kind) {
            (Kind::Map(mut pairs), Kind::Map(over)) => {
                for pair in over {
                    match pairs.iter().position(|below| below.key == pair.key) {
                        Some(index) => {
                            let below = pairs.remove(index);
                            let value = below.value.merge(pair.value);
                            pairs.insert(index, Pair { key: pair.key, location: pair.location.or(below.location), value });
                        }
                        None => pairs.push(pair),
                    }
                }
                Node::map(pairs, location)
            }
            (_, kind) => Node { kind, location, original },
        }
    }
    /// Deserializes by serde; positions of this tree are in the problems.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, Problems> {
        T::deserialize(NodeDeserializer::new(self)).map_err(|error| {
            let (message, path, location) = error.into_parts();
            let location = location.or_else(|| self.locate(&path).cloned());
            Problems::from(Problem { severity: Severity::Error, message, location, path, hint: None })
        })
    }
    /// The position of what a dotted path names (list positions as `[2]`), else of the nearest node above it.
    ///
    /// A key is pointed at where its value is a map, a list or null, the value where it is a scalar.
    pub fn locate(&self, path: &str) -> Option<&Location> {
        let mut nearest = self.location();
        let mut node = self;
        let mut rest = path;
        while !rest.is_empty() {
            let Some((child, key_location, below)) = node.step(rest) else {
                break;
            };
            let own = match &child.kind {
                Kind::Scalar(_) if !child.is_null() => child.location().or(key_location),
                _ => key_location.or(child.location()),
            };
            nearest = own.or(nearest);
            node = child;
            rest = below;
        }
        nearest
    }

    /// The child that the beginning of `path` names, the place of its key, and what is left of the path.
    ///
    /// Keys may contain dots, so the longest key that fits is taken.
    fn step<'n, 'p>(&'n self, path: &'p str) -> Option<(&'n Node, Option<&'n Location>, &'p str)> {
        if let Kind::List(items) = &self.kind {
            let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
            let item = items.get(index.parse::<usize>().ok()?)?;
            return Some((item, None, rest.strip_prefix('.').unwrap_or(rest)));
        }
        let fits = |pair: &&Pair| {
            path.strip_prefix(pair.key.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.starts_with('['))
        };
        let pair = self.pairs().iter().filter(fits).max_by_key(|pair| pair.key.len())?;
        let rest = path.get(pair.key.len()..)?;
        Some((&pair.value, pair.location.as_ref(), rest.strip_prefix('.').unwrap_or(rest)))
    }

    /// Pairs of a map, nothing for other kinds.
    pub(crate) fn pairs(&self) -> &[Pair] {
        if let Kind::Map(pairs) = &self.kind { pairs } else { &[] }
    }
    pub(crate) fn scalar(scalar: Scalar, location: Option<Location>) -> Node {
        Node { kind: Kind::Scalar(scalar), location, original: None }
    }
    pub(crate) fn list(items: Vec<Node>, location: Option<Location>) -> Node {
        Node { kind: Kind::List(items), location, original: None }
    }
    pub(crate) fn map(pairs: Vec<Pair>, location: Option<Location>) -> Node {
        Node { kind: Kind::Map(pairs), location, original: None }
    }
    /// A tree without positions from JSON; members that are null are left out.
    pub(crate) fn from_json(json: &serde_json::Value) -> Node {
        let kind = match json {
            serde_json::Value::Null => return Node::null(),
            serde_json::Value::Bool(value) => Kind::Scalar(Scalar::plain(value.to_string())),
            serde_json::Value::Number(number) => Kind::Scalar(Scalar::plain(number.to_string())),
            serde_json::Value::String(text) => Kind::Scalar(Scalar::text(text.as_str())),
            serde_json::Value::Array(items) => Kind::List(items.iter().map(Node::from_json).collect()),
            serde_json::Value::Object(members) => {
                let members = members.iter().filter(|(_, value)| !value.is_null());
                let pair = |(key, value): (&String, &serde_json::Value)| Pair {
                    key: key.clone(),
                    location: None,
                    value: Node::from_json(value),
                };
                Kind::Map(members.map(pair).collect())
            }
        };
        Node { kind, location: None, original: None }
    }
    /// How many levels it has; a scalar has one.
    pub(crate) fn height(&self) -> usize {
        let below = match &self.kind {
            Kind::Scalar(_) => 0,
            Kind::List(items) => items.iter().map(Node::height).max().unwrap_or(0),
            Kind::Map(pairs) => pairs.iter().map(|pair| pair.value.height()).max().unwrap_or(0),
        };
        below + 1
    }
    /// How many values it has, itself included.
    pub(crate) fn size(&self) -> usize {
        let below: usize = match &self.kind {
            Kind::Scalar(_) => 0,
            Kind::List(items) => items.iter().map(Node::size).sum(),
            Kind::Map(pairs) => pairs.iter().map(|pair| pair.value.size()).sum(),
        };
        below + 1
    }
    /// What it is, for messages: `the number 5`, `a list`. Never shows what came out of a variable: it may be a secret.
    pub(crate) fn describe(&self) -> String {
        let scalar = match &self.kind {
            Kind::List(_) => return "a list".to_owned(),
            Kind::Map(_) => return "a map".to_owned(),
            Kind::Scalar(scalar) => scalar,
        };
        let hidden = scalar.original.is_some();
        match scalar.value() {
            Value::Null => "nothing".to_owned(),
            Value::Bool(_) | Value::Int(_) | Value::Float(_) if hidden => "another type from a variable".to_owned(),
            Value::Text(_) if hidden => "text from a variable".to_owned(),
            Value::Bool(value) => format!("`{value}`"),
            Value::Int(_) | Value::Float(_) => format!("the number `{}`", scalar.text),
            Value::Text(text) => format!("the text `{}`", shorten(text)),
        }
    }
}

/// Values in messages are cut: a message is one line.
fn shorten(text: &str) -> String {
    let escaped: String = text.escape_debug().take(61).collect();
    if escaped.chars().count() > 60 { format!("{}...", escaped.chars().take(60).collect::<String>()) } else { escaped }
}

/// The path of a list element.
pub(crate) fn item_path(path: &str, index: usize) -> String {
    join(path, &format!("[{index}]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Node {
        Node::parse(text, "test.yaml").expect("invariant: the test's YAML is good")
    }

    fn place(node: &Node, path: &str) -> (usize, usize) {
        let location = node.locate(path).expect("invariant: every node of a file has a place");
        (location.line, location.column)
    }

    #[test]
    fn a_path_is_found_and_else_the_nearest_node_above() {
        let node = tree("a:\n  b: 5\n  c: [x, y]\n  d.e:\n    f: 1\n  g:\n");
        assert_eq!(place(&node, "a.b"), (2, 6));
        assert_eq!(place(&node, "a.c[1]"), (3, 10));
        assert_eq!(place(&node, "a.d.e.f"), (5, 8));
        assert_eq!(place(&node, "a.g"), (6, 3));
        assert_eq!(place(&node, "a.nothing.there"), (1, 1));
    }

    #[test]
    fn maps_merge_and_lists_are_replaced() {
        let merged = tree("a: {b: 1, c: [1, 2]}\nd: x").merge(tree("a: {c: [3], e: 4}\nd: {f: 1}"));
        let text =
            |path: &[&str]| path.iter().try_fold(&merged, |node, key| node.get(key)).and_then(Node::text).map(str::to_owned);
        assert_eq!(text(&["a", "b"]).as_deref(), Some("1"));
        assert_eq!(merged.get("a").and_then(|a| a.get("c")).map(|c| c.items().count()), Some(1));
        assert_eq!(text(&["a", "e"]).as_deref(), Some("4"));
        assert_eq!(text(&["d", "f"]).as_deref(), Some("1"));
    }

    #[test]
    fn null_replaces_a_map_when_files_are_merged() {
        assert!(tree("a: {b: 1}").merge(tree("a:")).get("a").is_some_and(Node::is_null));
    }

    #[test]
    fn a_key_can_be_taken_out() {
        let mut node = tree("timeout: 5s\nendpoint: x");
        assert_eq!(node.take("timeout").as_ref().and_then(Node::text), Some("5s"));
        assert!(node.take("timeout").is_none());
        assert_eq!(node.entries().count(), 1);
    }
}
