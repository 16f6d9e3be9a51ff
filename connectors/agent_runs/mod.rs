//! `agent_runs`: adds up what belongs to one run and gives out a `chaperone.run` record when the run is closed.
//!
//! A run is closed when nothing of it arrived for a while; late records open a new version of the same run.
//! Findings and alerts that name a run are added to it, so that the stored run says what was found.
//! Open runs are not given out yet, and runs are kept in memory only: a restart forgets open ones.

mod config;
mod emit;
#[cfg(test)]
mod tests;
mod ties;

pub use config::Config;

use chaperone_genai::runs::Run;
use chaperone_genai::{dialects, event_names, keys, record};
use chaperone_pipeline::{
    Batch, BuildContext, ConfigError, Counter, Meta, Next, Now, Outbox, ProcessError, Processor, ProcessorFactory, Shards,
    Signals, Stability,
};
use chaperone_proto::{Attrs, LogRef, RecordRef, ValueRef};
use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, MutexGuard};
use std::time::Duration;
use ties::Ties;

/// How often runs are looked at for closing.
const CLOSE_INTERVAL: Duration = Duration::from_millis(500);

/// The connector.
pub struct AgentRuns {
    config: Config,
    hash_key: [u8; 32],
    evicted: Counter,
    // Shared by all instances with this id, and with those of a reloaded graph.
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    shards: Shards<HashMap<String, Tracked>>,
    seed: RandomState,
    /// Steps kept by all runs.
    steps: AtomicUsize,
    ties: Ties,
}

/// A run and when something of it was last seen.
#[derive(Debug, Default)]
struct Tracked {
    run: Run,
    seen: Duration,
    /// Version last given out; the next one is greater.
    version: u64,
    /// Something arrived since it was given out.
    changed: bool,
}

impl Tracked {
    /// Takes over a run that is the same one.
    fn absorb(&mut self, other: Tracked) {
        self.run.absorb(other.run);
        self.seen = self.seen.max(other.seen);
        self.version = self.version.max(other.version);
        self.changed |= other.changed;
    }
}

impl ProcessorFactory for AgentRuns {
    type Config = Config;
    const META: Meta = Meta::connector(
        "agent_runs",
        "Adds up everything one agent run did and gives out a record when it is closed",
        Signals::RECORDS,
        Signals::NONE,
        Signals::LOGS,
    )
    .stability(Stability::Development)
    .readme(include_str!("README.md"));

    fn build(config: Config, ctx: &BuildContext) -> Result<Arc<dyn Processor>, ConfigError> {
        let labels = [("connector", &*ctx.id().to_string())];
        let evicted = ctx.telemetry().counter("chaperone_connector_runs_evicted", "Runs closed early to make room", &labels);
        Ok(Arc::new(AgentRuns { config, hash_key: *ctx.hash_key(), evicted, state: ctx.shared(State::default) }))
    }
}

