//! One exporter's queue of one signal: in memory, bounded by bytes, first in, first out.
//!
//! What is admitted is never refused here for its size; derived data are, when there is no room. Without a queue the
//! same lane is used, and the request's share waits in it for the delivery.

use crate::engine::chance::Chance;
use crate::front::budget::{Budget, Full, Measure};
use crate::front::counters::LaneCounters;
use crate::front::health::Health;
use crate::front::settings::{BatchConfig, FrontSettings, Sizer};
use crate::front::split;
use crate::status::Subject;
use crate::{Ack, Batch, Chunk, Clock, Exporter, Outcome, Telemetry};
use chaperone_config::ComponentId;
use chaperone_proto::Signal;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

/// Deliveries of local destinations take at most so much at once.
const IN_ORDER_BYTES: usize = 4 << 20;

/// How far the shutdown of a queue has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Open,
    /// What waits and still comes goes out at once, each with one attempt.
    Draining,
    /// The deadline has passed: what is left is dropped.
    Ended,
}

/// One chunk in the queue.
pub(crate) struct Item {
    pub chunk: Chunk,
    pub bytes: usize,
    /// The share that waits for the delivery.
    pub ack: Option<Ack>,
    pub since: Instant,
    /// Whether this is a whole chunk or its last part: one request less in the queue when it is finished.
    pub last_part: bool,
}

#[derive(Default)]
struct Waiting {
    items: VecDeque<Item>,
    /// In the unit of the batch's sizes.
    size: u64,
}

/// What a consumer is to do now.
pub(crate) enum Work {
    Deliver(Vec<Item>),
    /// Wait for more, at the latest until then.
    Wait(Option<Instant>),
    Over,
}

/// One queue.
pub(crate) struct Lane {
    pub id: ComponentId,
    pub signal: Signal,
    pub number: u32,
    pub settings: FrontSettings,
    // Shared by the lanes of the exporter's signals.
    pub exporter: Arc<dyn Exporter>,
    pub budget: Arc<Budget>,
    pub counters: LaneCounters,
    pub health: Health,
    pub clock: Clock,
    pub chance: Chance,
    pub stage: watch::Sender<Stage>,
    pub arrived: Notify,
    waiting: Mutex<Waiting>,
}

/// What lanes of all exporters are given.
pub(crate) struct LaneContext<'a> {
    pub telemetry: &'a Telemetry,
    pub clock: &'a Clock,
    pub accounted: &'a Arc<crate::engine::accounted::Accounted>,
    pub status: &'a crate::StatusBoard,
}

impl Lane {
    pub(crate) fn new(
        id: &ComponentId,
        signal: Signal,
        number: u32,
        exporter: Arc<dyn Exporter>,
        settings: FrontSettings,
        cx: &LaneContext<'_>,
    ) -> Lane {
        let queue = &settings.queue;
        // Without a queue only bytes bound what is in flight: its length is what the clients leave open.
        let (length, measure) =
            if queue.enabled { (queue.queue_size, queue.sizer.measure()) } else { (u64::MAX / 4, Measure::Requests) };
        let length = usize::try_from(length).unwrap_or(usize::MAX / 4);
        let budget = Budget::new(number, queue.max_bytes.get(), length, measure, Arc::clone(cx.accounted));
        let budget = Arc::new(budget);
        let counters = LaneCounters::new(cx.telemetry, id, signal);
        if queue.enabled {
            counters.watch(&budget, queue.queue_size);
        }
        Lane {
            id: id.clone(),
            signal,
            number,
            settings,
            exporter,
            budget,
            counters,
            health: Health::new(Subject::of_signal(id, signal), cx.status.clone(), cx.clock.clone()),
            clock: cx.clock.clone(),
            chance: Chance::default(),
            stage: watch::Sender::new(Stage::Open),
            arrived: Notify::new(),
            waiting: Mutex::default(),
        }
    }

