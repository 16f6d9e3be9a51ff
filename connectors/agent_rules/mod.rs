//! The `agent_rules` connector: turns findings into alerts by the rules of rule files.
//!
//! What a rule means is `genai::rules`; here are files, the clock, and checkpoints through the storage interface.
//! It takes spans, metrics and logs, and reads the findings among the logs so far; nothing is passed on.
//! Files are read at start, and every fault in them is told at once.

mod config;
mod fields;
mod rule_file;
#[cfg(test)]
mod tests;

pub use config::Config;

use chaperone_config::Problems;
use chaperone_genai::detect::Finding;
use chaperone_genai::rules::engine::STATE_VERSION;
use chaperone_genai::rules::{Alert, Engine, EngineSettings, Group, PRESETS};
use chaperone_pipeline::storage::{Change, Stored};
use chaperone_pipeline::{
    Batch, BuildContext, Checkpoints, ConfigError, Counter, Gauge, Host, Meta, Next, Now, Outbox, ProcessError, Processor,
    ProcessorFactory, Signals, StartError,
};
use chaperone_proto::{Data, LogsBuilder};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

const TICK: Duration = Duration::from_secs(1);
/// Longest wait for the store, at a start and at the end.
const FLUSH: Duration = Duration::from_secs(2);

/// The connector.
pub struct AgentRules {
    config: Config,
    /// One lock for all rules: findings are rare, and rules may read each other's states later.
    // Shared with the instance of this id after a reload, which takes over what the rules remember.
    state: Arc<Mutex<State>>,
    checkpoints: OnceLock<Checkpoints>,
    counters: Counters,
}

#[derive(Default)]
struct State {
    engine: Engine,
    stored: Duration,
}

struct Counters {
    alerts: Counter,
    shadowed: Counter,
    evicted: Counter,
    store_failures: Counter,
    instances: Gauge,
    firing: Gauge,
}

impl ProcessorFactory for AgentRules {
    type Config = Config;
    const META: Meta =
        Meta::connector("agent_rules", "Turns findings into alerts by rules.", Signals::ALL, Signals::NONE, Signals::LOGS)
            .readme(include_str!("README.md"));

    fn build(config: Config, ctx: &BuildContext) -> Result<Arc<dyn Processor>, ConfigError> {
        ctx.check_storage(config.storage.as_deref())?;
        Ok(Arc::new(AgentRules::new(config, ctx)))
    }
}

