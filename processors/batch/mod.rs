//! The `batch` processor: merges requests and gives them on when there are enough, or when they waited long enough.
//!
//! A request is acknowledged when the batch it went into was accepted downstream, unlike in the Collector, which
//! acknowledges on entry and loses what fails later. So that nobody waits in vain, everything goes on at once when no
//! other request is under way that could be merged with it, and when those that wait keep others out.

mod config;
mod merge;
#[cfg(test)]
mod tests;
mod waiting;

pub use config::Config;

use chaperone_pipeline::telemetry::{BYTE_BOUNDS, ITEM_BOUNDS};
use chaperone_pipeline::{
    Ack, Batch, BuildContext, ClientInfo, ConfigError, Counter, Gauge, Histogram, Host, Meta, Next, Now, Outbox, Outcome,
    ProcessError, Processor, ProcessorFactory, Shards, Signals, Stability, StartError, Telemetry,
};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use waiting::{Group, Held, Queue, Waiting};

/// Whoever holds longer acknowledges on entry: clients do not wait that long.
const LONGEST_HOLD: Duration = Duration::from_secs(1);

/// Factory of the processor.
pub struct BatchRequests;

impl ProcessorFactory for BatchRequests {
    type Config = Config;
    const META: Meta = Meta::processor("batch", "Merges requests into larger ones.", Signals::ALL)
        .stability(Stability::Alpha)
        .readme(include_str!("README.md"));

    fn build(config: Config, ctx: &BuildContext) -> Result<Arc<dyn Processor>, ConfigError> {
        Ok(Arc::new(Batching::new(config, ctx)))
    }
}

struct Batching {
    /// Lower case, sorted.
    keys: Vec<String>,
    config: Config,
    waiting: Shards<Waiting>,
    host: OnceLock<Host>,
    account: Mutex<Option<chaperone_pipeline::host::StateAccount>>,
    by_size: Counter,
    by_timeout: Counter,
    at_once: Counter,
    sizes: Histogram,
    bytes: Histogram,
    telemetry: Telemetry,
    combinations: Gauge,
}

/// Why waiting requests go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trigger {
    Size,
    Timeout,
    /// Nothing else is under way, or there is no room.
    AtOnce,
}

impl Batching {
    fn new(config: Config, ctx: &BuildContext) -> Batching {
        let id = ctx.id().to_string();
        let labels = [("processor", id.as_str())];
        let counter = |name, help| ctx.telemetry().counter(name, help, &labels);
        let sizes = "otelcol_processor_batch_batch_send_size";
        let mut keys: Vec<String> = config.metadata_keys.iter().map(|key| key.to_lowercase()).collect();
        keys.sort();
        Batching {
            keys,
            waiting: Shards::new(1),
            host: OnceLock::new(),
            account: Mutex::default(),
            by_size: counter("otelcol_processor_batch_batch_size_trigger_send", "Batches given on for their size."),
            by_timeout: counter("otelcol_processor_batch_timeout_trigger_send", "Batches given on for their age."),
            at_once: counter("chaperone_processor_batch_at_once", "Batches given on because waiting would not help."),
            sizes: ctx.telemetry().histogram(sizes, "Items of batches that were given on.", &labels, ITEM_BOUNDS),
            bytes: ctx.telemetry().detailed_histogram(
                "otelcol_processor_batch_batch_send_size_bytes",
                "Bytes of batches that were given on.",
                &labels,
                BYTE_BOUNDS,
            ),
            telemetry: ctx.telemetry().clone(),
            combinations: ctx.telemetry().gauge(
                "otelcol_processor_batch_metadata_cardinality",
                "Combinations of metadata values that are kept apart.",
                &labels,
            ),
            config,
        }
    }

    fn timeout(&self) -> Duration {
        self.config.timeout.get()
    }

    /// Most items of a batch.
    fn most(&self) -> usize {
        match self.config.send_batch_max_size {
            0 => usize::MAX,
            most => most as usize,
        }
    }

    fn group(&self, batch: &Batch, derived: bool) -> Group {
        let metadata = batch.client.as_ref().map(|client| client.metadata.as_slice()).unwrap_or_default();
        let values = |key: &String| {
            let own = metadata.iter().filter(|(name, _)| name.eq_ignore_ascii_case(key));
            own.map(|(_, value)| value.clone()).collect()
        };
        Group { signal: batch.signal(), derived, values: self.keys.iter().map(values).collect() }
    }

    /// What of the client goes on: the metadata by which batches are kept apart.
    fn client(&self, group: &Group) -> Option<Arc<ClientInfo>> {
        if self.keys.is_empty() {
            return None;
        }
        let pairs = self.keys.iter().zip(&group.values);
        let metadata = pairs.flat_map(|(key, values)| values.iter().map(move |value| (key.clone(), value.clone()))).collect();
        Some(Arc::new(ClientInfo { metadata, ..ClientInfo::default() }))
    }

    /// Whether waiting longer would help nobody: everybody waits here already, or others are kept out by those who wait.
    fn waits_in_vain(&self, awaited: usize) -> bool {
        self.host.get().is_some_and(|host| awaited >= host.open_requests() || host.is_crowded())
    }

