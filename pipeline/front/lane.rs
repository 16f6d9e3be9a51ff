//! One exporter's queue of one signal: in memory, bounded by bytes, first in, first out.
//!
//! What is admitted is never refused here for its size; derived data are, when there is no room. Without a queue the
//! same lane is used, and the request's share waits in it for the delivery.

use crate::engine::chance::Chance;
use crate::front::breaker::Breaker;
use crate::front::budget::{Budget, Full, Measure};
use crate::front::counters::LaneCounters;
use crate::front::health::Health;
use crate::front::lines::Lines;
use crate::front::settings::FrontSettings;
use crate::front::waiting::{Due, Item, Waiting};
use crate::status::Subject;
use crate::{Ack, Batch, Chunk, Clock, Exporter, Outcome, Telemetry};
use chaperone_config::ComponentId;
use chaperone_proto::Signal;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

/// What a sender's operator could do.
const RETRY_HINT: &str = " Try enabling retry_on_failure config option to retry on retryable errors.";
const QUEUE_HINT: &str = " Try enabling sending_queue to survive temporary failures.";

/// How far the shutdown of a queue has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Open,
    /// What waits and still comes goes out at once, each with one attempt.
    Draining,
    /// The deadline has passed: what is left is dropped.
    Ended,
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
    pub breaker: Option<Breaker>,
    pub lines: Lines,
    pub clock: Clock,
    pub chance: Chance,
    pub stage: watch::Sender<Stage>,
    pub arrived: Notify,
    /// Whether those who wait for room are sent away: the collector stops, or the exporter goes.
    turns_away: watch::Sender<bool>,
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
        let counters = LaneCounters::new(cx.telemetry, id, signal, exporter.destination(signal));
        let breaker = Breaker::of(&settings.breaker, cx.telemetry, id, signal);
        Lane {
            id: id.clone(),
            signal,
            number,
            settings,
            exporter,
            budget,
            counters,
            health: Health::new(Subject::of_signal(id, signal), cx.status.clone(), cx.clock.clone()),
            breaker,
            lines: Lines::default(),
            clock: cx.clock.clone(),
            chance: Chance::default(),
            stage: watch::Sender::new(Stage::Open),
            arrived: Notify::new(),
            turns_away: watch::Sender::new(false),
            waiting: Mutex::default(),
        }
    }

    /// Takes a batch: requests whatever their size (they were admitted), derived data if there is room.
    pub(crate) fn offer(&self, batch: &Batch, ack: Option<Ack>) -> Result<(), &'static str> {
        if self.exporter.discards() {
            self.discard(batch.items(), ack);
            return Ok(());
        }
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
        self.counters.enqueued(items, bytes);
        let (waits, acknowledged) = if self.settings.waits { (ack, None) } else { (None, ack) };
        let item = Item { chunk, bytes, ack: waits, since: Instant::now(), last_part: true, rest: None };
        waiting.push(item, &self.settings);
        drop(waiting);
        self.arrived.notify_one();
        // Whoever hears of it runs without this queue's lock.
        if let Some(ack) = acknowledged {
            ack.resolve(Outcome::Ok);
        }
        Ok(())
    }

    /// A delivery to nowhere: nothing is encoded, and nobody is woken for it.
    fn discard(&self, items: usize, ack: Option<Ack>) {
        self.counters.enqueued.add(items as u64);
        self.counters.delivered(items, 0);
        if let Some(ack) = ack {
            ack.give_back_room(self.number);
            ack.resolve(Outcome::Ok);
        }
    }

    /// What to do next. Whoever takes a batch leaves a note for the others if more is waiting.
    pub(crate) fn next(&self) -> Work {
        let stage = *self.stage.borrow();
        if stage == Stage::Ended {
            return Work::Over;
        }
        let mut waiting = self.lock();
        let eager = stage != Stage::Open || self.budget.is_half_full();
        let taken = match waiting.due(&self.settings, eager) {
            Due::Take(taken) => taken,
            Due::At(flush) => return Work::Wait(Some(flush)),
            Due::Empty => return Work::Wait(None),
        };
        let items = taken.iter().map(|item| item.chunk.items).sum::<usize>() as u64;
        self.counters.queued.sub(items);
        self.counters.in_flight.add(items);
        if !waiting.is_empty() {
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
            let left = waiting.take_all();
            let items = left.iter().map(|item| item.chunk.items).sum::<usize>();
            self.counters.queued.sub(items as u64);
            self.counters.in_flight.add(items as u64);
            (left, items)
        };
        if !left.is_empty() {
            tracing::error!(exporter = %self.id, signal = self.signal.name(), error = "not delivered before the deadline of the shutdown", dropped_items = items, "Exporting failed. Dropping data.");
            self.counters.failed(items, "shutdown", "Shutdown");
        }
        self.finish(left, &Outcome::retryable("the collector is stopping"));
    }

    /// Gives what waits to the queue that takes this one's place, whatever room is there: an exporter with other settings
    /// delivers what the former one could not. What is on its way, or is being split, stays.
    pub(crate) fn hand_to(&self, heir: &Lane) {
        let (mut acknowledged, mut moved) = (Vec::new(), 0);
        {
            let mut waiting = self.lock();
            let (stay, go): (Vec<Item>, Vec<Item>) =
                waiting.take_all().into_iter().partition(|item| item.rest.is_some() || !item.last_part);
            stay.into_iter().for_each(|item| waiting.push(item, &self.settings));
            drop(waiting);
            let mut heirs = heir.lock();
            for mut item in go {
                moved += item.chunk.items;
                self.budget.give_back(item.bytes, item.chunk.items, true);
                heir.budget.take(item.bytes, item.chunk.items);
                if !heir.settings.waits {
                    acknowledged.extend(item.ack.take());
                }
                heirs.push(item, &heir.settings);
            }
        }
        if moved > 0 {
            tracing::info!(exporter = %self.id, signal = self.signal.name(), items = moved, "what was queued goes out with the new settings");
            heir.arrived.notify_one();
        }
        acknowledged.into_iter().for_each(|ack: Ack| ack.resolve(Outcome::Ok));
    }

    /// Shows the queue's size in own metrics, in the place of a queue of the same name.
    pub(crate) fn show(&self) {
        if self.settings.queue.enabled {
            self.counters.watch(&self.budget, self.settings.queue.queue_size);
        }
    }

    /// Takes the queue's size out of own metrics: there is no such queue any more.
    pub(crate) fn hide(&self) {
        self.counters.unwatch();
    }

    /// Says that a request did not get in, and why; its sender hears it.
    pub(crate) fn tell_rejected(&self, items: usize, error: &str) {
        if self.lines.rejecting.admits() {
            let mut message = "Exporting failed. Rejecting data.".to_owned();
            if !self.settings.queue.enabled {
                let settings = [(self.settings.retry.enabled, RETRY_HINT), (false, QUEUE_HINT)];
                settings.iter().filter(|(on, _)| !on).for_each(|(_, hint)| message.push_str(hint));
            }
            tracing::error!(exporter = %self.id, signal = self.signal.name(), error, rejected_items = items, "{message}");
        }
    }

    /// Sends away those who wait for room, now and from now on: before receivers are waited for, which wait for them.
    pub(crate) fn turn_away(&self) {
        self.turns_away.send_replace(true);
    }
    pub(crate) fn turns_away(&self) -> bool {
        *self.turns_away.borrow()
    }
    /// Resolves when nobody who waits for room gets any.
    pub(crate) async fn turned_away(&self) {
        // The sender lives as long as the lane.
        let _ = self.turns_away.subscribe().wait_for(|away| *away).await;
    }

    /// Whether, and for how long, an open circuit breaker keeps this queue from sending.
    pub(crate) fn paused_for(&self) -> Option<Duration> {
        self.breaker.as_ref().and_then(Breaker::open_for)
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
