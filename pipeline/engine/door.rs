//! One receiver's way into the graph: retransmissions, admission, the compute lane, the run, the answer.
//!
//! A door stays as long as its receiver. What lies behind it is exchanged by a reload: a request runs to its end in the
//! graph it was admitted to, the next one enters the new graph.

use crate::engine::accounted::Accounted;
use crate::engine::chance::Chance;
use crate::engine::count;
use crate::engine::door_counters::{DoorCounters, Ended};
use crate::engine::flow::{Flow, Route, slot};
use crate::engine::in_flight::Run;
use crate::engine::retransmission::{Arrival, First, Window};
use crate::engine::room::{Admitted, Asking, TurnedAway};
use crate::entrance::Charge;
use crate::front::Reservation;
use crate::{Ack, Batch, Clock, Encoding, Outcome, Payload, Refused, RequestSize, Telemetry};
use chaperone_config::ComponentId;
use chaperone_proto::{Data, Limits, Signal};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, oneshot};

/// Larger bodies are worked on by the compute lane, so that they do not keep a thread from its connections.
const INLINE: usize = 1 << 20;

/// Longest wait for an acknowledgement. A departure from the Collector, which waits as long as its client does.
const PATIENCE: Duration = Duration::from_secs(4);

/// What the doors of all receivers share, before and after a reload.
pub(crate) struct Hall {
    pub telemetry: Telemetry,
    pub clock: Clock,
    pub accounted: Arc<Accounted>,
    /// Places on the compute lane.
    pub compute: Arc<Semaphore>,
    pub receive_limit: usize,
    pub chance: Chance,
}

/// What lies behind a door: a graph, and by signal the places of the receiver's routes in it.
#[derive(Clone)]
pub(crate) struct Way {
    // Shared by all doors and by everything that runs.
    pub flow: Arc<Flow>,
    routes: [Option<usize>; 3],
}

impl Way {
    fn to(flow: &Arc<Flow>, receiver: &ComponentId) -> Way {
        Way { flow: Arc::clone(flow), routes: Signal::ALL.map(|signal| flow.route(receiver, signal)) }
    }
    pub(crate) fn route(&self, signal: Signal) -> Option<&Route> {
        self.routes[slot(signal)].map(|place| &self.flow.routes[place].1)
    }
}

/// One receiver's way in.
pub(crate) struct Door {
    pub receiver: ComponentId,
    // Shared by bodies being received and by whoever asks for accounted memory.
    pub accounted: Arc<Accounted>,
    pub receive_limit: usize,
    way: RwLock<Way>,
    /// Told when the way was exchanged: whoever waits for room asks the new graph.
    exchanged: Notify,
    telemetry: Telemetry,
    clock: Clock,
    compute: Arc<Semaphore>,
    window: Arc<Window>,
    /// One a transport and signal: a handful.
    counters: Mutex<Vec<Arc<DoorCounters>>>,
}

impl Door {
    pub(crate) fn new(receiver: ComponentId, hall: &Hall, flow: &Arc<Flow>) -> Door {
        Door {
            way: RwLock::new(Way::to(flow, &receiver)),
            exchanged: Notify::new(),
            receiver,
            accounted: Arc::clone(&hall.accounted),
            receive_limit: hall.receive_limit,
            telemetry: hall.telemetry.clone(),
            clock: hall.clock.clone(),
            compute: Arc::clone(&hall.compute),
            window: Arc::new(Window::new(&hall.chance)),
            counters: Mutex::default(),
        }
    }
    /// Leads into another graph from now on.
    pub(crate) fn lead_to(&self, flow: &Arc<Flow>) {
        *self.way.write().unwrap_or_else(PoisonError::into_inner) = Way::to(flow, &self.receiver);
        self.exchanged.notify_waiters();
    }
    pub(crate) fn serves(&self, signal: Signal) -> bool {
        self.way.read().unwrap_or_else(PoisonError::into_inner).routes[slot(signal)].is_some()
    }
    /// The graph behind the door, with a run in it begun: it is not taken down before that ends.
    pub(crate) fn enter(&self) -> (Way, Run) {
        let way = self.way.read().unwrap_or_else(PoisonError::into_inner);
        (way.clone(), way.flow.in_flight.begin())
    }

