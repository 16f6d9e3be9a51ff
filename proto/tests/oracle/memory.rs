//! How much memory a request may take: bounded by its own length, whatever it is made of.
//!
//! Most messages of protobuf may be empty and then take two bytes on the wire, but much more in any data model.
//! What takes more than twelve times its bytes and a MiB is refused; lists that grow may reserve twice as much.

use crate::install;
use chaperone_proto::{Data, DecodeError, Limits, Signal};

/// A length-delimited field.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    prost::encoding::encode_varint(u64::from(number) << 3 | 2, &mut out);
    prost::encoding::encode_varint(content.len() as u64, &mut out);
    out.extend_from_slice(content);
    out
}

/// A field inside others, outermost number first.
fn within(path: &[u8], content: &[u8]) -> Vec<u8> {
    path.iter().rev().fold(content.to_vec(), |content, number| field(*number, &content))
}

/// Many messages that hold nothing, and where they stand.
fn empties(path: &[u8], bytes: usize) -> Vec<u8> {
    let (last, above) = path.split_last().unwrap();
    within(above, &field(*last, &[]).repeat(bytes / 2))
}

/// What a request takes in memory for each of its bytes; `None` when it is refused for that.
fn growth(signal: Signal, body: Vec<u8>) -> Option<f64> {
    install();
    let len = body.len();
    match Data::decode(signal, body.into(), &Limits::default()) {
        Ok(data) => Some(data.pinned_bytes() as f64 / len as f64),
        Err(DecodeError::TooMany { .. }) => None,
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn requests_of_empty_messages_are_bounded_in_memory() {
    let records: &[&[u8]] = &[
        &[1],
        &[1, 2],
        &[1, 2, 2],
        &[1, 1, 1],
        &[1, 1, 3],
        &[1, 2, 1, 3],
        &[1, 2, 2, 9],
        &[1, 2, 2, 11],
        &[1, 2, 2, 11, 3],
        &[1, 2, 2, 13],
        &[1, 2, 2, 13, 4],
    ];
    let mut worst = 0.0f64;
    let mut refused = 0;
    for path in records {
        for bytes in [1 << 20, 5 << 20] {
            match growth(Signal::Traces, empties(path, bytes)) {
                // The body, entries of twelve times its size and a MiB, and as much again in reserve.
                Some(growth) => worst = worst.max(growth),
                None => refused += 1,
            }
        }
    }
    println!("the worst request takes {worst:.1} times its bytes");
    assert!(worst <= 1.0 + 2.0 * (12.0 + 1.0), "{worst}");
    // Resources, scopes, spans, events, links.
    assert_eq!(refused, 10);
    assert!(growth(Signal::Logs, empties(&[1, 2, 2], 1 << 20)).is_none());
}

#[test]
fn nested_values_and_merged_messages_are_bounded_like_owned_ones() {
    let array = empties(&[1, 2, 2, 9, 2, 5, 1], 1 << 20);
    let map = empties(&[1, 2, 2, 9, 2, 6, 1], 1 << 20);
    assert!(growth(Signal::Traces, array).is_none() && growth(Signal::Traces, map).is_none());
    // Each attribute is small enough for the index, but not for the structs through which a status in two parts is merged.
    let attributes = field(9, &[0x0a, 0]).repeat(1 << 18);
    let status = [field(15, &[0x18, 1]), field(15, &[0x18, 2])].concat();
    assert!(growth(Signal::Traces, within(&[1, 2, 2], &attributes)).is_some());
    assert!(growth(Signal::Traces, within(&[1, 2, 2], &[attributes, status].concat())).is_none());
}

#[test]
fn metrics_of_empty_messages_are_bounded_in_memory() {
    // Data points of each type, metrics, exemplars, quantiles, attributes, values of attributes.
    let paths: &[&[u8]] = &[
        &[1, 2, 2],
        &[1, 2, 2, 5, 1],
        &[1, 2, 2, 7, 1],
        &[1, 2, 2, 9, 1],
        &[1, 2, 2, 10, 1],
        &[1, 2, 2, 11, 1],
        &[1, 2, 2, 5, 1, 5],
        &[1, 2, 2, 5, 1, 7],
        &[1, 2, 2, 5, 1, 7, 2, 5, 1],
    ];
    for path in paths {
        assert!(growth(Signal::Metrics, empties(path, 1 << 20)).is_none(), "{path:?}");
    }
    // Numbers of one byte that become eight are within the bound.
    let buckets = within(&[1, 2, 2, 10, 1, 8, 2], &[1].repeat(1 << 20));
    assert!(growth(Signal::Metrics, buckets).is_some());
}

#[test]
fn json_of_empty_messages_is_bounded_too() {
    install();
    let spans = "{},".repeat(1 << 19);
    let json = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}{{}}]}}]}}]}}"#, spans);
    let error = Data::decode_json(Signal::Traces, json.as_bytes(), &Limits::default()).unwrap_err();
    assert!(matches!(error, DecodeError::TooMany { what: "bytes of memory", .. }), "{error}");
    assert!(error.to_string().starts_with("more than "), "{error}");
}

#[test]
fn small_requests_may_be_of_empty_messages() {
    assert!(growth(Signal::Traces, empties(&[1, 2, 2], 10_000)).is_some());
    assert!(growth(Signal::Metrics, empties(&[1, 2, 2, 5, 1], 10_000)).is_some());
}

#[test]
fn many_small_records_as_senders_write_them_are_accepted() {
    let log = [&[0x09][..], &7u64.to_le_bytes(), &field(5, &field(1, b"ok"))].concat();
    let body = within(&[1, 2], &field(2, &log).repeat(300_000));
    assert!(growth(Signal::Logs, body).unwrap() < 25.0);
    let point = [&[0x19][..], &7u64.to_le_bytes(), &[0x31], &1u64.to_le_bytes()].concat();
    let body = within(&[1, 2, 2, 5], &field(1, &point).repeat(300_000));
    assert!(growth(Signal::Metrics, body).is_some());
    let span = [field(1, &[1; 16]), field(2, &[1; 8]), field(5, b"n")].concat();
    assert!(growth(Signal::Traces, within(&[1, 2], &field(2, &span).repeat(300_000))).is_some());
}

#[test]
fn a_request_is_never_deeper_than_what_reads_it_later() {
    install();
    // Arrays in arrays, to the last level that is accepted.
    let nested = |levels: usize| (0..levels).fold(field(1, b"x"), |value, _| field(5, &field(1, &value)));
    let metrics = |levels: usize| within(&[1, 2, 2, 5, 1, 7, 2], &nested(levels));
    let deepest = (1..200).take_while(|levels| Data::decode(Signal::Metrics, metrics(*levels).into(), &Limits::NONE).is_ok());
    let deepest = deepest.last().unwrap();
    let Data::Metrics(accepted) = Data::decode(Signal::Metrics, metrics(deepest).into(), &Limits::NONE).unwrap() else {
        panic!()
    };
    assert_eq!((accepted.to_request().resource_metrics.len(), accepted.points()), (1, 1));
    assert!(matches!(
        Data::decode(Signal::Metrics, metrics(deepest + 1).into(), &Limits::NONE),
        Err(DecodeError::TooDeep { .. })
    ));
    assert!(deepest >= 40, "{deepest}");
}
