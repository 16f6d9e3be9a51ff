//! Section 1.8: what the collector tells about itself.

use crate::contract::{accepted, refused, said};

fn telemetry(text: &str) -> String {
    format!("service: {{telemetry: {{{text}}}}}")
}

#[test]
fn r1_8_01_levels_are_known_or_refused() {
    for level in ["none", "Basic", "NORMAL", "detailed"] {
        accepted(&[&telemetry(&format!("metrics: {{level: {level}}}"))]);
    }
    refused(&[&telemetry("metrics: {level: x}")], "unknown metrics level `x`");
    for level in ["debug", "INFO", "warn", "error"] {
        accepted(&[&telemetry(&format!("logs: {{level: {level}}}"))]);
    }
    refused(&[&telemetry("logs: {level: foo}")], "unknown log level `foo`");
}

#[test]
fn r1_8_02_an_empty_list_of_readers_needs_the_level_none() {
    refused(&[&telemetry("metrics: {readers: []}")], "a reader must exist when the metrics level is not `none`");
    accepted(&[&telemetry("metrics: {level: none, readers: []}")]);
}

#[test]
fn r1_8_03_keys_of_logs_are_those_of_the_collector() {
    accepted(&[&telemetry(
        "logs: {encoding: json, development: true, disable_caller: true, disable_stacktrace: true, disable_zap_resource: true, \
         output_paths: [stdout], error_output_paths: [stderr], initial_fields: {a: 1, b: {c: [x]}}, sampling: {enabled: false}}",
    )]);
    refused(&[&telemetry("logs: {encodings: json}")], "unknown key `encodings`");
}

#[test]
fn r1_8_04_departure_what_logs_cannot_do_is_said() {
    refused(&[&telemetry("logs: {encoding: xml}")], "expected `console` or `json`, found the text `xml`");
    refused(&[&telemetry("logs: {output_paths: [/var/log/x]}")], "logs cannot go to `/var/log/x`");
    refused(&[&telemetry("logs: {output_paths: [stderr, stdout]}")], "logs go to one place");
    refused(&[&telemetry("logs: {processors: [{batch: }]}")], "the export of own logs is not part of this version");
    let sampled = said(&[&telemetry("logs: {sampling: {enabled: true, tick: 10s, initial: 10, thereafter: 100}}")]);
    assert!(sampled.starts_with("warning: repeated lines are not left out"), "{sampled}");
}

#[test]
fn r1_8_05_own_traces_may_be_configured_away() {
    accepted(&[&telemetry("traces: {level: none, propagators: [tracecontext, b3]}")]);
    refused(&[&telemetry("traces: {processors: [{batch: {exporter: {otlp: }}}]}")], "own traces are not part of this version");
}

#[test]
fn r1_8_06_views_need_the_level_detailed() {
    refused(&[&telemetry("metrics: {views: [{selector: }]}")], "`views` can be set only when the level is `detailed`");
    refused(&[&telemetry("metrics: {level: detailed, views: [{selector: }]}")], "`views` are not part of this version");
}

#[test]
fn r1_8_07_the_old_address_of_metrics_is_gone() {
    refused(&[&telemetry("metrics: {address: 'localhost:8888'}")], "unknown key `address`");
}

#[test]
fn r1_8_08_null_removes_an_attribute_of_the_resource() {
    accepted(&[&telemetry("resource: {service.name: , a: b}")]);
}