impl Processor for AgentRuns {
    fn process(&self, batch: Batch, out: &mut Outbox) -> Result<(), ProcessError> {
        let now = out.now();
        for i in 0..batch.data.records() {
            let record = batch.data.record(i);
            match record.as_log().map(LogRef::event_name) {
                Some(event_names::FINDING) => self.finding(record.attrs()),
                Some(event_names::ALERT) => self.alert(record.attrs()),
                _ if record::is_gen_ai(record) => self.record(record, now, out),
                _ if record.as_span().is_some() => {
                    self.with_run(&self.led_to(record::run_id(record)), |tracked| tracked.run.lend_place(record))
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn tick(&self, now: Now, out: &mut Outbox) -> Next {
        let closes = |tracked: &Tracked| {
            let wait = if tracked.run.has_ended() { self.config.close_after } else { self.config.idle_timeout };
            now.mono.saturating_sub(tracked.seen) >= wait.get()
        };
        self.close(now, out, closes);
        if self.forget(now) { Next::After(CLOSE_INTERVAL) } else { Next::Done }
    }

    fn drain(&self, now: Now, out: &mut Outbox) -> Next {
        self.close(now, out, |_| true);
        Next::Done
    }

    /// Open runs are the successor's: they lie in what instances of one id share.
    fn hand_over(&self, _now: Now, _out: &mut Outbox) -> Next {
        Next::Done
    }
}

impl AgentRuns {
    fn record(&self, record: RecordRef<'_>, now: Now, out: &mut Outbox) {
        let id = record::run_id(record);
        if id.is_empty() {
            return;
        }
        self.tie(record, &id);
        let id = self.led_to(id);
        let state = &self.state;
        let mut shard = state.shards.lock(state.shards.of(state.seed.hash_one(&*id)));
        if !shard.contains_key(&*id) {
            if shard.len() >= self.config.max_runs.div_ceil(state.shards.count()) {
                self.evict(&mut shard, now, out);
            }
            shard.insert(id.clone().into_owned(), Tracked { run: Run::new(&id), ..Tracked::default() });
        }
        let Some(tracked) = shard.get_mut(&*id) else { return };
        let room = self.config.max_steps.saturating_sub(state.steps.load(Ordering::Relaxed));
        let before = tracked.run.steps_kept();
        let most = self.config.max_steps_per_run.min(before + room);
        if tracked.run.add(record, most, |user| self.pseudonym(user)) {
            state.steps.fetch_add(tracked.run.steps_kept() - before, Ordering::Relaxed);
            tracked.changed = true;
            tracked.seen = now.mono;
            if tracked.version > 0 && record.as_span().is_some() {
                tracked.run.late_spans += 1;
            }
        }
        drop(shard);
        // Another thread may have tied the id meanwhile.
        let now_leads_to = self.led_to(Cow::Borrowed(&id));
        if *now_leads_to != *id {
            self.join(&id, &now_leads_to);
        }
    }

    /// The run an id leads to.
    fn led_to<'a>(&self, id: Cow<'a, str>) -> Cow<'a, str> {
        match self.state.ties.of(&id) {
            Some(run) if *run != *id => Cow::Owned(run.to_string()),
            _ => id,
        }
    }

    /// A log that carries a trace and its dialect's log key ties the runs of both.
    fn tie(&self, record: RecordRef<'_>, id: &str) {
        let Some(log) = record.as_log().filter(|log| log.trace_id().is_some()) else { return };
        let settings = record::dialect(record).map(|dialect| dialects::settings(dialect, record.scope().name()));
        let Some(key) = settings.and_then(|settings| settings.log_run_key) else { return };
        let Some(key) = log.attrs().get_named(key).and_then(ValueRef::as_str).filter(|key| !key.is_empty() && *key != id) else {
            return;
        };
        let most = self.config.max_runs.saturating_mul(4);
        let Some(tied) = self.state.ties.tie(id, key, most) else { return };
        for joined in &tied.joins {
            self.join(joined, &tied.run);
        }
    }

    /// Makes one run of two. An id without a run of its own becomes an alias.
    fn join(&self, joined: &str, run: &str) {
        let other = self.shard_of(joined).remove(joined);
        let mut shard = self.shard_of(run);
        let tracked = shard.entry(run.to_owned()).or_insert_with(|| Tracked { run: Run::new(run), ..Tracked::default() });
        match other {
            Some(other) => tracked.absorb(other),
            None => tracked.run.add_alias(joined),
        }
    }

    fn shard_of(&self, id: &str) -> MutexGuard<'_, HashMap<String, Tracked>> {
        let state = &self.state;
        state.shards.lock(state.shards.of(state.seed.hash_one(id)))
    }

    fn pseudonym(&self, text: &str) -> String {
        blake3::keyed_hash(&self.hash_key, text.as_bytes()).to_hex()[..32].to_owned()
    }

    /// A finding belongs to the run its key names; a run nobody knows any more stays as it was stored.
    fn finding(&self, attrs: Attrs<'_>) {
        let detector = attrs.str(keys::CHAPERONE_FINDING_DETECTOR).unwrap_or_default();
        if let Some(ValueRef::Map(key)) = attrs.get(keys::CHAPERONE_FINDING_KEY)
            && let Some(id) = key.get("run").and_then(|run| run.as_str())
        {
            self.with_run(&self.led_to(Cow::Borrowed(id)), |tracked| {
                tracked.run.add_finding(detector);
                tracked.changed = true;
            });
        }
    }

    fn alert(&self, attrs: Attrs<'_>) {
        let Some(id) = attrs.str(keys::CHAPERONE_ALERT_RUN_ID) else { return };
        if let Some(ValueRef::Array(tags)) = attrs.get(keys::CHAPERONE_ALERT_TAGS) {
            self.with_run(&self.led_to(Cow::Borrowed(id)), |tracked| {
                tags.iter().filter_map(|tag| tag.as_str()).for_each(|tag| tracked.run.add_tag(tag));
                tracked.changed = true;
            });
        }
    }

    fn with_run(&self, id: &str, change: impl FnOnce(&mut Tracked)) {
        let state = &self.state;
        if let Some(tracked) = state.shards.lock(state.shards.of(state.seed.hash_one(id))).get_mut(id) {
            change(tracked);
        }
    }

    /// Gives out every changed run for which `closes` holds, in the order of their starts, as one batch.
    fn close(&self, now: Now, out: &mut Outbox, closes: impl Fn(&Tracked) -> bool) {
        let shards = &self.state.shards;
        let mut due = Vec::new();
        for i in 0..shards.count() {
            let shard = shards.lock(i);
            let closing = shard.values().filter(|tracked| tracked.changed && closes(tracked));
            due.extend(closing.map(|tracked| (tracked.run.start_ns, tracked.run.id.clone(), i)));
        }
        // Runs are found in no order; what is given out has one, so that two replays of the same data are the same.
        due.sort();
        let mut records = emit::Records::default();
        for (_, id, i) in due {
            if let Some(tracked) = shards.lock(i).get_mut(&id) {
                records.add(tracked, now);
            }
        }
        records.derive(out);
    }

    /// Gives out and removes the run that was idle longest.
    fn evict(&self, shard: &mut HashMap<String, Tracked>, now: Now, out: &mut Outbox) {
        let Some(id) = shard.iter().min_by_key(|(_, tracked)| tracked.seen).map(|(id, _)| id.clone()) else { return };
        if let Some(mut tracked) = shard.remove(&id) {
            self.evicted.add(1);
            self.state.steps.fetch_sub(tracked.run.steps_kept(), Ordering::Relaxed);
            if tracked.changed {
                let mut records = emit::Records::default();
                records.add(&mut tracked, now);
                records.derive(out);
            }
        }
    }

    /// Removes runs that were given out long ago; tells whether any is left.
    fn forget(&self, now: Now) -> bool {
        let (mut any, mut removed) = (false, false);
        for i in 0..self.state.shards.count() {
            let mut shard = self.state.shards.lock(i);
            shard.retain(|_, tracked| {
                let keep = tracked.changed || now.mono.saturating_sub(tracked.seen) < self.config.keep_closed.get();
                if !keep {
                    removed = true;
                    self.state.steps.fetch_sub(tracked.run.steps_kept(), Ordering::Relaxed);
                }
                keep
            });
            any |= !shard.is_empty();
        }
        if removed {
            self.state.ties.retain(|run| self.shard_of(run).contains_key(run));
        }
        any
    }
}
