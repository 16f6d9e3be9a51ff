//! Section 1.1: the shape of the whole, and what a value may be.

use crate::contract::{accepted, exporter, in_force, refused, said};
use serde_json::json;

const QUEUE: &str = "/exporters/otlp_http/sending_queue";

fn queue(settings: &str) -> String {
    exporter(&format!("sending_queue: {{{settings}}}"))
}

#[test]
fn r1_1_01_the_root_has_six_keys_and_no_others() {
    accepted(&["receivers: {}\nprocessors: {}\nexporters: {}\nconnectors: {}\nextensions: {}\nservice: {}"]);
    refused(&["procesors: {}"], "unknown key `procesors`");
    refused(&["service: {pipeline: {}}"], "unknown key `pipeline`");
}

#[test]
fn r1_1_02_a_component_with_nothing_has_all_defaults() {
    let settings = in_force(&["processors: {batch/a: }"], "/processors/batch~1a");
    assert_eq!(settings, in_force(&["processors: {batch/a: {}}"], "/processors/batch~1a"));
}

#[test]
fn r1_1_03_keys_are_strict_at_every_depth() {
    refused(&[&exporter("nope: 1")], "unknown key `nope`");
    refused(&[&queue("batch: {nope: 1}")], "unknown key `nope`\n  --> 1.yaml:2:39  exporters.otlp_http.sending_queue.batch.nope");
}

#[test]
fn r1_1_04_nothing_is_converted_between_text_numbers_and_bools() {
    refused(&[&exporter("endpoint: 5")], "expected text, found the number `5`");
    refused(&[&queue("num_consumers: \"5\"")], "expected a whole number, found the text `5`");
    for not_a_bool in ["\"true\"", "1", "yes", "on"] {
        refused(&[&queue(&format!("block_on_overflow: {not_a_bool}"))], "expected `true` or `false`");
    }
}

#[test]
fn r1_1_05_departure_numbers_that_do_not_fit_are_refused() {
    refused(&[&queue("num_consumers: 5.5")], "expected a whole number");
    refused(&[&queue("num_consumers: 5000000000")], "`5000000000` is too large");
    refused(&[&queue("num_consumers: -5")], "`-5` is too small");
}

#[test]
fn r1_1_06_numbers_may_be_hexadecimal_octal_or_with_an_exponent() {
    for (text, number) in [("0x10", 16), ("010", 8), ("1e3", 1000)] {
        assert_eq!(in_force(&[&queue(&format!("num_consumers: {text}"))], &format!("{QUEUE}/num_consumers")), json!(number));
    }
}

#[test]
fn r1_1_07_a_list_of_text_may_be_written_with_commas_but_no_list_of_ids() {
    let over = "connectors: {agent_detectors: {loop: {poll_tools: 'a, b'}}}";
    assert_eq!(in_force(&[over], "/connectors/agent_detectors/loop/poll_tools"), json!(["a", "b"]));
    refused(&["service: {pipelines: {traces: {receivers: otlp}}}"], "expected a list of ids, found the text `otlp`");
    refused(&["service: {extensions: a}"], "expected a list of ids, found the text `a`");
}

#[test]
fn r1_1_08_durations_are_written_as_in_go_and_a_bare_number_is_nanoseconds() {
    for (text, expected) in [("300ms", "300ms"), ("1.5s", "1.5s"), ("1h30m", "1h30m"), ("1m", "1m"), ("5", "5ns"), ("1.5", "1ns")]
    {
        assert_eq!(
            in_force(&[&exporter(&format!("timeout: {text}"))], "/exporters/otlp_http/timeout"),
            json!(expected),
            "{text}"
        );
    }
    for bad in ["\"5\"", "1d", "soon"] {
        let said = said(&[&exporter(&format!("timeout: {bad}"))]);
        assert!(said.contains("exporters.otlp_http.timeout") && said.starts_with("error: "), "{bad}: {said}");
    }
}

#[test]
fn r1_1_09_departure_sizes_take_units_beside_plain_bytes() {
    for (text, bytes) in [("1048576", 1 << 20), ("1MiB", 1 << 20)] {
        assert_eq!(in_force(&[&queue(&format!("max_bytes: {text}"))], &format!("{QUEUE}/max_bytes")), json!(bytes));
    }
}

