//! The `agent_detectors` connector: watches enriched spans and log records, tells what it finds as log records.
//!
//! What is true of a loop is `genai::detect`; here are sessions, their order in time, and their bounds.
//! Steps wait until the tenant's senders have passed them by `lateness` of event time; when nothing newer comes for as
//! long on the wall clock, they go on as well. Nothing of the input is passed on.

mod config;
mod conversations;
mod sessions;
#[cfg(test)]
mod tests;
mod watermarks;

pub use config::Config;

use chaperone_genai::detect::{Observed, SessionKey, Step, observe};
use chaperone_genai::keys;
use chaperone_pipeline::{
    Batch, BuildContext, Clock, ConfigError, Counter, Gauge, Host, Meta, Next, Now, Outbox, ProcessError, Processor,
    ProcessorFactory, Shards, Signals, StartError,
};
use chaperone_proto::{Data, LogsBuilder, Signal, ValueIn};
use conversations::Conversations;
use sessions::{Bounds, Found, Happened, Sessions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use watermarks::{Watermark, Watermarks};

const SHARDS: usize = 16;
/// A step may say that it ended this much after the present.
const FUTURE_NS: u64 = 5 * 60 * 1_000_000_000;

/// The connector.
pub struct AgentDetectors {
    bounds: Bounds,
    sessions: Shards<Sessions>,
    watermarks: Watermarks,
    conversations: Conversations,
    counters: Counters,
    clock: Clock,
    drained: AtomicUsize,
    account: Mutex<Option<chaperone_pipeline::host::StateAccount>>,
}

struct Counters {
    steps: Counter,
    late: Counter,
    evicted: Counter,
    expired: Counter,
    clamped: Counter,
    findings: Counter,
    judging: Counter,
    sessions: Gauge,
}

impl ProcessorFactory for AgentDetectors {
    type Config = Config;
    const META: Meta = Meta::connector(
        "agent_detectors",
        "Finds loops in what agents do and tells them as findings.",
        Signals::RECORDS,
        Signals::NONE,
        Signals::LOGS,
    )
    .readme(include_str!("README.md"));

    fn build(config: Config, ctx: &BuildContext) -> Result<Arc<dyn Processor>, ConfigError> {
        Ok(Arc::new(AgentDetectors::new(&config, ctx)))
    }
}

impl AgentDetectors {
    fn new(config: &Config, ctx: &BuildContext) -> AgentDetectors {
        let bounds = Bounds {
            lateness: config.lateness.get(),
            session_ttl: config.session_ttl.get(),
            update_interval: config.update_interval.get(),
            max_sessions: config.max_sessions.div_ceil(SHARDS),
            max_bytes: config.max_memory.get() / SHARDS,
            loops: config.r#loop.settings(),
        };
        AgentDetectors {
            bounds,
            sessions: Shards::new(SHARDS),
            watermarks: Watermarks::default(),
            conversations: Conversations::default(),
            counters: Counters::new(ctx),
            clock: ctx.clock().clone(),
            drained: AtomicUsize::new(0),
            account: Mutex::default(),
        }
    }

    /// Steps of a batch with the watermark of their tenant, sorted by shard.
    fn steps(&self, batch: &Batch, now: Now) -> Vec<(usize, Observed, Watermark)> {
        let tenant = batch.client.as_ref().and_then(|client| client.tenant.as_deref());
        let mut observed = Vec::new();
        for i in 0..batch.data.records() {
            observe(batch.data.record(i), tenant, now.unix_ns, &mut observed);
        }
        self.conversations.join(&mut observed);
        for one in &mut observed {
            self.clamp(&mut one.step, now);
        }
        let watermarks = self.watermarks.pass(&observed, self.bounds.lateness);
        let place = |(one, watermark): (Observed, Watermark)| {
            let mut hasher = DefaultHasher::new();
            one.key.hash(&mut hasher);
            (self.sessions.of(hasher.finish()), one, watermark)
        };
        let mut steps: Vec<_> = observed.into_iter().zip(watermarks).map(place).collect();
        steps.sort_by_key(|(shard, _, _)| *shard);
        steps
    }

    fn clamp(&self, step: &mut Step, now: Now) {
        let latest_ns = now.unix_ns.saturating_add(FUTURE_NS);
        if step.end_ns > latest_ns {
            step.end_ns = latest_ns;
            step.start_ns = step.start_ns.min(latest_ns);
            self.counters.clamped.add(1);
        }
    }

    fn give(&self, found: Vec<Found>, now: Now, out: &mut Outbox) {
        if found.is_empty() {
            return;
        }
        self.counters.findings.add(found.len() as u64);
        out.derive(Batch::new(Data::Logs(logs(&found, now))));
    }

    fn update_gauges(&self) {
        let sizes: Vec<(usize, usize)> = (0..self.sessions.count()).map(|i| self.sessions.lock(i).sizes()).collect();
        self.counters.sessions.set(sizes.iter().map(|(sessions, _)| *sessions as u64).sum());
        let mut account = self.account.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = account.as_mut() {
            account.set(sizes.iter().map(|(_, bytes)| *bytes).sum());
        }
    }
}

impl Processor for AgentDetectors {
    fn start(&self, host: &Host) -> Result<(), StartError> {
        tracing::info!(component = %host.id(), "state of detectors is kept in memory: after a restart sessions begin anew");
        *self.account.lock().unwrap_or_else(PoisonError::into_inner) = Some(host.account());
        Ok(())
    }

    fn process(&self, batch: Batch, out: &mut Outbox) -> Result<(), ProcessError> {
        if batch.signal() == Signal::Metrics {
            return Ok(());
        }
        let (now, began) = (out.now(), self.clock.now().mono);
        let mut found = Vec::new();
        let mut happened = Happened::default();
        let mut steps = self.steps(&batch, now).into_iter().peekable();
        while let Some(shard) = steps.peek().map(|(shard, _, _)| *shard) {
            let mut sessions = self.sessions.lock(shard);
            let mut touched: Vec<SessionKey> = Vec::new();
            while let Some((_, step, watermark)) = steps.next_if(|(next, _, _)| *next == shard) {
                touched.push(step.key.clone());
                sessions.push(step, watermark, now.mono, &mut happened);
            }
            touched.sort_unstable();
            touched.dedup();
            for key in &touched {
                sessions.judge(key, &self.bounds, now.mono, &mut found);
            }
            sessions.bound(&self.bounds, now.mono, &mut happened, &mut found);
        }
        self.counters.add(happened);
        self.counters.judging.add(self.clock.now().mono.saturating_sub(began).as_nanos() as u64);
        self.give(found, now, out);
        Ok(())
    }

    fn tick(&self, now: Now, out: &mut Outbox) -> Next {
        let mut found = Vec::new();
        let mut happened = Happened::default();
        let mut is_open = false;
        for shard in 0..self.sessions.count() {
            let mut sessions = self.sessions.lock(shard);
            sessions.tick(&self.bounds, now.mono, &mut happened, &mut found);
            is_open |= sessions.is_open();
        }
        self.counters.add(happened);
        self.update_gauges();
        self.give(found, now, out);
        if !is_open {
            return Next::Done;
        }
        Next::After((self.bounds.lateness / 4).clamp(Duration::from_millis(50), Duration::from_secs(1)))
    }

    fn drain(&self, now: Now, out: &mut Outbox) -> Next {
        let shard = self.drained.fetch_add(1, Ordering::Relaxed);
        if shard >= self.sessions.count() {
            return Next::Done;
        }
        let mut found = Vec::new();
        self.sessions.lock(shard).drain(&self.bounds, now.mono, &mut found);
        self.give(found, now, out);
        Next::Again
    }
}

impl Counters {
    fn new(ctx: &BuildContext) -> Counters {
        let id = ctx.id().to_string();
        let labels = [("connector", id.as_str())];
        let counter = |name, help| ctx.telemetry().counter(name, help, &labels);
        Counters {
            steps: counter("chaperone_connector_detector_steps", "Steps of agents that detectors took in."),
            late: counter("chaperone_connector_detector_late_steps", "Steps that came after what follows them was judged."),
            evicted: counter("chaperone_connector_detector_evicted_sessions", "Sessions forgotten because there were too many."),
            expired: counter("chaperone_connector_detector_expired_sessions", "Sessions forgotten because they were quiet."),
            clamped: counter("chaperone_connector_detector_clamped_steps", "Steps that claimed to end in the future."),
            findings: counter("chaperone_connector_findings", "Findings told, repetitions of a growing one included."),
            judging: counter("chaperone_connector_detector_nanoseconds", "Time spent on judging steps."),
            sessions: ctx.telemetry().gauge("chaperone_connector_detector_sessions", "Sessions being watched.", &labels),
        }
    }

    fn add(&self, happened: Happened) {
        self.steps.add(happened.steps);
        self.late.add(happened.late);
        self.evicted.add(happened.evicted);
        self.expired.add(happened.expired);
    }
}

/// Findings as log records, each under the resource it is about.
fn logs(found: &[Found], now: Now) -> chaperone_proto::Logs {
    let mut builder: Option<LogsBuilder> = None;
    for Found { service, finding } in found {
        let tenant = finding.key_part("tenant").unwrap_or_default();
        let resource = [(keys::SERVICE_NAME, service.as_str()), (keys::CHAPERONE_TENANT, tenant)];
        let resource: Vec<(&str, ValueIn<'_>)> = resource
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(key, text)| (chaperone_proto::keys::name(key), ValueIn::Str(text)))
            .collect();
        match &mut builder {
            Some(builder) => builder.resource(&resource),
            None => builder = Some(LogsBuilder::new(&resource, "chaperone/agent_detectors")),
        }
        let builder = builder.as_mut().expect("invariant: just set");
        let mut record = builder.record(finding.last_seen_ns);
        record.observed_time_ns(now.unix_ns);
        finding.write(&mut record);
    }
    builder.expect("invariant: there is a finding").finish()
}
