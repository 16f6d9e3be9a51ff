//! What the requests hold.

use super::*;
use chaperone_genai::keys;
use chaperone_proto::{Data, Limits, Traces};

fn traces(name: &str, seed: u64) -> Vec<Traces> {
    keys::install();
    let decode = |request: &Request| match Data::decode(request.signal, request.body.clone(), &Limits::default()).unwrap() {
        Data::Traces(traces) => traces,
        other => panic!("unexpected {:?}", other.signal()),
    };
    scenario(name, 1_700_000_000_000_000_000, seed).unwrap().iter().map(decode).collect()
}

fn count(traces: &[Traces], operation: &str) -> usize {
    let spans = traces.iter().flat_map(Traces::spans);
    spans.filter(|span| span.attrs().str(keys::GEN_AI_OPERATION_NAME) == Some(operation)).count()
}

#[test]
fn the_loop_calls_one_tool_twelve_times_with_a_model_call_before_each() {
    let traces = traces("loop", 1);
    assert!(traces.len() > 1, "an exporter sends every five seconds");
    assert_eq!((count(&traces, "chat"), count(&traces, "execute_tool"), count(&traces, "invoke_agent")), (13, 12, 1));
    let mut calls: Vec<(String, String)> = traces
        .iter()
        .flat_map(Traces::spans)
        .filter(|span| span.attrs().str(keys::GEN_AI_OPERATION_NAME) == Some("execute_tool"))
        .map(|span| {
            let text = |key| span.attrs().str(key).unwrap().to_owned();
            (text(keys::GEN_AI_TOOL_CALL_ARGUMENTS), text(keys::GEN_AI_TOOL_CALL_RESULT))
        })
        .collect();
    calls.dedup();
    assert_eq!(calls, [(r#"{"customer_id":"C-1042"}"#.to_owned(), "[]".to_owned())]);
}

#[test]
fn normal_agents_are_three_runs() {
    let traces = traces("normal", 1);
    assert_eq!((count(&traces, "chat"), count(&traces, "execute_tool"), count(&traces, "invoke_agent")), (7, 6, 3));
}

#[test]
fn spans_nest_in_time_and_nothing_is_sent_before_it_ended() {
    for name in SCENARIOS {
        let requests = scenario(name, 1_000_000_000_000, 7).unwrap();
        let traces = traces(name, 7);
        let roots: Vec<_> = traces.iter().flat_map(Traces::spans).filter(|span| span.parent_span_id().is_none()).collect();
        for span in traces.iter().flat_map(Traces::spans) {
            let root = roots.iter().find(|root| root.trace_id() == span.trace_id()).unwrap();
            assert!(root.start_ns() <= span.start_ns() && span.end_ns() <= root.end_ns());
        }
        assert!(requests.windows(2).all(|pair| pair[0].time_unix_ns < pair[1].time_unix_ns));
        assert!(duration_ns(name, 7).unwrap() > 5_000_000_000);
    }
}

#[test]
fn the_seed_decides_everything_and_names_are_checked() {
    let bodies = |seed| scenario("loop", 0, seed).unwrap().into_iter().map(|request| request.body).collect::<Vec<_>>();
    assert_eq!(bodies(3), bodies(3));
    assert_ne!(bodies(3), bodies(4));
    assert!(scenario("lop", 0, 0).is_none());
}
