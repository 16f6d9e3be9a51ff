//! Consumers of a queue: take a batch, deliver it, try again with growing pauses, count what became of it.

use crate::front::breaker::{Breaker, Pass};
use crate::front::lane::{Lane, Stage, Work};
use crate::front::settings::RetryConfig;
use crate::front::waiting::Item;
use crate::{Chunk, ExportContext, ExportError, Exported, Outcome};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The Collector's words for causes of failures that it cannot name, and for its own end.
const OTHER: &str = "_OTHER";
const SHUTDOWN: &str = "Shutdown";

/// How one attempt ended.
enum Attempt {
    Delivered(Exported),
    Retryable {
        message: String,
        after: Option<Duration>,
        cause: &'static str,
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
    /// The Collector's word for the last failure.
    cause: &'static str,
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
    lane.counters.sending(count, || chunks.iter().map(Chunk::bytes).sum());
    let ending = attempts(lane, &chunks, count).await;
    lane.counters.requests_in_flight.sub(1);
    match ending.what {
        Ok(rejected) => lane.counters.delivered(count, rejected),
        Err(reason) => lane.counters.failed(count, reason, ending.cause),
    }
    lane.finish(items, &ending.outcome);
}

async fn attempts(lane: &Lane, chunks: &[Chunk], count: usize) -> Ending {
    let batch_id = lane.chance.bits128();
    let mut pause = Pause::new(&lane.settings.retry);
    let began = Instant::now();
    // Time before an open breaker is nobody's failure.
    let mut stood_still = Duration::ZERO;
    let mut attempt = 0;
    loop {
        let asked = Instant::now();
        let Ok(pass) = leave(lane).await else { return cut_off(lane, count) };
        stood_still += asked.elapsed();
        attempt += 1;
        let draining_before = *lane.stage.borrow() != Stage::Open;
        let (message, after, failure) = match once(lane, chunks, batch_id, attempt).await {
            Attempt::Delivered(Exported { rejected, message }) => {
                report(pass, true);
                lane.health.succeeded();
                if rejected > 0 {
                    tracing::warn!(exporter = %lane.id, rejected, message, "destination rejected items");
                }
                return Ending { outcome: Outcome::Ok, what: Ok(rejected), cause: OTHER };
            }
            Attempt::Permanent { message } => {
                report(pass, true);
                lane.health.failed(&message);
                let message = format!("not retryable error: Permanent error: {message}");
                tell_given_up(lane, count, &message);
                return Ending { outcome: Outcome::Permanent { message }, what: Err("permanent_error"), cause: OTHER };
            }
            Attempt::CutOff => return cut_off(lane, count),
            Attempt::Retryable { message, after, cause } => (message, after, cause),
        };
        report(pass, false);
        lane.counters.attempts_failed.add(1);
        match lane.paused_for() {
            Some(_) => lane.health.failed(&format!("circuit breaker open: {message}")),
            None => lane.health.failed(&message),
        }
        let cause = cause(&message, after);
        let give_up = |reason: &'static str, message: String| {
            tell_given_up(lane, count, &message);
            let cause = if reason == "shutdown" { SHUTDOWN } else { failure };
            Ending { outcome: Outcome::Retryable { message, after }, what: Err(reason), cause }
        };
        if !lane.settings.retry.enabled {
            return give_up("retry_disabled", cause);
        }
        if draining_before {
            return give_up("shutdown", format!("interrupted due to shutdown: {cause}"));
        }
        let wait = pause.next(lane.chance.unit()).max(after.unwrap_or_default());
        let limit = lane.settings.retry.max_elapsed_time.get();
        if !limit.is_zero() && began.elapsed().saturating_sub(stood_still) + wait > limit {
            return give_up("retries_exhausted", format!("no more retries left: {cause}"));
        }
        if lane.lines.will_retry.admits() {
            let interval = chaperone_config::Duration(wait);
            tracing::info!(exporter = %lane.id, signal = lane.signal.name(), error = %cause, %interval, attempt, "Exporting failed. Will retry the request after interval.");
        }
        // A shutdown ends the pause: one more attempt, then the data are dropped.
        let mut stage = lane.stage.subscribe();
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = stage.wait_for(|stage| *stage != Stage::Open) => {}
        }
    }
}

/// Waits for leave to make an attempt, where there is a circuit breaker. A shutdown does not wait for its probe: what is
/// left is tried once. An error when the shutdown's deadline has passed.
async fn leave(lane: &Lane) -> Result<Option<Pass<'_>>, ()> {
    let Some(breaker) = &lane.breaker else { return Ok(None) };
    let mut stage = lane.stage.subscribe();
    let stage = tokio::select! {
        pass = breaker.enter() => return Ok(Some(pass)),
        stage = stage.wait_for(|stage| *stage != Stage::Open) => stage.map_or(Stage::Ended, |stage| *stage),
    };
    if stage == Stage::Ended { Err(()) } else { Ok(Some(Breaker::in_any_case(breaker))) }
}

fn report(pass: Option<Pass<'_>>, succeeded: bool) {
    match pass {
        Some(pass) if succeeded => pass.succeeded(),
        Some(pass) => pass.failed(),
        None => {}
    }
}

fn cut_off(lane: &Lane, count: usize) -> Ending {
    tell_given_up(lane, count, "interrupted due to shutdown: no result before its deadline");
    Ending { outcome: Outcome::retryable("the collector is stopping"), what: Err("shutdown"), cause: SHUTDOWN }
}

/// Data that were acknowledged are lost here; of others the sender hears.
fn tell_given_up(lane: &Lane, count: usize, error: &str) {
    if lane.settings.waits {
        lane.tell_rejected(count, error);
    } else if lane.lines.dropping.admits() {
        tracing::error!(exporter = %lane.id, signal = lane.signal.name(), error, dropped_items = count, "Exporting failed. Dropping data.");
    }
}

/// What failed, with the pause that the destination asked for.
fn cause(message: &str, after: Option<Duration>) -> String {
    match after {
        Some(after) => format!("Throttle ({}), error: {message}", chaperone_config::Duration(after)),
        None => message.to_owned(),
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
        Err(_) => {
            let message = format!("no answer within {:?}", timeout.unwrap_or(FOREVER));
            Attempt::Retryable { message, after: None, cause: "Deadline_Exceeded" }
        }
        Ok(Err(_)) => {
            tracing::error!(exporter = %lane.id, "an exporter panicked");
            Attempt::Permanent { message: format!("exporter `{}` panicked", lane.id) }
        }
        Ok(Ok(Ok(exported))) => Attempt::Delivered(exported),
        Ok(Ok(Err(error))) => {
            let message = chain(&error);
            match error {
                ExportError::Retryable { after, .. } => Attempt::Retryable { message, after, cause: OTHER },
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
