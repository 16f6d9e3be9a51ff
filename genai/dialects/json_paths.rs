//! Values inside JSON: rows of a mapping table whose source is `KEY#PATH` read what stands at that place of KEY's value.
//!
//! `mlflow.spanType#` (no path) is the value itself: text in JSON quotes loses them, `"500"` becomes a number, other text stays.
//! `ai.usage#details.cached` goes down by names; `choices.0.id` by number (`last`: the last), `replies.only.id` into a list of exactly
//! one, `choices.*.finish_reason` gives the list of all. A name may hold dots (`prompt_tokens_details.cached_tokens` as one key).
//! A value is parsed once a record, and only if a row of its dialect asks; a structured value is as good as JSON text.
//! Objects and lists that are found go on as JSON text: every transform reads that.
//! `null` and empty text count as not said. Text that is not JSON has nothing inside; what stands before a cut is read.

use super::Dialect;
use super::mapping::{Holding, Mapping, Rule};
use super::{cut_json, python_text};
use chaperone_proto::{KeyId, RecordRef, ValueRef};
use serde_json::Value as Json;

/// The path rows of one key.
#[derive(Debug)]
pub(crate) struct PathRows {
    key: KeyId,
    name: &'static str,
    rows: Vec<(Path, Rule)>,
}

/// Where in the value.
#[derive(Debug)]
struct Path {
    steps: Vec<&'static str>,
    /// The steps from each on, as one name.
    rests: Vec<&'static str>,
}

/// A value that a row found; owned while the record is read.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) rule: Rule,
    /// The key, if the row took all of its value.
    pub(crate) key: &'static str,
    held: Held,
}

#[derive(Debug)]
enum Held {
    Text(String),
    Int(i64),
    Double(f64),
    Bool(bool),
}

impl Found {
    pub(crate) fn value(&self) -> ValueRef<'_> {
        match &self.held {
            Held::Text(text) => ValueRef::Str(text),
            Held::Int(number) => ValueRef::Int(*number),
            Held::Double(number) => ValueRef::Double(*number),
            Held::Bool(yes) => ValueRef::Bool(*yes),
        }
    }
}

/// Key and path of a source with a path.
pub(crate) fn split(source: &'static str) -> Option<(&'static str, &'static str)> {
    let is_named = ["event:", "name:", "log:", "span:"].iter().any(|form| source.starts_with(form));
    source.split_once('#').filter(|_| !is_named)
}

/// Puts a row to those of its key.
pub(crate) fn insert(all: &mut Vec<PathRows>, key: &'static str, path: &'static str, rule: Rule) {
    let path = Path::parse(path);
    match all.iter_mut().find(|known| known.name == key) {
        Some(known) => known.rows.push((path, rule)),
        None => all.push(PathRows { key: chaperone_proto::keys::intern(key), name: key, rows: vec![(path, rule)] }),
    }
}

/// What the path rows of a dialect find in a record, in the order of the tables.
/// Keys of which all rows hold only for records of some operations wait for [`read_conditional`]: their values may be large.
pub(crate) fn read(record: RecordRef<'_>, dialect: Dialect) -> Vec<Found> {
    let mut found = Vec::new();
    for of_key in Mapping::get().paths(dialect) {
        if !of_key.waits() {
            of_key.read(record, |_| true, &mut found);
        }
    }
    found
}

/// Whether a dialect has keys that wait.
pub(crate) fn has_waiting(dialect: Dialect) -> bool {
    Mapping::get().paths(dialect).any(PathRows::waits)
}

/// What the rows find that wait, in a record for which these hold.
pub(crate) fn read_conditional(record: RecordRef<'_>, dialect: Dialect, holding: Holding) -> Vec<Found> {
    let mut found = Vec::new();
    let holds = |rule: &Rule| rule.only.is_some_and(|only| holding.has(only));
    for of_key in Mapping::get().paths(dialect) {
        if of_key.waits() && of_key.rows.iter().any(|(_, rule)| holds(rule)) {
            of_key.read(record, holds, &mut found);
        }
    }
    found
}

impl PathRows {
    fn waits(&self) -> bool {
        self.rows.iter().all(|(_, rule)| rule.only.is_some())
    }

    fn read(&self, record: RecordRef<'_>, wanted: impl Fn(&Rule) -> bool, found: &mut Vec<Found>) {
        let Some(value) = record.attrs().get(self.key) else { return };
        let json = match value {
            ValueRef::Str(text) => parse(text),
            ValueRef::Empty => None,
            other => Some(crate::record::plain(other)),
        };
        for (path, rule) in self.rows.iter().filter(|(_, rule)| wanted(rule)) {
            let held = match &json {
                Some(json) => path.find(json),
                None if path.steps.is_empty() => value.as_str().map(str::to_owned).and_then(Held::of_text),
                None => None,
            };
            let key = if path.steps.is_empty() { self.name } else { "" };
            found.extend(held.map(|held| Found { rule: *rule, key, held }));
        }
    }
}

