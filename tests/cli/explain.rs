//! `chaperone explain`: what it tells of captures, in which forms, and of whose prices.
//!
//! Golden outputs lie in `golden/`; `CHAPERONE_UPDATE_GOLDEN=1` rewrites them.

use crate::{chaperone, outcome};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn capture(name: &str) -> PathBuf {
    root().join("tests/corpus").join(name)
}

/// What is told of a capture with the built-in configuration: standard output and standard error.
fn told(arguments: &[&str], name: &str) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = capture(name);
    let arguments: Vec<&str> = ["explain"].into_iter().chain(arguments.iter().copied()).chain([path.to_str().unwrap()]).collect();
    let (code, out, errors) = outcome(folder.path(), &arguments);
    assert_eq!(code, 0, "{errors}");
    (out, errors)
}

fn objects(name: &str) -> Vec<Value> {
    let (out, _) = told(&["--format", "json"], name);
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn golden(file: &str, arguments: &[&str], name: &str) {
    let (out, errors) = told(arguments, name);
    let path = root().join("tests/cli/golden").join(file);
    let shown = format!("{out}{errors}");
    if std::env::var_os("CHAPERONE_UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &shown).unwrap();
    }
    let wanted = fs::read_to_string(&path).unwrap_or_default();
    assert!(shown == wanted, "{file} differs; CHAPERONE_UPDATE_GOLDEN=1 rewrites it:\n{shown}");
}

#[test]
fn two_instrumentations_of_one_call_are_told_as_owner_and_duplicate() {
    golden("explain-two-instrumentations.txt", &[], "otel-anthropic-cached");
}

#[test]
fn a_log_of_a_coding_agent_is_told_with_its_price() {
    golden("explain-log.txt", &["--only", "b48d6d8cb69671e4c5a09f0393040e28"], "claude-code-errors");
}

#[test]
fn messages_and_tool_calls_are_told_with_where_they_came_from() {
    golden("explain-messages.txt", &["--only", "ff59fc60305b3beb"], "openinference-openai-tools");
}

/// The sum of the lines is the cost, the parts of the input are the input, and what is counted is what the totals say.
#[test]
fn what_is_told_line_by_line_adds_up() {
    for name in [
        "openinference-anthropic-cached",
        "otel-openai-v2-loop",
        "langfuse-openai-cached",
        "google-adk-cached",
        "litellm-anthropic-cached",
    ] {
        let mut counted = (0, 0);
        for record in objects(name) {
            let (usage, cost) = (&record["usage"], &record["cost"]);
            if usage["scope"] == "self" {
                counted.0 += usage["canonical"]["input"].as_u64().unwrap_or(0);
                counted.1 += usage["canonical"]["output"].as_u64().unwrap_or(0);
            }
            if cost["source"] == "computed" {
                let lines = cost["lines"].as_array().unwrap();
                let sum: f64 = lines.iter().map(|line| line["usd"].as_f64().unwrap()).sum();
                let total = cost["total_usd"].as_f64().unwrap();
                assert!((sum - total).abs() < 1e-9, "{name}: {sum} {total}");
                let bucket = |of: &[&str]| {
                    let lines = lines.iter().filter(|line| of.contains(&line["bucket"].as_str().unwrap()));
                    lines.map(|line| line["count"].as_u64().unwrap()).sum::<u64>()
                };
                let input = bucket(&["input", "cache_read", "cache_write", "cache_write_1h"]);
                assert_eq!(input, usage["canonical"]["input"].as_u64().unwrap(), "{name}");
            }
        }
        let (_, errors) = told(&["--only", "nothing"], name);
        let line = format!("{} input and {} output tokens", counted.0, counted.1);
        assert!(errors.contains(&line) && counted.0 > 0, "{name}: {line}\n{errors}");
    }
}

#[test]
fn every_change_is_told_with_its_source() {
    let records = objects("openinference-openai-tools");
    let call = records.iter().find(|record| record["usage"]["scope"] == "self").expect("a call");
    let mapped = call["mapped"].as_array().unwrap();
    let of = |key: &str| mapped.iter().find(|change| change["key"] == key).unwrap_or_else(|| panic!("{key} is told"));
    let tokens = of("gen_ai.usage.input_tokens");
    assert_eq!(tokens["value"], 1011);
    assert_eq!(tokens["from"][0]["source"], "llm.token_count.prompt");
    assert_eq!(tokens["from"][0]["table"], "openinference");
    assert!(mapped.iter().all(|change| change["from"].as_array().is_some_and(|from| !from.is_empty())));
    assert!(call["dialect"]["because"].as_str().unwrap().contains("openinference.instrumentation."));
}

#[test]
fn standard_input_is_read_as_a_file_is() {
    let folder = tempfile::tempdir().unwrap();
    let body = zstd::decode_all(fs::File::open(capture("otel-openai-tools").join("001-traces.pb.zst")).unwrap()).unwrap();
    let file = folder.path().join("001-traces.pb");
    fs::write(&file, &body).unwrap();
    let (code, from_file, errors) = outcome(folder.path(), &["explain", file.to_str().unwrap()]);
    assert_eq!(code, 0, "{errors}");
    let packed = zstd::encode_all(body.as_slice(), 1).unwrap();
    for bytes in [body, packed] {
        let mut command = chaperone(folder.path(), &["explain", "-"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(&bytes).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let told = String::from_utf8(output.stdout).unwrap();
        assert_eq!(told.replace("standard input", "001-traces.pb"), from_file);
    }
}

#[test]
fn json_on_standard_input_may_be_one_document_or_a_line_each() {
    let folder = tempfile::tempdir().unwrap();
    let span = r#"{"resourceSpans":[{"scopeSpans":[{"scope":{"name":"mine"},"spans":[{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","name":"chat","attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}}]}]}]}]}"#;
    let pretty = span.replace("[{", "[\n{");
    for (text, records) in [(pretty, 1), (format!("{span}\n{span}\n"), 2)] {
        let mut command = chaperone(folder.path(), &["explain", "--format", "json", "-"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let lines: Vec<Value> =
            String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), records);
        assert_eq!(lines[0]["dialect"]["because"], "no scope decides; attr:gen_ai.operation.name");
        let resent = lines.last().map(|line| line["usage"]["resent"] == true);
        assert_eq!(resent, Some(records == 2), "the same span twice is one call");
    }
}

#[test]
fn prices_of_the_configuration_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let config = "
receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}
processors: {genainormalizer: {}, gen_ai_cost/mine: {prices: [{model: gpt-4o-mini-2024-07-18, input: 2, output: 4}]}}
exporters: {debug: {}}
service: {pipelines: {traces: {receivers: [otlp], processors: [genainormalizer, gen_ai_cost/mine], exporters: [debug]}}}
";
    fs::write(folder.path().join("own.yaml"), config).unwrap();
    let path = capture("otel-openai-tools");
    let arguments = ["explain", "--config", "own.yaml", "--format", "json", path.to_str().unwrap()];
    let (code, out, errors) = outcome(folder.path(), &arguments);
    assert_eq!(code, 0, "{errors}");
    let record: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    let lines = record["cost"]["lines"].as_array().unwrap();
    assert_eq!((lines[0]["rate_usd"].as_f64(), lines[1]["rate_usd"].as_f64()), (Some(2.0), Some(4.0)));
    assert!(!record["cost"]["price"].as_str().unwrap().starts_with("genai-prices"), "{record}");
}

#[test]
fn other_telemetry_is_told_only_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let span = r#"{"resourceSpans":[{"scopeSpans":[{"scope":{"name":"http"},"spans":[{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","name":"GET /"}]}]}]}"#;
    fs::write(folder.path().join("spans.json"), span).unwrap();
    let (code, out, errors) = outcome(folder.path(), &["explain", "spans.json"]);
    assert_eq!((code, out.as_str()), (0, ""));
    assert!(errors.starts_with("1 records, 0 of agents"), "{errors}");
    let (_, out, _) = outcome(folder.path(), &["explain", "--all", "spans.json"]);
    assert!(out.contains("none: not taken for an agent's"), "{out}");
}

#[test]
fn what_cannot_be_read_is_an_error_and_the_rest_is_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("1.json"), "{").unwrap();
    let span = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"x"}]}]}]}"#;
    fs::write(folder.path().join("2.json"), span).unwrap();
    let (code, _, errors) = outcome(folder.path(), &["explain", "1.json", "2.json"]);
    assert_eq!(code, 1);
    assert!(errors.contains("cannot read `1.json`") && errors.contains("1 records, 0 of agents"), "{errors}");
    let (code, _, errors) = outcome(folder.path(), &["explain", "absent"]);
    assert_eq!(code, 1);
    assert!(errors.contains("absent"), "{errors}");
}
