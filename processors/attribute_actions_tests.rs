//! Every action on the attributes of a data point, which have the simplest form; other lists are the components' tests.

use super::*;
use crate::attribute_values::{from_any, to_any};
use chaperone_config::Node;
use opentelemetry_proto::tonic::common::v1::KeyValue;

fn actions(yaml: &str) -> Result<Actions, String> {
    let node = Node::parse(yaml, "test.yaml").unwrap();
    let configs: Vec<ActionConfig> = node.deserialize().unwrap_or_else(|problems| panic!("{problems}"));
    Actions::new(&configs, "actions").map_err(|error| error.message)
}

fn attributes(pairs: &[(&str, Value)]) -> Vec<KeyValue> {
    let pair =
        |(key, value): &(&str, Value)| KeyValue { key: (*key).to_owned(), value: Some(to_any(value)), ..Default::default() };
    pairs.iter().map(pair).collect()
}

fn text(text: &str) -> Value {
    Value::Str(text.to_owned())
}

fn client() -> ClientInfo {
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    ClientInfo { address: Some("[::1]:4317".to_owned()), metadata: vec![pair("x-team", "a"), pair("x-team", "b")], tenant: None }
}

/// What becomes of these attributes.
fn check(yaml: &str, before: &[(&str, Value)], after: &[(&str, Value)]) {
    let actions = actions(yaml).unwrap();
    let mut list = attributes(before);
    actions.apply(&mut list, &actions.of_client(Some(&client())));
    let got: Vec<(&str, Value)> = list.iter().map(|pair| (pair.key.as_str(), from_any(pair.value.as_ref()))).collect();
    assert_eq!(got, after, "{yaml}");
}

#[test]
fn insert_writes_what_is_absent_update_what_is_there_and_upsert_both() {
    let before = [("a", Value::Int(1))];
    check(
        "[{key: a, action: insert, value: 2}, {key: b, action: insert, value: x}]",
        &before,
        &[("a", Value::Int(1)), ("b", text("x"))],
    );
    check("[{key: a, action: UPDATE, value: 2}, {key: b, action: update, value: x}]", &before, &[("a", Value::Int(2))]);
    check(
        "[{key: a, action: upsert, value: 2.5}, {key: b, action: upsert, value: true}]",
        &before,
        &[("a", Value::Double(2.5)), ("b", Value::Bool(true))],
    );
}

#[test]
fn a_value_may_be_a_list_or_a_map() {
    let map = Value::Map(vec![("k".to_owned(), Value::Int(1))]);
    check("[{key: a, action: insert, value: [x, 1, {k: 1}]}]", &[], &[("a", Value::Array(vec![text("x"), Value::Int(1), map]))]);
}

#[test]
fn another_attribute_is_copied_if_it_is_there_else_the_default_is_written() {
    let before = [("from", text("x"))];
    check("[{key: a, action: insert, from_attribute: from}]", &before, &[("from", text("x")), ("a", text("x"))]);
    check("[{key: a, action: insert, from_attribute: none}]", &before, &before);
    check(
        "[{key: a, action: insert, from_attribute: none, default_value: 7}]",
        &before,
        &[("from", text("x")), ("a", Value::Int(7))],
    );
    check("[{key: a, action: upsert, default_value: 7}]", &[], &[("a", Value::Int(7))]);
}

#[test]
fn facts_about_the_client_are_written() {
    check("[{key: a, action: insert, from_context: metadata.X-Team}]", &[], &[("a", text("a;b"))]);
    check("[{key: a, action: insert, from_context: x-team}]", &[], &[("a", text("a;b"))]);
    check("[{key: a, action: insert, from_context: client.address}]", &[], &[("a", text("::1"))]);
    check("[{key: a, action: insert, from_context: metadata.none}]", &[], &[]);
    check("[{key: a, action: insert, from_context: auth.subject}]", &[], &[]);
}

#[test]
fn keys_are_deleted_by_name_and_by_pattern() {
    let before = [("a", Value::Int(1)), ("http.url", text("x")), ("http.method", text("y"))];
    check("[{key: a, action: delete}, {key: none, action: delete}]", &before, &before[1..]);
    check("[{action: delete, pattern: '^http\\.'}]", &before, &before[..1]);
    check("[{key: a, action: delete, pattern: 'url$'}]", &before, &before[2..]);
}