#[test]
fn r1_1_10_null_keeps_the_defaults_of_a_block_and_is_zero_for_a_scalar() {
    let over = exporter("sending_queue: , retry_on_failure: , timeout: ");
    assert_eq!(in_force(&[&over], &format!("{QUEUE}/num_consumers")), json!(10));
    assert_eq!(in_force(&[&over], "/exporters/otlp_http/retry_on_failure/multiplier"), json!(1.5));
    assert_eq!(in_force(&[&over], "/exporters/otlp_http/timeout"), json!("0s"));
    let unset = exporter("timeout: '${env:EMPTY}'");
    assert_eq!(in_force(&[&unset], "/exporters/otlp_http/timeout"), json!("0s"));
}

#[test]
fn r1_1_11_optional_blocks_have_three_states() {
    let batch = |text: &str| in_force(&[&queue(text)], &format!("{QUEUE}/batch"));
    assert_eq!(batch("batch: ")["enabled"], json!(null), "on with defaults");
    assert_eq!(batch("batch: {min_size: 5}")["min_size"], json!(5));
    assert_eq!(batch("batch: {enabled: false}"), json!({"enabled": false}));
    accepted(&[&queue("batch: {enabled: false, sizer: requests}")]);
    refused(
        &[&queue("batch: {enabled: true, sizer: requests}")],
        "`batch` supports only `items` or `bytes` sizer, found `requests`",
    );
    let none = "receivers: {otlp: {protocols: {grpc: {enabled: false}, http: }}}";
    assert_eq!(in_force(&[none], "/receivers/otlp/protocols/grpc"), json!({"enabled": false}));
    refused(&["receivers: {otlp: {protocols: {grpc: false}}}"], "expected a map, found `false`");
}

#[test]
fn r1_1_12_retry_is_a_plain_block_and_is_checked_even_when_it_is_off() {
    refused(&[&exporter("retry_on_failure: {enabled: false, multiplier: -1}")], "`multiplier` must be non-negative, found -1");
}

#[test]
fn r1_1_13_wrong_shapes_are_refused() {
    refused(&["service: {pipelines: {traces: {receivers: {otlp: }}}}"], "expected a list of ids, found a map");
    refused(&["receivers: [otlp]"], "expected a map of components, found a list");
    refused(&["exporters: {otlp_http: [a]}"], "expected a map, found a list");
    refused(&["exporters: {otlp_http: a}"], "expected a map, found the text `a`");
}

#[test]
fn r1_1_14_duplicate_keys_are_refused() {
    refused(&["receivers: {}\nreceivers: {}"], "duplicate key `receivers`");
}

#[test]
fn r1_1_15_only_the_first_document_of_a_file_is_read() {
    accepted(&["exporters: {}\n---\nnonsense: 1\n"]);
}

#[test]
fn r1_1_16_anchors_and_merge_keys_work() {
    let over =
        "exporters:\n  otlp_http/a: &a {timeout: 7s, endpoint: 'http://h:1'}\n  otlp_http/b: {<<: *a, endpoint: 'http://h:2'}";
    assert_eq!(in_force(&[over], "/exporters/otlp_http~1b/timeout"), json!("7s"));
    assert_eq!(in_force(&[over], "/exporters/otlp_http~1b/endpoint"), json!("http://h:2"));
}

#[test]
fn r1_1_17_json_is_a_configuration_too() {
    let over = r#"{"exporters": {"otlp_http": {"timeout": "7s"}}}"#;
    assert_eq!(in_force(&[over], "/exporters/otlp_http/timeout"), json!("7s"));
}

#[test]
fn r1_1_18_case_matters() {
    refused(&[&exporter("Timeout: 1s")], "unknown key `Timeout`");
    refused(&["exporters: {OTLP_HTTP: {}}"], "unknown exporter type `OTLP_HTTP`");
}

#[test]
fn r1_1_19_two_colons_in_a_key_nest() {
    let over = "exporters::otlp_http::sending_queue::batch::min_size: 5";
    assert_eq!(in_force(&[over], &format!("{QUEUE}/batch/min_size")), json!(5));
}
