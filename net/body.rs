//! The one body type that handlers answer with and clients send, and a body made of slices.

use bytes::{Buf, Bytes, BytesMut};
use http_body::{Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Any error of a body.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A body whose concrete type does not matter any more.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;

/// A body without bytes.
pub fn empty() -> Body {
    Empty::new().map_err(|never: Infallible| match never {}).boxed_unsync()
}

/// A body of one piece.
pub fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never: Infallible| match never {}).boxed_unsync()
}

/// A body of several pieces that are sent as they are, without being copied together; its length is known.
///
/// Over HTTP/1 they reach the socket by as few calls as the system allows, because they are one frame.
pub fn slices(pieces: Vec<Bytes>) -> Full<Pieces> {
    Full::new(Pieces { left: pieces.iter().map(Bytes::len).sum(), pieces: pieces.into() })
}

/// Several slices as one buffer.
#[derive(Debug, Default)]
pub struct Pieces {
    pieces: VecDeque<Bytes>,
    left: usize,
}

impl Buf for Pieces {
    fn remaining(&self) -> usize {
        self.left
    }

    fn chunk(&self) -> &[u8] {
        self.pieces.iter().find(|piece| !piece.is_empty()).map_or(&[], |piece| &piece[..])
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let full = self.pieces.iter().filter(|piece| !piece.is_empty());
        slices.iter_mut().zip(full).map(|(slice, piece)| *slice = IoSlice::new(piece)).count()
    }

    fn advance(&mut self, mut count: usize) {
        self.left = self.left.checked_sub(count).expect("invariant: nobody sends more than there is");
        while let Some(piece) = self.pieces.front_mut() {
            if piece.len() > count {
                piece.advance(count);
                return;
            }
            count -= piece.len();
            self.pieces.pop_front();
        }
    }
}

/// The same for gRPC, where each piece is a frame: small ones are copied together, since a copy costs less than a frame.
pub fn frames(pieces: Vec<Bytes>) -> Body {
    let left = pieces.iter().map(|piece| piece.len() as u64).sum();
    Frames { pieces: pieces.into(), left }.map_err(|never: Infallible| match never {}).boxed_unsync()
}

/// Pieces from this length on are never copied.
const LARGE: usize = 32 << 10;
/// What small pieces are joined to, at most.
const FRAME: usize = 64 << 10;

struct Frames {
    pieces: VecDeque<Bytes>,
    left: u64,
}

impl Frames {
    /// The next piece to send, joined only when it is asked for: no second copy of the whole body is ever held.
    fn next(&mut self) -> Option<Bytes> {
        let first = self.pieces.pop_front()?;
        let is_small = |piece: &Bytes| piece.len() < LARGE;
        if !is_small(&first) || !self.pieces.front().is_some_and(is_small) {
            return Some(first);
        }
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let mut joined = BytesMut::with_capacity(FRAME.min(left));
        joined.extend_from_slice(&first);
        while let Some(piece) = self.pieces.pop_front() {
            if !is_small(&piece) || joined.len() + piece.len() > FRAME {
                self.pieces.push_front(piece);
                break;
            }
            joined.extend_from_slice(&piece);
        }
        Some(joined.freeze())
    }
}

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        while let Some(piece) = self.next() {
            if piece.is_empty() {
                continue;
            }
            self.left = self.left.saturating_sub(piece.len() as u64);
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    async fn lengths(mut body: Body, whole: &[u8]) -> Vec<usize> {
        assert_eq!(http_body::Body::size_hint(&body).exact(), Some(whole.len() as u64));
        let (mut sent, mut lengths) = (Vec::new(), Vec::new());
        while let Some(frame) = body.frame().await {
            let data = frame.unwrap().into_data().unwrap();
            lengths.push(data.len());
            sent.extend_from_slice(&data);
        }
        assert_eq!(sent, whole);
        lengths
    }

    #[tokio::test]
    async fn small_pieces_are_joined_and_large_ones_pass_as_they_are() {
        let sizes = [5, 0, 7000, 100, LARGE, 3, LARGE + 1, LARGE - 1, LARGE - 1, 40, 1, 0];
        let piece = |(i, size): (usize, &usize)| Bytes::from(vec![i as u8; *size]);
        let pieces: Vec<Bytes> = sizes.iter().enumerate().map(piece).collect();
        let whole = pieces.concat();
        assert_eq!(lengths(frames(pieces.clone()), &whole).await, [7105, LARGE, 3, LARGE + 1, 2 * LARGE - 2, 41]);
        assert!(lengths(frames(Vec::new()), &[]).await.is_empty());
    }

    #[test]
    fn pieces_are_read_one_after_the_other_and_shown_together() {
        let parts = [&b"abc"[..], b"", b"d", b"efgh", b""];
        for step in 1..=8 {
            let mut body = slices(parts.iter().map(|part| Bytes::copy_from_slice(part)).collect());
            assert_eq!(http_body::Body::size_hint(&body).exact(), Some(8));
            let frame = body.frame().now_or_never().flatten().unwrap().unwrap();
            let mut pieces = frame.into_data().unwrap();
            let mut read = Vec::new();
            while pieces.has_remaining() {
                let mut shown = [IoSlice::new(&[]); 8];
                let count = pieces.chunks_vectored(&mut shown);
                let shown: Vec<u8> = shown.iter().take(count).flat_map(|slice| slice.iter().copied()).collect();
                assert_eq!(shown.len(), pieces.remaining());
                let step = step.min(pieces.remaining());
                read.extend_from_slice(shown.get(..step).unwrap());
                pieces.advance(step);
            }
            assert_eq!(read, b"abcdefgh", "in steps of {step}");
            assert!(pieces.chunk().is_empty());
        }
    }
}
