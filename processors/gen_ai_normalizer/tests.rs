//! Settings, and records through the processor.

use super::*;
use chaperone_config::{Node, parse_settings};
use chaperone_genai::keys;
use chaperone_pipeline::{Clock, Now};
use chaperone_proto::{Data, Limits, Signal, Value, ValueRef};

fn config(yaml: &str) -> Result<Config, String> {
    let node = Node::parse(yaml, "test.yaml").unwrap();
    parse_settings(&node, "processors.gen_ai_normalizer").map_err(|problems| problems.to_string())
}

/// One span of a scope with these attributes, through a processor with these settings.
fn span(yaml: &str, scope: &str, attributes: &str) -> Data {
    let json = format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"scope":{{"name":"{scope}"}},"spans":[{{"name":"s",
        "traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","attributes":[{attributes}]}}]}}]}}]}}"#
    );
    let ctx = BuildContext::for_tests("gen_ai_normalizer", Clock::manual(0));
    let processor = GenAiNormalizer::build(config(yaml).unwrap(), &ctx).unwrap();
    let data = Data::decode_json(Signal::Traces, json.as_bytes(), &Limits::default()).unwrap();
    let mut out = Outbox::for_tests(Now::default());
    processor.process(Batch::new(data), &mut out).unwrap();
    out.passed()[0].data.clone()
}

fn text(key: &str, value: &str) -> String {
    format!(r#"{{"key":"{key}","value":{{"stringValue":"{value}"}}}}"#)
}

fn value(data: &Data, name: &str) -> Option<Value> {
    data.record(0).attrs().get_named(name).map(ValueRef::to_value)
}

fn string(text: &str) -> Option<Value> {
    Some(Value::Str(text.to_owned()))
}

#[test]
fn the_example_is_valid() {
    config(include_str!("testdata/default.yaml")).unwrap();
}

#[test]
fn mistakes_in_sources_are_told() {
    for (yaml, message) in [
        (include_str!("testdata/invalid_source.yaml"), "unknown source `openinferense`"),
        (include_str!("testdata/invalid_custom.yaml"), "source `custom` needs `custom_mappings`"),
        (include_str!("testdata/invalid_mappings.yaml"), "source and target are both `a`"),
    ] {
        let problems = config(yaml).unwrap_err();
        assert!(problems.contains(message), "{problems}");
    }
}

#[test]
fn sources_are_a_map_or_a_list() {
    let listed = config("sources: [{name: openllmetry}, {name: openinference, overwrite: true}]").unwrap();
    assert_eq!(listed, config("sources: {openinference: {overwrite: true}, openllmetry:}").unwrap());
    for (yaml, message) in [
        ("sources: [{name: openinferense}]", "unknown source `openinferense`"),
        ("sources: [{name: openllmetry}, {name: openllmetry}]", "source `openllmetry` is named twice"),
        ("sources: [{nmae: openllmetry}]", "nmae"),
        ("sources: [openllmetry]", "sources"),
    ] {
        let problems = config(yaml).unwrap_err();
        assert!(problems.contains(message), "{problems}");
    }
}

#[test]
fn a_source_may_have_mappings_of_the_users_own() {
    let yaml = "sources: {openinference: {custom_mappings: {house.team: team}}}";
    let data = span(yaml, "openinference.instrumentation.openai", &text("house.team", "red"));
    assert_eq!(value(&data, "team"), string("red"));
}

#[test]
fn originals_stay_unless_their_removal_is_asked_for() {
    let attributes = text("llm.request.model_name", "gpt-x");
    let kept = span("{}", "openinference.instrumentation.openai", &attributes);
    assert_eq!(value(&kept, "llm.request.model_name"), string("gpt-x"));
    let removed = span("remove_originals: true", "openinference.instrumentation.openai", &attributes);
    assert_eq!(value(&removed, "llm.request.model_name"), None);
    for data in [kept, removed] {
        assert_eq!(data.record(0).attrs().str(keys::GEN_AI_REQUEST_MODEL), Some("gpt-x"));
        assert_eq!(data.record(0).attrs().str(keys::CHAPERONE_DIALECT_NAME), Some("openinference"));
    }
}

#[test]
fn only_named_sources_are_normalised() {
    let attributes = text("llm.request.model_name", "gpt-x");
    let data = span("sources: {openllmetry: {}}", "openinference.instrumentation.openai", &attributes);
    assert_eq!(data.record(0).attrs().len(), 1);
}

#[test]
fn a_canonical_value_is_replaced_only_with_overwrite() {
    let model = keys::ALL[usize::from(keys::GEN_AI_REQUEST_MODEL.0)];
    let attributes = [text(model, "own"), text("llm.request.model_name", "mapped")].join(",");
    let scope = "openinference.instrumentation.openai";
    assert_eq!(value(&span("{}", scope, &attributes), model), string("own"));
    assert_eq!(value(&span("sources: {openinference: {overwrite: true}}", scope, &attributes), model), string("mapped"));
}

#[test]
fn mappings_of_the_users_own_make_a_span_genai() {
    let model = keys::ALL[usize::from(keys::GEN_AI_REQUEST_MODEL.0)];
    let yaml = format!("sources: {{custom: {{remove_originals: true, custom_mappings: {{house.model: {model}}}}}}}");
    let data = span(&yaml, "house", &text("house.model", "m"));
    assert_eq!(value(&data, model), string("m"));
    assert_eq!(value(&data, "house.model"), None);
    assert_eq!(data.record(0).attrs().str(keys::CHAPERONE_DIALECT_NAME), Some("generic"));
}

#[test]
fn other_telemetry_passes_untouched() {
    let attributes = [text("http.request.method", "GET"), text("llm", "no prefix")].join(",");
    let data = span("{}", "opentelemetry.instrumentation.httpx", &attributes);
    assert_eq!(data.record(0).attrs().len(), 2);
}

#[test]
fn attributes_are_counted_by_dialect_and_result() {
    let ctx = BuildContext::for_tests("gen_ai_normalizer", Clock::manual(0));
    let metrics = Metrics::new(ctx.telemetry(), "gen_ai_normalizer");
    let dialect = Dialect::by_id("openinference").unwrap();
    metrics.add(dialect, &Counts { mapped: 2, kept: 1, dropped: 0, failed: 3 });
    let (_, counters) = metrics.by_dialect.iter().find(|(known, _)| *known == dialect).unwrap();
    assert_eq!(counters.each_ref().map(Counter::get), [2, 1, 0, 3]);
}

const README: &str = include_str!("README.md");

/// The text between two marks of the README.
fn section(name: &str) -> &'static str {
    let after = README.split_once(&format!("<!-- {name} -->\n")).unwrap_or_else(|| panic!("the README has {name}")).1;
    after.split_once(&format!("<!-- /{name} -->")).unwrap().0
}

