//! A running collector: its parts, and how all of them start and stop.
//!
//! Extensions come first and go last, so that a store is there for whoever restores state, and health is answered while
//! the rest starts and drains. A start is a reload from nothing.

use crate::engine::EngineSettings;
use crate::engine::chance::Chance;
use crate::engine::deadline::Hurry;
use crate::engine::door::{Door, Hall};
use crate::engine::flow::Node;
use crate::engine::leaving::{drain, emptied};
use crate::engine::opening::Opening;
use crate::engine::process_figures;
use crate::engine::reports::Reports;
use crate::engine::tick::Ticker;
use crate::front::{Lane, Stage, consume};
use crate::graph::Assembled;
use crate::host::{Announcement, Services};
use crate::status::Subject;
use crate::{Kind, StartError, Status};
use chaperone_config::ComponentId;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// The receiver that brings in what components report about themselves.
pub(crate) const OWN_EVENTS: &str = "own_events";

/// A running collector.
pub struct Running {
    pub(crate) settings: EngineSettings,
    // Shared by the hosts of all components.
    pub(crate) services: Arc<Services>,
    pub(crate) hall: Hall,
    /// The graph, and the components that live.
    pub(crate) current: Assembled,
    /// Of the current receivers, in their order.
    pub(crate) doors: Vec<Arc<Door>>,
    /// Of the current lanes.
    pub(crate) consumers: Vec<Consumers>,
    pub(crate) tickers: Vec<Ticker>,
    pub(crate) reports: Reports,
    /// Queues that empty in the background, with the exporters behind them.
    pub(crate) retiring: JoinSet<()>,
    pub(crate) hurry: Hurry,
}

/// The tasks that empty one lane.
pub(crate) struct Consumers {
    pub lane: Arc<Lane>,
    tasks: JoinSet<()>,
}

impl Consumers {
    pub(crate) fn of(lane: &Arc<Lane>) -> Consumers {
        let count = match (lane.settings.in_order, lane.settings.queue.num_consumers) {
            (true, _) => 1,
            (false, consumers) => consumers.max(1),
        };
        let mut tasks = JoinSet::new();
        for _ in 0..count {
            tasks.spawn(consume(Arc::clone(lane)));
        }
        Consumers { lane: Arc::clone(lane), tasks }
    }
    /// Ends deliveries that the deadline has overtaken, and drops what waits.
    pub(crate) async fn end(mut self) {
        self.lane.stage.send_replace(Stage::Ended);
        while self.tasks.join_next().await.is_some() {}
        self.lane.drop_waiting();
    }
}

pub(crate) fn subject_of(node: &Node) -> Subject {
    match node.place.kind {
        Kind::Processor => Subject::in_pipeline(&node.place.id, &node.place.pipeline),
        kind => Subject::whole(kind, &node.place.id),
    }
}

pub(crate) fn failed(kind: Kind, id: &ComponentId, error: StartError) -> StartError {
    StartError { message: format!("{} `{id}` did not start: {}", kind.word(), error.message), source: error.source }
}

pub(crate) async fn start(assembled: Assembled, settings: &EngineSettings) -> Result<Running, StartError> {
    let accounted = Arc::clone(&assembled.flow.accounted);
    process_figures::register(&settings.telemetry, &settings.clock, &accounted);
    let (clock, telemetry) = (settings.clock.clone(), settings.telemetry.clone());
    let services = Services::new(clock.clone(), telemetry.clone(), Arc::clone(&settings.storage), Arc::clone(&accounted));
    let services = services.with_status(settings.shared.status().clone());
    services.keep_announcements();
    let hall = Hall {
        telemetry,
        clock,
        accounted,
        compute: Arc::new(Semaphore::new(std::thread::available_parallelism().map_or(2, usize::from))),
        receive_limit: process_figures::receive_limit(),
        chance: Chance::default(),
    };
    let mut running = Running {
        settings: settings.clone(),
        services: Arc::new(services),
        hall,
        current: Assembled::nothing(settings),
        doors: Vec::new(),
        consumers: Vec::new(),
        tickers: Vec::new(),
        reports: Reports::default(),
        retiring: JoinSet::new(),
        hurry: Hurry::default(),
    };
    let mut opening = Opening::of(assembled, &running);
    opening.everybody_is_starting(&running);
    match opening.start(&running).await {
        Ok(()) => {
            let former = running.move_in(opening).await;
            running.move_out(former, Duration::ZERO).await;
            Ok(running)
        }
        Err(error) => {
            let began = opening.undone(&running);
            running.move_out(began, Duration::from_secs(1)).await;
            running.shutdown(Duration::from_secs(1)).await;
            Err(error)
        }
    }
}

