//! The one body type that handlers answer with and clients send, and a body made of slices.

use bytes::{Bytes, BytesMut};
use http_body::{Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};
use std::collections::VecDeque;
use std::convert::Infallible;
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
pub fn slices(pieces: Vec<Bytes>) -> Body {
    let left = pieces.iter().map(|piece| piece.len() as u64).sum();
    Slices { pieces: pieces.into(), left, join: false }.map_err(|never: Infallible| match never {}).boxed_unsync()
}

/// The same for HTTP/2, where each piece is a frame: small ones are copied together, since a copy costs less than a frame.
pub fn frames(pieces: Vec<Bytes>) -> Body {
    let left = pieces.iter().map(|piece| piece.len() as u64).sum();
    Slices { pieces: pieces.into(), left, join: true }.map_err(|never: Infallible| match never {}).boxed_unsync()
}

/// Pieces from this length on are never copied.
const LARGE: usize = 32 << 10;
/// What small pieces are joined to, at most.
const FRAME: usize = 64 << 10;

struct Slices {
    pieces: VecDeque<Bytes>,
    left: u64,
    join: bool,
}

impl Slices {
    /// The next piece to send, joined only when it is asked for: no second copy of the whole body is ever held.
    fn next(&mut self) -> Option<Bytes> {
        let first = self.pieces.pop_front()?;
        let is_small = |piece: &Bytes| piece.len() < LARGE;
        if !self.join || !is_small(&first) || !self.pieces.front().is_some_and(is_small) {
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

impl http_body::Body for Slices {
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
        let as_they_are: Vec<usize> = sizes.into_iter().filter(|size| *size > 0).collect();
        assert_eq!(lengths(slices(pieces), &whole).await, as_they_are);
        assert!(lengths(frames(Vec::new()), &[]).await.is_empty());
    }
}
