//! Sections 1.2 and 1.3: ids of components and pipelines, and what pipelines may name.

use crate::contract::{accepted, ends, refused, said};
use chaperone::config::Gates;

#[test]
fn r1_2_01_spaces_around_the_parts_of_an_id_do_not_count() {
    assert!(!said(&["processors: {' batch / a ': }"]).contains("error"));
    refused(&["processors: {batch: }\n", "processors: {' batch': }"], "duplicate id `batch`");
}

#[test]
fn r1_2_02_a_type_is_a_letter_and_up_to_62_letters_digits_or_underscores() {
    let long = "a".repeat(63);
    refused(&[&format!("processors: {{{long}: }}")], "unknown processor type");
    for bad in [&format!("{long}a"), "1a", "_a", "otlp-x", "a.b"] {
        refused(&[&format!("processors: {{{bad}: }}")], "invalid character in type");
    }
}

#[test]
fn r1_2_03_a_name_has_no_white_space_control_or_symbol_characters() {
    for good in ["a/b.c-d", "x,y", "@#:*_", "\u{e4}\u{4e2d}", &"n".repeat(1024)] {
        let said = said(&[&format!("processors: {{'batch/{good}': }}")]);
        assert!(!said.contains("error"), "{said}");
    }
    for bad in ["a b", "a+b", "a=b", "a$b", "a|b", "a^b", "a~b", "a<b", "a`b"] {
        refused(&[&format!("processors: {{'batch/{bad}': }}")], "invalid character in name");
    }
    refused(&[&format!("processors: {{batch/{}: }}", "n".repeat(1025))], "the name of an id must not be longer");
}

#[test]
fn r1_2_04_both_parts_of_an_id_must_be_there() {
    refused(&["processors: {batch/: }"], "in id `batch/` the part after `/` should not be empty");
    refused(&["processors: {/x: }"], "in id `/x` the part before `/` should not be empty");
    refused(&["processors: {'': }"], "an id must not be empty");
}

#[test]
fn r1_2_05_an_unknown_type_is_told_with_what_is_known() {
    refused(&["processors: {foo/bar: }"], "unknown processor type `foo`");
    let known = said(&["receivers: {foo: }"]);
    assert!(known.contains("hint: known here: ") && known.contains("`otlp`") && known.contains("`own_events`"), "{known}");
    let logging = said(&["exporters: {logging: }"]);
    assert!(logging.contains("unknown exporter type `logging`") && logging.contains("hint: `debug` took its place"), "{logging}");
    let said = said(&["exporters: {otlp_htp: }"]);
    assert!(said.contains("hint: did you mean `otlp_http`?"), "{said}");
}

#[test]
fn r1_2_06_renamed_types_may_be_written_either_way() {
    let over = "exporters: {otlphttp: {endpoint: 'http://h:1'}, otlp: {endpoint: 'h:1', tls: {insecure: true}}}\n\
                service: {pipelines: {traces: {exporters: [otlphttp, otlp]}}}";
    assert!(!said(&[over]).contains("error"), "{}", said(&[over]));
    assert_eq!(ends(&[over], Gates::default()).1, ["otlphttp", "otlp"], "ids stay as written");
}

#[test]
fn r1_3_01_a_pipeline_is_a_signal_with_or_without_a_name() {
    for signal in ["traces/a", "metrics", "logs/b"] {
        accepted(&[&format!("service: {{pipelines: {{{signal}: {{receivers: [otlp], exporters: [otlp_http]}}}}}}")]);
    }
    refused(&["service: {pipelines: {spans: {receivers: [otlp], exporters: [otlp_http]}}}"], "unknown pipeline signal `spans`");
    refused(
        &["service: {pipelines: {profiles: {receivers: [otlp], exporters: [otlp_http]}}}"],
        "pipelines of the signal `profiles` are not supported",
    );
}

#[test]
fn r1_3_02_an_id_named_twice_as_receiver_or_exporter_is_accepted() {
    accepted(&["service: {pipelines: {traces: {receivers: [otlp, otlp], exporters: [otlp_http, otlp_http]}}}"]);
}

#[test]
fn r1_3_03_connectors_join_pipelines_without_a_cycle() {
    let joined = "connectors: {forward: }\nservice: {pipelines: {traces: {exporters: [forward]}, \
                  traces/b: {receivers: [forward], exporters: [otlp_http]}}}";
    accepted(&[joined]);
    let cycle = "service: {pipelines: {traces/b: {exporters: [forward, otlp_http]}}}";
    refused(&[joined, cycle], "cycle detected: ");
}
