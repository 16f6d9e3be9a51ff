//! Which requests are written when many come: the first of each second, then one in so many.

use chaperone_pipeline::Now;

#[derive(Debug)]
pub(super) struct Sampling {
    initial: u32,
    thereafter: u32,
    second: u64,
    seen: u32,
}

impl Sampling {
    pub(super) fn new(initial: u32, thereafter: u32) -> Sampling {
        Sampling { initial, thereafter, second: 0, seen: 0 }
    }

    /// Whether the request that comes `now` is written.
    pub(super) fn take(&mut self, now: Now) -> bool {
        let second = now.mono.as_secs();
        if second != self.second {
            (self.second, self.seen) = (second, 0);
        }
        self.seen = self.seen.saturating_add(1);
        match self.seen.checked_sub(self.initial) {
            None | Some(0) => true,
            Some(after) => self.thereafter > 0 && after.is_multiple_of(self.thereafter),
        }
    }
}
