//! Settings, and passing everything.

use super::*;
use chaperone_config::{Node, parse_settings};
use chaperone_proto::{Data, Limits, Signal};

#[test]
fn it_has_no_settings() {
    let parse = |yaml: &str| parse_settings::<Config>(&Node::parse(yaml, "test.yaml").unwrap(), "connectors.forward");
    assert_eq!(parse(include_str!("testdata/default.yaml")).unwrap(), Config {});
    let problems = parse(include_str!("testdata/invalid_unknown_key.yaml")).unwrap_err().to_string();
    assert!(problems.contains("`to`"), "{problems}");
}

#[test]
fn everything_passes_and_nothing_is_derived() {
    for signal in Signal::ALL {
        let data = Data::decode(signal, Default::default(), &Limits::default()).unwrap();
        let mut out = Outbox::for_tests(Now::default());
        Forward.process(Batch::new(data), &mut out).unwrap();
        assert_eq!((out.passed().len(), out.derived().len(), out.dropped().len()), (1, 0, 0));
    }
}
