//! Settings; the way of a report into a pipeline is tested with the whole graph.

use super::*;
use chaperone_config::{Node, parse_settings};

#[test]
fn it_has_no_settings() {
    let parse = |yaml: &str| parse_settings::<Config>(&Node::parse(yaml, "test.yaml").unwrap(), "receivers.own_events");
    assert_eq!(parse(include_str!("testdata/default.yaml")).unwrap(), Config {});
    let problems = parse(include_str!("testdata/invalid_unknown_key.yaml")).unwrap_err().to_string();
    assert!(problems.contains("`endpoint`"), "{problems}");
}
