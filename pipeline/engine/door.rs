//! One receiver's way into the graph: retransmissions, admission, the compute lane, the run, the answer.

use crate::engine::chance::Chance;
use crate::engine::count;
use crate::engine::door_counters::{DoorCounters, Ended};
use crate::engine::flow::{Flow, Route, slot};
use crate::engine::retransmission::{Arrival, First, Window};
use crate::engine::room::{Admitted, Asking};
use crate::entrance::Charge;
use crate::front::Reservation;
use crate::{Ack, Batch, Encoding, Outcome, Payload, Refused, RequestSize, Telemetry};
use chaperone_config::ComponentId;
use chaperone_proto::{Data, Limits, Signal};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, oneshot};

/// Larger bodies are worked on by the compute lane, so that they do not keep a thread from its connections.
const INLINE: usize = 256 << 10;

/// Longest wait for an acknowledgement. A departure from the Collector, which waits as long as its client does.
const PATIENCE: Duration = Duration::from_secs(4);

/// What the doors of all receivers share.
pub(crate) struct Hall {
    pub flow: Arc<Flow>,
    pub telemetry: Telemetry,
    /// Places on the compute lane.
    pub compute: Arc<Semaphore>,
    pub receive_limit: usize,
    pub chance: Chance,
    pub in_flight: Arc<InFlight>,
}

/// Requests that were admitted and are still run; not those that only wait for their acknowledgement.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    runs: AtomicUsize,
    ended: Notify,
}

struct Run(Arc<InFlight>);

impl InFlight {
    fn begin(self: &Arc<Self>) -> Run {
        self.runs.fetch_add(1, Ordering::AcqRel);
        Run(Arc::clone(self))
    }
    /// Resolves when nothing is running.
    pub(crate) async fn none(&self) {
        loop {
            let ended = self.ended.notified();
            if self.runs.load(Ordering::Acquire) == 0 {
                return;
            }
            ended.await;
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.0.runs.fetch_sub(1, Ordering::AcqRel);
        self.0.ended.notify_waiters();
    }
}

/// One receiver's way in.
pub(crate) struct Door {
    pub receiver: ComponentId,
    // Shared by all doors and by everything that runs.
    pub flow: Arc<Flow>,
    pub receive_limit: usize,
    telemetry: Telemetry,
    compute: Arc<Semaphore>,
    in_flight: Arc<InFlight>,
    window: Arc<Window>,
    /// By signal: places of the flow's routes.
    routes: [Option<usize>; 3],
    /// One a transport and signal: a handful.
    counters: Mutex<Vec<Arc<DoorCounters>>>,
}

impl Door {
    pub(crate) fn new(receiver: ComponentId, hall: &Hall) -> Door {
        let routes = Signal::ALL.map(|signal| hall.flow.route(&receiver, signal));
        Door {
            routes,
            receiver,
            flow: Arc::clone(&hall.flow),
            receive_limit: hall.receive_limit,
            telemetry: hall.telemetry.clone(),
            compute: Arc::clone(&hall.compute),
            in_flight: Arc::clone(&hall.in_flight),
            window: Arc::new(Window::new(&hall.chance)),
            counters: Mutex::default(),
        }
    }
    pub(crate) fn serves(&self, signal: Signal) -> bool {
        self.routes[slot(signal)].is_some()
    }
    fn route(&self, signal: Signal) -> Option<&Route> {
        self.routes[slot(signal)].map(|place| &self.flow.routes[place].1)
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
        let Some(route) = self.route(signal) else {
            return Err(Refused::NotServed { signal: signal.name() });
        };
        let counters = self.counters(payload.transport, signal);
        let first = match self.window.enter(&payload, self.flow.clock.now()) {
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
        let asking = Asking { flow: &self.flow, route, size, items, counters: &counters, compute };
        let Admitted { place, room } = match asking.admitted().await {
            Ok(admitted) => admitted,
            Err(refused) => return Err(Refused::Overloaded { message: refused.message(), after: refused.after() }),
        };
        let charge = charge.filter(|_| room.is_empty());
        let (tell, told) = oneshot::channel();
        let answer = Answer { counters, first: Some(first), tell };
        let run = self.in_flight.begin();
        let (flow, route) = (Arc::clone(&self.flow), self.routes[slot(signal)]);
        let work = move || {
            let malformed = run_payload(&flow, route, payload, room, answer);
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
        let Some(route) = self.route(signal) else {
            return Outcome::permanent(format!("no pipeline takes {} of `{}`", signal.name(), self.receiver));
        };
        let counters = self.counters("internal", signal);
        let size = RequestSize { signal, bytes: batch.data.pinned_bytes() };
        let asking = Asking { flow: &self.flow, route, size, items: || items, counters: &counters, compute: None };
        let room = match asking.admitted().await {
            Ok(admitted) => admitted.room,
            Err(refused) => return Outcome::Retryable { message: refused.message(), after: refused.after() },
        };
        counters.received(items);
        let (tell, told) = oneshot::channel();
        let run = self.in_flight.begin();
        run_batch(&self.flow, route, batch, room, Answer { counters, first: None, tell });
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
fn run_payload(flow: &Flow, route: Option<usize>, payload: Payload, room: Vec<Reservation>, answer: Answer) -> Option<String> {
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
    flow.accounted.running.add(index);
    answer.counters.received(batch.items());
    let (_, route) = &flow.routes[route.expect("invariant: the door asked whether the signal is served")];
    run_batch(flow, route, batch, room, answer);
    flow.accounted.running.sub(index);
    None
}

fn run_batch(flow: &Flow, route: &Route, batch: Batch, room: Vec<Reservation>, answer: Answer) {
    let items = batch.items();
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
