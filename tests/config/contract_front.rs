//! Section 2: what may be written for the time-out, retry, queue and batch of an exporter.
//!
//! Numbers are those of `pipeline/front/contract`, which has the rules of behaviour; these are 2.0. The Collector puts names
//! of settings in single quotes here and in backticks there; we always put them in backticks.

use crate::contract::{accepted, in_force, refused, said};

fn front(text: &str) -> String {
    format!("exporters: {{otlp_http: {{{text}}}}}")
}

fn good(text: &str) {
    accepted(&[&front(text)]);
}

fn bad(text: &str, message: &str) {
    refused(&[&front(text)], message);
}

#[test]
fn r2_0_01_defaults_are_the_collectors() {
    let otlp = in_force(&[&front("")], "/exporters/otlp_http");
    assert_eq!(otlp["timeout"], "30s", "OTLP over HTTP has thirty seconds, others five");
    let retry = &otlp["retry_on_failure"];
    assert_eq!(
        (&retry["enabled"], &retry["multiplier"], &retry["randomization_factor"]),
        (&true.into(), &1.5.into(), &0.5.into())
    );
    for (key, value) in [("initial_interval", "5s"), ("max_interval", "30s"), ("max_elapsed_time", "5m")] {
        assert_eq!(retry[key], value, "{key}");
    }
    let queue = &otlp["sending_queue"];
    assert_eq!((&queue["enabled"], &queue["num_consumers"], &queue["queue_size"]), (&true.into(), &10.into(), &1000.into()));
    assert_eq!((&queue["sizer"], &queue["block_on_overflow"]), (&"requests".into(), &false.into()));
    assert_eq!((&queue["wait_for_result"], &queue["storage"]), (&false.into(), &serde_json::Value::Null));
    let batch = in_force(&[&front("sending_queue: {batch: }")], "/exporters/otlp_http/sending_queue/batch");
    assert_eq!((&batch["flush_timeout"], &batch["min_size"]), (&"200ms".into(), &8192.into()));
    assert_eq!((&batch["max_size"], &batch["sizer"]), (&0.into(), &"items".into()));
}

/// Departure: the Collector batches only where `batch` is written.
#[test]
fn r2_0_02_departure_exporters_over_a_network_batch_unless_told_not_to() {
    let batch = |text: &str| in_force(&[&front(text)], "/exporters/otlp_http/sending_queue/batch");
    assert_eq!(batch("")["min_size"], 8192);
    assert_eq!(batch("sending_queue: {batch: {enabled: false}}")["enabled"], false);
}

#[test]
fn r2_0_03_negative_times_are_refused() {
    for text in [
        "timeout: -1s",
        "retry_on_failure: {initial_interval: -1s}",
        "retry_on_failure: {max_interval: -1s}",
        "retry_on_failure: {max_elapsed_time: -1s}",
        "sending_queue: {batch: {flush_timeout: -1s}}",
    ] {
        bad(text, "a duration must not be negative, found `-1s`");
    }
    good("timeout: 0s");
}

#[test]
fn r2_0_04_retries_are_checked_whether_or_not_they_are_on() {
    for off in ["", "enabled: false, "] {
        bad(&format!("retry_on_failure: {{{off}multiplier: -0.5}}"), "`multiplier` must be non-negative, found -0.5");
        for factor in ["-0.1", "1.1"] {
            let message = format!("`randomization_factor` must be within [0, 1], found {factor}");
            bad(&format!("retry_on_failure: {{{off}randomization_factor: {factor}}}"), &message);
        }
        let message = "`max_elapsed_time` must not be less than `initial_interval` (5s)";
        bad(&format!("retry_on_failure: {{{off}max_elapsed_time: 4s}}"), message);
        let message = "`max_elapsed_time` must not be less than `max_interval` (30s)";
        bad(&format!("retry_on_failure: {{{off}max_elapsed_time: 29s}}"), message);
    }
    good("retry_on_failure: {max_elapsed_time: 0s}");
    good("retry_on_failure: {max_elapsed_time: 30s, multiplier: 0, randomization_factor: 1}");
}

#[test]
fn r2_0_05_sizes_and_consumers_of_a_queue_are_positive() {
    let said = said(&[&front("sending_queue: {num_consumers: 0, queue_size: 0}")]);
    let (consumers, size) = ("`num_consumers` must be positive", "`queue_size` must be positive");
    assert!(said.find(consumers) < said.find(size) && said.contains(consumers), "{said}");
    bad("sending_queue: {queue_size: -1}", "`-1` is too small: at least 0");
    good("sending_queue: {enabled: false, num_consumers: 0, queue_size: 0, batch: {min_size: 5, max_size: 1}}");
}

