//! Takes down what a graph had and the one after it has not.
//!
//! Requests under way end in the graph that they began in; what its components hold is drained through it. Only then its
//! queues are closed, and that in the background: they get their time to empty, whatever the destination does.

use crate::engine::counters::Place;
use crate::engine::deadline::Hurry;
use crate::engine::flow::{Flow, Piece, Work};
use crate::engine::instance::Instance;
use crate::engine::opening::holds;
use crate::engine::running::{Consumers, Running};
use crate::engine::tick::Ticker;
use crate::extension::ExtensionInstance;
use crate::front::Lane;
use crate::host::Services;
use crate::{Exporter, Next, Processor, Receiver};
use chaperone_config::ComponentId;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How often is looked whether queues are empty.
const TURN: Duration = Duration::from_millis(5);

/// Time that a component has to stop when its queue took all the time there was.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// What goes with a graph.
pub(crate) struct Leaving {
    /// The graph that goes, and all of its queues: those that stay are still given to.
    pub flow: Arc<Flow>,
    pub lanes: Vec<Arc<Lane>>,
    pub receivers: Vec<Arc<Instance<dyn Receiver>>>,
    pub tickers: Vec<Ticker>,
    pub processors: Vec<Arc<Instance<dyn Processor>>>,
    /// Places of processors in the graph that stays: who has a successor hands over to it.
    pub places: Vec<Place>,
    /// Queues that go.
    pub consumers: Vec<Consumers>,
    pub exporters: Vec<Arc<Instance<dyn Exporter>>>,
    pub extensions: Vec<ExtensionInstance>,
}

impl Leaving {
    pub(crate) fn nothing(flow: &Arc<Flow>, lanes: &[Arc<Lane>]) -> Leaving {
        Leaving {
            flow: Arc::clone(flow),
            lanes: lanes.to_vec(),
            receivers: Vec::new(),
            tickers: Vec::new(),
            processors: Vec::new(),
            places: Vec::new(),
            consumers: Vec::new(),
            exporters: Vec::new(),
            extensions: Vec::new(),
        }
    }
}

impl Running {
    /// Stops what leaves: receivers, what is under way, held data; then, in the background, queues and exporters.
    pub(crate) async fn move_out(&mut self, leaving: Leaving, patience: Duration) {
        let deadline = Instant::now() + patience;
        let Leaving { flow, lanes, receivers, tickers, processors, places, consumers, exporters, extensions } = leaving;
        let stops = receivers.iter().map(|instance| async {
            instance.bond.stop();
            if self.hurry.wait(deadline, instance.component.stop()).await.is_none() {
                tracing::warn!(receiver = %instance.place.id, "a receiver did not stop in time");
            }
            instance.bond.end_tasks().await;
        });
        futures_util::future::join_all(stops).await;
        if self.hurry.wait(deadline, flow.in_flight.none()).await.is_none() {
            tracing::warn!("requests were still being worked on at the deadline");
        }
        for ticker in tickers {
            ticker.stop().await;
        }
        processors.iter().for_each(|instance| instance.bond.stop());
        let goes = |index: &usize| match &flow.nodes[*index].work {
            Work::Process(instance) => holds(&processors, instance),
            Work::Export(_) | Work::Sink(_) => false,
        };
        let order: Vec<usize> = flow.order.iter().copied().filter(goes).collect();
        drain(&flow, &order, |place| places.contains(place), &lanes, &self.hurry, deadline).await;
        for instance in &processors {
            instance.bond.end_tasks().await;
        }
        let gone = receivers.iter().map(|one| &one.place.id).chain(processors.iter().map(|one| &one.place.id));
        for id in gone.chain(exporters.iter().map(|one| &one.place.id)).filter(|id| !self.has(id)) {
            self.settings.shared.forget(id);
        }
        // Nothing comes any more from the graph that goes.
        for one in &consumers {
            let heir = self.current.lanes.iter().find(|heir| heir.id == one.lane.id && heir.signal == one.lane.signal);
            if let Some(heir) = heir.filter(|heir| !Arc::ptr_eq(heir, &one.lane)) {
                one.lane.hand_to(heir);
            }
        }
        if !(consumers.is_empty() && exporters.is_empty() && extensions.is_empty()) {
            self.retiring.spawn(retire(consumers, exporters, extensions, self.hurry.clone(), deadline));
        }
        while self.retiring.try_join_next().is_some() {}
    }
}

