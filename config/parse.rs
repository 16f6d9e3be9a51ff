//! From YAML text to a tree: reads the parser's events, resolves anchors and merge keys, reports every duplicate key.
//!
//! The tree is built on a stack of its own, so that depth in the input costs no stack here; it is capped at 64 levels, and
//! aliases may bring in 10,000 values.
//! Only the first document of a source is read.

use crate::problems::join;
use crate::scalar::{Scalar, Style};
use crate::tree::{Kind, Pair, item_path};
use crate::{Location, Node, Problem, Problems, Severity};
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Levels a tree may have.
pub(crate) const MAX_DEPTH: usize = 64;
/// Values that aliases may bring in, over a whole source.
const MAX_ALIASED: usize = 10_000;

pub(crate) fn parse(text: &str, file: &str) -> Result<Node, Problems> {
    let mut builder = Builder::new(file);
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                builder.fail(error.marker(), format!("not valid YAML: {}", error.info()), None);
                return Err(builder.problems);
            }
        };
        match builder.take(event, &span.start) {
            Step::Go => {}
            Step::Finished => break,
            Step::GiveUp => return Err(builder.problems),
        }
    }
    if builder.problems.has_errors() {
        return Err(builder.problems);
    }
    Ok(builder.root.unwrap_or_else(|| Node::scalar(Scalar::plain(""), Some(location(file, 1, 1)))))
}

enum Step {
    Go,
    Finished,
    GiveUp,
}

/// A list or map whose end has not been seen.
struct Open {
    node: Node,
    anchor: usize,
    /// In a map: the key whose value is awaited.
    key: Option<(String, Location)>,
    /// In a map: every key and the line it stands on.
    lines: HashMap<String, usize>,
    /// In a map: the values of `<<`, in order.
    merged: Vec<Node>,
}

struct Builder<'a> {
    file: &'a str,
    stack: Vec<Open>,
    root: Option<Node>,
    anchors: HashMap<usize, Node>,
    aliased: usize,
    problems: Problems,
}

/// What a plain `<<` key is called while its value is awaited; no YAML key can hold a NUL.
const MERGE_KEY: &str = "\0<<";

