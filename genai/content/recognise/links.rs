//! What stands in addresses: user and password in front of the host.

use super::bytes::Text;
use super::entropy::is_stand_in;
use super::{Hit, Kind, SHAPE};

const LONGEST: usize = 300;

/// `user:password` of the address whose `://` begins at `at`.
pub(super) fn login<'r>(text: &Text<'_>, at: usize) -> Option<Hit<'r>> {
    let start = at + 3;
    let ends = |b: u8| {
        matches!(b, b'/' | b'"' | b'\'' | b'<' | b'>' | b'\\' | b'`' | b'{' | b'}' | b'?' | b'#') || b.is_ascii_whitespace()
    };
    let end = text.run(start, |b| !ends(b)).min(start + LONGEST);
    let authority = text.slice(start, end);
    let sign = authority.iter().rposition(|b| *b == b'@')?;
    let user = authority.get(..sign)?;
    let colon = user.iter().position(|b| *b == b':');
    let password = colon.and_then(|colon| user.get(colon + 1..)).unwrap_or_default();
    let end = start + sign;
    // A token alone may stand for the user: `https://ghp_...@host`.
    let token = colon.is_none() && user.len() >= 16;
    ((token || !password.is_empty()) && !is_stand_in(if token { user } else { password }) && text.text.is_char_boundary(end))
        .then_some(Hit { start, end, kind: Kind::Login, rule: "url", score: SHAPE })
}

/// `user:password` behind `-u` or `--user` of a command line with `curl`; `at` is where the option ends.
pub(super) fn curl_user<'r>(text: &Text<'_>, option: usize, at: usize) -> Option<Hit<'r>> {
    let line = text.slice(option.saturating_sub(400), option);
    if !line.windows(4).any(|part| part == b"curl") {
        return None;
    }
    let start = text.run(at, |b| matches!(b, b' ' | b'\'' | b'"' | b'='));
    let end = text.run(start, |b| !b.is_ascii_whitespace() && !matches!(b, b'\'' | b'"'));
    let login = text.slice(start, end);
    let colon = login.iter().position(|b| *b == b':')?;
    let password = login.get(colon + 1..)?;
    (password.len() >= 3 && !is_stand_in(password) && !password.starts_with(b"$")).then_some(Hit {
        start,
        end,
        kind: Kind::Login,
        rule: "curl",
        score: SHAPE,
    })
}
