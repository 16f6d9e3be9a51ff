//! Sections 1.4 and 1.5: variables and files in values, several sources, `--set`.

use crate::contract::{accepted, alone, ends, exporter, in_force, refused, said, setting};
use chaperone::config::Gates;
use serde_json::json;

const HTTP: &str = "/exporters/otlp_http";

/// What the path of a file becomes: a setting that wants text.
fn text(value: &str) -> serde_json::Value {
    in_force(&[&format!("exporters: {{file: {{path: {value}}}}}")], "/exporters/file/path")
}

/// What `num_consumers` becomes: a setting that wants a number.
fn number(value: &str) -> serde_json::Value {
    in_force(&[&exporter(&format!("sending_queue: {{num_consumers: {value}}}"))], &format!("{HTTP}/sending_queue/num_consumers"))
}

#[test]
fn r1_4_01_a_value_out_of_a_variable_is_typed_and_text_at_once() {
    assert_eq!(number("'${env:PORT}'"), json!(4711));
    assert_eq!(number("'${PORT}'"), json!(4711), "the scheme is `env` unless written");
    assert_eq!(text("'${env:PORT}'"), json!("4711"));
    assert_eq!(text("'${env:OCTAL}'"), json!("0123"));
    assert_eq!(number("'${env:OCTAL}'"), json!(83));
    assert_eq!(text("'${env:QUOTED}'"), json!("\"5\""));
    refused(
        &[&exporter("sending_queue: {num_consumers: '${env:QUOTED}'}")],
        "expected a whole number, found text from a variable",
    );
}

#[test]
fn r1_4_02_a_fallback_serves_when_the_variable_is_unset_not_when_it_is_empty() {
    assert_eq!(text("'x${env:NOPE:-fall-${env:PORT}}'"), json!("xfall-4711"));
    assert_eq!(text("'x${env:EMPTY:-fallback}'"), json!("x"));
}

#[test]
fn r1_4_03_an_unset_variable_is_nothing_with_a_warning() {
    let over = exporter("timeout: '${env:NOPE}'");
    assert_eq!(in_force(&[&over], &format!("{HTTP}/timeout")), json!("0s"));
    assert!(said(&[&over]).starts_with("warning: environment variable `NOPE` is not set"));
}

#[test]
fn r1_4_04_a_fallback_needs_the_scheme() {
    refused(&[&exporter("endpoint: '${PORT:-x}'")], "scheme `PORT` is not supported in `${PORT:-x}`");
}

#[test]
fn r1_4_05_names_of_variables_are_checked() {
    for bad in ["${env:1Y}", "${}", "${env:}", "${a-b}"] {
        let said = said(&[&exporter(&format!("endpoint: '{bad}'"))]);
        assert!(said.contains("has an invalid name"), "{bad}: {said}");
    }
}

#[test]
fn r1_4_06_dollars_without_braces_are_text_and_double_ones_are_one() {
    for (value, expected) in [("$PORT", "$PORT"), ("a$$b", "a$b"), ("a$$$b", "a$$b"), ("${env:PORT", "${env:PORT")] {
        assert_eq!(text(&format!("'{value}'")), json!(expected), "{value}");
    }
}

#[test]
fn r1_4_07_an_even_run_before_a_brace_escapes_and_an_odd_one_expands() {
    for (value, expected) in [
        ("$${env:PORT}", "${env:PORT}"),
        ("$$${env:PORT}", "$4711"),
        ("$$$${env:PORT}", "$${env:PORT}"),
        ("${env:TWICE}", "${env:PORT}"),
    ] {
        assert_eq!(text(&format!("'{value}'")), json!(expected), "{value}");
    }
}

#[test]
fn r1_4_08_a_file_is_put_in_as_yaml_and_as_text_with_its_line_end() {
    assert_eq!(text("'${file:token}'"), json!("abc\n"));
    let texts = ["receivers: {otlp: {protocols: {grpc: {}}}}\nexporters: ${file:exporters.yaml}\n\
         service: {pipelines: {traces: {receivers: [otlp], exporters: [otlp_http]}}}"];
    assert_eq!(alone(&texts, Gates::default()).to_string(), "");
    assert_eq!(setting(&texts, Gates::default(), "/exporters/otlp_http/endpoint"), json!("http://h:4711"), "expanded again");
    refused(&[&exporter("endpoint: '${file:p}'")], "cannot read the file `p`: no such file");
}

#[test]
fn r1_4_09_yaml_is_put_in() {
    assert_eq!(number("'${yaml:0x10}'"), json!(16));
    let over = exporter("sending_queue: '${yaml:batch::min_size: 5}'");
    assert_eq!(in_force(&[&over], &format!("{HTTP}/sending_queue/batch/min_size")), json!(5));
}

#[test]
fn r1_4_10_a_whole_value_may_become_a_map_or_a_list() {
    assert_eq!(in_force(&[&exporter("headers: '${env:HEADERS}'")], &format!("{HTTP}/headers")), json!({"a": "x", "b": "y"}));
    let over = exporter("sending_queue: '${env:QUEUE}'");
    assert_eq!(in_force(&[&over], &format!("{HTTP}/sending_queue/num_consumers")), json!(3));
    assert_eq!(in_force(&[&over], &format!("{HTTP}/sending_queue/batch/min_size")), json!(7));
}

