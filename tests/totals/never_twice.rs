//! All captures, in every order and every cut of requests: nothing counts twice, nothing is lost.
//!
//! Captures with sums on agents' spans, with two instrumentations, or with spans and logs of one call are among them; so are those with
//! neither, which must not lose anything either.

use crate::expected::Expected;
use crate::order::{one_by_one, recorded, shuffled};
use crate::run::Chain;
use chaperone_proto::Data;
use chaperone_testkit::corpus::{self, Capture};
use std::collections::BTreeMap;

/// Its two emitters disagree by one token: who comes first owns.
const EMITTERS_DISAGREE: &str = "openllmetry-anthropic-stream";

/// Only the crew's own sum carries usage there: a run takes it when it closes without any counted call (`usage_from_aggregate`).
const ONLY_SUMS: [&str; 2] = ["crewai-openllmetry-chat", "crewai-openllmetry-errors"];

/// Tokens by bucket, calls that ended well, tool calls asked for and run, by name.
type Sums = (Expected, BTreeMap<String, u64>);

fn sums(requests: Vec<Data>) -> Sums {
    let totals = Chain::new().totals(requests);
    let mut executed = BTreeMap::new();
    for (name, count) in &totals.executed {
        // A tool of an MCP server has two names, and who tells of its run first gives it one of them.
        let name = name.strip_prefix("mcp__").and_then(|rest| rest.split_once("__")).map_or(name.as_str(), |(_, tool)| tool);
        *executed.entry(name.to_owned()).or_default() += count;
    }
    (Expected::found(&totals), executed)
}

/// Every way in which a capture's records may arrive.
fn arrangements(capture: &Capture, requests: &[Data]) -> Vec<(String, Vec<Data>)> {
    let single = one_by_one(requests);
    let each = requests.iter().flat_map(|request| [request.clone(), request.clone()]).collect();
    let all = [requests, requests].concat();
    let mut ways = vec![("each request twice".to_owned(), each), ("all of it twice".to_owned(), all.clone())];
    if capture.name != EMITTERS_DISAGREE {
        ways.extend((1..=3).map(|seed| (format!("shuffled, seed {seed}"), shuffled(single.clone(), seed))));
        ways.push(("twice, shuffled".to_owned(), shuffled(one_by_one(&all), 7)));
    }
    ways.push(("one record a request".to_owned(), single));
    ways
}

#[test]
fn tokens_and_calls_of_every_capture_equal_what_its_wire_carries() {
    let mut wrong = Vec::new();
    for capture in corpus::captures().into_iter().filter(|capture| !ONLY_SUMS.contains(&capture.name.as_str())) {
        let (found, _) = sums(recorded(&capture));
        let mut expected = Expected::on_the_wire(&capture);
        // Which tool calls a wire carries stands in the facts, not in the truth.
        expected.requested.clone_from(&found.requested);
        if found != expected {
            wrong.push(format!("{}\n    found    {found:?}\n    expected {expected:?}", capture.name));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn sums_of_every_capture_are_the_same_however_its_records_arrive() {
    let mut wrong = Vec::new();
    let names = corpus::names();
    assert!(names.len() >= 302, "only {} captures", names.len());
    for capture in names.iter().map(|name| corpus::load(name).expect("a readable capture")) {
        let requests = recorded(&capture);
        let expected = sums(requests.clone());
        for (how, requests) in arrangements(&capture, &requests) {
            let found = sums(requests);
            if found != expected {
                wrong.push(format!("{} {how}\n    found    {found:?}\n    expected {expected:?}", capture.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
