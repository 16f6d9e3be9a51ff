//! `print-config`: what is in force, what stays hidden, and that it can be used again.

use crate::{config, outcome};
use serde_json::Value;
use std::fs;

const SECRET: &str = "exporters.otlp_http={endpoint: 'http://h:1', headers: {authorization: hunter2}}";

#[test]
fn defaults_are_filled_in_and_secrets_left_out() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("c.yaml"), config("otlp_http: {}")).unwrap();
    let print = |more: &[&str]| {
        let (code, out, err) = outcome(folder.path(), &[&["print-config", "--config", "c.yaml", "--set", SECRET], more].concat());
        assert_eq!((code, err.as_str()), (0, ""));
        out
    };
    let redacted = print(&[]);
    assert!(redacted.contains("authorization: \"[REDACTED]\"") && !redacted.contains("hunter2"), "{redacted}");
    assert!(redacted.contains("num_consumers: 10\n") && redacted.contains("compression: gzip"), "{redacted}");
    assert_eq!(print(&["--mode", "redacted"]), redacted);
    assert!(print(&["--mode=unredacted"]).contains("authorization: hunter2"));
    let json: Value = serde_json::from_str(&print(&["--format", "json"])).unwrap();
    assert_eq!(json["service"]["pipelines"]["traces"]["receivers"], serde_json::json!(["otlp"]));
    assert_eq!(json["exporters"]["otlp_http"]["headers"]["authorization"], "[REDACTED]");
}

#[test]
fn what_is_printed_is_a_configuration_that_prints_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let set = "exporters.console_alerts.sending_queue.batch={enabled: false}";
    let (code, first, err) = outcome(folder.path(), &["print-config", "--set", set]);
    assert_eq!((code, err.as_str()), (0, ""));
    fs::write(folder.path().join("again.yaml"), &first).unwrap();
    let (code, second, err) = outcome(folder.path(), &["print-initial-config", "--config", "again.yaml"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(second, first);
    assert!(first.contains("\nservice:\n"), "{first}");
}

#[test]
fn a_bad_configuration_is_refused_unless_only_its_wiring_is_bad_and_nobody_minds() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("c.yaml"), config("nop: {}")).unwrap();
    let wiring = ["print-config", "--config", "c.yaml", "--set", "service.pipelines.traces.exporters=[nope]"];
    let (code, out, err) = outcome(folder.path(), &wiring);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("exporter `nope` is not configured"), "{err}");
    let (code, out, _) = outcome(folder.path(), &[&wiring[..], &["--validate=false"]].concat());
    assert!(code == 0 && out.contains("- nope\n"), "{out}");
    let (code, _, err) =
        outcome(folder.path(), &["print-config", "--config", "c.yaml", "--validate=false", "--set", "exporters.nop.x=1"]);
    assert!(code == 1 && err.starts_with("error: unknown key `x`"), "{err}");
    for (flag, value) in [("--mode", "foo"), ("--format", "foo")] {
        let (code, _, err) = outcome(folder.path(), &["print-config", flag, value]);
        assert!(code == 1 && err.contains("[possible values: "), "{err}");
    }
}
