//! Counts items, and finds the latest event time, in a serialized request without indexing it.
//!
//! A request that is refused for lack of room must not cost room, yet operators want to know how much was refused.
//! Walks the protobuf by field numbers; a malformed body gives what was found so far. JSON is `count_json`'s.

use crate::engine::count_json;
use crate::{Encoding, Payload};
use chaperone_proto::Signal;

/// Spans, data points or log records of a body.
pub(crate) fn items(payload: &Payload) -> usize {
    if payload.encoding == Encoding::Json {
        return count_json::items(payload.signal, &payload.body);
    }
    let mut items = 0;
    leaves(payload.signal, &payload.body, &mut |_| items += 1);
    items
}

/// Calls `found` with every span, data point or log record.
///
/// All three signals are nested alike: resource (1), scope (2), record (2); points lie two levels below metrics, whatever
/// their type.
pub(crate) fn leaves(signal: Signal, body: &[u8], found: &mut dyn FnMut(&[u8])) {
    each(body, &[1], &mut |resource| {
        each(resource, &[2], &mut |scope| {
            each(scope, &[2], &mut |record| match signal {
                Signal::Traces | Signal::Logs => found(record),
                Signal::Metrics => each(record, &[5, 7, 9, 10, 11], &mut |data| each(data, &[1], found)),
            });
        });
    });
}

/// `time_unix_nano` of a data point: field 3 in all types.
pub(crate) fn point_time(point: &[u8]) -> Option<u64> {
    let mut rest = point;
    while let Some((number, value)) = field(&mut rest) {
        if let (3, Field::Fixed64(time)) = (number, value) {
            return Some(time);
        }
    }
    None
}

fn each(message: &[u8], numbers: &[u64], found: &mut dyn FnMut(&[u8])) {
    let mut rest = message;
    while let Some((number, value)) = field(&mut rest) {
        if let Field::Bytes(bytes) = value
            && numbers.contains(&number)
        {
            found(bytes);
        }
    }
}

enum Field<'a> {
    Bytes(&'a [u8]),
    Fixed64(u64),
    Other,
}

fn field<'a>(rest: &mut &'a [u8]) -> Option<(u64, Field<'a>)> {
    let tag = varint(rest)?;
    let value = match tag & 7 {
        0 => varint(rest).map(|_| Field::Other)?,
        1 => Field::Fixed64(u64::from_le_bytes(take(rest, 8)?.try_into().ok()?)),
        2 => {
            let length = usize::try_from(varint(rest)?).ok()?;
            Field::Bytes(take(rest, length)?)
        }
        5 => take(rest, 4).map(|_| Field::Other)?,
        _ => return None,
    };
    Some((tag >> 3, value))
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (first, left) = rest.split_first()?;
        *rest = left;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaperone_proto::{Data, Limits};
    use chaperone_testkit::corpus;

    #[test]
    fn requests_of_all_captures_have_as_many_items_as_their_index() {
        let mut counted = [0; 3];
        for name in corpus::names() {
            for request in corpus::load(&name).expect("a capture").requests.into_iter().filter(|request| !request.json) {
                let signal = Signal::ALL.into_iter().find(|signal| signal.name() == request.signal).expect("a signal");
                let indexed = Data::decode(signal, request.body.clone(), &Limits::default()).expect("a capture is OTLP");
                let encoding = Encoding::Protobuf;
                let payload = Payload { signal, encoding, body: request.body, transport: "http", client: None };
                assert_eq!(items(&payload), indexed.items(), "{name}/{}", request.file);
                counted[signal as usize] += indexed.items();
            }
        }
        assert!(counted.iter().all(|items| *items > 100), "{counted:?}");
    }

    #[test]
    fn broken_bodies_give_what_was_found_so_far() {
        let request = corpus::names().iter().find_map(|name| {
            let requests = corpus::load(name).expect("a capture").requests;
            requests.into_iter().find(|request| request.signal == "traces" && !request.json)
        });
        let body = request.expect("a trace").body;
        for end in 0..body.len() {
            let mut found = 0;
            leaves(Signal::Traces, &body[..end], &mut |_| found += 1);
        }
        let noise: Vec<u8> = (0..4096u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for start in 0..noise.len() {
            leaves(Signal::Metrics, &noise[start..], &mut |point| {
                point_time(point);
            });
        }
    }
}
