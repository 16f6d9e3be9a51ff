//! A request's way to its room in the queues: given at once, refused at once, or waited for where a queue blocks.
//!
//! Who waits holds no place on the compute lane and no room anywhere, and waits as long as its client does. A client that
//! goes away meanwhile was refused, and is counted as that.

use crate::RequestSize;
use crate::engine::admission::NotAdmitted;
use crate::engine::door::{Door, Way};
use crate::engine::door_counters::DoorCounters;
use crate::engine::flow::Flow;
use crate::engine::in_flight::Run;
use crate::front::{Lane, Reservation};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A request at the door.
pub(crate) struct Asking<'a, F> {
    pub door: &'a Door,
    pub size: RequestSize,
    /// Spans, data points or log records; counted only when somebody wants to know.
    pub items: F,
    pub counters: &'a DoorCounters,
    /// The compute lane, if the request is to be worked on there.
    pub compute: Option<&'a Arc<Semaphore>>,
}

/// What an admitted request holds.
pub(crate) struct Admitted {
    pub place: Option<OwnedSemaphorePermit>,
    /// The graph that let it in, which stays until the run has ended.
    pub way: Way,
    pub run: Run,
    pub room: Vec<Reservation>,
}

/// Why a request was not let in.
pub(crate) enum TurnedAway {
    /// No pipeline takes its signal, any more.
    NotServed,
    Refused(NotAdmitted),
}

impl<F: Fn() -> usize> Asking<'_, F> {
    /// Waits for a place on the compute lane, and for room where a queue blocks. A refusal has been counted.
    pub(crate) async fn admitted(&self) -> Result<Admitted, TurnedAway> {
        let mut client = None;
        loop {
            // The place on the lane is waited for before admission: who holds room in a queue never waits for more.
            let place = match self.compute {
                Some(lane) => Some(Arc::clone(lane).acquire_owned().await.expect("invariant: the lane is never closed")),
                None => None,
            };
            let (way, run) = self.door.enter();
            let Some(route) = way.route(self.size.signal) else {
                end(client);
                return Err(TurnedAway::NotServed);
            };
            let refused = match way.flow.admit(route, self.size, &self.items) {
                Ok(room) => {
                    end(client);
                    return Ok(Admitted { place, way, run, room });
                }
                Err(refused) => refused,
            };
            // Who sends nothing is never told to come again: it needs no room.
            if (self.items)() == 0 {
                end(client);
                return Ok(Admitted { place, way, run, room: Vec::new() });
            }
            // A graph that is to be taken down does not wait for those who wait.
            drop((place, run));
            let Some(lane) = refused.worth_waiting().cloned() else {
                end(client);
                self.refuse(&way.flow, &refused);
                return Err(TurnedAway::Refused(refused));
            };
            client.get_or_insert_with(|| Client {
                counters: self.counters,
                lane: Arc::clone(&lane),
                items: Some((self.items)()),
            });
            let mut freed = std::pin::pin!(lane.budget.freed());
            freed.as_mut().enable();
            // Room may have come between the refusal and the waiting.
            if lane.budget.ask(route.times(&lane), self.size.bytes, &self.items).is_ok() {
                tokio::task::yield_now().await;
                continue;
            }
            let turned_away = tokio::select! {
                () = freed => false,
                // After a reload the new graph is asked.
                () = self.door.exchanged(&way.flow) => false,
                () = lane.turned_away() => true,
            };
            if turned_away {
                end(client);
                self.refuse(&way.flow, &refused);
                return Err(TurnedAway::Refused(refused));
            }
        }
    }

    fn refuse(&self, flow: &Flow, refused: &NotAdmitted) {
        let items = (self.items)();
        self.counters.received(items);
        self.counters.refused(items, refused.reason());
        match refused {
            NotAdmitted::Refused(node, _) => flow.tell_refused(*node, self.size.signal, items),
            NotAdmitted::Full(lane, _) | NotAdmitted::Paused(lane, _) => {
                lane.counters.not_enqueued(items);
                lane.tell_rejected(items, &refused.message());
            }
        }
    }
}

/// Whoever waits for room; dropped with the request's future when its client goes away.
struct Client<'a> {
    counters: &'a DoorCounters,
    lane: Arc<Lane>,
    /// None when the wait has ended otherwise.
    items: Option<usize>,
}

/// The wait has ended, and what became of the request is counted elsewhere.
fn end(client: Option<Client<'_>>) {
    if let Some(mut client) = client {
        client.items = None;
    }
}

impl Drop for Client<'_> {
    fn drop(&mut self) {
        if let Some(items) = self.items {
            self.counters.received(items);
            self.counters.refused(items, "client_gone");
            self.lane.counters.not_enqueued(items);
        }
    }
}
