//! `validate`, `components` and mistakes on the command line.

use crate::{config, outcome};
use std::fs;

#[test]
fn a_good_configuration_is_accepted_in_silence() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("c.yaml"), config("nop: {}")).unwrap();
    assert_eq!(outcome(folder.path(), &["validate", "--config", "c.yaml"]), (0, String::new(), String::new()));
}

#[test]
fn a_bad_configuration_is_refused_on_standard_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("collector.yaml"), config("nop: {}")).unwrap();
    // Without `--config` the file in the working directory counts; `--set` comes on top.
    let expected = "error: unknown key `x`\n  --> --set exporters.nop.x=1:1:1  exporters.nop.x\n";
    let (code, out, err) = outcome(folder.path(), &["--set", "exporters.nop.x=1", "validate"]);
    assert_eq!((code, out.as_str(), err.as_str()), (1, "", expected));
    let (code, _, err) = outcome(folder.path(), &["--set", "exporters.nop.x=1"]);
    assert!(code == 1 && err.ends_with(expected), "{err}");
}

#[test]
fn the_built_in_configuration_serves_where_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, err) = outcome(folder.path(), &["validate", "--set", "exporters.sqlite.pth=x"]);
    assert_eq!(code, 1);
    assert!(err.contains("exporters.sqlite.pth") && err.contains("did you mean `path`?"), "{err}");
    assert_eq!(outcome(folder.path(), &["validate"]), (0, String::new(), String::new()));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "checking leaves nothing behind");
}

#[test]
fn an_absent_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, err) = outcome(folder.path(), &["run", "--config", "nowhere.yaml"]);
    assert_eq!(code, 1);
    assert!(err.starts_with("error: cannot read the configuration `nowhere.yaml`: "), "{err}");
}

#[test]
fn mistakes_on_the_command_line_exit_with_one() {
    let folder = tempfile::tempdir().unwrap();
    for args in [&["--foo"][..], &["foo"], &["validate", "x"], &["replay"]] {
        let (code, out, err) = outcome(folder.path(), args);
        assert_eq!((code, out.as_str()), (1, ""), "{args:?}");
        assert!(err.starts_with("error: "), "{err}");
    }
}

#[test]
fn version_and_help_are_answers() {
    let folder = tempfile::tempdir().unwrap();
    for flag in ["-v", "--version"] {
        let (code, out, _) = outcome(folder.path(), &[flag]);
        assert_eq!((code, out.as_str()), (0, concat!("chaperone ", env!("CARGO_PKG_VERSION"), "\n")));
    }
    let (code, out, _) = outcome(folder.path(), &["--help"]);
    assert_eq!(code, 0);
    assert!(out.contains("Exit codes: 0 done"), "{out}");
}

#[test]
fn components_are_listed_as_yaml() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, err) = outcome(folder.path(), &["components"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let tree = chaperone::config::Node::parse(&out, "components").unwrap();
    let names: Vec<&str> =
        tree.get("exporters").into_iter().flat_map(|list| list.items()).filter_map(|item| item.get("name")?.text()).collect();
    assert!(names.is_sorted() && names.contains(&"otlp_http"), "{names:?}");
}
