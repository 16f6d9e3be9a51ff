//! What became of requests and files, as own metrics and in one sentence.

use chaperone_pipeline::{Counter, Host};
use std::collections::BTreeMap;

/// What became of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    /// Acknowledged.
    Taken,
    /// No pipeline has this receiver for its signal.
    NoPipeline,
    /// It could not be decoded.
    Malformed,
    /// A pipeline refused it for good.
    Refused,
    /// It was refused for now until the time was up.
    GivenUp,
}

impl Fate {
    const ALL: [Fate; 5] = [Fate::Taken, Fate::NoPipeline, Fate::Malformed, Fate::Refused, Fate::GivenUp];

    fn name(self) -> &'static str {
        match self {
            Fate::Taken => "taken",
            Fate::NoPipeline => "no_pipeline",
            Fate::Malformed => "malformed",
            Fate::Refused => "refused",
            Fate::GivenUp => "given_up",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Fate::Taken => "taken",
            Fate::NoPipeline => "without a pipeline",
            Fate::Malformed => "malformed",
            Fate::Refused => "refused for good",
            Fate::GivenUp => "given up",
        }
    }
}

/// Counts of one replay.
pub(super) struct Counters {
    host: Host,
    fates: BTreeMap<Fate, Counter>,
    here: BTreeMap<Fate, u64>,
    unread: u64,
    passed_over: u64,
    files: u64,
}

impl Counters {
    pub(super) fn new(host: &Host) -> Counters {
        let receiver = host.id().to_string();
        let counter = |fate: Fate| {
            let labels = [("receiver", receiver.as_str()), ("outcome", fate.name())];
            host.telemetry().counter("chaperone_receiver_file_requests", "Recorded requests by what became of them.", &labels)
        };
        let fates = Fate::ALL.into_iter().map(|fate| (fate, counter(fate))).collect();
        Counters { host: host.clone(), fates, here: BTreeMap::new(), unread: 0, passed_over: 0, files: 0 }
    }

    pub(super) fn request(&mut self, fate: Fate) {
        *self.here.entry(fate).or_default() += 1;
        if let Some(counter) = self.fates.get(&fate) {
            counter.add(1);
        }
    }

    /// A file, or a line or record of one, that could not be read.
    pub(super) fn unread(&mut self, reason: &'static str) {
        self.unread += 1;
        let labels = [("receiver", &*self.host.id().to_string()), ("reason", reason)];
        let help = "Files, lines and records that could not be read.";
        self.host.telemetry().counter("chaperone_receiver_unread_recordings", help, &labels).add(1);
    }

    /// A file has been read to its end; `is_empty` when nothing in it was OTLP.
    pub(super) fn file(&mut self, is_empty: bool) {
        self.files += 1;
        self.passed_over += u64::from(is_empty);
    }

    /// The sum of it all.
    pub(super) fn sentence(&self) -> String {
        let requests: u64 = self.here.values().sum();
        let mut sentence = format!("read {requests} requests of {} files", self.files);
        for (fate, count) in &self.here {
            sentence.push_str(&format!(", {count} {}", fate.words()));
        }
        if self.passed_over > 0 {
            sentence.push_str(&format!("; {} files without OTLP", self.passed_over));
        }
        if self.unread > 0 {
            sentence.push_str(&format!("; {} files, lines or records could not be read", self.unread));
        }
        sentence
    }
}
