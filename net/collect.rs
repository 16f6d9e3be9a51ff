//! Reads a body into one piece: limited, charged while it arrives, and with a deadline on its progress.
//!
//! A deadline on the whole body would punish large bodies on slow links; a deadline between two frames would let a
//! byte every few seconds hold memory for ever. So a minimum must arrive in every window.

use crate::buffers::Filling;
use crate::{BoxError, Meter, ReceiveError};
use bytes::{Buf, Bytes, BytesMut};
use http_body_util::BodyExt;
use std::time::Duration;
use tokio::time::Instant;

/// How fast a body must at least arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Length of a window.
    pub window: Duration,
    /// Bytes that each full window must bring, unless the body ends in it.
    pub min_bytes: usize,
}

impl Pace {
    /// 16 KiB every ten seconds: far below any working link.
    pub const SLOWEST: Pace = Pace { window: Duration::from_secs(10), min_bytes: 16 << 10 };
}

/// Watches one body's progress.
pub(crate) struct Progress {
    pace: Pace,
    window_ends: Instant,
    arrived: usize,
}

impl Progress {
    pub(crate) fn new(pace: Pace) -> Progress {
        Progress { pace, window_ends: Instant::now() + pace.window, arrived: 0 }
    }

    /// Waits for the next frame, at most to the end of the window.
    pub(crate) async fn next<B>(&mut self, body: &mut B) -> Result<Option<http_body::Frame<B::Data>>, ReceiveError>
    where
        B: http_body::Body + Unpin,
        B::Error: Into<BoxError>,
    {
        let frame = match tokio::time::timeout_at(self.window_ends, body.frame()).await {
            Err(_elapsed) => return Err(ReceiveError::TooSlow),
            Ok(None) => return Ok(None),
            Ok(Some(Err(error))) => return Err(ReceiveError::Disconnected(error.into())),
            Ok(Some(Ok(frame))) => frame,
        };
        self.arrived += frame.data_ref().map_or(0, Buf::remaining);
        if self.arrived >= self.pace.min_bytes {
            self.arrived = 0;
            self.window_ends = Instant::now() + self.pace.window;
        }
        Ok(Some(frame))
    }
}

/// Reads `body` into one piece of at most `limit` bytes.
///
/// A body that says its length is charged, or refused, before its first byte; another one as it arrives.
pub async fn collect<B>(mut body: B, limit: usize, meter: &mut dyn Meter, pace: Pace) -> Result<Bytes, ReceiveError>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let announced = usize::try_from(body.size_hint().exact().unwrap_or(0)).unwrap_or(usize::MAX);
    if announced > limit {
        return Err(ReceiveError::TooLarge { limit });
    }
    if !meter.grow(announced) {
        return Err(ReceiveError::OverBudget);
    }
    let mut progress = Progress::new(pace);
    if announced > 0 {
        return fill(body, announced, &mut progress).await;
    }
    let mut charged = 0;
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(frame) = progress.next(&mut body).await? {
        let Ok(data) = frame.into_data() else { continue };
        let total = first.len() + joined.len() + data.len();
        if total > limit {
            return Err(ReceiveError::TooLarge { limit });
        }
        if total > charged {
            if !meter.grow(total - charged) {
                return Err(ReceiveError::OverBudget);
            }
            charged = total;
        }
        // A body of one frame is handed on as it is; only the second frame makes a copy necessary.
        if first.is_empty() && joined.is_empty() {
            first = data;
            continue;
        }
        if joined.is_empty() {
            joined.reserve(total);
            joined.extend_from_slice(&std::mem::take(&mut first));
        }
        joined.extend_from_slice(&data);
    }
    Ok(if joined.is_empty() { first } else { joined.freeze() })
}

