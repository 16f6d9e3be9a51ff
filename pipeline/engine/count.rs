//! Counts items, and finds the latest event time, in a serialized request without indexing it.
//!
//! A request that is refused for lack of room must not cost room, yet operators want to know how much was refused.
//! Walks the protobuf by field numbers; a malformed or JSON body gives what was found so far.

use crate::{Encoding, Payload};
use chaperone_proto::Signal;

/// Spans, data points or log records of a body; 0 for JSON.
pub(crate) fn items(payload: &Payload) -> usize {
    if payload.encoding == Encoding::Json {
        return 0;
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