    /// Takes what is due of one group, or nothing.
    fn due(&self, waiting: &mut Waiting, group: &Group, trigger: Trigger, now: Duration) -> Vec<Vec<Held>> {
        let forget = self.config.metadata_cardinality_limit == 0 && !self.keys.is_empty();
        let mut queue = waiting.take(group, forget);
        let enough = (self.config.send_batch_size as usize).max(1);
        let batches = merge::cut(&mut queue, self.most(), enough, trigger != Trigger::Size);
        let Queue { held, client, .. } = queue;
        for left in held {
            // The rest waits anew, as in the Collector.
            waiting.push(group.clone(), left, client.clone(), now);
        }
        self.combinations.set(waiting.queues.len() as u64);
        batches
    }

    fn give_out(&self, batches: Vec<Vec<Held>>, client: Option<Arc<ClientInfo>>, trigger: Trigger, out: &mut Outbox) {
        for held in batches {
            match trigger {
                Trigger::Size => self.by_size.add(1),
                Trigger::Timeout => self.by_timeout.add(1),
                Trigger::AtOnce => self.at_once.add(1),
            }
            self.sizes.observe(held.iter().map(|held| held.batch.items()).sum::<usize>() as f64);
            let merged = merge::merge(held);
            if self.telemetry.is_detailed() {
                // Bytes of a batch are known only when it is written, which nobody has to do here otherwise.
                let bytes = merged.iter().flat_map(|(batch, _)| batch.data.encode()).map(|slice| slice.len()).sum::<usize>();
                self.bytes.observe(bytes as f64);
            }
            for (mut batch, ack) in merged {
                batch.client.clone_from(&client);
                out.pass_held(batch, ack);
            }
        }
    }

    /// Tells the engine how much memory waits here.
    fn account(&self, bytes: usize) {
        if let Some(account) = self.account.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            account.set(bytes);
        }
    }

    /// Keeps a request with a share of it, or with one of nobody's when it would be held for too long.
    fn hold(&self, batch: Batch, out: &mut Outbox) -> Held {
        let ack = out.hold(batch.signal(), batch.items());
        if ack.is_derived() || self.timeout() <= LONGEST_HOLD {
            let awaited = !ack.is_derived();
            return Held { batch, ack, awaited };
        }
        ack.resolve(Outcome::Ok);
        Held { batch, ack: Ack::detached(), awaited: false }
    }

    /// Gives out groups that are due at `now`; gives when to look again.
    fn give_out_old(&self, now: Now, everything: bool, out: &mut Outbox) -> Next {
        let mut given = Vec::new();
        let (next, bytes) = {
            let mut waiting = self.waiting.lock(0);
            for (since, group) in waiting.groups() {
                if everything || now.mono >= since + self.timeout() {
                    given.push((self.due(&mut waiting, &group, Trigger::Timeout, now.mono), self.client(&group)));
                }
            }
            let pause = waiting.next_deadline(self.timeout()).map(|deadline| deadline.saturating_sub(now.mono));
            let timeout = if self.timeout().is_zero() { Duration::from_secs(1) } else { self.timeout() };
            (Next::After(pause.unwrap_or(timeout)), waiting.bytes)
        };
        self.account(bytes);
        for (batches, client) in given {
            self.give_out(batches, client, Trigger::Timeout, out);
        }
        next
    }
}

impl Processor for Batching {
    fn start(&self, host: &Host) -> Result<(), StartError> {
        if self.timeout() > LONGEST_HOLD {
            let timeout = self.config.timeout;
            tracing::warn!(processor = %host.id(), %timeout, "requests are acknowledged on entry, because they wait for longer than a second");
        }
        *self.account.lock().unwrap_or_else(PoisonError::into_inner) = Some(host.account());
        let _ = self.host.set(host.clone());
        Ok(())
    }

    fn process(&self, batch: Batch, out: &mut Outbox) -> Result<(), ProcessError> {
        let now = out.now().mono;
        let limit = self.config.metadata_cardinality_limit as usize;
        let mut given = Vec::new();
        let bytes = {
            let mut waiting = self.waiting.lock(0);
            let derived = out.is_derived();
            let group = self.group(&batch, derived);
            if !self.keys.is_empty() && waiting.has_room_for(&group, limit).is_err() {
                return Err(ProcessError::Permanent { message: "too many batcher metadata-value combinations".to_owned() });
            }
            let client = self.client(&group);
            let items = waiting.push(group.clone(), self.hold(batch, out), client.clone(), now);
            let enough = self.config.send_batch_size as usize;
            if self.timeout().is_zero() {
                given.push((self.due(&mut waiting, &group, Trigger::AtOnce, now), client, Trigger::AtOnce));
            } else if enough > 0 && items >= enough {
                given.push((self.due(&mut waiting, &group, Trigger::Size, now), client, Trigger::Size));
            }
            if self.waits_in_vain(waiting.awaited) {
                for (_, group) in waiting.groups() {
                    let client = self.client(&group);
                    given.push((self.due(&mut waiting, &group, Trigger::AtOnce, now), client, Trigger::AtOnce));
                }
            }
            waiting.bytes
        };
        self.account(bytes);
        for (batches, client, trigger) in given {
            self.give_out(batches, client, trigger, out);
        }
        Ok(())
    }

    fn tick(&self, now: Now, out: &mut Outbox) -> Next {
        self.give_out_old(now, false, out)
    }

    fn drain(&self, now: Now, out: &mut Outbox) -> Next {
        self.give_out_old(now, true, out);
        Next::Done
    }
}
