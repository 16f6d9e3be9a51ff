//! Every capture of the mapped dialects, in every order.

use crate::expected::Expected;
use crate::order::{one_by_one, recorded, shuffled};
use crate::run::Chain;
use chaperone_proto::Data;
use chaperone_testkit::corpus::{self, Capture};

/// Its two emitters disagree by one token: who comes first owns.
const EMITTERS_DISAGREE: &str = "openllmetry-anthropic-stream";

/// Runs `arrange` of each capture and compares; reports all that differ at once.
fn check(arrange: impl Fn(&Capture) -> Vec<(String, Vec<Data>)>) {
    let mut wrong = Vec::new();
    let names = crate::of_families();
    assert!(names.len() > 60, "only {} captures", names.len());
    for capture in names.iter().map(|name| corpus::load(name).expect("a readable capture")) {
        let expected = Expected::on_the_wire(&capture);
        for (how, requests) in arrange(&capture) {
            let found = Expected::found(&Chain::new().totals(requests));
            if found != expected {
                wrong.push(format!("{} {how}\n    found    {found:?}\n    expected {expected:?}", capture.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn totals_equal_the_ground_truth() {
    check(|capture| vec![("as recorded".to_owned(), recorded(capture))]);
}

#[test]
fn totals_do_not_depend_on_requests() {
    check(|capture| vec![("one record a request".to_owned(), one_by_one(&recorded(capture)))]);
}

#[test]
fn totals_do_not_depend_on_order() {
    check(|capture| {
        if capture.name == EMITTERS_DISAGREE {
            return Vec::new();
        }
        (1..=5).map(|seed| (format!("shuffled, seed {seed}"), shuffled(one_by_one(&recorded(capture)), seed))).collect()
    });
}

#[test]
fn what_is_sent_twice_counts_once() {
    check(|capture| {
        let requests = recorded(capture);
        let each = requests.iter().flat_map(|request| [request.clone(), request.clone()]).collect();
        let all = [requests.clone(), requests.clone()].concat();
        let mut orders = vec![("each request twice".to_owned(), each), ("all of it twice".to_owned(), all.clone())];
        if capture.name != EMITTERS_DISAGREE {
            orders.push(("twice, shuffled".to_owned(), shuffled(one_by_one(&all), 7)));
        }
        orders
    });
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
    assert!(all >= 191, "only {all} captures add up");
}
