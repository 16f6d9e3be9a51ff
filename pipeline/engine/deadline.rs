//! Deadlines that a stop brings closer.
//!
//! What a reload waits for may take its time, but when the process is asked to end, everything that is being waited for
//! must fit into what is left until then.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Brings all deadlines of an engine closer. Clones are the same.
#[derive(Clone, Default)]
pub struct Hurry {
    // Shared by the engine, its background work, and whoever asks for the end.
    latest: watch::Sender<Option<Instant>>,
}

impl Hurry {
    /// From now on nothing is waited for longer than this.
    pub fn within(&self, patience: Duration) {
        self.until(Instant::now() + patience);
    }
    /// The same with a point in time. It only comes closer.
    pub(crate) fn until(&self, until: Instant) {
        self.latest.send_modify(|latest| *latest = Some(latest.map_or(until, |known| known.min(until))));
    }
    /// Waits for a piece of work until `until`, or less long if there is a hurry; none when it was not done by then.
    pub(crate) async fn wait<T>(&self, until: Instant, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let mut latest = self.latest.subscribe();
        loop {
            let until = latest.borrow_and_update().map_or(until, |hurried| hurried.min(until));
            tokio::select! {
                biased;
                done = &mut work => return Some(done),
                () = tokio::time::sleep_until(until) => return None,
                // `self` keeps the sender, so that this is never the end of the channel.
                _ = latest.changed() => {}
            }
        }
    }
    /// Whether a deadline has passed.
    pub(crate) fn is_over(&self, until: Instant) -> bool {
        let until = self.latest.borrow().map_or(until, |hurried| hurried.min(until));
        Instant::now() >= until
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    #[tokio::test(start_paused = true)]
    async fn a_hurry_ends_what_is_being_waited_for() {
        let hurry = Hurry::default();
        let began = Instant::now();
        let far = began + Duration::from_secs(100);
        let (done, ()) = tokio::join!(hurry.wait(far, pending::<()>()), async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            hurry.within(Duration::from_secs(2));
            hurry.within(Duration::from_secs(50));
        });
        assert_eq!((done, began.elapsed().as_secs()), (None, 3), "the nearest one counts");
        assert!(hurry.is_over(far));
        assert_eq!(hurry.wait(far, async { 1 }).await, Some(1), "what is done at once is done");
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_hurry_the_own_deadline_counts() {
        let (hurry, began) = (Hurry::default(), Instant::now());
        assert_eq!(hurry.wait(began + Duration::from_secs(5), pending::<()>()).await, None);
        assert_eq!(began.elapsed().as_secs(), 5);
    }
}