#[test]
fn r2_0_06_sizers_are_known() {
    for sizer in ["requests", "items", "bytes"] {
        good(&format!("sending_queue: {{sizer: {sizer}}}"));
    }
    bad("sending_queue: {sizer: foo}", "expected `requests`, `items` or `bytes`, found the text `foo`");
    for sizer in ["items", "bytes"] {
        good(&format!("sending_queue: {{batch: {{sizer: {sizer}}}}}"));
    }
    bad("sending_queue: {batch: {sizer: requests}}", "`batch` supports only `items` or `bytes` sizer, found `requests`");
}

#[test]
fn r2_0_07_sizes_of_a_batch_fit_together() {
    bad("sending_queue: {batch: {flush_timeout: 0s}}", "`flush_timeout` must be positive, found 0");
    bad("sending_queue: {batch: {min_size: -1}}", "`-1` is too small: at least 0");
    bad("sending_queue: {batch: {max_size: 5}}", "`max_size` (5) must be greater or equal to `min_size` (8192)");
    good("sending_queue: {batch: {min_size: 0, max_size: 5}}");
    good("sending_queue: {batch: {enabled: false, max_size: 5}}");
}

#[test]
fn r2_0_08_a_batch_fits_into_a_queue_of_the_same_measure() {
    let message = "`min_size` must be less than or equal to `queue_size`";
    bad("sending_queue: {sizer: items, queue_size: 1000, batch: {}}", message);
    bad("sending_queue: {sizer: bytes, queue_size: 1000, batch: {sizer: bytes, min_size: 1001}}", message);
    good("sending_queue: {sizer: items, queue_size: 8192, batch: {}}");
    good("sending_queue: {sizer: bytes, queue_size: 1000, batch: {}}");
    good("sending_queue: {queue_size: 1, batch: {}}");
    // A batch that nobody wrote is in nobody's way.
    good("sending_queue: {sizer: items, queue_size: 1000}");
}

#[test]
fn r2_0_09_metadata_keys_of_partitions_differ_whatever_their_case() {
    good("sending_queue: {batch: {partition: {metadata_keys: [a, b]}}}");
    let twice = "sending_queue: {batch: {partition: {metadata_keys: [x-tenant, b, X-Tenant]}}}";
    bad(twice, "duplicate entry in metadata_keys: `X-Tenant` (case-insensitive)");
}

#[test]
fn r2_0_10_a_written_block_is_on_even_with_nothing_in_it() {
    let debug = |text: &str| in_force(&[&format!("exporters: {{debug: {{{text}}}}}")], "/exporters/debug");
    for text in
        ["sending_queue: , retry_on_failure: , circuit_breaker: ", "sending_queue: {}, retry_on_failure: {}, circuit_breaker: {}"]
    {
        let debug = debug(text);
        for block in ["sending_queue", "retry_on_failure", "circuit_breaker"] {
            assert_eq!(debug[block]["enabled"], true, "{text}: {block}");
        }
    }
    assert_eq!(debug("sending_queue: {enabled: false}")["sending_queue"]["enabled"], false);
}

/// The queue on disk comes with the stores; until then nobody may believe to have one.
#[test]
fn r2_0_11_storage_is_refused_and_so_is_waiting_for_the_result_of_a_stored_queue() {
    bad("sending_queue: {storage: file_storage}", "no storage extension `file_storage`");
    let message = "`wait_for_result` is not supported with a persistent queue configured with `storage`";
    bad("sending_queue: {storage: file_storage, wait_for_result: true}", message);
}

#[test]
fn r2_0_12_unknown_keys_are_refused_at_every_level() {
    for text in [
        "sending_queue: {size: 5}",
        "sending_queue: {batch: {size: 5}}",
        "sending_queue: {batch: {partition: {size: 5}}}",
        "retry_on_failure: {size: 5}",
        "circuit_breaker: {size: 5}",
    ] {
        bad(text, "unknown key `size`");
    }
}

/// Ours.
#[test]
fn a_circuit_breaker_that_is_on_has_positive_settings() {
    for key in ["failures", "open_for", "half_open_requests"] {
        bad(&format!("circuit_breaker: {{{key}: 0}}"), &format!("`{key}` must be positive"));
        good(&format!("circuit_breaker: {{enabled: false, {key}: 0}}"));
    }
}
