//! `schema config`: a JSON schema that accepts what the loader accepts.
//!
//! The judge is a validator of the keywords the schema uses; one that it does not know fails the test, so that nothing is
//! silently passed over.

use crate::outcome;
use chaperone::config::Node;
use regex::Regex;
use serde_json::{Map, Value};
use std::fs;
use std::path::{Path, PathBuf};

/// Keywords that say nothing about a value.
const NOTES: [&str; 9] = ["$schema", "$defs", "title", "description", "default", "deprecated", "writeOnly", "format", "examples"];

/// What is wrong with a value; empty when all is well.
fn faults(value: &Value, schema: &Value, root: &Value, path: &str) -> Vec<String> {
    let keywords = match schema {
        Value::Bool(true) => return Vec::new(),
        Value::Bool(false) => return vec![format!("{path}: nothing may stand here")],
        other => other.as_object().unwrap_or_else(|| panic!("{path}: no schema: {other}")),
    };
    let mut found = Vec::new();
    for (keyword, rule) in keywords {
        match (keyword.as_str(), value) {
            ("$ref", _) => found.extend(faults(value, target(rule, root), root, path)),
            ("type", _) if !types(rule).iter().any(|name| is(value, name)) => found.push(format!("{path}: {value} is no {rule}")),
            ("enum", _) if !list(rule).contains(value) => found.push(format!("{path}: {value} is not among {rule}")),
            ("const", _) if rule != value => found.push(format!("{path}: {value} is not {rule}")),
            ("anyOf", _) => {
                let ways: Vec<Vec<String>> = list(rule).iter().map(|way| faults(value, way, root, path)).collect();
                if ways.iter().all(|faults| !faults.is_empty()) {
                    found.extend(ways.into_iter().flatten());
                }
            }
            ("allOf", _) => found.extend(list(rule).iter().flat_map(|part| faults(value, part, root, path))),
            ("pattern", Value::String(text)) if !pattern(rule).is_match(text) => found.push(format!("{path}: not like {rule}")),
            ("minimum", Value::Number(number)) if number.as_f64() < rule.as_f64() => found.push(format!("{path}: below {rule}")),
            ("maximum", Value::Number(number)) if number.as_f64() > rule.as_f64() => found.push(format!("{path}: above {rule}")),
            ("items", Value::Array(items)) => {
                let each = items.iter().enumerate();
                found.extend(each.flat_map(|(index, item)| faults(item, rule, root, &format!("{path}[{index}]"))));
            }
            ("properties", Value::Object(members)) => found.extend(members_faults(members, keywords, root, path)),
            ("patternProperties", Value::Object(members)) if !keywords.contains_key("properties") => {
                found.extend(members_faults(members, keywords, root, path));
            }
            ("additionalProperties", Value::Object(members))
                if !keywords.contains_key("properties") && !keywords.contains_key("patternProperties") =>
            {
                found.extend(members_faults(members, keywords, root, path));
            }
            ("required", Value::Object(members)) => {
                let missing = list(rule).iter().filter_map(Value::as_str).filter(|key| !members.contains_key(*key));
                found.extend(missing.map(|key| format!("{path}: `{key}` is missing")));
            }
            (
                "type"
                | "enum"
                | "const"
                | "pattern"
                | "minimum"
                | "maximum"
                | "items"
                | "properties"
                | "patternProperties"
                | "additionalProperties"
                | "required",
                _,
            ) => {}
            (other, _) if NOTES.contains(&other) || other.starts_with("x-") => {}
            (other, _) => panic!("{path}: the schema uses `{other}`, which this validator does not know"),
        }
    }
    found
}

fn members_faults(members: &Map<String, Value>, schema: &Map<String, Value>, root: &Value, path: &str) -> Vec<String> {
    let none = Map::new();
    let object = |key: &str| schema.get(key).and_then(Value::as_object).unwrap_or(&none);
    let mut found = Vec::new();
    for (key, value) in members {
        let path = format!("{path}.{key}");
        let mut known = false;
        if let Some(schema) = object("properties").get(key) {
            known = true;
            found.extend(faults(value, schema, root, &path));
        }
        for (like, schema) in object("patternProperties") {
            if pattern(&Value::String(like.clone())).is_match(key) {
                known = true;
                found.extend(faults(value, schema, root, &path));
            }
        }
        if let Some(schema) = schema.get("additionalProperties").filter(|_| !known) {
            found.extend(faults(value, schema, root, &path));
        }
    }
    found
}

fn target<'r>(reference: &Value, root: &'r Value) -> &'r Value {
    let pointer =
        reference.as_str().and_then(|text| text.strip_prefix('#')).unwrap_or_else(|| panic!("odd reference {reference}"));
    root.pointer(pointer).unwrap_or_else(|| panic!("{reference} leads nowhere"))
}

fn list(rule: &Value) -> &[Value] {
    rule.as_array().unwrap_or_else(|| panic!("expected a list: {rule}"))
}

fn types(rule: &Value) -> Vec<&str> {
    rule.as_str().map_or_else(|| list(rule).iter().filter_map(Value::as_str).collect(), |name| vec![name])
}