    /// Resolves when the way leads elsewhere than into `flow`.
    pub(crate) async fn exchanged(&self, flow: &Arc<Flow>) {
        let mut exchanged = std::pin::pin!(self.exchanged.notified());
        exchanged.as_mut().enable();
        // It may have happened before anybody listened.
        if Arc::ptr_eq(&self.way.read().unwrap_or_else(PoisonError::into_inner).flow, flow) {
            exchanged.await;
        }
    }

    fn counters(&self, transport: &'static str, signal: Signal) -> Arc<DoorCounters> {
        let mut known = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.iter().find(|one| one.transport == transport && one.signal == signal) {
            return Arc::clone(found);
        }
        let new = Arc::new(DoorCounters::new(&self.telemetry, &self.receiver, transport, signal));
        known.push(Arc::clone(&new));
        new
    }

    /// `charge`: what the body was charged with while it was received. It ends when room for the body is reserved, so that
    /// no body is counted twice; where nothing is reserved it lasts as long as the run.
    pub(crate) async fn submit(&self, payload: Payload, charge: Option<Charge>) -> Result<(), Refused> {
        let signal = payload.signal;
        if !self.serves(signal) {
            return Err(Refused::NotServed { signal: signal.name() });
        }
        let counters = self.counters(payload.transport, signal);
        let first = match self.window.enter(&payload, self.clock.now()) {
            Arrival::First(first) => first,
            Arrival::Accepted(items) => {
                counters.received(items);
                counters.ended(Ended::Joined, items);
                return Ok(());
            }
            Arrival::Joined(told) => return joined(told, counters).await,
        };
        let size = RequestSize { signal, bytes: payload.body.len() };
        let compute = (payload.body.len() > INLINE).then_some(&self.compute);
        let items = || count::items(&payload);
        let asking = Asking { door: self, size, items, counters: &counters, compute };
        let Admitted { place, way, run, room } = match asking.admitted().await {
            Ok(admitted) => admitted,
            Err(TurnedAway::NotServed) => return Err(Refused::NotServed { signal: signal.name() }),
            Err(TurnedAway::Refused(refused)) => {
                return Err(Refused::Overloaded { message: refused.message(), after: refused.after() });
            }
        };
        let charge = charge.filter(|_| room.is_empty());
        let (tell, told) = oneshot::channel();
        let answer = Answer { counters, first: Some(first), tell };
        let work = move || {
            let malformed = run_payload(&way, payload, room, answer);
            drop((run, charge));
            malformed
        };
        let malformed = match place {
            None => work(),
            // The task runs to its end even when nobody waits for it any more.
            Some(place) => tokio::task::spawn_blocking(move || {
                let malformed = work();
                drop(place);
                malformed
            })
            .await
            .unwrap_or_default(),
        };
        if let Some(message) = malformed {
            return Err(Refused::Malformed { message });
        }
        match acknowledged(told).await {
            Some(outcome) => answered(outcome),
            None => Err(retry(SLOW)),
        }
    }

    pub(crate) async fn submit_batch(&self, batch: Batch) -> Outcome {
        let (signal, items) = (batch.signal(), batch.items());
        let not_served = || Outcome::permanent(format!("no pipeline takes {} of `{}`", signal.name(), self.receiver));
        if !self.serves(signal) {
            return not_served();
        }
        let counters = self.counters("internal", signal);
        let size = RequestSize { signal, bytes: batch.data.pinned_bytes() };
        let asking = Asking { door: self, size, items: || items, counters: &counters, compute: None };
        let Admitted { way, run, room, .. } = match asking.admitted().await {
            Ok(admitted) => admitted,
            Err(TurnedAway::NotServed) => return not_served(),
            Err(TurnedAway::Refused(refused)) => {
                return Outcome::Retryable { message: refused.message(), after: refused.after() };
            }
        };
        counters.received(items);
        let (tell, told) = oneshot::channel();
        run_batch(&way, batch, room, Answer { counters, first: None, tell });
        drop(run);
        acknowledged(told).await.unwrap_or_else(|| Outcome::retryable(SLOW))
    }
}