impl Running {
    /// Whether any component has this id.
    fn has(&self, id: &ComponentId) -> bool {
        let now = &self.current;
        // A start that failed has nothing to forget: its settings are given out for another try.
        if now.extensions.is_empty() && now.receivers.is_empty() && now.exporters.is_empty() {
            return true;
        }
        let mut places = now.receivers.iter().map(|one| &one.place).chain(now.processors.iter().map(|one| &one.place));
        places.any(|place| place.id == *id) || now.exporters.iter().any(|one| one.place.id == *id)
    }
}

/// Queues empty as far as they can until the deadline, then exporters stop, then extensions.
async fn retire(
    consumers: Vec<Consumers>,
    exporters: Vec<Arc<Instance<dyn Exporter>>>,
    extensions: Vec<ExtensionInstance>,
    hurry: Hurry,
    deadline: Instant,
) {
    let lanes: Vec<Arc<Lane>> = consumers.iter().map(|one| Arc::clone(&one.lane)).collect();
    let idle = async {
        while !lanes.iter().all(|lane| lane.is_idle()) {
            tokio::time::sleep(TURN).await;
        }
    };
    hurry.wait(deadline, idle).await;
    for one in consumers {
        one.end().await;
    }
    for instance in exporters {
        instance.bond.stop();
        let patience = deadline.max(Instant::now() + LAST_MOMENT);
        if hurry.wait(patience, instance.component.stop()).await.is_none() {
            tracing::warn!(exporter = %instance.place.id, "an exporter did not stop in time");
        }
        instance.bond.end_tasks().await;
    }
    for extension in extensions.into_iter().rev() {
        let instance = extension.instance;
        instance.bond.stop();
        let patience = deadline.max(Instant::now() + LAST_MOMENT);
        if hurry.wait(patience, instance.component.stop()).await.is_none() {
            tracing::warn!(extension = %instance.place.id, "an extension did not stop in time");
        }
        instance.bond.end_tasks().await;
    }
}

/// Upstream first, so that what one gives out is held and drained by the next.
///
/// Between two pieces the queues get time to empty: held data must not be dropped for want of room.
pub(crate) async fn drain(
    flow: &Flow,
    order: &[usize],
    has_successor: impl Fn(&Place) -> bool,
    lanes: &[Arc<Lane>],
    hurry: &Hurry,
    deadline: Instant,
) {
    for index in order {
        let node = &flow.nodes[*index];
        let piece = if has_successor(&node.place) { Piece::HandOver } else { Piece::Drain };
        loop {
            while lanes.iter().any(|lane| lane.budget.is_half_full()) && !hurry.is_over(deadline) {
                tokio::time::sleep(TURN).await;
            }
            match flow.work(node, &piece) {
                Next::Done => break,
                _ if hurry.is_over(deadline) => {
                    tracing::warn!(component = %node.place.id, "held data were not drained by the deadline");
                    break;
                }
                Next::Again | Next::After(_) => tokio::task::yield_now().await,
            }
        }
    }
}

/// Resolves when nothing is queued, on its way, or being reported.
///
/// The last deliveries are reported, and reports are delivered: so all queues stay open until all are empty, seen
/// twice, since a report may just be between its channel and a queue.
pub(crate) async fn emptied(lanes: &[Arc<Lane>], services: &Services) {
    let mut seen = 0;
    while seen < 2 {
        let idle = lanes.iter().all(|lane| lane.is_idle()) && services.no_report_waits();
        seen = if idle { seen + 1 } else { 0 };
        tokio::time::sleep(TURN).await;
    }
}
