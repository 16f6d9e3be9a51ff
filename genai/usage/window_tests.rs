//! The rules by which records are of one call, each with its counter-example.

use super::*;
use chaperone_proto::Signal;

const SECOND: u64 = 1_000_000_000;

/// A measured span of scope 1 between seconds 10 and 11.
fn span(number: u8) -> Call {
    Call {
        identity: Some(Identity::Span { trace: [1; 16], span: [number; 8] }),
        resource: 1,
        scope: 1,
        signal: Signal::Traces,
        trace: Some([1; 16]),
        span: Some([number; 8]),
        request_id: None,
        response_id: None,
        tokens: Some((1000 + u64::from(number), 100)),
        model: Some(7),
        interval: (10 * SECOND, 11 * SECOND),
        may_own: true,
    }
}

fn log(number: u8) -> Call {
    Call { identity: Some(Identity::Log([number; 16])), signal: Signal::Logs, ..span(number) }
}

fn decide(window: &mut Window, call: &Call) -> Decision {
    let verdict = window.call(call.clone(), None);
    assert!(!verdict.resent, "{call:?}");
    verdict.decision
}

fn duplicate_of(call: &Call) -> Decision {
    Decision::Duplicate(call.identity)
}

#[test]
fn the_same_response_id_is_the_same_call() {
    let first = Call { response_id: Some(5), ..span(1) };
    let other = Call { response_id: Some(5), tokens: Some((1, 2)), scope: 2, ..span(2) };
    let mut window = Window::default();
    assert_eq!(decide(&mut window, &first), Decision::Owner);
    assert_eq!(decide(&mut window, &other), duplicate_of(&first));
    let elsewhere = Call { resource: 2, ..other.clone() };
    assert_eq!(decide(&mut window, &Call { identity: span(3).identity, ..elsewhere }), Decision::Owner);
}

#[test]
fn a_duplicates_own_id_leads_to_the_owner() {
    let owner = span(1);
    let by_look = Call { response_id: Some(5), tokens: owner.tokens, scope: 2, ..span(2) };
    let by_id = Call { response_id: Some(5), tokens: Some((9, 9)), scope: 3, ..span(3) };
    let mut window = Window::default();
    decide(&mut window, &owner);
    assert_eq!(decide(&mut window, &by_look), duplicate_of(&owner));
    assert_eq!(decide(&mut window, &by_id), duplicate_of(&owner));
}

#[test]
fn a_log_of_the_span_is_the_same_call_unless_both_name_other_ids() {
    let mut window = Window::default();
    let owner = Call { response_id: Some(5), ..span(1) };
    decide(&mut window, &owner);
    let of_span = Call { tokens: Some((0, 0)), ..log(1) };
    assert_eq!(decide(&mut window, &of_span), duplicate_of(&owner));
    let stamped_with_another_span =
        Call { identity: Some(Identity::Log([9; 16])), response_id: Some(6), tokens: Some((3, 3)), ..log(1) };
    assert_eq!(decide(&mut window, &stamped_with_another_span), Decision::Owner);
}

#[test]
fn equal_tokens_model_and_time_in_another_scope_are_the_same_call() {
    let owner = span(1);
    let twin = Call { scope: 2, tokens: owner.tokens, trace: Some([2; 16]), ..span(2) };
    let same = |call: Call| {
        let mut window = Window::default();
        decide(&mut window, &owner);
        decide(&mut window, &call) == duplicate_of(&owner)
    };
    assert!(same(twin.clone()));
    assert!(same(Call { model: None, ..twin.clone() }), "a model that one leaves out does not part them");
    assert!(!same(Call { model: Some(8), ..twin.clone() }));
    assert!(!same(Call { scope: 1, ..twin.clone() }), "parallel calls of equal size are two calls");
    assert!(!same(Call { interval: (12 * SECOND, 13 * SECOND), ..twin.clone() }));
    assert!(!same(Call { resource: 2, ..twin.clone() }));
    assert!(!same(Call { tokens: Some((1, 100)), ..twin.clone() }));
    let nothing = Call { tokens: Some((0, 0)), ..owner.clone() };
    let mut window = Window::default();
    decide(&mut window, &nothing);
    assert_eq!(decide(&mut window, &Call { tokens: Some((0, 0)), ..twin }), Decision::Owner, "zeros are no likeness");
}