const SLOW: &str = "the destination did not take the data in time";

/// The outcome, if it comes in time. With queues it is there when the run ends, and no timer is needed.
async fn acknowledged(mut told: oneshot::Receiver<Outcome>) -> Option<Outcome> {
    match told.try_recv() {
        Ok(outcome) => Some(outcome),
        Err(_) => tokio::time::timeout(PATIENCE, told).await.ok()?.ok(),
    }
}

/// Whom to tell what became of a request; told by the acknowledgement, whether or not the client still waits.
struct Answer {
    counters: Arc<DoorCounters>,
    first: Option<First>,
    tell: oneshot::Sender<Outcome>,
}

/// Indexes and runs a request. A malformed one gives the message.
fn run_payload(way: &Way, payload: Payload, room: Vec<Reservation>, answer: Answer) -> Option<String> {
    let limits = Limits::default();
    let body = payload.body.len();
    let data = match payload.encoding {
        Encoding::Protobuf => Data::decode(payload.signal, payload.body, &limits),
        Encoding::Json => Data::decode_json(payload.signal, &payload.body, &limits),
    };
    let data = match data {
        Ok(data) => data,
        Err(error) => {
            answer.counters.malformed();
            return Some(error.to_string());
        }
    };
    let batch = Batch { data, client: payload.client };
    // The body itself is charged by the receiver until it is answered; only the index comes on top.
    let index = batch.data.pinned_bytes().saturating_sub(body);
    way.flow.accounted.running.add(index);
    answer.counters.received(batch.items());
    run_batch(way, batch, room, answer);
    way.flow.accounted.running.sub(index);
    None
}

fn run_batch(way: &Way, batch: Batch, room: Vec<Reservation>, answer: Answer) {
    let (flow, items) = (&way.flow, batch.items());
    let route = way.route(batch.signal()).expect("invariant: only what the graph serves is admitted to it");
    let Answer { counters, first, tell } = answer;
    let accounted = Arc::clone(&flow.accounted);
    accounted.open_requests.fetch_add(1, Ordering::AcqRel);
    let done = move |outcome: Outcome| {
        accounted.open_requests.fetch_sub(1, Ordering::AcqRel);
        match &outcome {
            Outcome::Ok => counters.ended(Ended::Accepted, items),
            Outcome::Retryable { .. } => counters.refused(items, "retryable"),
            Outcome::Permanent { .. } => counters.refused(items, "permanent"),
        }
        if let Some(first) = first {
            first.finish(&outcome, items);
        }
        // A client that went away does not hear it.
        let _ = tell.send(outcome);
    };
    let ack = Ack::with_reservations(done, flow.lost_shares.clone(), room);
    // As in the Collector, a request without items is fine and goes nowhere.
    if items == 0 {
        return ack.resolve(Outcome::Ok);
    }
    if let Some(counters) = &route.counters {
        counters.enter(items);
        counters.pass(items);
    }
    flow.fan_out(&route.heads, batch, Some(ack));
}

async fn joined(told: oneshot::Receiver<(Outcome, usize)>, counters: Arc<DoorCounters>) -> Result<(), Refused> {
    match tokio::time::timeout(PATIENCE, told).await {
        Ok(Ok((outcome, items))) => {
            counters.received(items);
            counters.ended(Ended::Joined, items);
            answered(outcome)
        }
        _ => {
            counters.ended(Ended::Joined, 0);
            Err(retry("the same request is still being worked on"))
        }
    }
}

fn answered(outcome: Outcome) -> Result<(), Refused> {
    match outcome {
        Outcome::Ok => Ok(()),
        Outcome::Retryable { message, after } => Err(Refused::Retryable { message, after }),
        Outcome::Permanent { message } => Err(Refused::Permanent { message }),
    }
}

fn retry(message: &str) -> Refused {
    Refused::Retryable { message: message.to_owned(), after: None }
}
