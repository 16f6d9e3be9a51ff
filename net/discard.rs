//! Reads what is left of a refused request, so that its sender gets to read why it was refused.
//!
//! Whoever closes a connection on which bytes are unread resets it, and a client that still writes then sees an error of
//! the connection instead of the answer: it sends the same again, for ever.
//! Nothing is kept, and nobody is waited for longer than a moment.

use bytes::Buf;
use http_body_util::BodyExt;
use std::time::Duration;

/// How long the next bytes may take: a client that waits for its answer first shall have it.
const MOMENT: Duration = Duration::from_millis(500);
/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reads and forgets up to `limit` bytes.
pub async fn discard<B: http_body::Body + Unpin>(mut body: B, limit: usize) {
    let mut left = limit;
    let reading = async {
        while let Ok(Some(Ok(frame))) = tokio::time::timeout(MOMENT, body.frame()).await {
            match left.checked_sub(frame.data_ref().map_or(0, Buf::remaining)) {
                Some(less) => left = less,
                None => return,
            }
        }
    };
    let _ = tokio::time::timeout(PATIENCE, reading).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BoxError;
    use bytes::Bytes;
    use http_body::Frame;
    use http_body_util::StreamBody;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Ten bytes each `pause`, for ever; counts what was asked for.
    fn endless(pause: Duration, read: &Arc<AtomicUsize>) -> impl http_body::Body<Data = Bytes, Error = BoxError> + Unpin {
        let read = Arc::clone(read);
        StreamBody::new(Box::pin(futures_util::stream::unfold(read, move |read| async move {
            tokio::time::sleep(pause).await;
            read.fetch_add(10, Ordering::SeqCst);
            Some((Ok::<_, BoxError>(Frame::data(Bytes::from_static(b"0123456789"))), read))
        })))
    }

    async fn read_of(pause: Duration, limit: usize) -> (usize, Duration) {
        let (read, begin) = (Arc::new(AtomicUsize::new(0)), tokio::time::Instant::now());
        discard(endless(pause, &read), limit).await;
        (read.load(Ordering::SeqCst), begin.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn reading_ends_at_the_limit_at_a_pause_and_after_a_while() {
        assert_eq!(read_of(Duration::from_millis(1), 95).await.0, 100);
        assert_eq!(read_of(Duration::from_secs(1), 95).await, (0, MOMENT));
        let (read, lasted) = read_of(Duration::from_millis(300), usize::MAX).await;
        assert_eq!((read, lasted), (330, PATIENCE));
    }
}
