//! The Collector's configuration rules, numbered: a test a rule, named by its section and number.
//!
//! `r1_4_02` is the second rule of section 1.4 (variable expansion); sections are 1.1 values, 1.2 ids, 1.3 pipelines,
//! 1.4 expansion, 1.5 several sources, 1.6 validation, 1.8 own telemetry. Where we depart on purpose the test shows what we do, and says so.

use chaperone::config::{Gates, Problems, Source, Surroundings, load_what_is_there};
use chaperone::pipeline::engine::Graph;
use serde_json::Value;

/// A good configuration that tests change.
const BASE: &str = r#"
receivers: {otlp: {protocols: {grpc: {}}}}
exporters: {otlp_http: {endpoint: "http://h:1"}}
service: {pipelines: {traces: {receivers: [otlp], exporters: [otlp_http]}}}
"#;

fn env(name: &str) -> Option<String> {
    let value = match name {
        "PORT" => "4711",
        "EMPTY" => "",
        "HEADERS" => "{a: x, b: 'y'}",
        "QUEUE" => "num_consumers: 3\nbatch::min_size: 7\n",
        "OCTAL" => "0123",
        "QUOTED" => "\"5\"",
        "TWICE" => "$${env:PORT}",
        "WHICH" => "PORT",
        _ => return None,
    };
    Some(value.to_owned())
}

fn file(path: &str) -> Result<String, String> {
    match path {
        "token" => Ok("abc\n".to_owned()),
        "exporters.yaml" => Ok("otlp_http: {endpoint: 'http://h:${env:PORT}'}\n".to_owned()),
        _ => Err("no such file".to_owned()),
    }
}

fn around(gates: Gates) -> Surroundings<'static> {
    Surroundings { env: &env, file: &file, gates }
}

/// `set a.b=c` stands for a `--set`, everything else for the text of a `--config`.
fn sources(texts: &[&str]) -> Vec<Source> {
    let named = texts.iter().enumerate().map(|(index, text)| match text.strip_prefix("set ") {
        Some(set) => Source::Set(set.to_owned()),
        None => Source::Text { name: format!("{index}.yaml"), text: (*text).to_owned() },
    });
    named.collect()
}

/// Errors and warnings of a whole configuration.
pub(crate) fn alone(texts: &[&str], gates: Gates) -> Problems {
    chaperone::check_within(&sources(texts), &chaperone::built_in(), &around(gates)).unwrap_or_else(|problems| problems)
}

/// Errors and warnings of the base with something laid on it.
pub(crate) fn said(over: &[&str]) -> String {
    alone(&[&[BASE], over].concat(), Gates::default()).to_string()
}

#[track_caller]
pub(crate) fn accepted(over: &[&str]) {
    assert_eq!(said(over), "", "{over:?}");
}

#[track_caller]
pub(crate) fn refused(over: &[&str], message: &str) {
    let said = said(over);
    assert!(said.contains(&format!("error: {message}")), "{over:?} should be refused with\n{message}\nbut:\n{said}");
}

/// A setting in force of the base with something laid on it, by JSON pointer.
#[track_caller]
pub(crate) fn in_force(over: &[&str], pointer: &str) -> Value {
    setting(&[&[BASE], over].concat(), Gates::default(), pointer)
}

#[track_caller]
pub(crate) fn setting(texts: &[&str], gates: Gates, pointer: &str) -> Value {
    let (document, mut problems) = load_what_is_there(&sources(texts), &around(gates));
    let document = document.unwrap_or_else(|| panic!("{problems}"));
    let sections = Value::Object(Graph::effective(&document, &chaperone::built_in(), true, &mut problems));
    assert!(!problems.has_errors(), "{problems}");
    sections.pointer(pointer).unwrap_or_else(|| panic!("no {pointer} in {sections}")).clone()
}

/// The receivers and exporters of the pipeline `traces`.
pub(crate) fn ends(texts: &[&str], gates: Gates) -> (Vec<String>, Vec<String>) {
    let (document, problems) = load_what_is_there(&sources(&[&[BASE], texts].concat()), &around(gates));
    let document = document.unwrap_or_else(|| panic!("{problems}"));
    let pipeline = document.service.pipelines.iter().find(|pipeline| pipeline.id.to_string() == "traces").expect("it is there");
    let ids = |list: &[chaperone::config::Reference]| list.iter().map(|reference| reference.id.to_string()).collect();
    (ids(&pipeline.receivers), ids(&pipeline.exporters))
}

/// A change of the exporter's settings.
pub(crate) fn exporter(settings: &str) -> String {
    format!("exporters:\n  otlp_http: {{{settings}}}")
}
