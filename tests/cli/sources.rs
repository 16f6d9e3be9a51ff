//! Where configuration comes from, feature gates, and how strictly it is judged.

use crate::{chaperone, config, outcome};
use std::fs;

#[test]
fn configurations_come_from_files_variables_and_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("c.yaml"), config("nop: {}")).unwrap();
    fs::write(folder.path().join("exporter.yaml"), "endpoint: http://h:1\ntimeout: 7s\n").unwrap();
    let command =
        ["print-config", "--config", "file:c.yaml", "--config", "env:MORE", "--config", "yaml:exporters::nop::timeout: 3s"];
    let mut command = chaperone(folder.path(), &command);
    let done = command.env("MORE", "exporters: {otlp_http: '${file:exporter.yaml}'}").output().unwrap();
    let out = String::from_utf8(done.stdout).unwrap();
    assert!(out.contains("endpoint: http://h:1") && out.contains("timeout: 7s") && out.contains("timeout: 3s"), "{out}");
}

#[test]
fn nothing_is_read_over_the_network() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, err) = outcome(folder.path(), &["validate", "--config", "https://127.0.0.1:1/c.yaml"]);
    assert_eq!(code, 1);
    assert!(err.starts_with("error: `--config https://127.0.0.1:1/c.yaml`: configuration is not read over the network"), "{err}");
}

#[test]
fn warnings_refuse_a_configuration_only_where_it_is_judged_strictly() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("c.yaml"), config("nop: {timeout: '${env:CHAPERONE_TEST_UNSET}'}")).unwrap();
    let (code, out, err) = outcome(folder.path(), &["validate", "--config", "c.yaml"]);
    assert_eq!((code, out.as_str()), (0, ""));
    assert!(err.starts_with("warning: environment variable `CHAPERONE_TEST_UNSET` is not set"), "{err}");
    let (code, _, err) = outcome(folder.path(), &["validate", "--strict", "--config", "c.yaml"]);
    assert_eq!(code, 1);
    assert!(err.ends_with("error: refused because of 1 warning (--strict)\n"), "{err}");
    fs::write(folder.path().join("c.yaml"), config("nop: {}")).unwrap();
    assert_eq!(outcome(folder.path(), &["validate", "--strict", "--config", "c.yaml"]), (0, String::new(), String::new()));
}

#[test]
fn gates_are_listed_and_change_what_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("c.yaml"), "receivers: {otlp: {protocols: {grpc: }}}\nexporters: {nop: }\n").unwrap();
    let validate = |gates: &[&str]| outcome(folder.path(), &[&["validate", "--config", "c.yaml"], gates].concat()).0;
    assert_eq!(validate(&[]), 1);
    assert_eq!(validate(&["--feature-gates=+service.AllowNoPipelines"]), 0);
    assert_eq!(validate(&["--feature-gates", "service.AllowNoPipelines,-service.AllowNoPipelines"]), 1);
    let (code, out, _) = outcome(folder.path(), &["featuregate", "--help"]);
    assert!(code == 0 && out.contains("feature gates"), "{out}");
    let (_, out, _) = outcome(folder.path(), &["--feature-gates=service.AllowNoPipelines", "featuregate"]);
    let enabled = |id: &str| out.lines().find(|line| line.starts_with(id)).is_some_and(|line| line.contains(" true "));
    assert!(enabled("service.AllowNoPipelines") && !enabled("confmap.enableMergeAppendOption"), "{out}");
    let (code, out, err) = outcome(folder.path(), &["featuregate", "nope"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.starts_with("error: no such feature gate `nope`\n  hint: known here: "), "{err}");
    let (code, _, err) = outcome(folder.path(), &["--feature-gates", "nope"]);
    assert!(code == 1 && err.starts_with("error: no such feature gate `nope`"), "{err}");
}

#[test]
fn documentation_is_inside() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, _) = outcome(folder.path(), &["docs", "otlp_http"]);
    assert_eq!(code, 0);
    assert_eq!(out, include_str!("../../exporters/otlp_http/README.md"));
    let (code, out, _) = outcome(folder.path(), &["docs"]);
    assert!(code == 0 && out.contains("exporters/otlp_http  "), "{out}");
    let (code, _, err) = outcome(folder.path(), &["docs", "nope"]);
    assert!(code == 1 && err.starts_with("error: there is no component `nope`"), "{err}");
}

#[test]
fn shells_get_their_completion() {
    let folder = tempfile::tempdir().unwrap();
    for (shell, sign) in [("bash", "complete -F _chaperone"), ("zsh", "#compdef chaperone"), ("fish", "complete -c chaperone")] {
        let (code, out, err) = outcome(folder.path(), &["completion", shell]);
        assert_eq!((code, err.as_str()), (0, ""));
        assert!(out.contains(sign) && out.contains("print-config") && out.contains("feature-gates"), "{shell}: {out}");
    }
}
