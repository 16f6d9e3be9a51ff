//! The payloads have the sizes and shares that the limits of the bench gate were set for.

use super::{chat, huge, lean, lean_of};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

fn spans(body: &[u8]) -> Vec<Span> {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    assert_eq!(request.resource_spans.len(), 3);
    request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
}

/// `what` happens in about `percent` of `all` cases.
fn about(what: usize, all: usize, percent: f64) {
    let share = 100.0 * what as f64 / all as f64;
    assert!((share - percent).abs() < 0.6 * percent + 1.0, "{share} % instead of {percent} %");
}

fn check(body: Vec<u8>, count: usize, bytes: std::ops::RangeInclusive<usize>, attributes: usize) {
    let spans = spans(&body);
    assert_eq!(spans.len(), count);
    println!("{} bytes a span", body.len() / count);
    assert!(bytes.contains(&(body.len() / count)), "{} bytes a span", body.len() / count);
    assert!(spans.iter().all(|span| span.attributes.len() == attributes));
    let known = chaperone_genai::keys::ALL;
    let all: Vec<_> = spans.iter().flat_map(|span| &span.attributes).collect();
    about(all.iter().filter(|pair| !known.contains(&pair.key.as_str())).count(), all.len(), 5.0);
    about(spans.iter().filter(|span| !span.events.is_empty()).count(), count, 5.0);
    about(spans.iter().filter(|span| !span.links.is_empty()).count(), count, 2.0);
    let texts: Vec<_> = all
        .iter()
        .filter_map(|pair| match pair.value.as_ref()?.value.as_ref()? {
            Value::StringValue(text) => Some(text),
            _ => None,
        })
        .collect();
    about(texts.iter().filter(|text| !text.is_ascii()).count(), texts.len(), 10.0);
}

#[test]
fn lean_spans_have_the_promised_size_and_shares() {
    check(lean(1), 512, 532..=572, 12);
}

#[test]
fn chat_spans_have_the_promised_size_and_shares() {
    check(chat(1), 100, 6800..=7000, 20);
}

#[test]
fn huge_spans_have_the_promised_size() {
    let body = huge(1);
    assert!(spans(&body).iter().all(|span| span.attributes.len() == 20));
    let bytes = body.len() / spans(&body).len();
    assert!((104_000..=110_000).contains(&bytes), "{bytes} bytes a span");
}

#[test]
fn a_lean_request_can_have_another_number_of_spans() {
    assert_eq!(spans(&lean_of(1, 100)).len(), 100);
    assert_eq!(lean_of(1, 512), lean(1));
}

#[test]
fn equal_seeds_give_equal_payloads() {
    assert_eq!(lean(7), lean(7));
    assert_ne!(lean(7), lean(8));
}
