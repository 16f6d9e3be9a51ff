//! One pass over a text for everything that has a literal part: how secrets begin, words that announce one, `://`, PEM headers.
//!
//! The automaton ignores letter case, since names of settings come in all of them; a shape looks at the case again.

use super::bytes::Text;
use super::{CERTAIN, Hit, Kind, announced, email, links, secrets};
use aho_corasick::{AhoCorasick, AhoCorasickKind};
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

struct Anchors {
    automaton: AhoCorasick,
    leads: Vec<Leads>,
}

static ANCHORS: LazyLock<Anchors> = LazyLock::new(|| {
    let shapes = secrets::shapes().iter().enumerate().map(|(i, shape)| (shape.anchor, Leads::Shape(i)));
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
    let (texts, leads): (Vec<&str>, Vec<Leads>) = shapes.chain(words).chain(others).unzip();
    let automaton = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .kind(Some(AhoCorasickKind::DFA))
        // Among so many anchors it would stop at every second byte.
        .prefilter(false)
        .build(texts)
        .expect("invariant: the anchors of the table fit one automaton");
    Anchors { automaton, leads }
});

/// Everything in `text` that an anchor leads to.
pub(super) fn find<'r>(text: &Text<'_>, into: &mut Vec<Hit<'r>>) {
    let anchors = &*ANCHORS;
    // Blocks in which nothing more is looked for: a private key is one hit, whatever its base64 looks like.
    let mut covered = 0;
    for found in anchors.automaton.find_overlapping_iter(text.bytes) {
        let (start, end) = (found.start(), found.end());
        if start < covered {
            continue;
        }
        let Some(leads) = anchors.leads.get(found.pattern().as_usize()) else { continue };
        let hit = match leads {
            Leads::Shape(shape) => secrets::at(text, *shape, start, end),
            Leads::Announced(style) => announced::at(text, start, end, *style),
            Leads::Address => links::login(text, start),
            Leads::EscapedAt => email::around(text, start, end - start),
            Leads::Pem => pem(text, start, end),
            Leads::CurlUser => links::curl_user(text, start, end),
        };
        if let Some(hit) = hit {
            if hit.kind == Kind::PrivateKey {
                covered = hit.end;
            }
            into.push(hit);
        }
    }
}

/// A private key from its header to its footer, or to the end of what looks like one where the footer was cut off.
fn pem<'r>(text: &Text<'_>, start: usize, begin_end: usize) -> Option<Hit<'r>> {
    const HEADER: usize = 60;
    const FOOTER: &[u8] = b"-----END ";
    const LEAST: usize = 24;
    let header = text.slice(begin_end, begin_end + HEADER);
    let dashes = header.windows(5).position(|part| part == b"-----")?;
    if !header.get(..dashes)?.windows(11).any(|part| part == b"PRIVATE KEY") {
        return None;
    }
    let body = begin_end + dashes + 5;
    let rest = text.slice(body, text.bytes.len());
    let end = match rest.windows(FOOTER.len()).position(|part| part == FOOTER) {
        Some(footer) if footer < LEAST => return None,
        Some(footer) => {
            let footer = body + footer + FOOTER.len();
            let name = text.run(footer, |b| b != b'-' && b != b'\n');
            text.run(name, |b| b == b'-')
        }
        None => text.run(body, |b| {
            b.is_ascii_alphanumeric() || b.is_ascii_whitespace() || matches!(b, b'+' | b'/' | b'=' | b'\\' | b':' | b',' | b'-')
        }),
    };
    Some(Hit { start, end, kind: Kind::PrivateKey, rule: "pem", score: CERTAIN })
}
