//! Reads keys of YAML maps and collects what is wrong with them, each with its place.

use chaperone_config::{Duration, Location, Node, Problem, Problems, Severity};

/// Collects problems while a file is read.
pub struct Reader<'a> {
    source: &'a str,
    problems: Problems,
}

impl<'a> Reader<'a> {
    /// `source`: the file's text, to find places inside a value.
    pub fn new(source: &'a str) -> Reader<'a> {
        Reader { source, problems: Problems::new() }
    }

    /// The value, unless something was wrong.
    pub fn finish<T>(self, value: T) -> Result<T, Problems> {
        if self.problems.has_errors() { Err(self.problems) } else { Ok(value) }
    }

    /// Tells of a node.
    pub fn error(&mut self, node: &Node, path: &str, message: String) {
        self.push(node.location().cloned(), path, message, None);
    }

    /// Tells of a key's value.
    pub fn error_at(&mut self, node: &Node, path: &str, key: &str, message: String, hint: Option<String>) {
        let location = node.get(key).and_then(Node::location).or(node.location()).cloned();
        self.push(location, &below(path, key), message, hint);
    }

    /// Tells of a place inside a text: `at` characters of it stand before the fault.
    pub fn error_inside(&mut self, value: &Node, path: &str, at: usize, message: String, hint: Option<String>) {
        let location = value.location().map(|start| self.inside(start, at));
        self.push(location, path, message, hint);
    }

    /// Tells of keys that are not known, and of what is no map.
    pub fn known_keys(&mut self, node: &Node, path: &str, known: &[&str]) {
        if !node.is_map() {
            self.error(node, path, "expected a map".to_owned());
            return;
        }
        let unknown: Vec<_> = node.entries().filter(|(key, _, _)| !known.contains(key)).collect();
        for (key, location, _) in unknown {
            let hint = chaperone_config::suggest::hint(key, known);
            self.push(Some(location.clone()), &below(path, key), format!("unknown key `{key}`"), hint);
        }
    }

    /// Elements of a list; one that is absent is empty.
    pub fn list<'n>(&mut self, node: &'n Node, path: &str, key: &str) -> impl Iterator<Item = &'n Node> + use<'n> {
        let value = node.get(key);
        if value.is_some_and(|value| !value.is_list() && !value.is_null()) {
            self.error_at(node, path, key, "expected a list".to_owned(), None);
        }
        value.into_iter().flat_map(Node::items)
    }

    /// A text.
    pub fn text(&mut self, node: &Node, path: &str, key: &str) -> Option<String> {
        let value = node.get(key)?;
        match value.text() {
            Some(text) => Some(text.to_owned()),
            None => {
                self.error_at(node, path, key, "expected text".to_owned(), None);
                None
            }
        }
    }

    /// A text that must be there.
    pub fn required_text(&mut self, node: &Node, path: &str, key: &str) -> String {
        let text = self.text(node, path, key).unwrap_or_default();
        if text.is_empty() && node.is_map() {
            self.error(node, path, format!("`{key}` is missing"));
        }
        text
    }

    /// Texts of a list.
    pub fn texts(&mut self, node: &Node, path: &str, key: &str) -> Vec<String> {
        let mut texts = Vec::new();
        for (i, item) in self.list(node, path, key).enumerate() {
            match item.text() {
                Some(text) => texts.push(text.to_owned()),
                None => self.error(item, &format!("{}[{i}]", below(path, key)), "expected text".to_owned()),
            }
        }
        texts
    }

    /// One of some words.
    pub fn word(&mut self, node: &Node, path: &str, key: &str, known: &[&str]) -> Option<String> {
        let word = self.text(node, path, key)?;
        if known.contains(&word.as_str()) {
            return Some(word);
        }
        let hint = chaperone_config::suggest::hint(&word, known);
        self.error_at(node, path, key, format!("unknown {key} `{word}`"), hint);
        None
    }

    /// Several of some words.
    pub fn words(&mut self, node: &Node, path: &str, key: &str, known: &[&str]) -> Vec<String> {
        let words = self.texts(node, path, key);
        for word in &words {
            if !known.contains(&word.as_str()) {
                let hint = chaperone_config::suggest::hint(word, known);
                self.error_at(node, path, key, format!("unknown key `{word}`"), hint);
            }
        }
        words
    }

    /// A span of time.
    pub fn duration(&mut self, node: &Node, path: &str, key: &str) -> Option<std::time::Duration> {
        let text = self.text(node, path, key)?;
        match Duration::parse(&text) {
            Ok(duration) => Some(duration.get()),
            Err(message) => {
                self.error_at(node, path, key, message, Some("write it like `30s` or `1h30m`".to_owned()));
                None
            }
        }
    }

    /// A whole number.
    pub fn whole(&mut self, node: &Node, path: &str, key: &str) -> Option<u64> {
        let text = self.text(node, path, key)?;
        let number = text.parse().ok();
        if number.is_none() {
            self.error_at(node, path, key, format!("expected a whole number, found `{text}`"), None);
        }
        number
    }

    /// A place inside a scalar: exact where it stands on one line, else its beginning.
    fn inside(&self, start: &Location, at: usize) -> Location {
        let line = self.source.lines().nth(start.line.saturating_sub(1)).unwrap_or_default();
        let first = line.chars().nth(start.column.saturating_sub(1));
        let before = match first {
            Some('|' | '>') | None => return start.clone(),
            Some('\'' | '"') => 1,
            Some(_) => 0,
        };
        Location { column: start.column + before + at, ..start.clone() }
    }

    fn push(&mut self, location: Option<Location>, path: &str, message: String, hint: Option<String>) {
        self.problems.push(Problem { severity: Severity::Error, message, location, path: path.to_owned(), hint });
    }
}

fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
