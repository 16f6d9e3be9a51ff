//! Section 1.6: what is validated. Everything that is wrong is told at once, whatever phase finds it in the Collector.

use crate::contract::{accepted, alone, exporter, refused, said};
use chaperone::config::Gates;

#[test]
fn r1_6_01_departure_problems_of_all_sections_and_phases_are_told_together() {
    let said = said(&["\
receivers: {otlp: {protocol: 1}, otlp/b: {protocols: {grpc: {endpoint: 5}}}}
processors: {memory_limiter: {check_interval: 1d}}
exporters: {otlp_http: {sending_queue: {num_consumers: 0}}}
service: {telemetry: {logs: {level: loud}}, pipelines: {logs: {receivers: [nope], exporters: [otlp_http]}}}
"]);
    for expected in [
        "unknown key `protocol`",
        "expected text, found the number `5`",
        "processors.memory_limiter.check_interval",
        "`num_consumers` must be positive",
        "unknown log level `loud`",
        "receiver `nope` is not configured",
    ] {
        assert!(said.contains(expected), "{expected} is missing:\n{said}");
    }
}

#[test]
fn r1_6_02_components_that_no_pipeline_uses_are_checked_too() {
    refused(&["exporters: {otlp_http/unused: {nope: 1}}"], "unknown key `nope`");
}

#[test]
fn r1_6_03_an_empty_configuration_needs_everything() {
    let said = alone(&["service: {}"], Gates::default()).to_string();
    assert!(said.contains("error: the configuration is empty"), "{said}");
    assert!(said.contains("error: the service must have at least one pipeline"), "{said}");
}

#[test]
fn r1_6_04_a_receiver_and_an_exporter_must_be_configured() {
    refused(&["receivers: "], "no receiver is configured");
    refused(&["exporters: "], "no exporter is configured");
    // A connector does not stand in for a section.
    let said = alone(&["connectors: {forward: }\nexporters: {nop: }"], Gates::default()).to_string();
    assert!(said.contains("error: no receiver is configured"), "{said}");
}

#[test]
fn r1_6_05_a_connector_has_an_id_of_its_own() {
    refused(&["connectors: {forward: }\nexporters: {forward: }"], "`forward` is the id of a connector and of an exporter");
    refused(&["connectors: {forward: }\nreceivers: {forward: }"], "`forward` is the id of a connector and of a receiver");
}

#[test]
fn r1_6_06_what_is_named_must_be_configured() {
    refused(&["service: {extensions: [x]}"], "extension `x` is not configured");
    refused(&["service: {pipelines: {traces: {receivers: [x]}}}"], "receiver `x` is not configured");
    refused(&["service: {pipelines: {traces: {processors: [x]}}}"], "processor `x` is not configured");
    refused(&["service: {pipelines: {traces: {exporters: [x]}}}"], "exporter `x` is not configured");
}

#[test]
fn r1_6_07_a_service_has_pipelines_unless_a_gate_says_otherwise() {
    let text = "receivers: {otlp: {protocols: {grpc: }}}\nexporters: {nop: }\nservice: {pipelines: {}}";
    let said = |gates| alone(&[text], gates).to_string();
    assert!(said(Gates::default()).contains("error: the service must have at least one pipeline"));
    let said = said(Gates { allow_no_pipelines: true, ..Gates::default() });
    assert!(!said.contains("error"), "{said}");
}

#[test]
fn r1_6_08_a_pipeline_has_both_ends() {
    refused(&["service: {pipelines: {traces: {receivers: []}}}"], "the pipeline must have at least one receiver");
    refused(&["service: {pipelines: {traces: {exporters: }}}"], "the pipeline must have at least one exporter");
}

#[test]
fn r1_6_09_a_processor_stands_in_a_pipeline_once() {
    let over = "processors: {batch: }\nservice: {pipelines: {traces: {processors: [batch, batch]}}}";
    refused(&[over], "the processor `batch` stands in this pipeline more than once");
}

#[test]
fn r1_6_10_a_connector_is_used_at_both_ends_with_signals_it_joins() {
    let base = "connectors: {forward: }\nservice: {pipelines: {traces: {exporters: [forward, otlp_http]}}}";
    refused(&[base], "connector `forward` ");
    let other_signal = "service: {pipelines: {logs: {receivers: [forward], exporters: [otlp_http]}}}";
    refused(&[base, other_signal], "connector `forward` ");
    let unused = said(&["connectors: {forward: }"]);
    assert!(!unused.contains("error"), "{unused}");
}

#[test]
fn r1_6_11_a_component_knows_the_signals_of_its_pipelines() {
    let over = "exporters: {prometheus: }\nservice: {pipelines: {traces: {exporters: [prometheus]}}}";
    refused(&[over], "");
    assert!(said(&[over]).contains("prometheus"), "{}", said(&[over]));
}

#[test]
fn r1_6_12_validation_opens_nothing() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
    let port = taken.local_addr().expect("it is bound").port();
    let over = format!("receivers: {{otlp: {{protocols: {{grpc: {{endpoint: '127.0.0.1:{port}'}}}}}}}}");
    assert_eq!(said(&[&over, &exporter("timeout: 1s")]), "");
}

#[test]
fn r1_6_13_what_a_component_refuses_for_its_signal_is_told_when_the_pipelines_are_built() {
    let over = |signal: &str| {
        let match_on = "exclude: {match_type: strict, log_bodies: [x]}";
        format!(
            "processors: {{attributes: {{actions: [{{key: a, action: delete}}], {match_on}}}}}\n\
             service: {{pipelines: {{{signal}: {{receivers: [otlp], processors: [attributes], exporters: [otlp_http]}}}}}}"
        )
    };
    refused(&[&over("traces")], "log_bodies should not be specified for trace spans");
    accepted(&[&over("logs")]);
}
