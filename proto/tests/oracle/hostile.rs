//! Requests that no SDK writes: faults are refused by name, oddities become ordinary, nothing panics.

use crate::read::check_traces;
use crate::strategies::traces;
use crate::{install, join};
use chaperone_proto::record::Edit;
use chaperone_proto::{Data, DecodeError, KeyId, Limits, Logs, Metrics, Signal, Traces, Value};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;

/// A length-delimited field.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    prost::encoding::encode_varint(u64::from(number) << 3 | 2, &mut out);
    prost::encoding::encode_varint(content.len() as u64, &mut out);
    out.extend_from_slice(content);
    out
}

/// A request with one span message.
fn with_span(span: &[u8]) -> Vec<u8> {
    field(1, &field(2, &field(2, span)))
}

fn decode(body: Vec<u8>) -> Result<Traces, DecodeError> {
    install();
    Traces::decode(body.into(), &Limits::default())
}

fn refused(span: &[u8]) -> DecodeError {
    decode(with_span(span)).unwrap_err()
}

fn text_value(text: &[u8]) -> Vec<u8> {
    field(1, text)
}

fn attribute(key: &[u8], value: &[u8]) -> Vec<u8> {
    [field(1, key), field(2, value)].concat()
}

/// The oracle accepts the body too, and both read the same.
fn as_the_oracle(body: Vec<u8>) -> Traces {
    let oracle = ExportTraceServiceRequest::decode(&*body).unwrap();
    let traces = decode(body).unwrap();
    check_traces(&traces, &oracle);
    assert_eq!(ExportTraceServiceRequest::decode(&*join(traces.encode())).unwrap(), oracle);
    traces
}