#[test]
fn a_hash_is_sha_256_in_hex_of_the_bytes_of_the_value() {
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    check("[{key: a, action: hash}]", &[("a", text("abc"))], &[("a", text(abc))]);
    check("[{action: hash, pattern: a}]", &[("ab", text("abc")), ("c", text("abc"))], &[("ab", text(abc)), ("c", text("abc"))]);
    // The digest of eight bytes, the lowest first.
    let one = "7c9fa136d4413fa6173637e883b6998d32e1d675f88cddff9dcbcf331820f4b8";
    check("[{key: a, action: hash}]", &[("a", Value::Int(1))], &[("a", text(one))]);
    check("[{key: a, action: hash}]", &[("a", Value::Array(vec![]))], &[("a", text(""))]);
}

#[test]
fn named_groups_are_extracted_into_attributes() {
    let yaml = "[{key: url, action: extract, pattern: '^(?P<scheme>.*):\\/\\/(?P<host>[^/]*)'}]";
    let url = ("url", text("http://example.com/x"));
    check(yaml, &[url.clone(), ("host", Value::Int(1))], &[url, ("host", text("example.com")), ("scheme", text("http"))]);
    check(yaml, &[("url", text("none"))], &[("url", text("none"))]);
    check(yaml, &[("url", Value::Int(1))], &[("url", Value::Int(1))]);
}

#[test]
fn values_are_converted_where_they_can_be() {
    let to = |kind: &str| format!("[{{key: a, action: convert, converted_type: {kind}}}]");
    let cases = [
        ("int", Value::Double(1.5), Value::Int(1)),
        ("int", text("12"), Value::Int(12)),
        ("int", text("1.5"), text("1.5")),
        ("int", Value::Bool(true), Value::Int(1)),
        ("double", text("1.5"), Value::Double(1.5)),
        ("double", Value::Int(2), Value::Double(2.0)),
        ("string", Value::Int(2), text("2")),
        ("string", Value::Double(2.5), text("2.5")),
        ("string", Value::Double(3.0), text("3")),
        ("string", Value::Double(1e21), text("1e+21")),
        ("string", Value::Double(1.5e-7), text("1.5e-7")),
        ("string", Value::Array(vec![text("x"), Value::Int(1)]), text("[\"x\",1]")),
        ("string", Value::Bytes(vec![1, 2]), text("AQI=")),
        ("int", Value::Array(vec![]), Value::Array(vec![])),
    ];
    for (kind, before, after) in cases {
        check(&to(kind), &[("a", before)], &[("a", after)]);
    }
}

#[test]
fn mistakes_are_told_in_the_collectors_words() {
    let start = "error with key \"a\" (0-th action): error creating AttrProc";
    let cases = [
        (
            "{key: a, action: insert}",
            "{}. Either field \"value\", \"from_attribute\", \"from_context\", or \"default_value\" must be specified",
        ),
        ("{key: a, action: insert, value: 1, from_attribute: b}", "{} due to multiple value sources being set"),
        ("{key: a, action: foo}", "{} due to unsupported action \"foo\""),
        ("{key: a, action: extract}", "{} due to missing required field \"pattern\" for action \"extract\""),
        ("{key: a, action: convert}", "{} due to missing required field \"converted_type\" for action \"convert\""),
        (
            "{key: a, action: convert, converted_type: foo}",
            "{} due to invalid value \"foo\" in field \"converted_type\" for action \"convert\"",
        ),
        ("{key: a, action: delete, pattern: (}", "{}. Field \"pattern\" has invalid pattern: \"(\""),
        ("{key: a, action: extract, pattern: (x)}", "{}. Field \"pattern\" contains at least one unnamed matcher group"),
        ("{key: a, action: extract, pattern: x}", "{}. Field \"pattern\" contains no named matcher groups"),
        (
            "{key: a, action: delete, value: 1}",
            "{}. Action \"delete\" does not use \"value\" or \"from_attribute\" field. These must not be specified",
        ),
        ("{action: insert, value: 1}", "error creating AttrProc due to missing required field \"key\" at the 0-th action"),
    ];
    for (yaml, message) in cases {
        assert_eq!(actions(&format!("[{yaml}]")).unwrap_err(), message.replace("{}", start), "{yaml}");
    }
}