fn is(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        other => panic!("unknown type `{other}`"),
    }
}

fn pattern(rule: &Value) -> Regex {
    Regex::new(rule.as_str().expect("a pattern is text")).expect("a pattern is a regular expression")
}

pub(crate) fn schema() -> Value {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, err) = outcome(folder.path(), &["schema", "config"]);
    assert_eq!((code, err.as_str()), (0, ""));
    serde_json::from_str(&out).unwrap()
}

pub(crate) fn json(text: &str) -> Option<Value> {
    Node::parse(text, "c.yaml").ok()?.deserialize().ok()
}

fn judged(text: &str, schema: &Value) -> Vec<String> {
    faults(&json(text).expect("it is YAML"), schema, schema, "")
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Cases of `tests/config` with one file, and whether the loader refuses them.
fn cases() -> Vec<(String, String, bool)> {
    let folders = fs::read_dir(root().join("tests/config")).unwrap().map(|entry| entry.unwrap().path());
    let whole = folders.filter(|case| case.is_dir() && !case.join("more.yaml").exists());
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    whole
        .map(|case| {
            let bad = read(&case.join("expected.txt")).contains("error: ");
            (case.display().to_string(), read(&case.join("collector.yaml")), bad)
        })
        .collect()
}

#[test]
fn every_reference_of_the_schema_leads_somewhere_and_every_pattern_is_one() {
    fn walk(schema: &Value, root: &Value) -> usize {
        match schema {
            Value::Object(members) => {
                if let Some(reference) = members.get("$ref") {
                    target(reference, root);
                }
                if let Some(Value::Object(patterns)) = members.get("patternProperties") {
                    patterns.keys().for_each(|like| drop(pattern(&Value::String(like.clone()))));
                }
                let below: usize = members.iter().filter(|(key, _)| *key != "default").map(|(_, below)| walk(below, root)).sum();
                below + 1
            }
            Value::Array(items) => items.iter().map(|item| walk(item, root)).sum(),
            _ => 0,
        }
    }
    let schema = schema();
    assert!(walk(&schema, &schema) > 500, "hardly anything is in it");
}

#[test]
fn every_configuration_that_the_loader_accepts_fits_the_schema() {
    let schema = schema();
    let mut good: Vec<(String, String)> = vec![("collector.yaml".to_owned(), chaperone::default_config().to_owned())];
    for example in fs::read_dir(root().join("examples")).unwrap() {
        let path = example.unwrap().path().join("collector.yaml");
        good.extend(fs::read_to_string(&path).ok().map(|text| (path.display().to_string(), text)));
    }
    good.extend(cases().into_iter().filter(|(_, _, bad)| !bad).map(|(name, text, _)| (name, text)));
    let folder = tempfile::tempdir().unwrap();
    good.push(("print-config".to_owned(), outcome(folder.path(), &["print-config"]).1));
    assert!(good.len() > 8, "only {} configurations were tried", good.len());
    for (name, text) in good {
        assert_eq!(judged(&text, &schema), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn mistakes_that_a_schema_can_see_do_not_fit() {
    let schema = schema();
    for wrong in [
        "recievers: {}",
        "receivers: {otpl: {}}",
        "receivers: {otlp: {protocols: {grpc: {endpont: 'localhost:1'}}}}",
        "exporters: {otlp_http: {endpoint: 5}}",
        "exporters: {otlphttp: {compression: lz5}}",
        "exporters: {otlp_http/a: {sending_queue: {num_consumers: many}}}",
        "exporters: {debug: {nope: 1}}",
        "service: {pipelines: {spans: {}}}",
        "service: {pipelines: {traces: {receiver: [otlp]}}}",
        "service: {telemetry: {logs: {level: 1}}}",
    ] {
        assert!(!judged(wrong, &schema).is_empty(), "{wrong}");
    }
    let noticed = cases()
        .into_iter()
        .filter(|(_, text, bad)| *bad && json(text).is_some_and(|value| !faults(&value, &schema, &schema, "").is_empty()));
    assert!(noticed.count() > 8, "it notices hardly any of the bad cases");
}

#[test]
fn what_users_may_write_beside_plain_values_fits() {
    let schema = schema();
    for good in [
        "receivers: '${file:receivers.yaml}'",
        "exporters: {otlp_http: {timeout: '${env:T:-5s}', sending_queue: {num_consumers: '${env:N}'}}}",
        "exporters: {otlp_http: {timeout: , sending_queue: , retry_on_failure: }, otlp_http/b: }",
        "exporters: {otlphttp/x: {headers: {a: b}, sending_queue: {batch: {enabled: false}}}}",
        "exporters::otlp_http::timeout: 5s",
        "exporters: {otlp_http: {sending_queue::batch::min_size: 5}}",
        "connectors: {agent_detectors: {loop: {poll_tools: 'a,b'}}}",
        "service: {pipelines: {traces/a: {receivers: [otlp], processors: , exporters: '${env:E}'}}}",
    ] {
        assert_eq!(judged(good, &schema), Vec::<String>::new(), "{good}");
    }
}
