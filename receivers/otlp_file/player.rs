//! Hands recordings in, one request after the other, at the pace at which the pipelines take them.

use super::config::Retry;
use super::counters::{Counters, Fate};
use super::recording::{Recorded, Recording, RecordingError, Requests};
use chaperone_pipeline::entrance::Charge;
use chaperone_pipeline::{Entrance, Host, Payload, Refused};
use std::error::Error;
use std::time::Duration;
use tokio::time::Instant;

/// Label of the Collector's own metrics.
const TRANSPORT: &str = "file";

/// One replay.
pub(super) struct Player {
    host: Host,
    entrance: Entrance,
    retry: Retry,
    counters: Counters,
}

impl Player {
    pub(super) fn new(host: &Host, entrance: Entrance, retry: Retry) -> Player {
        Player { host: host.clone(), entrance, retry, counters: Counters::new(host) }
    }

    /// Hands everything in and says what became of it.
    pub(super) async fn play(mut self, recordings: Vec<Recording>) {
        for recording in recordings {
            self.file(&recording).await;
        }
        self.host.announce(&format!("everything is read: {}", self.counters.sentence()));
    }

    async fn file(&mut self, recording: &Recording) {
        let unopened = recording.clone();
        let mut requests = match self.host.blocking(move || unopened.open()).await {
            Ok(requests) => requests,
            Err(error) => return self.unread(recording, &error),
        };
        let mut is_empty = true;
        loop {
            let (next, rest) = self.host.blocking(move || next_of(requests)).await;
            requests = rest;
            match next {
                None => break,
                Some(Err(error)) => self.unread(recording, &error),
                Some(Ok(recorded)) => {
                    let fate = self.submit(recording, recorded).await;
                    self.counters.request(fate);
                }
            }
            is_empty = false;
        }
        self.counters.file(is_empty);
    }

    fn unread(&mut self, recording: &Recording, error: &RecordingError) {
        let cause = error.source().map(|source| format!(": {source}")).unwrap_or_default();
        tracing::warn!(path = %recording.path.display(), "could not read a recording: {error}{cause}");
        self.counters.unread(error.reason());
    }

    /// Hands one request in until it is taken, refused for good, or the time is up.
    async fn submit(&self, recording: &Recording, recorded: Recorded) -> Fate {
        if !self.entrance.serves(recorded.signal) {
            return Fate::NoPipeline;
        }
        let began = Instant::now();
        let mut interval = self.retry.initial_interval.get();
        loop {
            let (fate, message, after) = match self.attempt(&recorded).await {
                Ok(()) => return Fate::Taken,
                Err(refused) => judge(refused),
            };
            let path = recording.path.display();
            let pause = after.unwrap_or(interval);
            let limit = self.retry.max_elapsed_time.get();
            let in_time = limit.is_zero() || began.elapsed() + pause <= limit;
            if fate != Fate::GivenUp || !self.retry.enabled || !in_time {
                tracing::warn!(%path, %message, fate = ?fate, "a recorded request was not taken");
                return fate;
            }
            tracing::debug!(%path, %message, ?pause, "a recorded request waits");
            tokio::time::sleep(pause).await;
            interval = interval.mul_f64(1.5).min(self.retry.max_interval.get());
        }
    }

    async fn attempt(&self, recorded: &Recorded) -> Result<(), Refused> {
        // Read bodies count like received ones. The memory is taken already; what is asked here is whether to go on.
        let Some(_charge): Option<Charge> = self.entrance.charge(recorded.body.len()) else {
            return Err(Refused::Overloaded { message: "too many bytes being received".to_owned(), after: None });
        };
        let Recorded { signal, encoding, body } = recorded.clone();
        self.entrance.submit(Payload { signal, encoding, body, transport: TRANSPORT, client: None }).await
    }
}

fn next_of(mut requests: Requests) -> (Option<Result<Recorded, RecordingError>>, Requests) {
    (requests.next(), requests)
}

/// What a refusal means when the time is up, its text, and the pause that it asks for.
fn judge(refused: Refused) -> (Fate, String, Option<Duration>) {
    let message = refused.to_string();
    match refused {
        Refused::Malformed { .. } => (Fate::Malformed, message, None),
        Refused::NotServed { .. } => (Fate::NoPipeline, message, None),
        Refused::Permanent { .. } => (Fate::Refused, message, None),
        Refused::Overloaded { after, .. } | Refused::Retryable { after, .. } => (Fate::GivenUp, message, after),
    }
}
