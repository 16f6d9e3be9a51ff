//! `chaperone schema config`: JSON schema of `collector.yaml` with every component of this binary.
//!
//! Made from the schemas of the registries, so that it never lags behind. It describes what a user may write, which is more
//! than what settings hold: nothing in place of any value, `${...}` in place of any value, other spellings of keys, and
//! keys joined by `::`.

use crate::cli::{Done, print};
use crate::telemetry::TelemetryConfig;
use chaperone_pipeline::front::settings::{CircuitBreakerConfig, QueueConfig, RetryConfig, TimeoutConfig};
use chaperone_pipeline::registry::Entry;
use chaperone_pipeline::{Kind, Registry};
use schemars::schema_for;
use serde_json::{Map, Value, json};

pub(crate) fn config(registry: &Registry) -> Done {
    print(&format!("{}\n", serde_json::to_string_pretty(&of(registry))?))
}

/// Where a value may be left to a variable or a file.
const EXPANSION: &str = "#/$defs/expansion";

fn of(registry: &Registry) -> Value {
    let mut definitions = Map::new();
    definitions.insert(
        "expansion".to_owned(),
        json!({"type": "string", "pattern": "\\$\\{", "description": "A value out of a variable or a file, such as `${env:NAME}`."}),
    );
    definitions.insert("ids".to_owned(), expandable(json!({"type": ["array", "null"], "items": {"type": "string"}})));
    let front = [
        ("timeout", None, schema_for!(TimeoutConfig).to_value()),
        ("retry_on_failure", Some(()), schema_for!(RetryConfig).to_value()),
        ("sending_queue", Some(()), schema_for!(QueueConfig).to_value()),
        ("circuit_breaker", Some(()), schema_for!(CircuitBreakerConfig).to_value()),
    ];
    let mut front_keys = Map::new();
    for (key, is_block, schema) in front {
        definitions.insert(format!("front.{key}"), placed(schema, &format!("front.{key}")));
        let pointer = format!("#/$defs/front.{key}{}", if is_block.is_some() { "" } else { "/anyOf/0/properties/timeout" });
        front_keys.insert(key.to_owned(), json!({"$ref": pointer}));
    }
    let mut sections = Map::new();
    sections.insert("receivers".to_owned(), section(registry.receivers, &mut definitions, &Map::new()));
    sections.insert("processors".to_owned(), section(registry.processors, &mut definitions, &Map::new()));
    sections.insert("connectors".to_owned(), section(registry.connectors, &mut definitions, &Map::new()));
    sections.insert("exporters".to_owned(), section(registry.exporters, &mut definitions, &front_keys));
    sections.insert("extensions".to_owned(), section(registry.extensions, &mut definitions, &Map::new()));
    definitions.insert("telemetry".to_owned(), placed(schema_for!(TelemetryConfig).to_value(), "telemetry"));
    sections.insert("service".to_owned(), service());
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("collector.yaml of chaperone {}", env!("CARGO_PKG_VERSION")),
        "type": "object",
        "properties": sections,
        "patternProperties": {"::": true},
        "additionalProperties": false,
        "$defs": definitions,
    })
}

fn service() -> Value {
    let ids = json!({"$ref": "#/$defs/ids"});
    let pipeline = expandable(json!({
        "type": ["object", "null"],
        "properties": {"receivers": ids, "processors": ids, "exporters": ids},
        "patternProperties": {"::": true},
        "additionalProperties": false,
    }));
    expandable(json!({
        "type": ["object", "null"],
        "properties": {
            "extensions": ids,
            "pipelines": expandable(json!({
                "type": ["object", "null"],
                "patternProperties": {"^ *(traces|metrics|logs) *(/.*)?$": pipeline, "::": true},
                "additionalProperties": false,
            })),
            "telemetry": {"$ref": "#/$defs/telemetry"},
        },
        "patternProperties": {"::": true},
        "additionalProperties": false,
    }))
}

/// A section: every component under each of its spellings, with or without a name.
fn section<P: ?Sized>(entries: &[Entry<P>], definitions: &mut Map<String, Value>, more_keys: &Map<String, Value>) -> Value {
    let mut patterns = Map::new();
    patterns.insert("::".to_owned(), json!(true));
    for entry in entries {
        let name = format!("{}.{}", kind(entry.meta.kind), entry.meta.name);
        let mut schema = placed((entry.schema)().to_value(), &name);
        schema["description"] = json!(entry.meta.summary);
        if !more_keys.is_empty() {
            add_keys(&mut schema, more_keys);
        }
        definitions.insert(name.clone(), schema);
        for spelling in [&[entry.meta.name], entry.meta.aliases].concat() {
            patterns.insert(format!("^ *{spelling} *(/.*)?$"), json!({"$ref": format!("#/$defs/{name}")}));
        }
    }
    expandable(json!({"type": ["object", "null"], "patternProperties": patterns, "additionalProperties": false}))
}