impl AgentRules {
    fn new(config: Config, ctx: &BuildContext) -> AgentRules {
        let state = ctx.shared(Mutex::<State>::default);
        AgentRules { config, state, checkpoints: OnceLock::new(), counters: Counters::new(ctx) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn load(&self) -> Result<Vec<Group>, StartError> {
        let mut groups = Vec::new();
        let mut problems = Problems::new();
        let mut taken = Vec::new();
        for file in &self.config.files {
            let text = match file.as_str() {
                config::PRESETS => PRESETS.to_owned(),
                path => std::fs::read_to_string(path)
                    .map_err(|error| StartError::caused_by(format!("cannot read the rule file `{path}`"), error))?,
            };
            match rule_file::parse(&text, file, &mut taken) {
                Ok(more) => groups.extend(more),
                Err(more) => problems.extend(more),
            }
        }
        if problems.has_errors() {
            return Err(StartError::new(format!("rules cannot be used\n{problems}")));
        }
        Ok(groups)
    }

    fn give(&self, alerts: &[Alert], state: &mut State, now: Now, out: &mut Outbox) {
        let counts = state.engine.take_counts();
        self.counters.evicted.add(counts.evicted);
        self.counters.shadowed.add(counts.shadowed);
        if alerts.is_empty() {
            return;
        }
        self.counters.alerts.add(alerts.len() as u64);
        out.derive(Batch::new(Data::Logs(logs(alerts, now))));
        // Whoever is told of an alert must not be told of the same one as new after the process was killed.
        if self.checkpoints.get().is_some_and(Checkpoints::is_in_background) {
            self.checkpoint(state, now);
        }
    }

    /// Hands over what changed.
    fn checkpoint(&self, state: &mut State, now: Now) {
        state.stored = now.mono;
        if let Some(checkpoints) = self.checkpoints.get() {
            checkpoints.put(to_store(&state.engine.take_changes()));
        }
    }
}

impl Processor for AgentRules {
    fn start(&self, host: &Host) -> Result<(), StartError> {
        let groups = self.load()?;
        let settings =
            EngineSettings { finding_lasts: self.config.finding_lasts.get(), max_instances: self.config.max_instances };
        let mut engine = Engine::new(groups, settings);
        if self.config.storage.is_none() {
            tracing::info!(component = %host.id(), "state of rules is kept in memory: it ends with the process");
        }
        let checkpoints = host.checkpoints(self.config.storage.as_deref(), self.counters.store_failures.clone())?;
        let mut state = self.state();
        // After a reload: what the rules before remember is stored first.
        checkpoints.put(to_store(&state.engine.take_changes()));
        checkpoints.flush(FLUSH);
        let stored = checkpoints.load().map_err(|error| StartError::caused_by("cannot read the state of rules", error))?;
        for (key, stored) in stored {
            let json = String::from_utf8_lossy(&stored.value);
            if !engine.restore(&key, stored.version, &json) {
                tracing::warn!(%key, "state of a rule that is gone or of another version was left behind");
            }
        }
        *state = State { engine, stored: host.clock().now().mono };
        let _ = self.checkpoints.set(checkpoints);
        Ok(())
    }

    fn process(&self, batch: Batch, out: &mut Outbox) -> Result<(), ProcessError> {
        let Data::Logs(logs) = &batch.data else { return Ok(()) };
        let findings: Vec<Finding> = logs.logs().filter_map(Finding::read).collect();
        if findings.is_empty() {
            return Ok(());
        }
        let now = out.now();
        let mut alerts = Vec::new();
        let mut state = self.state();
        for finding in &findings {
            state.engine.finding(finding, now.unix_ns, &mut alerts);
        }
        self.give(&alerts, &mut state, now, out);
        Ok(())
    }

    fn tick(&self, now: Now, out: &mut Outbox) -> Next {
        let mut alerts = Vec::new();
        let mut state = self.state();
        state.engine.tick(now.unix_ns, &mut alerts);
        self.give(&alerts, &mut state, now, out);
        if now.mono.saturating_sub(state.stored) >= self.config.checkpoint_interval.get() {
            self.checkpoint(&mut state, now);
        }
        let (instances, firing) = state.engine.sizes();
        self.counters.instances.set(instances as u64);
        self.counters.firing.set(firing as u64);
        if instances == 0 && !state.engine.has_changes() { Next::Done } else { Next::After(TICK) }
    }

    fn checkpoint(&self, now: Now) {
        AgentRules::checkpoint(self, &mut self.state(), now);
        if let Some(checkpoints) = self.checkpoints.get() {
            checkpoints.flush(FLUSH);
        }
    }

    fn drain(&self, now: Now, _out: &mut Outbox) -> Next {
        Processor::checkpoint(self, now);
        Next::Done
    }
}

impl Counters {
    fn new(ctx: &BuildContext) -> Counters {
        let id = ctx.id().to_string();
        let labels = [("connector", id.as_str())];
        let counter = |name, help| ctx.telemetry().counter(name, help, &labels);
        let gauge = |name, help| ctx.telemetry().gauge(name, help, &labels);
        Counters {
            alerts: counter("chaperone_connector_alert_states", "States of alerts that rules told."),
            shadowed: counter("chaperone_connector_shadow_alert_states", "States that shadow rules would have told."),
            evicted: counter("chaperone_connector_rule_evicted_instances", "Instances forgotten because there were too many."),
            store_failures: counter("chaperone_connector_rule_store_failures", "Checkpoints that failed."),
            instances: gauge("chaperone_connector_rule_instances", "Combinations of rule and key being watched."),
            firing: gauge("chaperone_connector_rule_firing", "Alerts that fire."),
        }
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

fn logs(alerts: &[Alert], now: Now) -> chaperone_proto::Logs {
    let mut builder = LogsBuilder::new(&[], "chaperone/agent_rules");
    for alert in alerts {
        let mut record = builder.record(alert.last_seen_ns);
        record.observed_time_ns(now.unix_ns);
        alert.write(&mut record);
    }
    builder.finish()
}