#[test]
fn structural_faults_are_refused_by_name() {
    assert!(matches!(refused(&[0x0b]), DecodeError::WireType { .. }), "group where a trace id belongs");
    assert!(matches!(refused(&[0xfb, 0x01]), DecodeError::WireType { field: "group", .. }));
    assert!(matches!(refused(&[0x8a, 0x00, 0x00]), DecodeError::InvalidTag { .. }), "overlong tag");
    assert!(matches!(refused(&[0x00, 0x00]), DecodeError::InvalidTag { .. }), "field zero");
    assert!(matches!(refused(&[0x36, 0x00]), DecodeError::WireType { .. } | DecodeError::InvalidTag { .. }));
    assert!(matches!(refused(&[0x4a, 0x7f]), DecodeError::Truncated { .. }), "length beyond the message");
    assert!(matches!(
        refused(&[0x30, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
        DecodeError::InvalidTag { .. }
    ));
    assert!(matches!(refused(&[0x28, 0x01]), DecodeError::WireType { field: "span", .. }), "a name that is a number");
    let pair = field(9, &[field(1, b"k"), field(3, b"x")].concat());
    assert!(matches!(refused(&pair), DecodeError::WireType { field: "key_value", .. }), "a number of profiles that is a text");
    let value = field(9, &attribute(b"k", &field(8, b"x")));
    assert!(matches!(refused(&value), DecodeError::WireType { field: "any_value", .. }));
    assert_eq!(refused(&field(1, &[1; 5])), DecodeError::IdLength { field: "trace_id", len: 5, expected: 16 });
    assert_eq!(refused(&field(2, &[1; 16])), DecodeError::IdLength { field: "span_id", len: 16, expected: 8 });
    assert_eq!(refused(&field(13, &field(2, &[1]))), DecodeError::IdLength { field: "link.span_id", len: 1, expected: 8 });
}

#[test]
fn a_request_over_a_limit_is_refused() {
    let mut value = text_value(b"x");
    for _ in 0..65 {
        value = field(5, &field(1, &value));
    }
    assert_eq!(refused(&field(9, &attribute(b"k", &value))), DecodeError::TooDeep { limit: 64 });
    let two = field(1, &field(2, &[field(2, &[]), field(2, &[])].concat()));
    let limits = Limits { max_records: 1, ..Limits::default() };
    let error = Traces::decode(two.into(), &limits).unwrap_err();
    assert_eq!(error, DecodeError::TooMany { what: "records", limit: 1 });
    let span = [field(9, &attribute(b"a", &[])), field(9, &attribute(b"b", &[]))].concat();
    let limits = Limits { max_attributes: 1, ..Limits::default() };
    let error = Traces::decode(with_span(&span).into(), &limits).unwrap_err();
    assert_eq!(error, DecodeError::TooMany { what: "attributes", limit: 1 });
}

#[test]
fn texts_that_are_not_utf8_are_repaired_and_counted() {
    let long = [b"y".repeat(300), b"\xe2\x82".to_vec()].concat();
    let span = [
        field(5, b"na\xffme"),
        field(9, &attribute(b"k\xfe", &text_value(b"ok"))),
        field(9, &attribute(b"prompt", &text_value(&long))),
        field(9, &attribute(b"list", &field(5, &field(1, &text_value(b"\xc3"))))),
        field(15, &field(2, b"\x80")),
    ]
    .concat();
    let traces = decode(with_span(&span)).unwrap();
    assert_eq!(traces.repaired_texts(), 5);
    let span = traces.span(0);
    assert_eq!((span.name(), span.status_message()), ("na\u{fffd}me", "\u{fffd}"));
    assert_eq!(span.attrs().get_named("k\u{fffd}").unwrap().as_str(), Some("ok"));
    assert_eq!(span.attrs().get_named("prompt").unwrap().as_str().unwrap().chars().last(), Some('\u{fffd}'));
    assert_eq!(span.attrs().get_named("list").unwrap().to_value(), Value::Array(vec![Value::Str("\u{fffd}".into())]));
    ExportTraceServiceRequest::decode(&*join(traces.encode())).unwrap();
}

#[test]
fn letters_across_the_blocks_of_the_utf8_check_are_accepted() {
    for shift in 0..70 {
        let text = format!("{}\u{1f600}{}\u{e9}{}", "a".repeat(100 + shift), "b".repeat(61), "c".repeat(64));
        let traces = decode(with_span(&field(5, text.as_bytes()))).unwrap();
        assert_eq!((traces.span(0).name(), traces.repaired_texts()), (text.as_str(), 0));
    }
}

#[test]
fn repeated_singular_messages_merge() {
    let status = [field(15, &field(2, b"first")), field(15, &[0x18, 2])].concat();
    assert_eq!(as_the_oracle(with_span(&status)).span(0).status_code(), 2);
    let value_twice = [field(1, b"k"), field(2, &text_value(b"a")), field(2, &[0x18, 7])].concat();
    as_the_oracle(with_span(&field(9, &value_twice)));
    let array = |text: &[u8]| field(2, &field(5, &field(1, &text_value(text))));
    let arrays = [field(1, b"k"), array(b"a"), array(b"b")].concat();
    assert_eq!(as_the_oracle(with_span(&field(9, &arrays))).span(0).attrs().len(), 1);
    let two_kinds = attribute(b"k", &[text_value(b"a"), vec![0x10, 1]].concat());
    as_the_oracle(with_span(&field(9, &two_kinds)));
    let resource = |key: &[u8]| field(1, &field(1, &attribute(key, &text_value(b"v"))));
    let resources = field(1, &[resource(b"a"), field(2, &field(2, &[])), resource(b"b")].concat());
    assert_eq!(as_the_oracle(resources).span(0).resource().attrs().len(), 2);
    let scopes = field(1, &field(2, &[field(1, &field(1, b"s")), field(2, &[]), field(1, &field(2, b"v"))].concat()));
    let traces = as_the_oracle(scopes);
    assert_eq!((traces.span(0).scope().name(), traces.span(0).scope().version()), ("s", "v"));
}

#[test]
fn repeated_and_broken_in_one_request_is_repaired_then_merged() {
    let span = [field(15, &field(2, b"a\xff")), field(15, &[0x18, 2])].concat();
    let traces = decode(with_span(&span)).unwrap();
    let span = traces.span(0);
    assert_eq!((span.status_code(), span.status_message(), traces.repaired_texts()), (2, "a\u{fffd}", 1));
}

#[test]
fn a_fault_behind_an_oddity_is_still_refused() {
    let span = [field(15, &[0x18, 2]), field(15, &[0x18, 1]), field(1, &[1; 3])].concat();
    assert!(matches!(refused(&span), DecodeError::IdLength { .. }));
    let span = [field(5, b"\xff"), vec![0x4a, 0x7f]].concat();
    assert!(matches!(refused(&span), DecodeError::Truncated { .. }));
}

#[test]
fn fields_may_come_in_any_order_and_scalars_twice() {
    let span = [
        field(11, &[field(2, b"e"), field(3, &attribute(b"x", &text_value(b"1"))), vec![0x09], vec![1; 8]].concat()),
        field(9, &[field(2, &text_value(b"v")), field(1, b"k")].concat()),
        field(5, b"old"),
        field(11, &field(2, b"f")),
        field(9, &attribute(b"k1", &text_value(b"w"))),
        field(5, b"new"),
        field(9, b""),
    ]
    .concat();
    let scope = field(2, &[field(2, &span), field(1, &field(1, b"late scope")), field(2, &[])].concat());
    let late = field(1, &[scope, field(1, &field(1, &attribute(b"service.name", &text_value(b"late"))))].concat());
    let mut traces = as_the_oracle(late.clone());
    assert_eq!(traces.span(0).resource().attrs().str(KeyId(5)), Some("late"));
    // Edited, it is still the same as edited structs.
    traces.edit(0).rename(KeyId(1), KeyId(3));
    traces.edit(0).set_name("newest");
    traces.edit(0).set_named("k", 3);
    traces.edit(1).map_resource_attrs(|_, _| Edit::Replace(Value::Int(1)));
    let mut oracle = ExportTraceServiceRequest::decode(&*late).unwrap();
    let resource = &mut oracle.resource_spans[0];
    resource.resource.as_mut().unwrap().attributes[0] = crate::values::pair("service.name", &Value::Int(1));
    let span = &mut resource.scope_spans[0].spans[0];
    span.name = "newest".into();
    span.attributes[0] = crate::values::pair("k", &Value::Int(3));
    span.attributes[1].key = "k3".into();
    assert_eq!(ExportTraceServiceRequest::decode(&*join(traces.encode())).unwrap(), oracle);
    assert_eq!(traces.extract(&[1]).len(), 1);
}

#[test]
fn fields_that_we_do_not_know_survive_edits() {
    // Field 100 on every level, as a newer sender might write it.
    let unknown = |text: &[u8]| [vec![0xa2, 0x06, text.len() as u8], text.to_vec()].concat();
    let pair = [attribute(b"k1", &[text_value(b"v"), unknown(b"in value")].concat()), unknown(b"in pair")].concat();
    let event = [field(2, b"e"), unknown(b"in event"), field(3, &attribute(b"k1", &text_value(b"v")))].concat();
    let span =
        [unknown(b"in span"), field(9, &pair), field(11, &event), field(15, &[unknown(b"in status"), vec![0x18, 2]].concat())]
            .concat();
    let scope =
        [field(1, &[field(1, b"s"), unknown(b"in scope")].concat()), field(2, &span), unknown(b"in scope spans")].concat();
    let resource = field(1, &[field(1, &attribute(b"k1", &text_value(b"v"))), unknown(b"in resource")].concat());
    let request =
        [field(1, &[resource, field(2, &scope), unknown(b"in resource spans")].concat()), unknown(b"in request")].concat();
    let mut traces = decode(request).unwrap();
    let mut edit = traces.edit(0);
    edit.rename(KeyId(1), KeyId(2));
    edit.set_name("named");
    edit.set_status_message("told");
    edit.map_event_attrs(|_, _, _| Edit::Replace(Value::Bool(true)));
    edit.map_resource_attrs(|_, _| Edit::Remove);
    edit.append(KeyId(3), 1);
    let places = ["value", "pair", "event", "span", "status", "scope", "scope spans", "resource", "resource spans", "request"];
    let present = |bytes: &[u8], place: &str| {
        let text = unknown(format!("in {place}").as_bytes());
        bytes.windows(text.len()).filter(|window| *window == text).count()
    };
    let renamed = join(traces.encode());
    assert!(places.iter().all(|place| present(&renamed, place) == 1));
    traces.edit(0).set(KeyId(2), "other");
    let replaced = join(traces.encode());
    assert_eq!((present(&replaced, "pair"), present(&replaced, "value")), (1, 0), "only the value was replaced");
    ExportTraceServiceRequest::decode(&*replaced).unwrap();
}

#[test]
fn the_first_of_duplicate_keys_is_read_and_setting_removes_the_others() {
    let span = [b"1", b"2", b"3"].map(|text| field(9, &attribute(b"k1", &text_value(text)))).concat();
    let mut traces = decode(with_span(&span)).unwrap();
    assert_eq!((traces.span(0).attrs().str(KeyId(1)), traces.span(0).attrs().len()), (Some("1"), 3));
    traces.edit(0).set(KeyId(1), "only");
    assert_eq!((traces.span(0).attrs().str(KeyId(1)), traces.span(0).attrs().len()), (Some("only"), 1));
}

#[test]
fn large_runs_share_the_received_body() {
    let span = [field(5, b"n"), field(9, &attribute(b"k1", &text_value(&b"z".repeat(10_000))))].concat();
    let body = bytes::Bytes::from(with_span(&span));
    let mut traces = Traces::decode(body.clone(), &Limits::default()).unwrap();
    traces.edit(0).append(KeyId(2), 1);
    let within = |chunk: &bytes::Bytes| body.as_ptr_range().contains(&chunk.as_ptr());
    assert_eq!(traces.encode().iter().filter(|chunk| within(chunk) && chunk.len() > 10_000).count(), 1);
    let untouched = Traces::decode(body.clone(), &Limits::default()).unwrap().encode();
    assert!(untouched.len() == 1 && within(&untouched[0]));
}

#[test]
fn a_small_remainder_does_not_pin_a_large_request() {
    let big = field(2, &field(5, &b"z".repeat(50_000)));
    let small = field(2, &field(5, b"small"));
    let mut traces = decode(field(1, &field(2, &[big, small].concat()))).unwrap();
    assert!(traces.pinned_bytes() > 50_000);
    traces.retain(|record| record.as_span().unwrap().name() == "small");
    assert_eq!((traces.len(), traces.span(0).name()), (1, "small"));
    assert!(traces.pinned_bytes() < 20_000, "{}", traces.pinned_bytes());
}

#[test]
fn metrics_with_broken_texts_are_repaired_and_faults_refused() {
    let metric = field(1, &field(2, &field(2, &[field(1, b"a\xff"), field(5, &field(1, &[]))].concat())));
    let metrics = Metrics::decode(metric.into(), &Limits::default()).unwrap();
    assert_eq!(metrics.points(), 1);
    assert_eq!(metrics.to_request().resource_metrics[0].scope_metrics[0].metrics[0].name, "a\u{fffd}");
    assert!(matches!(Metrics::decode(vec![0x0a, 0x05].into(), &Limits::default()), Err(DecodeError::Truncated { .. })));
    let number = field(1, &field(2, &field(2, &[0x08, 1])));
    assert!(matches!(Metrics::decode(number.into(), &Limits::default()), Err(DecodeError::WireType { .. })));
}

/// Edits that reach every part of an index.
fn edit_everything(data: &mut Data) {
    for at in 0..data.records() {
        let mut record = data.edit(at);
        record.rename(KeyId(0), KeyId(1));
        record.set(KeyId(2), "set");
        record.append(KeyId(3), 4);
        record.add_event(1, "event", &[(KeyId(4), "v".into())]);
        record.map_attrs(|key, _| if key.name.len() % 2 == 0 { Edit::Remove } else { Edit::Keep });
        record.map_event_attrs(|_, _, value| Edit::Replace(value.to_value()));
        record.map_link_attrs(|_, _, _| Edit::Remove);
        record.map_resource_attrs(|_, value| Edit::Replace(value.to_value()));
        record.set_name("name");
        record.set_status_message("status");
        record.set_body("body");
    }
}

fn never_panics(signal: Signal, body: &[u8]) {
    install();
    let accepted = match signal {
        Signal::Logs => ExportLogsServiceRequest::decode(body).is_ok(),
        _ => ExportTraceServiceRequest::decode(body).is_ok(),
    };
    let Ok(mut data) = Data::decode(signal, body.to_vec().into(), &Limits::default()) else { return };
    if accepted {
        let same = match signal {
            Signal::Logs => ExportLogsServiceRequest::decode(body) == ExportLogsServiceRequest::decode(&*join(data.encode())),
            _ => ExportTraceServiceRequest::decode(body) == ExportTraceServiceRequest::decode(&*join(data.encode())),
        };
        // A NaN is never equal to itself.
        assert!(same || format!("{:?}", ExportTraceServiceRequest::decode(body)).contains("NaN") || signal == Signal::Logs);
    }
    edit_everything(&mut data);
    let encoded = join(data.encode());
    let again = Data::decode(signal, encoded.into(), &Limits::default()).unwrap();
    assert_eq!(again.records(), data.records());
    let mut json = Vec::new();
    data.write_json(&mut json);
    assert_eq!(Data::decode_json(signal, &json, &Limits::default()).unwrap().records(), data.records());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn flipped_bytes_never_panic(request in traces(), flips in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut body = request.encode_to_vec();
        for (at, byte) in flips {
            if !body.is_empty() {
                let at = at.index(body.len());
                body[at] = byte;
            }
        }
        never_panics(Signal::Traces, &body);
        never_panics(Signal::Logs, &body);
    }

    #[test]
    fn random_bytes_never_panic(body in vec(prop_oneof![any::<u8>(), 0..30u8], 0..60)) {
        never_panics(Signal::Traces, &body);
        never_panics(Signal::Logs, &body);
        let _ = Metrics::decode(body.clone().into(), &Limits::default());
        let _ = Logs::decode_json(&body, &Limits::default());
    }

    #[test]
    fn random_json_never_panics(text in "[\\[\\]{}:,\"a-f0-9\\\\nul.eE+-]{0,80}") {
        let _ = Traces::decode_json(text.as_bytes(), &Limits::default());
        let spans = format!("{{\"resourceSpans\":[{{\"scopeSpans\":[{{\"spans\":[{text}]}}]}}]}}");
        let _ = Traces::decode_json(spans.as_bytes(), &Limits::default());
    }
}