/// The keys of the shared front, which a component's own schema does not know.
fn add_keys(schema: &mut Value, more: &Map<String, Value>) {
    // The settings are the first way, `${...}` the second.
    let settings = &mut schema["anyOf"][0];
    if !settings["properties"].is_object() {
        settings["properties"] = json!({});
    }
    if let Some(properties) = settings["properties"].as_object_mut() {
        properties.extend(more.clone());
    }
    settings["patternProperties"] = json!({"::": true});
    settings["additionalProperties"] = json!(false);
}

fn kind(kind: Kind) -> String {
    format!("{}s", kind.word())
}

/// A root schema made part of this one: its references are moved, and its values opened to what a user may write.
fn placed(mut root: Value, name: &str) -> Value {
    let definitions = root.as_object_mut().and_then(|root| {
        root.remove("$schema");
        root.remove("$defs")
    });
    let mut whole = opened(root, name);
    if let Some(Value::Object(definitions)) = definitions {
        let definitions: Map<String, Value> = definitions.into_iter().map(|(key, schema)| (key, opened(schema, name))).collect();
        whole["$defs"] = Value::Object(definitions);
    }
    whole
}

/// A schema of settings as a schema of what may be written for them.
fn opened(schema: Value, name: &str) -> Value {
    let Value::Object(mut schema) = schema else {
        return schema;
    };
    if let Some(Value::String(pointer)) = schema.get_mut("$ref") {
        *pointer = pointer.replacen("#/$defs/", &format!("#/$defs/{name}/$defs/"), 1);
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        if let Some(Value::Array(list)) = schema.remove(key) {
            let list: Vec<Value> = list.into_iter().map(|schema| opened(schema, name)).collect();
            // What is left open below fits several ways: one is enough.
            schema.insert(if key == "oneOf" { "anyOf" } else { key }.to_owned(), Value::Array(list));
        }
    }
    for key in ["items", "additionalProperties"] {
        if let Some(below) = schema.remove(key) {
            schema.insert(key.to_owned(), opened(below, name));
        }
    }
    let mut has_keys = false;
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        has_keys = true;
        for property in properties.values_mut() {
            *property = opened(property.take(), name);
        }
        let aliases: Vec<(String, Value)> = properties.values().flat_map(other_spellings).collect();
        properties.extend(aliases);
    }
    if has_keys {
        schema.insert("patternProperties".to_owned(), json!({"::": true}));
        // A key may stand in a joined spelling, so none can be asked for by its name.
        schema.remove("required");
    }
    let holds_text = schema.get("items").is_some_and(|items| items["anyOf"][0]["type"].to_string().contains("\"string\""));
    if let Some(kind) = schema.get_mut("type") {
        let mut kinds = if let Value::Array(kinds) = kind { kinds.clone() } else { vec![kind.clone()] };
        if !kinds.contains(&json!("null")) {
            kinds.push(json!("null"));
        }
        // A list of text may be written as `a,b`.
        if holds_text && kinds.contains(&json!("array")) && !kinds.contains(&json!("string")) {
            kinds.push(json!("string"));
        }
        *kind = Value::Array(kinds);
    }
    expandable(Value::Object(schema))
}

/// The keys of `x-aliases`, each with the schema of the key it stands for.
fn other_spellings(property: &Value) -> Vec<(String, Value)> {
    let schema = property.pointer("/anyOf/0").unwrap_or(property);
    let names = schema.get("x-aliases").and_then(Value::as_array);
    names.into_iter().flatten().filter_map(|name| Some((name.as_str()?.to_owned(), property.clone()))).collect()
}

/// The same, or `${...}`. The description and the default stay where editors look for them.
fn expandable(mut schema: Value) -> Value {
    let mut whole = Map::new();
    if let Some(object) = schema.as_object_mut() {
        for key in ["description", "default", "deprecated"] {
            whole.extend(object.remove(key).map(|value| (key.to_owned(), value)));
        }
    }
    whole.insert("anyOf".to_owned(), json!([schema, {"$ref": EXPANSION}]));
    Value::Object(whole)
}
