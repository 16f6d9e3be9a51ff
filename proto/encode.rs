//! Protobuf out: the plan's pieces as a list of `Bytes`.
//!
//! Runs of 4 KiB and more share the received body; everything else is copied into one buffer.

use crate::index::Index;
use crate::plan::{Piece, Plan, SHARE, Source};
use crate::wire::put_varint;
use bytes::Bytes;
use std::cell::Cell;

thread_local! {
    /// The list of pieces of the last request, for its capacity.
    static PIECES: Cell<Vec<Piece>> = const { Cell::new(Vec::new()) };
}

/// The request as slices.
pub(crate) fn encode(index: &Index) -> Vec<Bytes> {
    encode_selected(index, index.live.as_deref())
}

/// The request in one piece.
pub(crate) fn contiguous(index: &Index) -> Bytes {
    join(encode(index))
}

/// One buffer of a list of slices.
pub(crate) fn join(mut chunks: Vec<Bytes>) -> Bytes {
    match chunks.len() {
        0 => Bytes::new(),
        1 => chunks.swap_remove(0),
        _ => chunks.concat().into(),
    }
}

/// The records at `selection` (sorted record numbers), or everything.
pub(crate) fn encode_selected(index: &Index, selection: Option<&[u32]>) -> Vec<Bytes> {
    let mut scratch = PIECES.take();
    scratch.clear();
    let plan = Plan::of(index, selection, scratch);
    let chunks = emit(index, &plan);
    if plan.pieces.capacity() <= 1 << 16 {
        PIECES.set(plan.pieces);
    }
    chunks
}

fn shared(piece: &Piece) -> bool {
    piece.source == Source::Base && piece.b >= SHARE
}

fn emit(index: &Index, plan: &Plan<'_>) -> Vec<Bytes> {
    let copied = plan.len - plan.run_bytes;
    let mut out = Vec::with_capacity(copied);
    // Where the buffer is interrupted, and by which part of the request.
    let mut cuts: Vec<(usize, Bytes)> = Vec::with_capacity(plan.runs);
    let (base, side): (&[u8], &[u8]) = (&index.base, &index.side);
    for piece in &plan.pieces {
        let (a, b) = (piece.a as usize, piece.b as usize);
        match piece.source {
            Source::Base if shared(piece) => cuts.push((out.len(), index.base.slice(a..a + b))),
            Source::Base => out.extend_from_slice(&base[a..a + b]),
            Source::Side => out.extend_from_slice(&side[a..a + b]),
            Source::Header => {
                out.push(piece.tag);
                put_varint(&mut out, u64::from(piece.b));
            }
            Source::RenamedBase => put_renamed(&mut out, piece, &base[a..a + b]),
            Source::RenamedSide => put_renamed(&mut out, piece, &side[a..a + b]),
            Source::RenamedHead => put_renamed(&mut out, piece, &[]),
        }
    }
    debug_assert_eq!(out.len(), copied, "the plan's length is what was written");
    interleave(out.into(), cuts)
}

fn interleave(buffer: Bytes, cuts: Vec<(usize, Bytes)>) -> Vec<Bytes> {
    if cuts.is_empty() {
        return if buffer.is_empty() { Vec::new() } else { vec![buffer] };
    }
    let mut chunks = Vec::with_capacity(2 * cuts.len() + 1);
    let mut from = 0;
    for (at, run) in cuts {
        if at > from {
            chunks.push(buffer.slice(from..at));
        }
        chunks.push(run);
        from = at;
    }
    if buffer.len() > from {
        chunks.push(buffer.slice(from..));
    }
    chunks
}

/// An attribute with another key; `rest` is what follows the key, or nothing when that is shared.
#[inline]
fn put_renamed(out: &mut Vec<u8>, piece: &Piece, rest: &[u8]) {
    let (key, body) = (piece.key, piece.body as usize);
    // Keys are short, values are not: the header is written at once for each of the two usual lengths of a length.
    if body < 0x80 {
        out.extend_from_slice(&[piece.tag, body as u8, 0x0a, key.len() as u8]);
    } else if body < 0x4000 && key.len() < 0x80 {
        out.extend_from_slice(&[piece.tag, body as u8 | 0x80, (body >> 7) as u8, 0x0a, key.len() as u8]);
    } else {
        out.push(piece.tag);
        put_varint(out, body as u64);
        out.push(0x0a);
        put_varint(out, key.len() as u64);
    }
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(rest);
}
