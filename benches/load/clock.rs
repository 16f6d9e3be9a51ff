//! Reads the clock; a load generator is about time.

use std::time::{Duration, Instant};

#[expect(clippy::disallowed_methods, reason = "measured is the time that really passes")]
pub fn now() -> Instant {
    Instant::now()
}

/// Asks again every few milliseconds until the answer is there or the time is over.
pub fn wait_for<T>(longest: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let start = now();
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if start.elapsed() > longest {
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
