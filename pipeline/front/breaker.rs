//! The circuit breaker of a queue: after failures in a row nothing is tried until a probe has shown that it works again.
//!
//! It delays, it never drops: what is queued waits, and time before an open breaker is no part of `max_elapsed_time`.
//! Only failures that may be retried count; a destination that refuses data for good is there.

use crate::front::settings::CircuitBreakerConfig;
use crate::{Counter, Gauge, Telemetry};
use chaperone_config::ComponentId;
use chaperone_proto::Signal;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Everything goes; so many failures in a row.
    Closed(u32),
    /// Nothing goes before that time.
    Open(Instant),
    /// So many probes are under way.
    HalfOpen(u32),
}

impl State {
    /// The figure of `chaperone_exporter_circuit_breaker_state`.
    fn figure(self) -> u64 {
        match self {
            State::Closed(_) => 0,
            State::HalfOpen(_) => 1,
            State::Open(_) => 2,
        }
    }
}

/// The breaker of one exporter and signal.
#[derive(Debug)]
pub(crate) struct Breaker {
    settings: CircuitBreakerConfig,
    exporter: String,
    signal: Signal,
    state: Mutex<State>,
    changed: Notify,
    shown: Gauge,
    opened: Counter,
}

/// What an attempt is told that asks whether it may be made.
enum Answer<'a> {
    Go(Pass<'a>),
    /// Ask again when something has changed, or at that time.
    Wait(Option<Instant>),
}

/// Leave to make one attempt; its result is reported to the breaker.
#[must_use]
pub(crate) struct Pass<'a> {
    breaker: &'a Breaker,
    probe: bool,
}

impl Breaker {
    /// None when it is off.
    pub(crate) fn of(
        settings: &CircuitBreakerConfig,
        telemetry: &Telemetry,
        id: &ComponentId,
        signal: Signal,
    ) -> Option<Breaker> {
        if !settings.enabled {
            return None;
        }
        let exporter = id.to_string();
        let labels = [("exporter", exporter.as_str()), ("signal", signal.name())];
        let state = "Circuit breaker of an exporter: 0 closed, 1 a probe is under way or due, 2 open.";
        let opened = "How often the circuit breaker of an exporter has opened.";
        Some(Breaker {
            settings: settings.clone(),
            signal,
            state: Mutex::new(State::Closed(0)),
            changed: Notify::new(),
            shown: telemetry.gauge("chaperone_exporter_circuit_breaker_state", state, &labels),
            opened: telemetry.counter("chaperone_exporter_circuit_breaker_opened", opened, &labels),
            exporter,
        })
    }

    /// How long nothing will be tried, if it is open.
    pub(crate) fn open_for(&self) -> Option<Duration> {
        match *self.lock() {
            State::Open(until) => Some(until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero()),
            State::Closed(_) | State::HalfOpen(_) => None,
        }
    }

    /// Waits until an attempt may be made.
    pub(crate) async fn enter(&self) -> Pass<'_> {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            match self.ask() {
                Answer::Go(pass) => return pass,
                Answer::Wait(None) => changed.await,
                Answer::Wait(Some(until)) => {
                    let _ = tokio::time::timeout_at(until, changed).await;
                }
            }
        }
    }

    /// Leave to make an attempt whatever the state: for the last one of a shutdown.
    pub(crate) fn in_any_case(&self) -> Pass<'_> {
        Pass { breaker: self, probe: false }
    }

    fn ask(&self) -> Answer<'_> {
        let mut state = self.lock();
        let under_way = match *state {
            State::Closed(_) => return Answer::Go(Pass { breaker: self, probe: false }),
            State::Open(until) if Instant::now() < until => return Answer::Wait(Some(until)),
            State::Open(_) => 0,
            State::HalfOpen(under_way) => under_way,
        };
        if under_way >= self.settings.half_open_requests {
            return Answer::Wait(None);
        }
        self.set(&mut state, State::HalfOpen(under_way + 1));
        Answer::Go(Pass { breaker: self, probe: true })
    }

    fn succeeded(&self) {
        let mut state = self.lock();
        if *state != State::Closed(0) {
            if !matches!(*state, State::Closed(_)) {
                tracing::info!(exporter = %self.exporter, signal = self.signal.name(), "circuit breaker closed: the destination answers again");
            }
            self.set(&mut state, State::Closed(0));
        }
    }

    fn failed(&self) {
        let mut state = self.lock();
        match *state {
            State::Closed(failures) if failures + 1 < self.settings.failures => self.set(&mut state, State::Closed(failures + 1)),
            // Attempts that began before it opened end while it is open; they tell nothing new.
            State::Open(_) => {}
            State::Closed(_) | State::HalfOpen(_) => {
                let pause = self.settings.open_for.get();
                if matches!(*state, State::Closed(_)) {
                    tracing::warn!(exporter = %self.exporter, signal = self.signal.name(), failures = self.settings.failures, open_for = %self.settings.open_for, "circuit breaker opened: nothing is sent until a probe succeeds");
                }
                self.opened.add(1);
                self.set(&mut state, State::Open(Instant::now() + pause));
            }
        }
    }

    /// Who waits asks again after every change.
    fn set(&self, state: &mut State, new: State) {
        *state = new;
        self.shown.set(new.figure());
        self.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    /// The destination answered, whatever it said about the data.
    pub(crate) fn succeeded(mut self) {
        self.probe = false;
        self.breaker.succeeded();
    }
    /// It did not, or asked to be left alone.
    pub(crate) fn failed(mut self) {
        self.probe = false;
        self.breaker.failed();
    }
}

impl Drop for Pass<'_> {
    /// A probe that ended without a result makes room for another.
    fn drop(&mut self) {
        if self.probe {
            let mut state = self.breaker.lock();
            if let State::HalfOpen(under_way) = *state {
                self.breaker.set(&mut state, State::HalfOpen(under_way.saturating_sub(1)));
            }
        }
    }
}