#[test]
fn an_owner_takes_one_record_of_each_emitter() {
    let owners = [span(1), Call { tokens: span(1).tokens, ..span(2) }];
    let twins = [3, 4, 5].map(|number| Call { scope: 2, tokens: span(1).tokens, ..span(number) });
    let mut window = Window::default();
    for owner in &owners {
        assert_eq!(decide(&mut window, owner), Decision::Owner);
    }
    assert_eq!(decide(&mut window, &twins[0]), duplicate_of(&owners[0]));
    assert_eq!(decide(&mut window, &twins[1]), duplicate_of(&owners[1]));
    assert_eq!(decide(&mut window, &twins[2]), Decision::Owner);
}

#[test]
fn parallel_equal_calls_keep_their_number_in_any_order() {
    // Two emitters tell of two equal calls at once; only the ids tell them apart.
    let records: Vec<Call> = (0..4)
        .map(|at| Call { scope: at / 2, response_id: Some(100 + at % 2), tokens: Some((500, 50)), ..span(at as u8 + 1) })
        .collect();
    for order in [[0, 1, 2, 3], [0, 3, 2, 1], [2, 1, 0, 3], [3, 0, 1, 2], [0, 3, 1, 2]] {
        let mut window = Window::default();
        let owners = order.iter().filter(|at| decide(&mut window, &records[**at]) == Decision::Owner).count();
        assert_eq!(owners, 2, "{order:?}");
    }
}

#[test]
fn what_may_not_own_waits_for_nobody_and_hides_nobody() {
    let log = Call { may_own: false, ..log(1) };
    let mut window = Window::default();
    assert_eq!(decide(&mut window, &log), Decision::Duplicate(None));
    assert_eq!(decide(&mut window, &span(1)), Decision::Owner);
}

#[test]
fn a_call_without_usage_hides_no_tokens() {
    let unmeasured = Call { response_id: Some(5), tokens: None, ..span(1) };
    let measured = Call { response_id: Some(5), scope: 2, ..span(2) };
    let mut window = Window::default();
    assert_eq!(decide(&mut window, &unmeasured), Decision::Owner);
    assert_eq!(decide(&mut window, &measured), Decision::Owner);
    let again = Call { response_id: Some(5), tokens: None, scope: 3, ..span(3) };
    assert_eq!(decide(&mut window, &again), duplicate_of(&measured));
}

#[test]
fn what_is_sent_again_gets_the_same_decision_and_the_mark() {
    let (owner, other) = (span(1), Call { scope: 2, tokens: span(1).tokens, ..span(2) });
    let mut window = Window::default();
    let first = [decide(&mut window, &owner), decide(&mut window, &other)];
    let again = [window.call(owner.clone(), None), window.call(other, None)];
    assert_eq!(again.map(|verdict| verdict.decision), first);
    assert!(again.iter().all(|verdict| verdict.resent));
    let tool = Identity::Span { trace: [1; 16], span: [9; 8] };
    assert!(!window.plain(Some(tool), Role::Tool).resent);
    assert!(window.plain(Some(tool), Role::Tool).resent);
    assert!(!window.plain(None, Role::Tool).resent);
    assert!(!window.plain(None, Role::Tool).resent, "what has no identity is always new");
}

#[test]
fn a_client_and_a_server_in_one_trace_tell_of_one_call() {
    let client = Call { response_id: Some(5), ..span(1) };
    let server = Call { resource: 2, tokens: Some((7, 7)), response_id: Some(5), ..span(2) };
    let mut links = TraceLinks::default();
    assert_eq!(links.claim(&client, 10).0, None);
    assert_eq!(links.claim(&server, 10).0, client.identity);
    assert_eq!(links.claim(&client, 10).0, None, "its own claim");
    let other_trace = Call { trace: Some([9; 16]), ..server };
    assert_eq!(links.claim(&other_trace, 10).0, None);
    assert_eq!(Window::default().call(span(2), client.identity).decision, duplicate_of(&client));
}

#[test]
fn the_window_is_bounded_and_leaves_nothing_behind() {
    let mut window = Window::default();
    for number in 0..200 {
        decide(&mut window, &Call { response_id: Some(u64::from(number)), ..span(number) });
        let twin = Call { scope: 2, response_id: Some(1000 + u64::from(number)), tokens: span(number).tokens, ..log(number) };
        assert_eq!(decide(&mut window, &twin), duplicate_of(&span(number)));
        window.evict(50);
        assert!(window.len() <= 50);
    }
    assert_eq!(window.evict(0), 50);
    assert!(window.is_empty() && window.holds_nothing(), "{window:?}");
    assert_eq!(decide(&mut window, &span(1)), Decision::Owner, "forgotten");
}