/// Reads a body of a known length. Each frame is copied while it is still near the core, and let go at once: whoever reads
/// the socket then uses one small buffer for all frames, and a small body does not hold a large one.
async fn fill<B>(mut body: B, length: usize, progress: &mut Progress) -> Result<Bytes, ReceiveError>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let mut filling = Filling::of(length);
    while let Some(frame) = progress.next(&mut body).await? {
        let Ok(data) = frame.into_data() else { continue };
        if data.len() > length - filling.len() {
            return Err(ReceiveError::Disconnected("the body is longer than it said".into()));
        }
        filling.put(&data);
    }
    Ok(filling.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body;
    use http_body_util::StreamBody;

    struct Budget(usize);
    impl Meter for Budget {
        fn grow(&mut self, bytes: usize) -> bool {
            let fits = bytes <= self.0;
            self.0 = self.0.saturating_sub(bytes);
            fits
        }
    }

    fn pieces(count: usize) -> Vec<Bytes> {
        vec![Bytes::from_static(b"0123456789"); count]
    }

    fn without_length(count: usize) -> impl http_body::Body<Data = Bytes, Error = BoxError> + Unpin {
        let frames = pieces(count).into_iter().map(|piece| Ok::<_, BoxError>(http_body::Frame::data(piece)));
        StreamBody::new(futures_util::stream::iter(frames))
    }

    /// Says a length, whatever it has.
    struct Saying<B>(u64, B);

    impl<B: http_body::Body + Unpin> http_body::Body for Saying<B> {
        type Data = B::Data;
        type Error = B::Error;
        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<B::Data>, B::Error>>> {
            std::pin::Pin::new(&mut self.1).poll_frame(cx)
        }
        fn size_hint(&self) -> http_body::SizeHint {
            http_body::SizeHint::with_exact(self.0)
        }
    }

    #[tokio::test]
    async fn a_body_of_several_frames_is_one_piece() {
        let collected = collect(Saying(30, without_length(3)), 30, &mut Budget(30), Pace::SLOWEST).await.unwrap();
        assert_eq!(&collected[..], b"012345678901234567890123456789");
    }

    #[tokio::test]
    async fn a_body_does_not_hold_the_buffer_that_its_frame_was_read_into() {
        let read = Bytes::from(vec![7; 100 << 10]);
        let collected = collect(body::full(read.slice(..100)), 100, &mut (), Pace::SLOWEST).await.unwrap();
        assert_eq!(&collected[..], &[7; 100]);
        assert!(read.is_unique(), "the body still refers to a buffer a thousand times its length");
    }

    #[tokio::test]
    async fn a_body_longer_than_it_said_is_refused() {
        let error = collect(Saying(25, without_length(3)), 100, &mut (), Pace::SLOWEST).await.unwrap_err();
        assert!(matches!(error, ReceiveError::Disconnected(_)), "{error}");
    }

    #[tokio::test]
    async fn an_announced_length_over_the_limit_is_refused_before_it_is_charged() {
        let error = collect(Saying(40, without_length(4)), 39, &mut Budget(0), Pace::SLOWEST).await.unwrap_err();
        assert!(matches!(error, ReceiveError::TooLarge { limit: 39 }), "{error}");
    }

    #[tokio::test]
    async fn a_body_without_length_is_refused_when_it_passes_the_limit() {
        let error = collect(without_length(4), 39, &mut Budget(100), Pace::SLOWEST).await.unwrap_err();
        assert!(matches!(error, ReceiveError::TooLarge { limit: 39 }), "{error}");
    }

    #[tokio::test]
    async fn a_body_is_refused_when_the_budget_ends_while_it_arrives() {
        let error = collect(without_length(4), 100, &mut Budget(25), Pace::SLOWEST).await.unwrap_err();
        assert!(matches!(error, ReceiveError::OverBudget), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_drips_is_given_up() {
        let drip = futures_util::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            Some((Ok::<_, BoxError>(http_body::Frame::data(Bytes::from_static(b"x"))), ()))
        });
        let error = collect(StreamBody::new(Box::pin(drip)), 100, &mut (), Pace::SLOWEST).await.unwrap_err();
        assert!(matches!(error, ReceiveError::TooSlow), "{error}");
    }
}
