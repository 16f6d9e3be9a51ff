//! Whole configurations, good and bad.

use crate::{Document, Gates, Problems, Source, Surroundings, load};

fn env(name: &str) -> Option<String> {
    (name == "ENDPOINT").then(|| "localhost:1".to_owned())
}

fn text(name: &str, text: &str) -> Source {
    Source::Text { name: name.to_owned(), text: text.to_owned() }
}

fn set(text: &str) -> Source {
    Source::Set(text.to_owned())
}

fn good(sources: &[Source]) -> (Document, Problems) {
    load(sources, &env).unwrap_or_else(|problems| panic!("{problems}"))
}

fn bad(sources: &[Source], expected: &str) {
    assert_eq!(load(sources, &env).err().map(|problems| problems.to_string()).as_deref(), Some(expected));
}

const GOOD: &str = "\
receivers:
  otlp: {protocols: {grpc: {}}}
processors:
  batch/a:
exporters:
  otlp_http: {endpoint: \"${env:ENDPOINT}\"}
connectors:
  forward/store: {}
service:
  pipelines:
    traces: {receivers: [otlp], processors: [batch/a], exporters: [forward/store]}
    traces/store: {receivers: [forward/store], exporters: [otlp_http]}
  telemetry: {logs: {level: debug}}
";

fn endpoint(document: &Document) -> Option<String> {
    let (_, node) = document.exporters.first()?;
    node.get("endpoint")?.text().map(str::to_owned)
}

#[test]
fn sections_ids_and_pipelines_are_read() {
    let (document, problems) = good(&[text("c.yaml", GOOD)]);
    assert!(problems.is_empty(), "{problems}");
    assert_eq!(document.receivers[0].0.to_string(), "otlp");
    assert!(document.processors[0].1.is_null());
    assert_eq!(endpoint(&document).as_deref(), Some("localhost:1"));
    let pipelines = &document.service.pipelines;
    assert_eq!(pipelines.len(), 2);
    assert_eq!(pipelines[1].id.to_string(), "traces/store");
    assert_eq!(pipelines[1].location.as_ref().map(|place| place.line), Some(12));
    assert_eq!(pipelines[0].processors[0].id.to_string(), "batch/a");
    assert_eq!(document.service.telemetry.get("logs").and_then(|logs| logs.get("level")?.text()), Some("debug"));
}

#[test]
fn later_sources_and_sets_win() {
    let (document, _) = good(&[
        set("exporters.otlp_http.endpoint=localhost:3"),
        text("c.yaml", GOOD),
        text("d.yaml", "exporters::otlp_http::endpoint: localhost:2\nservice: {pipelines: {traces: {processors: []}}}"),
    ]);
    assert_eq!(endpoint(&document).as_deref(), Some("localhost:3"));
    assert!(document.service.pipelines[0].processors.is_empty());
    let (document, _) = good(&[text("c.yaml", GOOD), set("exporters::otlp_http={timeout: 1s}"), text("e.yaml", "")]);
    assert_eq!(document.exporters[0].1.entries().count(), 2);
}

#[test]
fn a_variable_that_is_replaced_is_not_asked_for() {
    let with_unset = GOOD.replace("ENDPOINT", "UNSET");
    let (_, problems) = good(&[text("c.yaml", &with_unset), set("exporters.otlp_http.endpoint=x")]);
    assert!(problems.is_empty(), "{problems}");
    let (_, problems) = good(&[text("c.yaml", &with_unset)]);
    assert!(
        problems.to_string().starts_with("warning: environment variable `UNSET` is not set\n  --> c.yaml:6:25"),
        "{problems}"
    );
}

#[test]
fn a_bad_set_says_how_to_write_it() {
    bad(&[set("a.b")], "error: missing equal sign\n  --> --set a.b:1:1\n  hint: write `--set a.b.c=value`");
    let found = load(&[text("c.yaml", GOOD), set("exporters.otlp/=x")], &env).err().map(|problems| problems.to_string());
    assert_eq!(
        found.as_deref(),
        Some("error: in id `otlp/` the part after `/` should not be empty\n  --> --set exporters.otlp/=x:1:1  exporters.otlp/")
    );
}

#[test]
fn all_problems_of_a_file_are_reported_in_its_order() {
    let text = text(
        "c.yaml",
        "\
recievers: {}
receivers:
  otlp: {}
  otlp-x: {}
processors:
  redact: {}
  ' redact': {}
exporters:
  debug: {}
  forward: {}
connectors:
  forward: {}
service:
  extensions: [health]
  telemetri: {}
  pipelines:
    traces:
      receivers: [otlp]
      processors: [redact, redcat, redact]
      exporters: [debug]
      batch: 1
    spans: {receivers: [otlp], exporters: [debug]}
    logs: {receivers: otlp, exporters: []}
    metrics/a: {receivers: [otlp, 5], exporters: [debug/nope]}
",
    );
    bad(
        &[text],
        "\
error: unknown key `recievers`
  --> c.yaml:1:1  recievers
  hint: did you mean `receivers`?
error: invalid character in type `otlp-x` of id `otlp-x`
  --> c.yaml:4:3  receivers.otlp-x
error: duplicate id `redact`
  --> c.yaml:7:3  processors. redact
  hint: spaces around an id do not count
error: `forward` is the id of a connector and of an exporter
  --> c.yaml:12:3  connectors.forward
  hint: give one of them a name of its own, such as `forward/2`
error: extension `health` is not configured
  --> c.yaml:14:16  service.extensions[0]
error: unknown key `telemetri`
  --> c.yaml:15:3  service.telemetri
  hint: did you mean `telemetry`?
error: processor `redcat` is not configured
  --> c.yaml:19:28  service.pipelines.traces.processors[1]
  hint: did you mean `redact`? it is defined on line 6
error: the processor `redact` stands in this pipeline more than once
  --> c.yaml:19:36  service.pipelines.traces.processors[2]
error: unknown key `batch`
  --> c.yaml:21:7  service.pipelines.traces.batch
  hint: known here: `exporters`, `processors`, `receivers`
error: unknown pipeline signal `spans`
  --> c.yaml:22:5  service.pipelines.spans
  hint: known here: `logs`, `metrics`, `traces`
error: the pipeline must have at least one exporter
  --> c.yaml:23:5  service.pipelines.logs
error: expected a list of ids, found the text `otlp`
  --> c.yaml:23:23  service.pipelines.logs.receivers
  hint: write `[otlp]`
error: invalid character in type `5` of id `5`
  --> c.yaml:24:35  service.pipelines.metrics/a.receivers[1]
error: exporter `debug/nope` is not configured
  --> c.yaml:24:51  service.pipelines.metrics/a.exporters[0]
  hint: configured: `debug`, `forward`",
    );
}

#[test]
fn an_empty_configuration_says_what_is_needed() {
    bad(
        &[text("c.yaml", "# nothing\n")],
        "error: the configuration is empty\n  hint: it needs at least a receiver, an exporter and a pipeline\n\
         error: the service must have at least one pipeline\n  --> service.pipelines",
    );
    bad(&[text("c.yaml", "- a\n")], "error: the configuration must be a map, found a list\n  --> c.yaml:1:1");
}

#[test]
fn problems_of_several_sources_are_reported_together() {
    bad(
        &[text("a.yaml", "a: [\n"), text("b.yaml", "b: 1\nb: 2\n")],
        "error: not valid YAML: while parsing a node, did not find expected node content\n  --> a.yaml:2:1  a[0]\n\
         error: duplicate key `b`\n  --> b.yaml:2:1  b\n  hint: it is first defined on line 1",
    );
}

#[test]
fn no_way_leads_to_a_tree_that_is_too_deep() {
    let deep = |_: &str| Some("[".repeat(60) + &"]".repeat(60));
    let keys = vec!["a"; 200].join("::");
    let segments = vec!["a"; 200].join(".");
    let nested = format!("exporters: {{x: {{y: [[[[[[[\"${{env:DEEP}}\"]]]]]]]}}}}\n{keys}: 1");
    let (_, problems) = crate::load_what_is_there(&[text("c.yaml", &nested)], &Surroundings::of_env(&deep));
    let problems = problems.to_string();
    assert!(problems.contains("error: nested deeper than 64 levels\n  --> c.yaml:1:27"), "{problems}");
    assert!(problems.contains("error: unknown key `a::a::a"), "{problems}");
    let found = load(&[set(&format!("{segments}=1"))], &env).err().map(|problems| problems.to_string());
    assert!(found.is_some_and(|found| found.starts_with("error: the key is nested too deep")));
}

/// The document with a gate on.
fn with_gates(gates: Gates, sources: &[Source]) -> Result<Document, String> {
    let around = Surroundings { gates, ..Surroundings::of_env(&env) };
    let (document, problems) = crate::load_what_is_there(sources, &around);
    if problems.has_errors() { Err(problems.to_string()) } else { document.ok_or_else(|| problems.to_string()) }
}

#[test]
fn a_gate_lets_later_sources_add_to_lists_of_ids() {
    let sources = [
        text("c.yaml", GOOD),
        text(
            "d.yaml",
            "receivers: {otlp/2: {protocols: {http: {}}}}
service: {pipelines: {traces: {receivers: [otlp/2, otlp]}}}",
        ),
        set("service.pipelines.traces.processors=[]"),
    ];
    let receivers = |document: &Document| -> Vec<String> {
        document.service.pipelines[0].receivers.iter().map(|reference| reference.id.to_string()).collect()
    };
    let (document, _) = good(&sources);
    assert_eq!(receivers(&document), ["otlp/2", "otlp"]);
    let document = with_gates(Gates { append_lists: true, ..Gates::default() }, &sources).expect("it is good");
    assert_eq!(receivers(&document), ["otlp", "otlp/2"]);
    assert!(document.service.pipelines[0].processors.is_empty(), "the order of processors means something");
}

#[test]
fn a_gate_lets_a_service_have_no_pipelines() {
    let sources = [text("c.yaml", "receivers: {otlp: {}}\nexporters: {nop: {}}\n")];
    assert!(load(&sources, &env).is_err());
    assert!(with_gates(Gates { allow_no_pipelines: true, ..Gates::default() }, &sources).is_ok());
}