#[test]
fn r1_4_11_expansions_nest_and_end() {
    assert_eq!(text("'${env:${env:WHICH}}'"), json!("4711"));
    let endless = |_: &str| Some("${env:A}".to_owned());
    let around = chaperone::config::Surroundings::of_env(&endless);
    let source = chaperone::config::Source::Text { name: "c".to_owned(), text: "receivers: '${env:A}'".to_owned() };
    let (_, problems) = chaperone::config::load_what_is_there(&[source], &around);
    assert!(problems.to_string().starts_with("error: too many recursive expansions"), "{problems}");
}

#[test]
fn r1_4_12_a_dollar_in_a_name_is_refused() {
    refused(&[&exporter("endpoint: '${env:$Y}'")], "`${env:$Y}` contains an unsupported character: `$`");
}

#[test]
fn r1_4_13_schemes_are_known_or_refused() {
    for scheme in ["foo", "ENV", "File"] {
        let value = exporter(&format!("endpoint: '${{{scheme}:Y}}'"));
        refused(&[&value], &format!("scheme `{scheme}` is not supported in `${{{scheme}:Y}}`"));
    }
    refused(&[&exporter("endpoint: '${https://h/c}'")], "`${https://h/c}`: configuration is not read over the network");
}

#[test]
fn r1_4_14_keys_and_comments_are_not_expanded() {
    refused(&["processors: {'${env:PORT}': }"], "invalid character in type `${env:PORT}`");
    accepted(&["exporters: {} # ${env:NOPE} ${foo:x}"]);
}

#[test]
fn r1_5_01_maps_merge_and_everything_else_is_replaced() {
    let over = ["exporters: {otlp_http: {timeout: 7s}, nop: }", "service: {pipelines: {traces: {exporters: [nop]}}}"];
    assert_eq!(in_force(&over, &format!("{HTTP}/endpoint")), json!("http://h:1"));
    assert_eq!(in_force(&over, &format!("{HTTP}/timeout")), json!("7s"));
    assert_eq!(ends(&over, Gates::default()).1, ["nop"]);
}

#[test]
fn r1_5_02_null_replaces_a_map_and_an_empty_map_changes_nothing() {
    assert_eq!(in_force(&["exporters: {otlp_http: {}}"], &format!("{HTTP}/endpoint")), json!("http://h:1"));
    refused(&["exporters: {otlp_http: }"], "");
    refused(&["exporters: "], "no exporter is configured");
}

#[test]
fn r1_5_03_an_empty_source_changes_nothing() {
    accepted(&["", "# nothing", "{}"]);
}

#[test]
fn r1_5_04_sets_come_last_wherever_they_stand() {
    let over = ["set exporters.otlp_http.timeout=9s", "exporters: {otlp_http: {timeout: 7s}}"];
    assert_eq!(in_force(&over, &format!("{HTTP}/timeout")), json!("9s"));
}

#[test]
fn r1_5_05_a_set_takes_any_yaml() {
    let sets = [
        "set service.pipelines.traces.receivers=[otlp,otlp/b]",
        "set receivers::otlp/b={protocols: {http: }}",
        "set exporters.otlp_http = {timeout: 7s}",
        "set exporters.otlp_http.headers.a=b=${env:PORT}",
    ];
    accepted(&sets);
    assert_eq!(ends(&sets, Gates::default()).0, ["otlp", "otlp/b"]);
    assert_eq!(in_force(&sets, &format!("{HTTP}/timeout")), json!("7s"));
    assert_eq!(in_force(&sets, &format!("{HTTP}/endpoint")), json!("http://h:1"), "a map merges");
    assert_eq!(in_force(&sets, &format!("{HTTP}/headers/a")), json!("b=4711"), "split at the first equal sign");
}

#[test]
fn r1_5_06_a_set_of_nothing_is_null_and_one_without_equal_sign_is_refused() {
    assert_eq!(in_force(&["set exporters.otlp_http.timeout="], &format!("{HTTP}/timeout")), json!("0s"));
    refused(&["set exporters.otlp_http"], "missing equal sign");
}

#[test]
fn r1_5_07_a_gate_adds_to_lists_of_receivers_and_exporters() {
    let over = ["exporters: {nop: }\nservice: {pipelines: {traces: {exporters: [nop, otlp_http]}}}"];
    let on = Gates { append_lists: true, ..Gates::default() };
    assert_eq!(ends(&over, on).1, ["otlp_http", "nop"]);
    assert_eq!(ends(&over, Gates::default()).1, ["nop", "otlp_http"]);
}

#[test]
fn r1_5_08_a_root_that_is_no_map_is_refused_with_its_place() {
    refused(&["- a"], "the configuration must be a map, found a list\n  --> 1.yaml:1:1");
    refused(&["text"], "the configuration must be a map, found the text `text`");
    refused(&["a: 1\n\tb: 2"], "not valid YAML: ");
}