/// JSON text, also when it was quoted once more, or cut off at its end.
pub(crate) fn parse(text: &str) -> Option<Json> {
    let json: Json = serde_json::from_str(text).ok().or_else(|| cut_json::parse(text)).or_else(|| python_text::parse(text))?;
    match &json {
        Json::String(inner) if inner.starts_with(['{', '[']) => Some(serde_json::from_str(inner).unwrap_or(json)),
        _ => Some(json),
    }
}

impl Path {
    fn parse(path: &'static str) -> Path {
        let mut path = Path { steps: Vec::new(), rests: Vec::from([path]) };
        while let Some(rest) = path.rests.last().copied().filter(|rest| !rest.is_empty()) {
            let (step, below) = rest.split_once('.').unwrap_or((rest, ""));
            path.steps.push(step);
            path.rests.push(below);
        }
        path
    }

    fn find(&self, json: &Json) -> Option<Held> {
        let mut values = Vec::new();
        self.walk(json, 0, &mut values);
        if self.steps.contains(&"*") {
            let list = Json::Array(values.into_iter().cloned().collect());
            return if list.as_array().is_some_and(Vec::is_empty) { None } else { Some(Held::Text(list.to_string())) };
        }
        values.first().and_then(|value| Held::of(value))
    }

    fn walk<'j>(&self, json: &'j Json, at: usize, values: &mut Vec<&'j Json>) {
        let (Some(step), Some(rest)) = (self.steps.get(at), self.rests.get(at)) else {
            if !json.is_null() {
                values.push(json);
            }
            return;
        };
        match json {
            Json::Object(object) => match (object.get(*step), object.get(*rest)) {
                (Some(inner), _) => self.walk(inner, at + 1, values),
                (None, Some(whole)) => self.walk(whole, self.steps.len(), values),
                (None, None) => {}
            },
            Json::Array(items) => match *step {
                "*" => items.iter().for_each(|item| self.walk(item, at + 1, values)),
                "only" if items.len() != 1 => {}
                "only" | "last" => items.iter().rev().take(1).for_each(|item| self.walk(item, at + 1, values)),
                number => {
                    let item = number.parse().ok().and_then(|number: usize| items.get(number));
                    item.into_iter().for_each(|item| self.walk(item, at + 1, values));
                }
            },
            _ => {}
        }
    }
}

impl Held {
    fn of(json: &Json) -> Option<Held> {
        match json {
            Json::Null => None,
            Json::String(text) => Held::of_text(text.clone()),
            Json::Bool(yes) => Some(Held::Bool(*yes)),
            Json::Number(number) => number.as_i64().map(Held::Int).or_else(|| number.as_f64().map(Held::Double)),
            other => Some(Held::Text(other.to_string())),
        }
    }
    fn of_text(text: String) -> Option<Held> {
        if text.is_empty() { None } else { Some(Held::Text(text)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &'static str, json: &str) -> Option<String> {
        let held = Path::parse(path).find(&parse(json).expect("JSON"))?;
        Some(match held {
            Held::Text(text) => text,
            Held::Int(number) => format!("int {number}"),
            Held::Double(number) => format!("double {number}"),
            Held::Bool(yes) => format!("bool {yes}"),
        })
    }

    #[test]
    fn paths_lead_into_objects_and_lists() {
        let answer =
            r#"{"choices":[{"finish_reason":"stop","n":1.5},{"finish_reason":"length"}],"usage":{"a.b":{"c":7},"ok":true}}"#;
        for (path, expected) in [
            ("choices.0.finish_reason", Some("stop")),
            ("choices.last.finish_reason", Some("length")),
            ("choices.*.finish_reason", Some(r#"["stop","length"]"#)),
            ("choices.0.n", Some("double 1.5")),
            ("choices.only.finish_reason", None),
            ("choices.9.finish_reason", None),
            ("choices.*.nothing", None),
            ("usage.a.b", Some(r#"{"c":7}"#)),
            ("usage.ok", Some("bool true")),
            ("usage.ok.deeper", None),
        ] {
            assert_eq!(found(path, answer).as_deref(), expected, "{path}");
        }
        assert_eq!(found("only.id", r#"[{"id":"x"}]"#).as_deref(), Some("x"));
    }

    #[test]
    fn scalars_lose_their_json_quotes_and_nothing_is_not_said() {
        for (json, expected) in [
            (r#""CHAT_MODEL""#, Some("CHAT_MODEL")),
            ("500", Some("int 500")),
            ("null", None),
            (r#""""#, None),
            ("[1]", Some("[1]")),
        ] {
            assert_eq!(found("", json).as_deref(), expected, "{json}");
        }
        assert_eq!(found("a", r#""{\"a\": 1}""#).as_deref(), Some("int 1"), "quoted once more");
    }
}
