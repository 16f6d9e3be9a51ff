//! Settings, and taking everything.

use super::*;
use chaperone_config::{Node, parse_settings};
use chaperone_pipeline::Now;
use chaperone_proto::Signal;

#[test]
fn it_has_no_settings() {
    let parse = |yaml: &str| parse_settings::<Config>(&Node::parse(yaml, "test.yaml").unwrap(), "exporters.nop");
    assert_eq!(parse(include_str!("testdata/default.yaml")).unwrap(), Config {});
    let problems = parse(include_str!("testdata/invalid_unknown_key.yaml")).unwrap_err().to_string();
    assert!(problems.contains("`path`"), "{problems}");
}

#[tokio::test]
async fn everything_is_taken() {
    assert!(Nop.discards(), "nothing is to be encoded for it");
    let chunk = Chunk { signal: Signal::Logs, body: vec![], items: 5, client: None };
    let cx = ExportContext { batch_id: 1, attempt: 1, timeout: std::time::Duration::ZERO, now: Now::default() };
    assert_eq!(Nop.export(&[chunk], cx).await.unwrap(), Exported::default());
}
