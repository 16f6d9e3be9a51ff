//! The `alerts` connector: decides which states of alerts somebody is told, and tells each once.
//!
//! An alert is notified when it begins to fire, when it gets worse, and when it is over; repetitions are counted.
//! What goes out together is one request, so that a channel can group it.
//! Who was told what survives a restart through the storage interface; it is written with each notification, at ticks and
//! at the end, by a thread of its own.

mod config;
#[cfg(test)]
mod tests;

pub use config::Config;

use chaperone_genai::rules::notify::STATE_VERSION;
use chaperone_genai::rules::{Alert, Ledger, State as AlertState, Verdict};
use chaperone_pipeline::storage::{Change, Stored};
use chaperone_pipeline::{
    Batch, BuildContext, Checkpoints, ConfigError, Counter, Gauge, Host, Meta, Next, Now, Outbox, ProcessError, Processor,
    ProcessorFactory, Signals, StartError, Telemetry,
};
use chaperone_proto::Data;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

const TICK: Duration = Duration::from_secs(1);
/// Longest wait for the store at the end.
const FLUSH: Duration = Duration::from_secs(2);

/// The connector.
pub struct Alerts {
    config: Config,
    /// One lock: alerts are rare, and later they group and inhibit each other.
    // Shared with the instance of this id after a reload, so that a changed setting tells nobody again.
    state: Arc<Mutex<State>>,
    checkpoints: OnceLock<Checkpoints>,
    id: String,
    telemetry: Telemetry,
    notified: Counter,
    evicted: Counter,
    store_failures: Counter,
    firing: Gauge,
}

#[derive(Default)]
struct State {
    ledger: Ledger,
    /// The `storage` that the ledger was restored from.
    restored: Option<Option<String>>,
    stored: Duration,
}

impl ProcessorFactory for Alerts {
    type Config = Config;
    const META: Meta =
        Meta::connector("alerts", "Decides which alerts are notified, each once.", Signals::LOGS, Signals::NONE, Signals::LOGS)
            .readme(include_str!("README.md"));

    fn build(config: Config, ctx: &BuildContext) -> Result<Arc<dyn Processor>, ConfigError> {
        ctx.check_storage(config.storage.as_deref())?;
        Ok(Arc::new(Alerts::new(config, ctx)))
    }
}

impl Alerts {
    fn new(config: Config, ctx: &BuildContext) -> Alerts {
        let id = ctx.id().to_string();
        let labels = [("connector", id.as_str())];
        let telemetry = ctx.telemetry().clone();
        let counter = |name, help| telemetry.counter(name, help, &labels);
        Alerts {
            config,
            state: ctx.shared(Mutex::<State>::default),
            checkpoints: OnceLock::new(),
            notified: counter("chaperone_connector_notified_alerts", "States of alerts handed to channels."),
            evicted: counter("chaperone_connector_alert_evicted", "Alerts forgotten because there were too many."),
            store_failures: counter("chaperone_connector_alert_store_failures", "Checkpoints that failed."),
            firing: telemetry.gauge("chaperone_connector_alerts_firing", "Notified alerts that are not over.", &labels),
            telemetry,
            id,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_told(&self, ledger: &mut Ledger, alert: &Alert, now: Now) -> bool {
        let verdict = match ledger.consider(alert, now.unix_ns) {
            Verdict::Notify if alert.state == AlertState::Resolved && !self.config.send_resolved => Verdict::Suppress("resolved"),
            verdict => verdict,
        };
        match verdict {
            Verdict::Notify => self.notified.add(1),
            Verdict::Suppress(reason) => {
                let labels = [("connector", self.id.as_str()), ("reason", reason)];
                let help = "States of alerts that nobody was told, by reason.";
                self.telemetry.counter("chaperone_connector_suppressed_alerts", help, &labels).add(1);
            }
        }
        verdict == Verdict::Notify
    }

    /// Hands over what changed.
    fn checkpoint(&self, state: &mut State, now: Now) {
        state.stored = now.mono;
        if let Some(checkpoints) = self.checkpoints.get() {
            checkpoints.put(to_store(&state.ledger.take_changes()));
        }
    }
}

impl Processor for Alerts {
    fn start(&self, host: &Host) -> Result<(), StartError> {
        if self.config.storage.is_none() {
            tracing::info!(component = %host.id(), "who was told what is kept in memory: it ends with the process");
        }
        let checkpoints = host.checkpoints(self.config.storage.as_deref(), self.store_failures.clone())?;
        let mut state = self.state();
        if state.restored.as_ref() == Some(&self.config.storage) {
            // After a reload: what is in memory is newer than what is stored.
            let _ = self.checkpoints.set(checkpoints);
            return Ok(());
        }
        let stored = checkpoints.load().map_err(|error| StartError::caused_by("cannot read the state of alerts", error))?;
        let mut ledger = Ledger::default();
        for (key, stored) in stored {
            if !ledger.restore(&key, stored.version, &String::from_utf8_lossy(&stored.value)) {
                tracing::warn!(%key, "state of an alert of another version was left behind");
            }
        }
        *state = State { ledger, restored: Some(self.config.storage.clone()), stored: host.clock().now().mono };
        let _ = self.checkpoints.set(checkpoints);
        Ok(())
    }

    fn process(&self, mut batch: Batch, out: &mut Outbox) -> Result<(), ProcessError> {
        let now = out.now();
        let mut state = self.state();
        let told = |ledger: &mut Ledger, record: chaperone_proto::RecordRef<'_>| {
            record.as_log().and_then(Alert::read).is_some_and(|alert| self.is_told(ledger, &alert, now))
        };
        batch.data.retain(|record| told(&mut state.ledger, record));
        let is_told = matches!(&batch.data, Data::Logs(logs) if !logs.is_empty());
        // A process that is killed right after the notification must not tell it again.
        if is_told && self.checkpoints.get().is_some_and(Checkpoints::is_in_background) {
            self.checkpoint(&mut state, now);
        }
        drop(state);
        if is_told {
            out.derive(Batch::new(batch.data));
        }
        Ok(())
    }

    fn tick(&self, now: Now, _out: &mut Outbox) -> Next {
        let mut state = self.state();
        let evicted = state.ledger.forget(now.unix_ns, self.config.remember.get(), self.config.max_alerts);
        self.evicted.add(evicted as u64);
        self.firing.set(state.ledger.sizes().1 as u64);
        if now.mono.saturating_sub(state.stored) >= self.config.checkpoint_interval.get() {
            self.checkpoint(&mut state, now);
        }
        if state.ledger.has_changes() { Next::After(TICK) } else { Next::Done }
    }

    fn checkpoint(&self, now: Now) {
        Alerts::checkpoint(self, &mut self.state(), now);
        if let Some(checkpoints) = self.checkpoints.get() {
            checkpoints.flush(FLUSH);
        }
    }

    fn drain(&self, now: Now, _out: &mut Outbox) -> Next {
        Processor::checkpoint(self, now);
        Next::Done
    }
}

/// Changed state as the storage takes it.
fn to_store(changed: &[(String, Option<String>)]) -> Vec<Change> {
    let change = |(key, json): &(String, Option<String>)| match json {
        Some(json) => {
            Change::Set { key: key.clone(), stored: Stored { version: STATE_VERSION, value: json.clone().into_bytes() } }
        }
        None => Change::Delete { key: key.clone() },
    };
    changed.iter().map(change).collect()
}
