//! The window of requests that were seen lately.

use super::*;
use crate::Encoding;
use chaperone_proto::Signal;

fn payload(body: usize) -> Payload {
    let (signal, encoding, transport) = (Signal::Logs, Encoding::Protobuf, "grpc");
    Payload { signal, encoding, body: body.to_le_bytes().to_vec().into(), transport, client: None }
}

fn at(seconds: u64) -> Now {
    Now { mono: Duration::from_secs(seconds), unix_ns: 0 }
}

fn window() -> Arc<Window> {
    Arc::new(Window::new(&Chance::default()))
}

fn first(arrival: Arrival) -> First {
    match arrival {
        Arrival::First(first) => first,
        _ => panic!("was seen before"),
    }
}

#[test]
fn an_accepted_request_is_remembered_for_a_minute() {
    let window = window();
    first(window.enter(&payload(1), at(0))).finish(&Outcome::Ok, 5);
    assert!(matches!(window.enter(&payload(1), at(59)), Arrival::Accepted(5)));
    first(window.enter(&payload(1), at(60))).finish(&Outcome::Ok, 5);
}

#[test]
fn another_transport_or_tenant_is_another_request() {
    let window = window();
    first(window.enter(&payload(1), at(0))).finish(&Outcome::Ok, 5);
    let http = Payload { transport: "http", ..payload(1) };
    first(window.enter(&http, at(0))).finish(&Outcome::Ok, 5);
    let client = crate::ClientInfo { tenant: Some("a".into()), ..Default::default() };
    let tenant = Payload { client: Some(Arc::new(client)), ..payload(1) };
    first(window.enter(&tenant, at(0))).finish(&Outcome::Ok, 5);
}

#[test]
fn a_failed_request_is_forgotten_and_whoever_joined_hears_of_it() {
    let window = window();
    let request = first(window.enter(&payload(1), at(0)));
    let Arrival::Joined(mut told) = window.enter(&payload(1), at(1)) else { panic!("is running") };
    request.finish(&Outcome::retryable("full"), 5);
    assert_eq!(told.try_recv(), Ok((Outcome::retryable("full"), 5)));
    drop(first(window.enter(&payload(1), at(1))));
    first(window.enter(&payload(1), at(1))).finish(&Outcome::Ok, 5);
}

#[test]
fn the_window_is_bounded_and_those_who_wait_are_not_forgotten() {
    let window = window();
    let oldest = first(window.enter(&payload(0), at(0)));
    let Arrival::Joined(mut told) = window.enter(&payload(0), at(0)) else { panic!("is running") };
    for body in 1..=MOST {
        first(window.enter(&payload(body), at(0))).finish(&Outcome::Ok, 1);
    }
    assert!(window.lock().by_key.len() <= MOST && window.lock().arrivals.len() <= MOST);
    first(window.enter(&payload(0), at(0))).finish(&Outcome::Ok, 2);
    oldest.finish(&Outcome::Ok, 3);
    assert_eq!(told.try_recv(), Ok((Outcome::Ok, 3)));
}
