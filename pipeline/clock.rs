//! Time as components see it: passed in, so that tests and replay decide what time it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// One reading of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Now {
    /// Since an arbitrary start; never goes backwards.
    pub mono: Duration,
    /// Nanoseconds since 1970.
    pub unix_ns: u64,
}

/// The system's clock, or one that a test or `replay` moves. Clones share the same time.
#[derive(Debug, Clone)]
pub struct Clock(Inner);

#[derive(Debug, Clone)]
enum Inner {
    System { start: std::time::Instant },
    // Shared by the test or replay that moves it and every component that reads it.
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// The machine's clock.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    pub fn system() -> Clock {
        Clock(Inner::System { start: std::time::Instant::now() })
    }

    /// A clock that stands at `unix_ns` until it is moved.
    pub fn manual(unix_ns: u64) -> Clock {
        Clock(Inner::Manual(Arc::new(AtomicU64::new(unix_ns))))
    }

    /// What time it is.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    pub fn now(&self) -> Now {
        match &self.0 {
            Inner::System { start } => {
                let unix = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
                Now { mono: start.elapsed(), unix_ns: unix.as_nanos() as u64 }
            }
            Inner::Manual(at) => {
                let unix_ns = at.load(Ordering::Acquire);
                Now { mono: Duration::from_nanos(unix_ns), unix_ns }
            }
        }
    }

    /// Moves a manual clock forward to `unix_ns`; never backwards; nothing on the system clock.
    pub fn advance_to(&self, unix_ns: u64) {
        if let Inner::Manual(at) = &self.0 {
            at.fetch_max(unix_ns, Ordering::AcqRel);
        }
    }
}
