//! One pass over a text for everything that has a literal part: how secrets begin, words that announce one, `://`, PEM headers.
//!
//! Three bytes at a time are looked up in a table, five bits of each, so that letter case does not count: a miss costs a few
//! instructions, and nearly everything is one. Names of settings come in all cases; a shape looks at the case again.

use super::bytes::{Text, is_word};
use super::{CERTAIN, Hit, Kind, announced, email, links, secrets};
use std::sync::LazyLock;

/// What a literal part leads to.
#[derive(Debug, Clone, Copy)]
enum Leads {
    Shape(usize),
    Announced(announced::Style),
    Address,
    EscapedAt,
    Pem,
    CurlUser,
}

/// A literal part, in lower case.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    text: &'static [u8],
    leads: Leads,
}

/// Five bits of each of three bytes.
const GRAMS: usize = 1 << 15;
const GRAM: usize = 3;

struct Anchors {
    /// For every gram the list of anchors that begin with it, from 1; 0 = none.
    lists: Box<[u8]>,
    by_list: Vec<Vec<Anchor>>,
}

fn shifted(gram: usize, byte: u8) -> usize {
    ((gram << 5) | usize::from(byte & 31)) & (GRAMS - 1)
}

static ANCHORS: LazyLock<Anchors> = LazyLock::new(|| {
    let shapes = secrets::shapes().iter().enumerate().filter(|(_, shape)| shape.anchor.len() >= GRAM);
    let shapes = shapes.map(|(i, shape)| (shape.anchor, Leads::Shape(i)));
    let words = announced::WORDS.iter().map(|(word, style)| (*word, Leads::Announced(*style)));
    let others = [
        ("://", Leads::Address),
        ("%40", Leads::EscapedAt),
        ("\\u0040", Leads::EscapedAt),
        ("-----begin ", Leads::Pem),
        ("-u ", Leads::CurlUser),
        ("--user ", Leads::CurlUser),
        ("--user=", Leads::CurlUser),
    ];
    let mut anchors = Anchors { lists: vec![0; GRAMS].into_boxed_slice(), by_list: Vec::new() };
    for (text, leads) in shapes.chain(words).chain(others) {
        let text = text.as_bytes();
        let gram = text.iter().take(GRAM).fold(0, |gram, byte| shifted(gram, *byte));
        let slot = anchors.lists.get_mut(gram).expect("invariant: a gram has 15 bits");
        if *slot == 0 {
            anchors.by_list.push(Vec::new());
            *slot = u8::try_from(anchors.by_list.len()).expect("invariant: anchors begin in fewer than 256 ways");
        }
        let list = anchors.by_list.get_mut(usize::from(*slot) - 1).expect("invariant: a list for each begin");
        list.push(Anchor { text, leads });
    }
    anchors
});

/// The next place behind which anchors may begin: where its gram ends, and the list of anchors that begin with it. A loop of its own,
/// so that it keeps what it needs in registers.
#[inline(never)]
fn next(lists: &[u8; GRAMS], bytes: &[u8], from: usize) -> Option<(usize, usize)> {
    let mut gram = bytes.get(from.saturating_sub(GRAM - 1)..from)?.iter().fold(0, |gram, byte| shifted(gram, *byte));
    for (i, byte) in bytes.get(from..)?.iter().enumerate() {
        gram = shifted(gram, *byte);
        let list = lists.get(gram & (GRAMS - 1)).copied().unwrap_or(0);
        if list != 0 {
            return Some((from + i + 1, usize::from(list) - 1));
        }
    }
    None
}

/// Everything in `text` that an anchor leads to.
pub(super) fn find<'r>(text: &Text<'_>, into: &mut Vec<Hit<'r>>) {
    let anchors = &*ANCHORS;
    let Some(lists) = anchors.lists.first_chunk::<GRAMS>() else { return };
    // A secret's own characters are not looked at again, so that anchors behind anchors cost what they are long.
    let (mut at, mut covered) = (0, 0);
    while let Some((end, list)) = next(lists, text.bytes, at) {
        at = end;
        let Some(start) = end.checked_sub(GRAM) else { continue };
        for anchor in anchors.by_list.get(list).into_iter().flatten() {
            let stop = start + anchor.text.len();
            let is_inside = start < covered && !matches!(anchor.leads, Leads::Pem);
            if is_inside || !text.slice(start, stop).eq_ignore_ascii_case(anchor.text) {
                continue;
            }
            if let Some(mut hit) = follow(text, anchor.leads, start, stop) {
                // Where a run had its limit the rest of the word goes, too.
                while is_word(text.before(hit.end)) && is_word(text.at(hit.end)) {
                    hit.end += 1;
                }
                covered = hit.end;
                into.push(hit);
            }
        }
    }
}

fn follow<'r>(text: &Text<'_>, leads: Leads, start: usize, end: usize) -> Option<Hit<'r>> {
    match leads {
        Leads::Shape(shape) => secrets::at(text, shape, start, end),
        Leads::Announced(style) => announced::at(text, start, end, style),
        Leads::Address => links::login(text, start),
        Leads::EscapedAt => email::around(text, start, end - start),
        Leads::Pem => pem(text, start, end),
        Leads::CurlUser => links::curl_user(text, start, end),
    }
}

/// A private key from its header to its footer, or to the end of what looks like one where the footer was cut off.
fn pem<'r>(text: &Text<'_>, start: usize, begin_end: usize) -> Option<Hit<'r>> {
    const HEADER: usize = 60;
    const FOOTER: &[u8] = b"-----END ";
    const LEAST: usize = 24;
    const LONGEST: usize = 16 * 1024;
    let header = text.slice(begin_end, begin_end + HEADER);
    let dashes = header.windows(5).position(|part| part == b"-----")?;
    if !header.get(..dashes)?.windows(11).any(|part| part == b"PRIVATE KEY") {
        return None;
    }
    let body = begin_end + dashes + 5;
    let rest = text.slice(body, text.bytes.len().min(body + LONGEST));
    let end = match rest.windows(FOOTER.len()).position(|part| part == FOOTER) {
        Some(footer) if footer < LEAST => return None,
        Some(footer) => {
            let footer = body + footer + FOOTER.len();
            let name = text.run(footer, |b| b != b'-' && b != b'\n');
            text.run(name, |b| b == b'-')
        }
        None => text.run_within(body, LONGEST, |b| {
            b.is_ascii_alphanumeric() || b.is_ascii_whitespace() || matches!(b, b'+' | b'/' | b'=' | b'\\' | b':' | b',' | b'-')
        }),
    };
    Some(Hit { start, end, kind: Kind::PrivateKey, rule: "pem", score: CERTAIN })
}