    /// Takes a batch: requests whatever their size (they were admitted), derived data if there is room.
    pub(crate) fn offer(&self, batch: &Batch, ack: Option<Ack>) -> Result<(), &'static str> {
        let chunk = encode(batch);
        let (bytes, items) = (chunk.bytes(), chunk.items);
        let mut waiting = self.lock();
        if *self.stage.borrow() == Stage::Ended {
            self.counters.not_enqueued(items);
            if let Some(ack) = ack {
                ack.resolve(Outcome::retryable("the collector is stopping"));
            }
            return Err("shutdown");
        }
        match &ack {
            Some(ack) => {
                self.budget.take(bytes, items);
                ack.give_back_room(self.number);
            }
            None => {
                if let Err(full) = self.budget.take_derived(bytes, items) {
                    self.counters.not_enqueued(items);
                    return Err(if full == Full::TooLarge { "too_large" } else { "queue_full" });
                }
            }
        }
        self.counters.enqueued.add(items as u64);
        self.counters.queued.add(items as u64);
        let (waits, acknowledged) = if self.settings.waits { (ack, None) } else { (None, ack) };
        waiting.push(Item { chunk, bytes, ack: waits, since: Instant::now(), last_part: true }, &self.settings);
        drop(waiting);
        self.arrived.notify_one();
        // Whoever hears of it runs without this queue's lock.
        if let Some(ack) = acknowledged {
            ack.resolve(Outcome::Ok);
        }
        Ok(())
    }

    /// What to do next. Whoever takes a batch leaves a note for the others if more is waiting.
    pub(crate) fn next(&self) -> Work {
        let stage = *self.stage.borrow();
        if stage == Stage::Ended {
            return Work::Over;
        }
        let mut waiting = self.lock();
        let Some(first) = waiting.items.front() else {
            return Work::Wait(None);
        };
        if let Some(batch) = self.settings.queue.batch.get()
            && self.settings.queue.enabled
            && stage == Stage::Open
        {
            let flush = first.since + batch.flush_timeout.get();
            if waiting.size < batch.min_size && Instant::now() < flush && !self.budget.is_half_full() {
                return Work::Wait(Some(flush));
            }
        }
        let taken = waiting.take(&self.settings);
        let items = taken.iter().map(|item| item.chunk.items).sum::<usize>() as u64;
        self.counters.queued.sub(items);
        self.counters.in_flight.add(items);
        if !waiting.items.is_empty() {
            self.arrived.notify_one();
        }
        Work::Deliver(taken)
    }

    /// Ends one delivery's items: room and gauges; the caller has counted what became of them.
    pub(crate) fn finish(&self, items: Vec<Item>, outcome: &Outcome) {
        for item in items {
            self.counters.in_flight.sub(item.chunk.items as u64);
            self.budget.give_back(item.bytes, item.chunk.items, item.last_part);
            if let Some(ack) = item.ack {
                ack.resolve(outcome.clone());
            }
        }
    }

    /// After the deadline of a shutdown: nobody will deliver what still waits.
    pub(crate) fn drop_waiting(&self) {
        let (left, items) = {
            let mut waiting = self.lock();
            let left: Vec<Item> = std::mem::take(&mut *waiting).items.into();
            let items = left.iter().map(|item| item.chunk.items).sum::<usize>();
            self.counters.queued.sub(items as u64);
            self.counters.in_flight.add(items as u64);
            (left, items)
        };
        if !left.is_empty() {
            tracing::error!(exporter = %self.id, dropped_items = items, "data dropped: not delivered before the deadline of the shutdown");
            self.counters.failed(items, "shutdown");
        }
        self.finish(left, &Outcome::retryable("the collector is stopping"));
    }

    /// Whether nothing waits and nothing is on its way.
    pub(crate) fn is_idle(&self) -> bool {
        self.budget.is_empty()
    }

    /// Longest time of one attempt; none = without end.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        Some(self.settings.timeout).filter(|timeout| !timeout.is_zero())
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Encodes a batch, copying it out of a body of which it is less than half: a queue must not pin what nobody needs.
fn encode(batch: &Batch) -> Chunk {
    let mut chunk = Chunk::encode(batch);
    if chunk.bytes() * 2 < batch.data.pinned_bytes() {
        chunk.body = vec![chunk.body.concat().into()];
    }
    chunk
}

impl Waiting {
    fn push(&mut self, item: Item, settings: &FrontSettings) {
        self.size += size_of(&item, settings);
        self.items.push_back(item);
    }
    fn push_front(&mut self, item: Item, settings: &FrontSettings) {
        self.size += size_of(&item, settings);
        self.items.push_front(item);
    }
    fn pop(&mut self, settings: &FrontSettings) -> Option<Item> {
        let item = self.items.pop_front()?;
        self.size = self.size.saturating_sub(size_of(&item, settings));
        Some(item)
    }
    /// The next delivery: a batch up to its size, a single chunk without batching, all that waits for a local destination.
    fn take(&mut self, settings: &FrontSettings) -> Vec<Item> {
        if settings.in_order {
            return self.take_in_order(settings);
        }
        match settings.queue.batch.get().filter(|_| settings.queue.enabled) {
            Some(batch) => self.take_batch(batch, settings),
            None => self.pop(settings).into_iter().collect(),
        }
    }
    fn take_in_order(&mut self, settings: &FrontSettings) -> Vec<Item> {
        let mut taken = Vec::new();
        let mut bytes = 0;
        while let Some(item) = self.items.front() {
            if !taken.is_empty() && bytes + item.bytes > IN_ORDER_BYTES {
                break;
            }
            bytes += item.bytes;
            taken.extend(self.pop(settings));
        }
        taken
    }
    /// Without `max_size` a batch is full at `min_size`, so that a backlog does not go out in one delivery.
    fn take_batch(&mut self, batch: &BatchConfig, settings: &FrontSettings) -> Vec<Item> {
        let most = if batch.max_size == 0 { u64::MAX } else { batch.max_size };
        let enough = if batch.max_size == 0 { batch.min_size.max(1) } else { batch.max_size };
        let mut taken = Vec::new();
        let mut size = 0;
        while size < enough
            && let Some(item) = self.pop(settings)
        {
            let item = match split::head(item, most - size, batch.sizer) {
                split::Head::Whole(item) => item,
                split::Head::Parts(head, tail) => {
                    self.push_front(tail, settings);
                    head
                }
                split::Head::TooLarge(item) if taken.is_empty() => item,
                split::Head::TooLarge(item) => {
                    self.push_front(item, settings);
                    break;
                }
            };
            size += size_of(&item, settings);
            taken.push(item);
        }
        taken
    }
}

fn size_of(item: &Item, settings: &FrontSettings) -> u64 {
    match settings.queue.batch.get().map(|batch| batch.sizer) {
        Some(Sizer::Bytes) => item.bytes as u64,
        _ => item.chunk.items as u64,
    }
}