impl Running {
    /// Accounted memory of the process in bytes, as [`crate::Host::accounted_bytes`].
    pub fn accounted_bytes(&self) -> usize {
        self.services.accounted.total()
    }

    /// What components said at the start, or at the last reload, and nobody told yet; they tell the rest themselves.
    pub fn take_announcements(&self) -> Vec<Announcement> {
        self.services.take_announcements()
    }

    /// Brings deadlines closer, also while a reload is under way.
    pub fn hurry(&self) -> Hurry {
        self.hurry.clone()
    }

    /// A component's status from now on.
    pub(crate) fn is(&self, subject: &Subject, status: Status) {
        self.services.status.set(subject, status, None, self.services.clock.now());
    }

    /// Receivers stop accepting, batches in flight finish, held data drain, queues empty within `deadline`.
    ///
    /// What is still queued at the deadline is dropped and counted with the reason `shutdown`.
    pub async fn shutdown(mut self, deadline: Duration) {
        let deadline = Instant::now() + deadline;
        self.hurry.until(deadline);
        for extension in &self.current.extensions {
            extension.instance.component.not_ready();
        }
        self.current.receivers.iter().for_each(|instance| instance.bond.stop());
        self.current.processors.iter().for_each(|instance| instance.bond.stop());
        self.current.lanes.iter().for_each(|lane| lane.turn_away());
        for instance in std::mem::take(&mut self.current.receivers) {
            let subject = Subject::whole(Kind::Receiver, &instance.place.id);
            self.is(&subject, Status::Stopping);
            if tokio::time::timeout_at(deadline, instance.component.stop()).await.is_err() {
                tracing::warn!(receiver = %instance.place.id, "a receiver did not stop in time");
            }
            instance.bond.end_tasks().await;
            self.is(&subject, Status::Stopped);
        }
        let flow = Arc::clone(&self.current.flow);
        if tokio::time::timeout_at(deadline, flow.in_flight.none()).await.is_err() {
            tracing::warn!("requests were still being worked on at the deadline");
        }
        // Until no request is open ticks give out what is held, or its senders would wait in vain.
        for ticker in self.tickers.drain(..) {
            ticker.stop().await;
        }
        for lane in &self.current.lanes {
            lane.stage.send_replace(Stage::Draining);
        }
        for index in &flow.order {
            self.is(&subject_of(&flow.nodes[*index]), Status::Stopping);
        }
        drain(&flow, &flow.order, |_| false, &self.current.lanes, &self.hurry, deadline).await;
        for index in &flow.order {
            self.is(&subject_of(&flow.nodes[*index]), Status::Stopped);
        }
        let _ = tokio::time::timeout_at(deadline, emptied(&self.current.lanes, &self.services)).await;
        for consumers in self.consumers.drain(..) {
            consumers.lane.stage.send_replace(Stage::Ended);
            consumers.end().await;
        }
        // They hurry since the beginning, and give up and count what they cannot deliver.
        while self.retiring.join_next().await.is_some() {}
        self.reports.stop(&self.services).await;
        for instance in std::mem::take(&mut self.current.exporters) {
            instance.bond.stop();
            let patience = deadline.max(Instant::now() + Duration::from_secs(1));
            if tokio::time::timeout_at(patience, instance.component.stop()).await.is_err() {
                tracing::warn!(exporter = %instance.place.id, "an exporter did not stop in time");
            }
            instance.bond.end_tasks().await;
        }
        for lane in &self.current.lanes {
            self.is(&Subject::of_signal(&lane.id, lane.signal), Status::Stopped);
        }
        for instance in &self.current.processors {
            instance.bond.end_tasks().await;
        }
        // Stores last, as they were first.
        while let Some(extension) = self.current.extensions.pop() {
            let instance = extension.instance;
            instance.bond.stop();
            let patience = deadline.max(Instant::now() + Duration::from_secs(1));
            if tokio::time::timeout_at(patience, instance.component.stop()).await.is_err() {
                tracing::warn!(extension = %instance.place.id, "an extension did not stop in time");
            }
            instance.bond.end_tasks().await;
            self.is(&Subject::whole(Kind::Extension, &instance.place.id), Status::Stopped);
        }
    }
}
