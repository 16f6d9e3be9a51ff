//! Captures of client libraries, whose wires carry all that the truth says.

use crate::expected::Expected;
use crate::order::recorded;
use crate::run::Chain;
use chaperone_testkit::corpus;

#[test]
fn totals_equal_the_ground_truth() {
    let mut wrong = Vec::new();
    let names = crate::of_families();
    assert!(names.len() > 60, "only {} captures", names.len());
    for capture in names.iter().map(|name| corpus::load(name).expect("a readable capture")) {
        let expected = Expected::on_the_wire(&capture);
        let found = Expected::found(&Chain::new().totals(recorded(&capture)));
        if found != expected {
            wrong.push(format!("{}\n    found    {found:?}\n    expected {expected:?}", capture.name));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn tools_ran_as_often_as_their_results_stand_in_later_requests() {
    let mut wrong = Vec::new();
    for capture in crate::of_families().iter().map(|name| corpus::load(name).expect("a readable capture")) {
        let found = Chain::new().totals(recorded(&capture)).executed;
        let expected = crate::expected::executions(&capture);
        if found != expected {
            wrong.push(format!("{}\n    found    {found:?}\n    expected {expected:?}", capture.name));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// Of all captures, whatever their dialect: how many add up exactly today. The number only grows.
#[test]
fn captures_of_other_dialects_add_up_more_and_more() {
    let captures = corpus::captures();
    let mut exact = [0; 4];
    for capture in &captures {
        let found = Expected::found(&Chain::new().totals(recorded(capture)));
        let truth = Expected::of_truth(capture);
        // The last one includes cached tokens and reasoning.
        let parts = [
            (found.input, found.output) == (truth.input, truth.output),
            found.llm_ok == truth.llm_ok,
            found.requested == truth.requested,
            found == truth,
        ];
        for (count, is_exact) in exact.iter_mut().zip(parts) {
            *count += u32::from(is_exact);
        }
        if std::env::var_os("CHAPERONE_TOTALS_VERBOSE").is_some() && found != truth {
            eprintln!("{}\n    found {found:?}\n    truth {truth:?}", capture.name);
        }
    }
    let [tokens, calls, requested, all] = exact;
    eprintln!("of {}: tokens {tokens}, calls {calls}, requested tool calls {requested}, all of them {all}", captures.len());
    assert!(all >= 239, "only {all} captures add up");
}
