//! What holds for any record: normalising twice is normalising once, originals stay, nothing panics.

mod support;

use chaperone_genai::content::{Identity, Mode, Policy};
use chaperone_genai::dialects::{Normalizer, Options};
use chaperone_proto::{Data, Value};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use std::fs;
use std::path::Path;
use support::{shown, span_of};

/// Source keys of all dialects, with leaves for those that are lists.
fn sources() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/dialects");
    let mut tables: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    tables.sort();
    let rows: String = tables.iter().map(|table| fs::read_to_string(table).unwrap()).collect();
    let rows = rows.lines().filter(|line| !line.starts_with('#'));
    let keys = rows.filter_map(|line| line.split('\t').next()).filter(|key| !key.contains(':') || key.contains("genkit:"));
    let leaves =
        ["0.message.role", "1.message.content", "2.message.tool_calls.0.tool_call.id", "0.content", "x", "0.tool.json_schema"];
    keys.flat_map(|key| match key.strip_suffix('*') {
        Some(prefix) => leaves.iter().map(|leaf| format!("{prefix}{leaf}")).collect(),
        None => vec![key.to_owned()],
    })
    .collect()
}

fn values() -> impl Strategy<Value = Json> {
    prop_oneof![
        any::<i32>().prop_map(|n| json!(n)),
        any::<bool>().prop_map(|b| json!(b)),
        (-1.0e6..1.0e6).prop_map(|n: f64| json!(n)),
        "[ -~]{0,24}".prop_map(Json::from),
        prop::sample::select(vec![
            "LLM",
            "TOOL",
            "AGENT",
            "CHAIN",
            "tool",
            "workflow",
            "chat",
            "execute_tool",
            "langgraph",
            "OpenAI",
            "tool_calls",
            "{}",
            "N/A",
            "[\"stop\"]",
            "[{\"role\":\"user\",\"content\":\"hi\"}]",
            "{\"kwargs\":{\"kwargs\":{\"a\":1}}}",
            "\"\\\"a\\\"\"",
            "https://h:1/x?q",
            "{\"messages\":[[{\"role\":\"tool\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]]}",
            "{\"temperature\":1,\"stop\":[1]}",
            "{\"a\":",
        ])
        .prop_map(Json::from),
        prop::collection::vec("[a-z]{1,6}", 0..3).prop_map(|words| json!(words)),
        Just(Json::Null),
    ]
}

/// A span as its scope, its name and its attributes: what a failing test shows.
fn spans() -> impl Strategy<Value = (&'static str, String, Json)> {
    let scopes = vec![
        support::OPENINFERENCE,
        support::OPENLLMETRY,
        support::OTEL,
        "com.anthropic.sdk.python",
        "app",
        "strands.telemetry.tracer",
    ];
    let attrs = prop::collection::btree_map(prop::sample::select(sources()), values(), 0..14);
    let attrs = attrs.prop_map(|attrs| Json::from(attrs.into_iter().collect::<serde_json::Map<_, _>>()));
    (prop::sample::select(scopes), "[ -~]{0,20}", attrs)
}

fn made((scope, name, attrs): &(&'static str, String, Json)) -> Data {
    span_of((scope, "1.0"), json!({"name": name}), attrs)
}

fn all(data: &Data) -> (Vec<(String, Value)>, usize) {
    let record = data.record(0);
    (shown(record), record.as_span().map_or(0, |span| span.events().count()))
}

proptest! {
    #[test]
    fn normalising_twice_is_normalising_once(span in spans(), remove_originals in any::<bool>()) {
        let normalizer = Normalizer::all(Options { remove_originals, overwrite: false });
        let mut once = made(&span);
        normalizer.normalize(&mut once);
        let mut twice = once.clone();
        normalizer.normalize(&mut twice);
        prop_assert_eq!(all(&once), all(&twice));
    }

    #[test]
    fn originals_stay_but_for_secrets_and_canonical_spellings(span in spans()) {
        let data = made(&span);
        let mut after = data.clone();
        Normalizer::all(Options::default()).normalize(&mut after);
        let after = shown(after.record(0));
        let respelled = ["gen_ai.provider.name", "gen_ai.operation.name", "gen_ai.response.finish_reasons", "gen_ai.request.top_k",
            "gen_ai.tool.call.arguments", "gen_ai.tool.call.result"];
        for (key, value) in shown(data.record(0)) {
            let free = respelled.contains(&key.as_str()) || key.ends_with("headers") || key.starts_with("gen_ai.usage.");
            prop_assert!(free || after.contains(&(key.clone(), value)), "{} is gone or changed", key);
        }
    }

    #[test]
    fn the_content_policy_applied_twice_changes_nothing_more(span in spans(), keeps in any::<bool>()) {
        let mode = if keeps { Mode::Keep } else { Mode::MetadataOnly };
        let policy = Policy { mode, identity: Identity::Drop, hash_key: [3; 32] };
        let mut once = made(&span);
        Normalizer::all(Options::default()).normalize(&mut once);
        policy.apply(&mut once);
        let mut twice = once.clone();
        let report = policy.apply(&mut twice);
        prop_assert_eq!(report, Default::default());
        prop_assert_eq!(all(&once), all(&twice));
    }
}
