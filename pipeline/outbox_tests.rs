//! Holding: who is acknowledged for what is given on later, and what stays best effort.

use super::*;
use chaperone_proto::{Data, LogsBuilder};
use std::sync::{Arc, Mutex};

type Told = Arc<Mutex<Vec<Outcome>>>;

fn request(told: &Told) -> Ack {
    let told = Arc::clone(told);
    Ack::new(move |outcome| told.lock().unwrap().push(outcome))
}

/// So many log records.
fn logs(items: usize) -> Data {
    let mut builder = LogsBuilder::new(&[], "tests");
    for _ in 0..items {
        builder.record(1);
    }
    Data::Logs(builder.finish())
}

/// Holds one batch in a call of its own.
fn held(incoming: Option<Ack>) -> Ack {
    let mut out = Outbox::new(Now::default(), incoming);
    let ack = out.hold(Signal::Logs, 1);
    drop(out.into_given());
    ack
}

#[test]
fn one_batch_may_carry_the_shares_of_several_requests() {
    let told = Told::default();
    let shares = vec![held(Some(request(&told))), held(Some(request(&told)))];
    assert_eq!(told.lock().unwrap().len(), 0, "held requests are not answered");
    let mut out = Outbox::for_tests(Now::default());
    out.pass_held(Batch::new(logs(2)), Ack::merge(shares));
    let mut given = out.into_given();
    let (_, ack, was_held) = given.passed.remove(0);
    assert!(was_held);
    ack.expect("somebody waits").resolve(Outcome::retryable("full"));
    assert_eq!(*told.lock().unwrap(), [Outcome::retryable("full"), Outcome::retryable("full")]);
}

#[test]
fn derived_data_that_were_held_go_on_without_a_share() {
    assert!(Outbox::for_tests(Now::default()).is_derived());
    let mut out = Outbox::for_tests(Now::default());
    out.pass_held(Batch::new(logs(2)), Ack::merge(vec![held(None), held(None)]));
    let given = out.into_given();
    assert!(given.passed[0].1.is_none() && given.passed[0].2);
}

#[test]
fn a_share_of_a_request_makes_what_it_is_merged_with_acknowledged() {
    let told = Told::default();
    let merged = Ack::merge(vec![held(None), held(Some(request(&told)))]);
    assert!(!merged.is_derived());
    merged.resolve(Outcome::Ok);
    assert_eq!(*told.lock().unwrap(), [Outcome::Ok]);
    assert!(!Ack::detached().is_derived(), "what was acknowledged on entry was admitted");
}
