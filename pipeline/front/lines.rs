//! Log lines of the front, sampled as the Collector samples its own: a dead destination must not fill the disk.
//!
//! Of each line of a queue the first ten in ten seconds are written, then every hundredth.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

const WINDOW: Duration = Duration::from_secs(10);
const INITIAL: u64 = 10;
const THEREAFTER: u64 = 100;

/// Decides for one kind of line whether it is written.
#[derive(Debug, Default)]
pub(crate) struct Sampled(Mutex<Option<(Instant, u64)>>);

impl Sampled {
    /// Whether the line that is due now is to be written.
    pub(crate) fn admits(&self) -> bool {
        let now = Instant::now();
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (start, seen) = window.filter(|(start, _)| now.duration_since(*start) < WINDOW).unwrap_or((now, 0));
        *window = Some((start, seen + 1));
        seen < INITIAL || (seen - INITIAL + 1).is_multiple_of(THEREAFTER)
    }
}

/// The lines of one queue.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    pub will_retry: Sampled,
    pub dropping: Sampled,
    pub rejecting: Sampled,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn ten_lines_then_every_hundredth_until_the_window_ends() {
        let lines = Sampled::default();
        let written: Vec<usize> = (0..400).filter(|_| lines.admits()).collect();
        assert_eq!(written, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 109, 209, 309]);
        tokio::time::advance(WINDOW).await;
        assert!(lines.admits(), "a new window");
    }
}
