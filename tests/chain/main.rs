//! The reasoning chain of every capture: what the counts say was requested and run is in the chain, joined and in order.
//!
//! Each capture runs alone through the processors with their default settings, as the counts of `tests/totals` do.

#[path = "../totals/order.rs"]
#[expect(dead_code, reason = "requests are taken in the order recorded")]
mod order;
#[path = "../totals/run.rs"]
#[expect(dead_code, reason = "sums are made here")]
mod run;

use chaperone_genai::decisions::{Chain, ToolCall, What, reasoning_chain};
use chaperone_genai::usage::Totals;
use chaperone_proto::Data;
use chaperone_testkit::corpus::{self, Capture};
use run::Chain as Processors;

fn enriched(capture: &Capture) -> Vec<Data> {
    let processors = Processors::new();
    order::recorded(capture).into_iter().flat_map(|data| processors.enrich(data)).collect()
}

fn chain(enriched: &[Data]) -> Chain {
    reasoning_chain(enriched.iter().flat_map(|data| (0..data.records()).map(|at| data.record(at))))
}

fn of(name: &str) -> Chain {
    let capture = corpus::captures().into_iter().find(|capture| capture.name == name).expect("a capture of that name");
    chain(&enriched(&capture))
}

/// The call as a sentence: `Bash: approval by rule = approved, executed, result`.
fn told(chain: &Chain, call: &ToolCall) -> String {
    let mut positions: Vec<usize> = call.requested.into_iter().chain(call.approvals.iter().copied()).collect();
    positions.extend(call.executed.into_iter().chain(call.result));
    let link = |at: usize| {
        let link = &chain.links[at];
        match link.what {
            What::Approval => format!("approval by {} = {}", link.maker, link.outcome),
            what => what.name().to_owned(),
        }
    };
    format!("{}: {}", call.name, positions.into_iter().map(link).collect::<Vec<_>>().join(", "))
}

fn sentences(name: &str) -> Vec<String> {
    let chain = of(name);
    chain.calls.iter().map(|call| told(&chain, call)).collect()
}

#[test]
fn calls_of_the_coding_clis_are_joined_from_logs_spans_and_messages() {
    assert_eq!(
        sentences("claude-code-tools"),
        ["Bash: approval by rule = approved, executed, result", "Glob: approval by rule = approved, executed, result"]
    );
    let codex = "exec_command: approval by rule = approved, executed";
    assert_eq!(sentences("codex-tools"), [codex, codex]);
    assert_eq!(
        sentences("gemini-cli-tools"),
        [
            "run_shell_command: requested, approval by _OTHER = approved, executed, result",
            "list_directory: requested, approval by _OTHER = approved, executed, result"
        ]
    );
    let failed: Vec<bool> = of("gemini-cli-tools").calls.iter().map(|call| call.failed).collect();
    assert_eq!(failed, [false, true]);
}

#[test]
fn a_route_stands_before_the_call_it_was_made_for() {
    let chain = of("gemini-cli-chat");
    let what: Vec<(What, &str)> = chain.links.iter().map(|link| (link.what, link.outcome.as_str())).collect();
    assert_eq!(what, [(What::Decision, "gemini-2.5-flash"), (What::Call, "")]);
    assert_eq!(chain.links[0].kind, "route");
}

#[test]
fn what_was_requested_and_run_is_in_the_chain_of_every_capture() {
    let mut wrong = Vec::new();
    let mut joined = 0;
    for capture in corpus::captures() {
        let enriched = enriched(&capture);
        let mut totals = Totals::default();
        enriched.iter().for_each(|data| (0..data.records()).for_each(|at| totals.add(data.record(at))));
        let chain = chain(&enriched);
        let count = |is: fn(&ToolCall) -> bool| chain.calls.iter().filter(|call| is(call)).count() as u64;
        let requested = (totals.requested.values().sum::<u64>(), count(|call| call.requested.is_some()));
        let ran = (totals.executed.values().sum::<u64>(), count(|call| call.counted));
        if requested.0 != requested.1 {
            wrong.push(format!("{}: requested {} but {} in the chain", capture.name, requested.0, requested.1));
        }
        if ran.0 != ran.1 {
            wrong.push(format!("{}: {} ran but {} in the chain", capture.name, ran.0, ran.1));
        }
        joined += count(|call| call.requested.is_some() && (call.executed.is_some() || call.result.is_some()));
        for call in &chain.calls {
            let mut order: Vec<usize> = call.requested.into_iter().collect();
            order.extend(&call.approvals);
            order.extend(call.executed.into_iter().chain(call.result));
            if !order.is_sorted() {
                wrong.push(format!("{}: {} is out of order", capture.name, told(&chain, call)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    assert!(joined > 300, "requests and runs are joined: {joined}");
}
