//! Consumers of a queue: take a batch, deliver it, try again with growing pauses, count what became of it.

use crate::front::lane::{Item, Lane, Stage, Work};
use crate::front::settings::RetryConfig;
use crate::{Chunk, ExportContext, ExportError, Exported, Outcome};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How one attempt ended.
enum Attempt {
    Delivered(Exported),
    Retryable {
        message: String,
        after: Option<Duration>,
    },
    Permanent {
        message: String,
    },
    /// The deadline of the shutdown came first.
    CutOff,
}

/// How a delivery ended.
struct Ending {
    outcome: Outcome,
    /// Items rejected by the destination, or why all were dropped.
    what: Result<usize, &'static str>,
}

/// Works on a queue until its shutdown has ended.
pub(crate) async fn consume(lane: Arc<Lane>) {
    let mut stage = lane.stage.subscribe();
    loop {
        stage.borrow_and_update();
        let arrived = lane.arrived.notified();
        match lane.next() {
            Work::Deliver(items) => deliver(&lane, items).await,
            Work::Over => return,
            Work::Wait(Some(until)) => {
                tokio::select! {
                    () = arrived => {}
                    () = tokio::time::sleep_until(until) => {}
                    _ = stage.changed() => {}
                }
            }
            Work::Wait(None) => {
                tokio::select! {
                    () = arrived => {}
                    _ = stage.changed() => {}
                }
            }
        }
    }
}

async fn deliver(lane: &Lane, items: Vec<Item>) {
    let chunks: Vec<Chunk> = items.iter().map(|item| item.chunk.clone()).collect();
    let count = items.iter().map(|item| item.chunk.items).sum();
    lane.counters.requests_in_flight.add(1);
    let ending = attempts(lane, &chunks, count).await;
    lane.counters.requests_in_flight.sub(1);
    match ending.what {
        Ok(rejected) => lane.counters.delivered(count, rejected),
        Err(reason) => lane.counters.failed(count, reason),
    }
    lane.finish(items, &ending.outcome);
}

async fn attempts(lane: &Lane, chunks: &[Chunk], count: usize) -> Ending {
    let batch_id = lane.chance.bits128();
    let mut pause = Pause::new(&lane.settings.retry);
    let began = Instant::now();
    let mut attempt = 0;
    loop {
        attempt += 1;
        let draining_before = *lane.stage.borrow() != Stage::Open;
        let (message, after) = match once(lane, chunks, batch_id, attempt).await {
            Attempt::Delivered(Exported { rejected, message }) => {
                lane.health.succeeded();
                if rejected > 0 {
                    tracing::warn!(exporter = %lane.id, rejected, message, "destination rejected items");
                }
                return Ending { outcome: Outcome::Ok, what: Ok(rejected) };
            }
            Attempt::Permanent { message } => {
                lane.health.failed(&message);
                tracing::error!(exporter = %lane.id, error = %message, dropped_items = count, "export failed for good, data dropped");
                return Ending { outcome: Outcome::Permanent { message }, what: Err("permanent_error") };
            }
            Attempt::CutOff => {
                return Ending { outcome: Outcome::retryable("the collector is stopping"), what: Err("shutdown") };
            }
            Attempt::Retryable { message, after } => (message, after),
        };
        lane.counters.attempts_failed.add(1);
        lane.health.failed(&message);
        let give_up = |reason: &'static str, message: String| {
            tracing::error!(exporter = %lane.id, error = %message, dropped_items = count, attempt, reason, "export failed, data dropped");
            Ending { outcome: Outcome::Retryable { message, after }, what: Err(reason) }
        };
        if !lane.settings.retry.enabled {
            return give_up("retry_disabled", message);
        }
        if draining_before {
            return give_up("shutdown", message);
        }
        let wait = pause.next(lane.chance.unit()).max(after.unwrap_or_default());
        let limit = lane.settings.retry.max_elapsed_time.get();
        if !limit.is_zero() && began.elapsed() + wait > limit {
            return give_up("retries_exhausted", message);
        }
        tracing::warn!(exporter = %lane.id, error = %message, attempt, ?wait, "export failed, will retry");
        // A shutdown ends the pause: one more attempt, then the data are dropped.
        let mut stage = lane.stage.subscribe();
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = stage.wait_for(|stage| *stage != Stage::Open) => {}
        }
    }
}

async fn once(lane: &Lane, chunks: &[Chunk], batch_id: u128, attempt: u32) -> Attempt {
    let timeout = lane.timeout();
    let cx = ExportContext { batch_id, attempt, timeout: timeout.unwrap_or(FOREVER), now: lane.clock.now() };
    let export = AssertUnwindSafe(async { lane.exporter.export(chunks, cx).await }).catch_unwind();
    let mut stage = lane.stage.subscribe();
    let result = tokio::select! {
        result = tokio::time::timeout(timeout.unwrap_or(FOREVER), export) => result,
        _ = stage.wait_for(|stage| *stage == Stage::Ended) => return Attempt::CutOff,
    };
    match result {
        Err(_) => Attempt::Retryable { message: format!("no answer within {:?}", timeout.unwrap_or(FOREVER)), after: None },
        Ok(Err(_)) => {
            tracing::error!(exporter = %lane.id, "an exporter panicked");
            Attempt::Permanent { message: format!("exporter `{}` panicked", lane.id) }
        }
        Ok(Ok(Ok(exported))) => Attempt::Delivered(exported),
        Ok(Ok(Err(error))) => {
            let message = chain(&error);
            match error {
                ExportError::Retryable { after, .. } => Attempt::Retryable { message, after },
                ExportError::Permanent { .. } => Attempt::Permanent { message },
            }
        }
    }
}

/// Stands for "without end": far beyond any delivery, near enough for a timer.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// An error with its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Pauses between attempts: each longer than the last, changed at random.
struct Pause<'a> {
    settings: &'a RetryConfig,
    next: Duration,
}

impl<'a> Pause<'a> {
    fn new(settings: &'a RetryConfig) -> Pause<'a> {
        Pause { settings, next: settings.initial_interval.get().min(settings.max_interval.get()) }
    }
    /// `chance` is from 0 to below 1.
    fn next(&mut self, chance: f64) -> Duration {
        let factor = 1.0 + self.settings.randomization_factor * (chance * 2.0 - 1.0);
        let pause = self.next.mul_f64(factor.max(0.0));
        let grown = self.next.as_secs_f64() * self.settings.multiplier;
        self.next = Duration::try_from_secs_f64(grown).unwrap_or(Duration::MAX).min(self.settings.max_interval.get());
        pause
    }
}

#[cfg(test)]
#[path = "deliver_tests.rs"]
mod tests;
