//! IP addresses. Those of private networks, loopback and documentation name no person and pass.

use super::bytes::Text;
use super::{CONTEXT, Hit, Kind, SHAPE};
use std::net::{Ipv4Addr, Ipv6Addr};

/// One more than the longest, so that something longer is seen to be.
const LONGEST_V4: usize = 17;
const LONGEST_V6: usize = 40;

/// The IPv4 address that begins at `start`.
pub(super) fn v4<'r>(text: &Text<'_>, start: usize) -> Option<Hit<'r>> {
    let end = text.run_within(start, LONGEST_V4, |b| b.is_ascii_digit() || b == b'.');
    let end = if text.before(end) == b'.' { end - 1 } else { end };
    let written = text.text.get(start..end)?;
    let address: Ipv4Addr = written.parse().ok()?;
    let more = text.at(end).is_ascii_alphanumeric() || text.at(end) == b'_' || text.before(start) == b'.';
    let is_version = text.before(start) == b'v' || text.announced_by(start, &["version", "release", "chrome", "build"]);
    let is_public = !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_unspecified()
        || address.is_broadcast()
        || address.is_multicast());
    let first = address.octets()[0];
    (is_public && first != 0 && !more && !is_version).then_some(Hit { start, end, kind: Kind::Ip, rule: "ipv4", score: CONTEXT })
}

/// The IPv6 address around the colon at `colon`.
pub(super) fn v6<'r>(text: &Text<'_>, colon: usize) -> Option<Hit<'r>> {
    let is_part = |b: u8| b.is_ascii_hexdigit() || b == b':';
    let start = text.run_back(colon, is_part).max(colon.saturating_sub(LONGEST_V6));
    let end = text.run_within(colon, LONGEST_V6, is_part);
    let trailing = text.before(end) == b':' && text.before(end - 1) != b':';
    let end = if trailing { end - 1 } else { end };
    let written = text.text.get(start..end)?;
    let address: Ipv6Addr = written.parse().ok()?;
    let whole = !text.before(start).is_ascii_alphanumeric() && !text.at(end).is_ascii_alphanumeric();
    let words = written.split(':').filter(|part| part.len() >= 3).count();
    let first = address.segments()[0];
    let is_local = address.is_loopback() || address.is_unspecified() || first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80;
    (whole && words >= 2 && !is_local).then_some(Hit { start, end, kind: Kind::Ip, rule: "ipv6", score: SHAPE })
}