impl<'a> Builder<'a> {
    fn new(file: &'a str) -> Builder<'a> {
        let problems = Problems::new();
        Builder { file, stack: Vec::new(), root: None, anchors: HashMap::new(), aliased: 0, problems }
    }

    fn take(&mut self, event: Event<'_>, at: &Marker) -> Step {
        let here = location(self.file, at.line(), at.col() + 1);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let style = self.style(style, tag.as_deref(), at);
                let scalar = Scalar { text: text.into_owned(), style, original: None };
                self.add(Node::scalar(scalar, Some(here)), anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.check_tag(tag.as_deref(), &["seq"], at);
                self.open(Node::list(Vec::new(), Some(here)), anchor, at)
            }
            Event::MappingStart(anchor, tag) => {
                self.check_tag(tag.as_deref(), &["map"], at);
                self.open(Node::map(Vec::new(), Some(here)), anchor, at)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => self.alias(anchor, here, at),
            Event::DocumentEnd | Event::StreamEnd => Step::Finished,
            Event::Nothing | Event::StreamStart | Event::DocumentStart(_) => Step::Go,
        }
    }

    fn open(&mut self, node: Node, anchor: usize, at: &Marker) -> Step {
        if self.stack.len() >= MAX_DEPTH {
            // The path would be as deep: the place says enough.
            self.stack.truncate(3);
            self.fail(at, format!("nested deeper than {MAX_DEPTH} levels"), None);
            return Step::GiveUp;
        }
        if self.awaits_key() {
            self.fail(at, "a key must be text, not a list or a map".to_owned(), None);
            return Step::GiveUp;
        }
        self.stack.push(Open { node, anchor, key: None, lines: HashMap::new(), merged: Vec::new() });
        Step::Go
    }

    fn close(&mut self) -> Step {
        let Some(mut open) = self.stack.pop() else {
            return Step::Finished;
        };
        for merged in std::mem::take(&mut open.merged) {
            merge_in(&mut open.node, merged);
        }
        self.add(open.node, open.anchor)
    }

    /// Puts a finished value where it belongs: under its key, into its list, or at the root; or takes it as a key.
    fn add(&mut self, node: Node, anchor: usize) -> Step {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        if self.awaits_key() {
            self.key(node);
            return Step::Go;
        }
        let Some(open) = self.stack.last_mut() else {
            self.root = Some(node);
            return Step::Go;
        };
        match &mut open.node.kind {
            Kind::List(items) => items.push(node),
            Kind::Map(pairs) => {
                let (key, place) = open.key.take().expect("invariant: a value in a map follows its key");
                if key != MERGE_KEY {
                    pairs.push(Pair { key, location: Some(place), value: node });
                } else if let Err(found) = flatten_merge(node, &mut open.merged) {
                    self.report(place, format!("`<<` takes a map or a list of maps, found {found}"), None);
                }
            }
            Kind::Scalar(_) => unreachable!("invariant: only lists and maps are opened"),
        }
        Step::Go
    }

    fn key(&mut self, node: Node) {
        let Node { kind: Kind::Scalar(scalar), location, .. } = node else {
            unreachable!("invariant: open() refuses lists and maps as keys, alias() too")
        };
        let place = location.expect("invariant: values of a source have a place");
        let is_merge = scalar.text == "<<" && scalar.style == Style::Plain;
        let key = if is_merge { MERGE_KEY.to_owned() } else { scalar.text };
        let open = self.stack.last_mut().expect("invariant: a key is in a map");
        open.key = Some((key.clone(), place.clone()));
        let first = match open.lines.entry(key.clone()) {
            Entry::Occupied(first) => Some(*first.get()),
            Entry::Vacant(none) => {
                none.insert(place.line);
                None
            }
        };
        // A `<<` may stand more than once.
        if let Some(first) = first.filter(|_| !is_merge) {
            let hint = format!("it is first defined on line {first}");
            self.report(place, format!("duplicate key `{key}`"), Some(hint));
        }
    }

    fn alias(&mut self, anchor: usize, here: Location, at: &Marker) -> Step {
        let Some(node) = self.anchors.get(&anchor) else {
            self.fail(at, "an alias stands inside the value it names".to_owned(), None);
            return Step::GiveUp;
        };
        self.aliased += node.size();
        if self.aliased > MAX_ALIASED {
            self.fail(at, format!("aliases bring in more than {MAX_ALIASED} values"), None);
            return Step::GiveUp;
        }
        if self.stack.len() + node.height() > MAX_DEPTH {
            self.fail(at, format!("nested deeper than {MAX_DEPTH} levels"), None);
            return Step::GiveUp;
        }
        let mut node = node.clone();
        if self.awaits_key() && !matches!(node.kind, Kind::Scalar(_)) {
            self.fail(at, "a key must be text, not a list or a map".to_owned(), None);
            return Step::GiveUp;
        }
        // What is wrong with the value is best shown where it is written; the alias itself is where it is used.
        if matches!(node.kind, Kind::Scalar(_)) {
            node.location = Some(here);
        }
        self.add(node, 0)
    }

    fn awaits_key(&self) -> bool {
        self.stack.last().is_some_and(|open| open.node.is_map() && open.key.is_none())
    }

    fn style(&mut self, style: ScalarStyle, tag: Option<&Tag>, at: &Marker) -> Style {
        match tag {
            Some(tag) if tag.is_yaml_core_schema() && tag.suffix == "str" => return Style::Text,
            Some(tag) if tag.handle.is_empty() && tag.suffix == "!" => return Style::Text,
            Some(tag) if tag.is_yaml_core_schema() => {
                self.check_tag(Some(tag), &["int", "float", "bool", "null"], at);
                return Style::Plain;
            }
            Some(tag) => self.check_tag(Some(tag), &[], at),
            None => {}
        }
        if style == ScalarStyle::Plain { Style::Plain } else { Style::Text }
    }

    fn check_tag(&mut self, tag: Option<&Tag>, known: &[&str], at: &Marker) {
        let Some(tag) = tag else {
            return;
        };
        if !(tag.is_yaml_core_schema() && known.contains(&tag.suffix.as_str())) {
            self.fail(at, format!("the tag `{tag}` is not supported"), None);
        }
    }

    fn fail(&mut self, at: &Marker, message: String, hint: Option<String>) {
        let place = location(self.file, at.line(), at.col() + 1);
        self.report(place, message, hint);
    }

    fn report(&mut self, location: Location, message: String, hint: Option<String>) {
        let path = self.path();
        self.problems.push(Problem { severity: Severity::Error, message, location: Some(location), path, hint });
    }

    /// The path of what is being read.
    fn path(&self) -> String {
        let mut path = String::new();
        for open in &self.stack {
            match (&open.node.kind, &open.key) {
                (Kind::List(items), _) => path = item_path(&path, items.len()),
                (_, Some((key, _))) if key == MERGE_KEY => path = join(&path, "<<"),
                (_, Some((key, _))) => path = join(&path, key),
                (_, None) => {}
            }
        }
        path
    }
}

/// Collects the maps that a `<<` names.
fn flatten_merge(node: Node, into: &mut Vec<Node>) -> Result<(), String> {
    match node.kind {
        Kind::Map(_) => {
            into.push(node);
            Ok(())
        }
        Kind::List(items) => items.into_iter().try_for_each(|item| {
            let is_map = item.is_map();
            let found = item.describe();
            into.push(item);
            if is_map { Ok(()) } else { Err(found) }
        }),
        Kind::Scalar(_) => Err(node.describe()),
    }
}

/// Adds the keys of a merged map that are not there yet: what is written in the map itself wins, then the first merged.
fn merge_in(node: &mut Node, merged: Node) {
    let (Kind::Map(pairs), Kind::Map(more)) = (&mut node.kind, merged.kind) else {
        return;
    };
    for pair in more {
        if !pairs.iter().any(|known| known.key == pair.key) {
            pairs.push(pair);
        }
    }
}

fn location(file: &str, line: usize, column: usize) -> Location {
    Location { file: file.to_owned(), line, column }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> String {
        match Node::parse(text, "t.yaml") {
            Ok(node) => panic!("expected problems, got {node:?}"),
            Err(problems) => problems.to_string(),
        }
    }

    fn good(text: &str) -> Node {
        Node::parse(text, "t.yaml").unwrap_or_else(|problems| panic!("{problems}"))
    }

    #[test]
    fn every_duplicate_key_is_reported() {
        assert_eq!(
            problems("a: 1\nb:\n  c: 1\n  c: 2\na: 3\na: 4\n"),
            "error: duplicate key `c`\n  --> t.yaml:4:3  b.c\n  hint: it is first defined on line 3\n\
             error: duplicate key `a`\n  --> t.yaml:5:1  a\n  hint: it is first defined on line 1\n\
             error: duplicate key `a`\n  --> t.yaml:6:1  a\n  hint: it is first defined on line 1"
        );
    }

    #[test]
    fn anchors_aliases_and_merge_keys_work() {
        let node = good("base: &b {x: 1, y: 2}\none:\n  <<: *b\n  y: 3\ntwo: *b\nthree: {<<: [*b, {z: 9}]}");
        let text = |a: &str, b: &str| node.get(a).and_then(|node| node.get(b)).and_then(Node::text).map(str::to_owned);
        assert_eq!(text("one", "x").as_deref(), Some("1"));
        assert_eq!(text("one", "y").as_deref(), Some("3"));
        assert_eq!(text("two", "y").as_deref(), Some("2"));
        assert_eq!(text("three", "z").as_deref(), Some("9"));
        assert_eq!(node.get("one").map(|one| one.entries().count()), Some(2));
    }

    #[test]
    fn a_bomb_of_aliases_is_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let below = format!("*a{}", level - 1);
            text += &format!("a{level}: &a{level} [{}]\n", vec![below; 10].join(", "));
        }
        assert!(problems(&text).starts_with("error: aliases bring in more than 10000 values\n  --> t.yaml:"));
    }

    #[test]
    fn depth_is_capped() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        good(&nested(MAX_DEPTH));
        assert!(problems(&nested(MAX_DEPTH + 1)).starts_with("error: nested deeper than 64 levels\n  --> t.yaml:1:65"));
        let block: String = (0..80).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
        assert!(problems(&block).starts_with("error: nested deeper than 64 levels"));
    }

    #[test]
    fn an_alias_inside_its_own_value_is_refused() {
        assert_eq!(problems("a: &a [*a]"), "error: an alias stands inside the value it names\n  --> t.yaml:1:8  a[0]");
    }

    #[test]
    fn bad_yaml_has_a_place() {
        assert!(problems("a: 1\n\tb: 2\n").starts_with("error: not valid YAML: "), "{}", problems("a: 1\n\tb: 2\n"));
        assert!(problems("a: [1, 2\n").contains("t.yaml:"));
    }

    #[test]
    fn only_the_first_document_is_read() {
        assert_eq!(good("a: 1\n---\na: 2\nb: [\n").get("a").and_then(Node::text), Some("1"));
    }

    #[test]
    fn empty_sources_are_null_and_json_is_yaml() {
        assert!(good("").is_null());
        assert!(good("# nothing\n").is_null());
        assert_eq!(good("{\"a\": [1, {\"b\": null}]}").get("a").map(|a| a.items().count()), Some(2));
    }

    #[test]
    fn tags_decide_what_a_scalar_is() {
        assert_eq!(good("a: !!str 5").get("a").and_then(|node| node.deserialize::<String>().ok()).as_deref(), Some("5"));
        assert_eq!(good("a: !!int \"5\"").get("a").and_then(|node| node.deserialize::<u8>().ok()), Some(5));
        assert!(problems("a: !secret x").starts_with("error: the tag `!secret` is not supported\n  --> t.yaml:1:"));
    }

    #[test]
    fn keys_must_be_text() {
        assert!(problems("? [a, b]\n: 1\n").starts_with("error: a key must be text"));
    }
}
