//! What a tool is and what it can do, told by its name; what it touches, told by its arguments.
//!
//! A lexicon of words, not a judgement: `unknown` where no word fits. Rules and users overrule it.

use crate::record::to_json;
use chaperone_proto::ValueRef;
use serde::Deserialize;
use serde_json::Value as Json;

/// Class and risk of a tool (contracts, section 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToolKind {
    /// `code_execution` `file_system` `database` `network` `payment` `identity` `message` `search` `other`.
    pub class: &'static str,
    /// `read` `write` `destructive` `external_effect` `unknown`.
    pub risk: &'static str,
}

const CLASSES: &[(&str, &[&str])] = &[
    (
        "code_execution",
        &[
            "exec",
            "execute",
            "shell",
            "bash",
            "terminal",
            "command",
            "python",
            "code",
            "eval",
            "script",
            "interpreter",
            "sandbox",
            "repl",
        ],
    ),
    (
        "payment",
        &["pay", "payment", "refund", "charge", "invoice", "transfer", "purchase", "buy", "checkout", "billing", "money"],
    ),
    (
        "identity",
        &["login", "password", "credential", "credentials", "secret", "token", "auth", "permission", "role", "user", "account"],
    ),
    ("message", &["email", "mail", "message", "sms", "slack", "notify", "notification", "post", "tweet", "reply"]),
    ("database", &["sql", "database", "db", "table", "record", "row", "order", "orders", "customer"]),
    (
        "file_system",
        &["file", "files", "directory", "folder", "path", "read", "write", "edit", "glob", "grep", "ls", "mkdir", "rm"],
    ),
    ("search", &["search", "lookup", "find", "retrieve", "query", "weather", "wiki", "docs"]),
    ("network", &["http", "url", "fetch", "request", "download", "upload", "browser", "browse", "web", "api", "curl", "webhook"]),
];

const RISKS: &[(&str, &[&str])] = &[
    (
        "destructive",
        &["delete", "remove", "drop", "destroy", "rm", "truncate", "kill", "terminate", "purge", "wipe", "revoke", "cancel"],
    ),
    (
        "external_effect",
        &[
            "send", "pay", "payment", "refund", "charge", "transfer", "purchase", "buy", "post", "publish", "email", "notify",
            "tweet", "deploy", "exec", "execute", "shell", "bash", "command", "submit", "checkout",
        ],
    ),
    (
        "write",
        &[
            "write", "edit", "create", "update", "insert", "set", "save", "add", "put", "upload", "patch", "modify", "move",
            "rename", "mkdir",
        ],
    ),
    (
        "read",
        &[
            "read", "get", "list", "search", "find", "fetch", "lookup", "query", "retrieve", "view", "show", "describe", "check",
            "grep", "glob", "ls", "weather", "count",
        ],
    ),
];

/// Class and risk of a tool by its name.
pub fn tool_kind(name: &str) -> ToolKind {
    let words = words(name);
    let first = |table: &[(&'static str, &[&str])]| {
        table.iter().find(|(_, known)| words.iter().any(|word| known.contains(&word.as_str()))).map(|(label, _)| *label)
    };
    let class = match first(CLASSES) {
        // `search_orders` searches, whatever it searches in.
        Some("database" | "file_system" | "network") if words.iter().any(|word| word == "search") => "search",
        Some(class) => class,
        None => "other",
    };
    ToolKind { class, risk: first(RISKS).unwrap_or("unknown") }
}

/// What is read of a tool's definition; descriptions and schemas are skipped without being kept.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Definition {
    name: Option<String>,
    function: Option<Function>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Function {
    name: Option<String>,
}

/// Names of the tools a model was offered, from `gen_ai.tool.definitions`. A tool without a name is one all the same.
pub fn tool_names_in_definitions(definitions: ValueRef<'_>) -> Vec<String> {
    let of_text = definitions.as_str().and_then(|text| serde_json::from_str::<Vec<Definition>>(text).ok());
    let tools = of_text.or_else(|| {
        let Json::Array(tools) = to_json(definitions)? else { return None };
        Some(tools.into_iter().map(|tool| serde_json::from_value(tool).unwrap_or_default()).collect())
    });
    let name =
        |tool: Definition| tool.name.or(tool.function.and_then(|function| function.name)).or(tool.kind).unwrap_or_default();
    tools.unwrap_or_default().into_iter().map(name).collect()
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
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before_is_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && before_is_lower) {
            words.push(String::new());
        }
        before_is_lower = c.is_lowercase();
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}