fn json_block(name: &str) -> serde_json::Map<String, serde_json::Value> {
    let json = section(name).trim().trim_start_matches("```json").trim_end_matches("```");
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn the_readmes_span_comes_out_as_it_says() {
    let attribute = |(key, value): (&String, &serde_json::Value)| match value.as_i64() {
        Some(number) => format!(r#"{{"key":"{key}","value":{{"intValue":"{number}"}}}}"#),
        None => format!(r#"{{"key":"{key}","value":{{"stringValue":{value}}}}}"#),
    };
    let before = json_block("before");
    let attributes: Vec<String> = before.iter().map(attribute).collect();
    let data = span("{}", "openinference.instrumentation.openai\",\"version\":\"0.1.30", &attributes.join(","));
    let plain = |value: ValueRef<'_>| {
        let mut json = String::new();
        value.write_json(&mut json);
        serde_json::from_str::<serde_json::Value>(&json).unwrap()
    };
    let all = data.record(0).attrs().iter().map(|(key, value)| (key.name.to_owned(), plain(value)));
    let added: serde_json::Map<_, _> = all.filter(|(key, _)| !before.contains_key(key)).collect();
    assert_eq!(added, json_block("after"), "{}", serde_json::to_string_pretty(&added).unwrap());
}

#[test]
fn the_readme_lists_the_dialects_of_the_table() {
    let code = |text: &str| format!("`{}`", text.replace("\\s", " "));
    let condition = |text: &str| {
        let one = |part: &str| {
            let (kind, rest) = part.split_once(':').unwrap();
            let kind = if kind == "attr" { String::new() } else { format!("{} ", kind.replace("name", "span")) };
            format!("{kind}{}", code(rest))
        };
        text.split('&').map(one).collect::<Vec<_>>().join(" with ")
    };
    let list = |cell: &str, each: &dyn Fn(&str) -> String, between: &str| {
        cell.split_whitespace().map(each).collect::<Vec<_>>().join(between)
    };
    let or_none = |text: String| if text.is_empty() { "-".to_owned() } else { text };
    let mut expected = "| dialect | scope | without a known scope |\n|---|---|---|\n".to_owned();
    let table = include_str!("../../genai/data/detection.tsv").lines();
    for row in table.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let mut cells: Vec<&str> = row.split('\t').collect();
        cells.resize(4, "");
        let mut scope = list(cells[1], &code, ", ");
        if !cells[2].is_empty() {
            scope = format!("{scope} with {}", list(cells[2], &condition, " or "));
        }
        let markers = or_none(list(cells[3], &condition, ", "));
        expected.push_str(&format!("| `{}` | {} | {markers} |\n", cells[0], or_none(scope)));
    }
    assert_eq!(section("dialects"), expected, "the table of the README is:\n{expected}");
    assert_eq!(expected.lines().count() - 2, Dialect::all().count());
}

#[test]
fn mappings_of_the_users_own_reach_span_events_and_rename_where_originals_go() {
    for (remove, stays) in [(false, true), (true, false)] {
        let yaml = format!("sources: {{custom: {{remove_originals: {remove}, custom_mappings: {{house.model: house.other}}}}}}");
        let attributes = text("house.model", "m");
        let scope = "house";
        let json = format!(
            r#"{{"resourceSpans":[{{"scopeSpans":[{{"scope":{{"name":"{scope}"}},"spans":[{{"name":"s","attributes":[{attributes}],
            "traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708",
            "events":[{{"name":"e","attributes":[{attributes}]}},{{"name":"f"}}]}}]}}]}}]}}"#
        );
        let ctx = BuildContext::for_tests("gen_ai_normalizer", Clock::manual(0));
        let processor = GenAiNormalizer::build(config(&yaml).unwrap(), &ctx).unwrap();
        let data = Data::decode_json(Signal::Traces, json.as_bytes(), &Limits::default()).unwrap();
        let mut out = Outbox::for_tests(Now::default());
        processor.process(Batch::new(data), &mut out).unwrap();
        let data = out.passed()[0].data.clone();
        let chaperone_proto::RecordRef::Span(span) = data.record(0) else { panic!("a span") };
        for attrs in [span.attrs(), span.events().next().unwrap().attrs()] {
            assert_eq!(attrs.get_named("house.other").map(ValueRef::to_value), string("m"));
            assert_eq!(attrs.get_named("house.model").is_some(), stays);
        }
        assert_eq!(value(&data, "chaperone.dialect.name"), None, "keys of the user's own make nothing GenAI");
    }
}

