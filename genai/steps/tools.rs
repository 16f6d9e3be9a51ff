//! What a tool is and what it can do, told by its name or its own definition; what it touches, told by its arguments.
//!
//! `data/tool_words.tsv` is a lexicon of words, not a judgement: `unknown` where no word fits. Rules and users overrule it.

use crate::dialects::table::rows;
use crate::fast_hash::Map;
use crate::record::to_json;
use chaperone_proto::ValueRef;
use serde::Deserialize;
use serde_json::Value as Json;
use std::sync::LazyLock;

/// Class and risk of a tool (contracts, section 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToolKind {
    /// `code_execution` `file_system` `database` `network` `payment` `identity` `message` `search` `other`.
    pub class: &'static str,
    /// `read` `write` `destructive` `external_effect` `unknown`.
    pub risk: &'static str,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    let mut table = Words::default();
    for row in rows(include_str!("../data/tool_words.tsv"), 3) {
        let [kind, label, words] = row[..] else { continue };
        let (labels, known) = if kind == "class" {
            (&mut table.classes, &mut table.class_words)
        } else {
            (&mut table.risks, &mut table.risk_words)
        };
        for word in words.split(' ') {
            known.entry(word).or_insert(labels.len());
        }
        labels.push(label);
    }
    table
});

/// Labels in the order in which they win, and the place of the label that a word means.
#[derive(Default)]
struct Words {
    classes: Vec<&'static str>,
    class_words: Map<&'static str, usize>,
    risks: Vec<&'static str>,
    risk_words: Map<&'static str, usize>,
}

/// Class and risk of a tool by its name.
pub fn tool_kind(name: &str) -> ToolKind {
    let table = &*WORDS;
    let (mut class, mut risk, mut searches) = (None, None, false);
    let better = |best: Option<usize>, known: Option<&usize>| match (best, known) {
        (Some(best), Some(known)) => Some(best.min(*known)),
        (best, known) => best.or(known.copied()),
    };
    each_word(name, |word| {
        class = better(class, table.class_words.get(word));
        risk = better(risk, table.risk_words.get(word));
        searches |= word == "search";
    });
    let class = match class.and_then(|at| table.classes.get(at).copied()) {
        // `search_orders` searches, whatever it searches in.
        Some("database" | "file_system" | "network") if searches => "search",
        Some(class) => class,
        None => "other",
    };
    ToolKind { class, risk: risk.and_then(|at| table.risks.get(at).copied()).unwrap_or("unknown") }
}

/// The risk that a tool's own definition states (annotations of the Model Context Protocol).
///
/// A definition that states nothing leaves the lexicon's word; defaults of the protocol are no statements.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Hints {
    /// Changes nothing.
    #[serde(rename = "readOnlyHint", alias = "read_only_hint", deserialize_with = "lenient")]
    read_only: Option<bool>,
    /// May destroy what is there.
    #[serde(rename = "destructiveHint", alias = "destructive_hint", deserialize_with = "lenient")]
    destructive: Option<bool>,
    /// Reaches things outside.
    #[serde(rename = "openWorldHint", alias = "open_world_hint", deserialize_with = "lenient")]
    open_world: Option<bool>,
    /// The same call again changes nothing more.
    #[serde(rename = "idempotentHint", alias = "idempotent_hint", deserialize_with = "lenient")]
    idempotent: Option<bool>,
}

/// Anything but `true` and `false` states nothing, and is no error.
fn lenient<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Ok(Json::deserialize(deserializer)?.as_bool())
}

impl Hints {
    /// The risk they state.
    pub fn risk(self) -> Option<&'static str> {
        match self {
            Hints { read_only: Some(true), .. } => Some("read"),
            Hints { destructive: Some(true), .. } => Some("destructive"),
            Hints { open_world: Some(true), read_only: Some(false), .. } => Some("external_effect"),
            Hints { destructive: Some(false), .. } | Hints { read_only: Some(false), idempotent: Some(true), .. } => {
                Some("write")
            }
            _ => None,
        }
    }
}

/// What is read of a tool's definition; descriptions and schemas are skipped without being kept.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Definition {
    name: Option<String>,
    function: Option<Function>,
    #[serde(rename = "type")]
    kind: Option<String>,
    annotations: Option<Hints>,
}

/// A tool that a model was offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// Its name; empty when it has none.
    pub name: String,
    /// The risk that its definition states.
    pub risk: Option<&'static str>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Function {
    name: Option<String>,
}

/// The tools a model was offered, from `gen_ai.tool.definitions`. A tool without a name is one all the same.
pub fn offered_tools(definitions: ValueRef<'_>) -> Vec<Offered> {
    let of_text = definitions.as_str().and_then(|text| serde_json::from_str::<Vec<Definition>>(text).ok());
    let tools = of_text.or_else(|| {
        let Json::Array(tools) = to_json(definitions)? else { return None };
        Some(tools.into_iter().map(|tool| serde_json::from_value(tool).unwrap_or_default()).collect())
    });
    let offered = |tool: Definition| {
        let risk = tool.annotations.and_then(Hints::risk);
        let name = tool.name.or(tool.function.and_then(|function| function.name)).or(tool.kind).unwrap_or_default();
        Offered { name, risk }
    };
    tools.unwrap_or_default().into_iter().map(offered).collect()
}

const RESOURCE_KEYS: [&str; 10] =
    ["path", "file_path", "filename", "file", "directory", "url", "uri", "endpoint", "table", "table_name"];
const LONGEST_RESOURCE: usize = 128;

/// What a call touches: a path, a host, or a table, from its arguments.
pub fn resource(arguments: &Json) -> Option<String> {
    let pairs = arguments.as_object()?;
    let (key, value) = RESOURCE_KEYS.iter().find_map(|key| Some((*key, pairs.get(*key)?.as_str()?)))?;
    let text = match key {
        "url" | "uri" | "endpoint" => host(value)?.to_ascii_lowercase(),
        "table" | "table_name" => value.to_ascii_lowercase(),
        _ => path(value),
    };
    (!text.is_empty() && text.len() <= LONGEST_RESOURCE).then_some(text)
}

/// Host and port of a URL, without user and password.
fn host(url: &str) -> Option<&str> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next()?;
    Some(authority.rsplit('@').next().unwrap_or(authority))
}

/// A path without `.`, `..` and doubled separators.
fn path(text: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in text.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let root = if text.starts_with('/') { "/" } else { "" };
    format!("{root}{}", parts.join("/"))
}

/// Words of a name in snake, kebab or camel case, in lower case.
fn each_word(name: &str, mut visit: impl FnMut(&str)) {
    let mut word = String::with_capacity(name.len());
    let mut before_is_lower = false;
    for c in name.chars() {
        let is_part = c.is_alphanumeric();
        if (!is_part || (before_is_lower && c.is_uppercase())) && !word.is_empty() {
            visit(&word);
            word.clear();
        }
        before_is_lower = c.is_lowercase();
        if c.is_ascii() && is_part {
            word.push(c.to_ascii_lowercase());
        } else if is_part {
            word.extend(c.to_lowercase());
        }
    }
    if !word.is_empty() {
        visit(&word);
    }
}
