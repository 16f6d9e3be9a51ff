//! Reads just enough of a serialized trace request to count its spans and to find the first trace id.
//!
//! On purpose apart from the collector's own decoder: what checks a program should not be a part of it.

use std::ops::Range;

/// What a request has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Found {
    pub spans: u64,
    /// Where the 16 bytes of the first trace id begin.
    pub first_trace_id: Option<usize>,
}

/// Counts; `None` when the bytes are no protobuf.
pub fn spans(request: &[u8]) -> Option<Found> {
    let mut found = Found::default();
    each(request, 0..request.len(), 1, &mut |resource| {
        each(request, resource, 2, &mut |scope| {
            each(request, scope, 2, &mut |span| {
                found.spans += 1;
                if found.first_trace_id.is_none() {
                    each(request, span, 1, &mut |id| {
                        found.first_trace_id = (id.len() == 16).then_some(id.start);
                        Some(())
                    })?;
                }
                Some(())
            })
        })
    })?;
    Some(found)
}

/// Hands over where the content of each length-delimited field `wanted` lies.
fn each(bytes: &[u8], within: Range<usize>, wanted: u64, hand: &mut dyn FnMut(Range<usize>) -> Option<()>) -> Option<()> {
    let mut at = within.start;
    while at < within.end {
        let tag = varint(bytes, &mut at)?;
        let len = match tag & 7 {
            0 => varint(bytes, &mut at).map(|_| 0)?,
            1 => 8,
            2 => usize::try_from(varint(bytes, &mut at)?).ok()?,
            5 => 4,
            _ => return None,
        };
        let end = at.checked_add(len).filter(|end| *end <= within.end)?;
        if tag & 7 == 2 && tag >> 3 == wanted {
            hand(at..end)?;
        }
        at = end;
    }
    Some(())
}

fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaperone_scenarios::payloads;

    #[test]
    fn spans_of_payloads_are_counted() {
        assert_eq!(spans(&payloads::lean(1)).unwrap().spans, 512);
        assert_eq!(spans(&payloads::chat(1)).unwrap().spans, 100);
        assert_eq!(spans(&[]).unwrap(), Found::default());
    }

    #[test]
    fn merged_requests_count_together() {
        let merged = [payloads::chat(1), payloads::chat(2)].concat();
        assert_eq!(spans(&merged).unwrap().spans, 200);
    }

    #[test]
    fn torn_requests_are_refused() {
        let request = payloads::chat(1);
        assert_eq!(spans(&request[..request.len() - 1]), None);
    }
}