#[test]
fn what_a_log_reports_stands_in_log_records_beside_it() {
    let attributes = [
        text("event.name", "codex.tool_decision"),
        text("tool_name", "exec_command"),
        text("call_id", "call_1"),
        text("decision", "denied"),
        text("source", "User"),
    ];
    let json = format!(
        r#"{{"resourceLogs":[{{"resource":{{"attributes":[{}]}},"scopeLogs":[{{"scope":{{"name":"codex_otel.log_only"}},
        "logRecords":[{{"timeUnixNano":"5","attributes":[{}]}},{{"timeUnixNano":"6","attributes":[]}}]}}]}}]}}"#,
        text("service.name", "codex"),
        attributes.join(",")
    );
    let ctx = BuildContext::for_tests("gen_ai_normalizer", Clock::manual(0));
    let processor = GenAiNormalizer::build(config("{}").unwrap(), &ctx).unwrap();
    let data = Data::decode_json(Signal::Logs, json.as_bytes(), &Limits::default()).unwrap();
    let mut out = Outbox::for_tests(Now::default());
    processor.process(Batch::new(data), &mut out).unwrap();
    assert_eq!(out.passed()[0].data.records(), 2, "what came passes");
    let [made] = out.derived() else { panic!("one batch beside it") };
    assert_eq!(made.data.records(), 1);
    let log = made.data.record(0).as_log().unwrap();
    assert_eq!((log.event_name(), log.time_ns()), ("chaperone.approval", 5));
    assert_eq!(log.attrs().str(keys::CHAPERONE_APPROVAL_OUTCOME), Some("denied"));
    assert_eq!(log.resource().attrs().str(keys::SERVICE_NAME), Some("codex"));
}
