//! The `alerts` connector: decides which states of alerts somebody is told, and tells each once.
//!
//! An alert is notified when it begins to fire, when it gets worse, and when it is over; repetitions are counted.
//! What goes out together is one request, so that a channel can group it.
//! Who was told what survives a restart through the storage interface; it is written at ticks and at the end.

mod config;
#[cfg(test)]
mod tests;

pub use config::Config;

use chaperone_genai::rules::notify::STATE_VERSION;
use chaperone_genai::rules::{Alert, Ledger, State as AlertState, Verdict};
use chaperone_pipeline::storage::{Change, Stored};
use chaperone_pipeline::{
    Batch, BuildContext, ConfigError, Counter, Gauge, Host, Meta, Next, Now, Outbox, ProcessError, Processor, ProcessorFactory,
    Signals, StartError, Storage, Telemetry,
};
use chaperone_proto::Data;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const TICK: Duration = Duration::from_secs(1);

/// The connector.
pub struct Alerts {
    config: Config,
    /// One lock: alerts are rare, and later they group and inhibit each other.
    state: Mutex<State>,
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
    store: Option<(Arc<dyn Storage>, String)>,
    stored: Duration,
}

impl ProcessorFactory for Alerts {
    type Config = Config;
    const META: Meta =
        Meta::connector("alerts", "Decides which alerts are notified, each once.", Signals::LOGS, Signals::NONE, Signals::LOGS)
            .readme(include_str!("README.md"));

    fn build(config: Config, ctx: &BuildContext) -> Result<Arc<dyn Processor>, ConfigError> {
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
            state: Mutex::default(),
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

    /// Stores what changed. A failure is counted, and the same goes with the next checkpoint.
    fn checkpoint(&self, state: &mut State, now: Now) {
        state.stored = now.mono;
        let Some((store, namespace)) = state.store.clone() else { return };
        let changed = state.ledger.take_changes();
        if changed.is_empty() {
            return;
        }
        if let Err(error) = store.batch(&namespace, &to_store(&changed)) {
            self.store_failures.add(1);
            tracing::warn!(%error, "state of alerts was not stored, will try again");
            state.ledger.put_back(&changed);
        }
    }
}

impl Processor for Alerts {
    fn start(&self, host: &Host) -> Result<(), StartError> {
        if self.config.storage.is_none() {
            tracing::info!(component = %host.id(), "who was told what is kept in memory: it ends with the process");
        }
        let store = host.storage(self.config.storage.as_deref())?;
        let namespace = host.id().to_string();
        let stored = store.list(&namespace).map_err(|error| StartError::caused_by("cannot read the state of alerts", error))?;
        let mut ledger = Ledger::default();
        for (key, stored) in stored {
            if !ledger.restore(&key, stored.version, &String::from_utf8_lossy(&stored.value)) {
                tracing::warn!(%key, "state of an alert of another version was left behind");
            }
        }
        *self.state() = State { ledger, store: Some((store, namespace)), stored: host.clock().now().mono };
        Ok(())
    }

    fn process(&self, mut batch: Batch, out: &mut Outbox) -> Result<(), ProcessError> {
        let now = out.now();
        let mut state = self.state();
        let told = |ledger: &mut Ledger, record: chaperone_proto::RecordRef<'_>| {
            record.as_log().and_then(Alert::read).is_some_and(|alert| self.is_told(ledger, &alert, now))
        };
        batch.data.retain(|record| told(&mut state.ledger, record));
        drop(state);
        if let Data::Logs(logs) = &batch.data
            && !logs.is_empty()
        {
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

    fn drain(&self, now: Now, _out: &mut Outbox) -> Next {
        self.checkpoint(&mut self.state(), now);
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
