//! Starts and stops a graph.
//!
//! Extensions come first and go last, so that a store is there for whoever restores state, and health is answered while
//! the rest starts and drains.

use crate::engine::EngineSettings;
use crate::engine::chance::Chance;
use crate::engine::door::{Door, Hall, InFlight};
use crate::engine::flow::{Flow, Node, Piece, Work};
use crate::engine::process_figures;
use crate::engine::tick::tick;
use crate::extension::ExtensionInstance;
use crate::front::{Lane, Stage, consume};
use crate::graph::{Assembled, ExporterInstance, ReceiverInstance};
use crate::host::{Room, Services};
use crate::status::{Subject, Topology};
use crate::{Batch, Entrance, Host, Kind, Next, StartError, Status};
use chaperone_config::ComponentId;
use chaperone_proto::{Data, Logs};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// The receiver that brings in what components report about themselves.
pub(crate) const OWN_EVENTS: &str = "own_events";

/// How often a shutdown looks whether the queues are empty.
const TURN: Duration = Duration::from_millis(5);

/// A running collector.
pub struct Running {
    flow: Arc<Flow>,
    services: Arc<Services>,
    in_flight: Arc<InFlight>,
    extensions: Vec<ExtensionInstance>,
    exporters: Vec<ExporterInstance>,
    receivers: Vec<ReceiverInstance>,
    pub(crate) lanes: Vec<Arc<Lane>>,
    consumers: JoinSet<()>,
    tickers: JoinSet<()>,
    reports: JoinSet<()>,
    /// Told when the collector is asked to stop.
    stopping: watch::Sender<bool>,
    /// Told when no request is open any more: until then ticks give out what is held, or its senders would wait in vain.
    answered: watch::Sender<bool>,
    /// Told when the queues are empty: what exporters hear as the stop.
    emptied: watch::Sender<bool>,
}

pub(crate) async fn start(assembled: Assembled, settings: &EngineSettings) -> Result<Running, StartError> {
    let Assembled { flow, lanes, exporters, receivers, extensions, topology } = assembled;
    process_figures::register(&settings.telemetry, &settings.clock, &flow.accounted);
    let accounted = Arc::clone(&flow.accounted);
    let services = Services::new(settings.clock.clone(), settings.telemetry.clone(), Arc::clone(&settings.storage), accounted);
    let services = services.with_status(settings.shared.status().clone());
    services.watch_room(Room {
        queues: lanes.iter().map(|lane| Arc::clone(&lane.budget)).collect(),
        receive_limit: process_figures::receive_limit(),
    });
    let mut running = Running {
        flow: Arc::new(flow),
        services: Arc::new(services),
        in_flight: Arc::default(),
        extensions: Vec::new(),
        exporters: Vec::new(),
        receivers: Vec::new(),
        lanes,
        consumers: JoinSet::new(),
        tickers: JoinSet::new(),
        reports: JoinSet::new(),
        stopping: watch::Sender::new(false),
        answered: watch::Sender::new(false),
        emptied: watch::Sender::new(false),
    };
    running.everybody_is_starting(topology);
    let started = match running.start_extensions(extensions).await {
        Ok(()) => running.start(exporters, receivers, settings).await,
        Err(error) => Err(error),
    };
    match started {
        Ok(()) => Ok(running),
        Err(error) => {
            running.shutdown(Duration::from_secs(1)).await;
            Err(error)
        }
    }
}

fn subject_of(node: &Node) -> Subject {
    match node.place.kind {
        Kind::Processor => Subject::in_pipeline(&node.place.id, &node.place.pipeline),
        kind => Subject::whole(kind, &node.place.id),
    }
}

fn failed(kind: Kind, id: &ComponentId, error: StartError) -> StartError {
    StartError { message: format!("{} `{id}` did not start: {}", kind.word(), error.message), source: error.source }
}

impl Running {
    fn everybody_is_starting(&self, topology: Topology) {
        let members = topology.pipelines.iter().flat_map(|pipeline| pipeline.members.iter().map(|(_, subject)| subject));
        let all: Vec<Subject> = topology.extensions.iter().chain(members).cloned().collect();
        self.services.status.set_topology(topology);
        for subject in all {
            self.is(&subject, Status::Starting);
        }
    }

    /// A component's status from now on.
    fn is(&self, subject: &Subject, status: Status) {
        self.services.status.set(subject, status, None, self.services.clock.now());
    }

    async fn start_extensions(&mut self, extensions: Vec<ExtensionInstance>) -> Result<(), StartError> {
        for instance in extensions {
            let host = Host::new(Kind::Extension, instance.id.clone(), self.emptied.subscribe(), Arc::clone(&self.services));
            instance.extension.start(&host).await.map_err(|error| failed(Kind::Extension, &instance.id, error))?;
            self.is(&Subject::whole(Kind::Extension, &instance.id), Status::Ok);
            self.extensions.push(instance);
            self.services.set_extensions(self.extensions.clone());
        }
        Ok(())
    }

    async fn start(
        &mut self,
        exporters: Vec<ExporterInstance>,
        receivers: Vec<ReceiverInstance>,
        settings: &EngineSettings,
    ) -> Result<(), StartError> {
        for instance in exporters {
            let host = Host::new(Kind::Exporter, instance.id.clone(), self.emptied.subscribe(), Arc::clone(&self.services));
            instance.exporter.start(&host).await.map_err(|error| failed(Kind::Exporter, &instance.id, error))?;
            for lane in self.lanes.iter().filter(|lane| lane.id == instance.id) {
                self.is(&Subject::of_signal(&lane.id, lane.signal), Status::Ok);
            }
            self.exporters.push(instance);
        }
        // Downstream first, so that whoever starts finds its consumers ready.
        for index in self.flow.order.iter().rev() {
            let node = &self.flow.nodes[*index];
            self.start_processor(node).await?;
            self.is(&subject_of(node), Status::Ok);
        }
        for lane in &self.lanes {
            let consumers = match (lane.settings.in_order, lane.settings.queue.num_consumers) {
                (true, _) => 1,
                (false, consumers) => consumers.max(1),
            };
            for _ in 0..consumers {
                self.consumers.spawn(consume(Arc::clone(lane)));
            }
        }
        for index in &self.flow.order {
            self.tickers.spawn(tick(Arc::clone(&self.flow), *index, self.answered.subscribe()));
        }
        let hall = Hall {
            flow: Arc::clone(&self.flow),
            telemetry: settings.telemetry.clone(),
            compute: Arc::new(Semaphore::new(std::thread::available_parallelism().map_or(2, usize::from))),
            receive_limit: process_figures::receive_limit(),
            chance: Chance::default(),
            in_flight: Arc::clone(&self.in_flight),
        };
        for instance in receivers {
            let host = Host::new(Kind::Receiver, instance.id.clone(), self.stopping.subscribe(), Arc::clone(&self.services));
            let entrance = Entrance { door: Arc::new(Door::new(instance.id.clone(), &hall)) };
            let is_own_events = instance.kind == OWN_EVENTS;
            instance
                .receiver
                .start(&host, entrance.clone())
                .await
                .map_err(|error| failed(Kind::Receiver, &instance.id, error))?;
            self.is(&Subject::whole(Kind::Receiver, &instance.id), Status::Ok);
            self.receivers.push(instance);
            if is_own_events && let Some(reports) = self.services.take_reports() {
                self.reports.spawn(bring_in(reports, entrance));
            }
        }
        // Without the receiver nobody takes reports: they are refused, and counted, from the start.
        drop(self.services.take_reports());
        for instance in &self.extensions {
            instance.extension.ready();
        }
        Ok(())
    }

    async fn start_processor(&self, node: &Node) -> Result<(), StartError> {
        let Work::Process(processor) = &node.work else { return Ok(()) };
        let host = Host::new(node.place.kind, node.place.id.clone(), self.stopping.subscribe(), Arc::clone(&self.services));
        let processor = Arc::clone(processor);
        // Restoring state may read files; the threads that serve connections must not.
        let started = tokio::task::spawn_blocking(move || processor.start(&host)).await;
        let started = started.unwrap_or_else(|_| Err(StartError::new("it panicked")));
        started.map_err(|error| failed(node.place.kind, &node.place.id, error))
    }

    /// Accounted memory of the process in bytes, as [`Host::accounted_bytes`].
    pub fn accounted_bytes(&self) -> usize {
        self.services.accounted.total()
    }

    /// Receivers stop accepting, batches in flight finish, held data drain, queues empty within `deadline`.
    ///
    /// What is still queued at the deadline is dropped and counted with the reason `shutdown`.
    pub async fn shutdown(mut self, deadline: Duration) {
        let deadline = Instant::now() + deadline;
        for instance in &self.extensions {
            instance.extension.not_ready();
        }
        self.stopping.send_replace(true);
        self.lanes.iter().for_each(|lane| lane.turn_away());
        for instance in self.receivers.drain(..) {
            let subject = Subject::whole(Kind::Receiver, &instance.id);
            self.services.status.set(&subject, Status::Stopping, None, self.services.clock.now());
            if tokio::time::timeout_at(deadline, instance.receiver.stop()).await.is_err() {
                tracing::warn!(receiver = %instance.id, "a receiver did not stop in time");
            }
            self.services.status.set(&subject, Status::Stopped, None, self.services.clock.now());
        }
        if tokio::time::timeout_at(deadline, self.in_flight.none()).await.is_err() {
            tracing::warn!("requests were still being worked on at the deadline");
        }
        self.answered.send_replace(true);
        while self.tickers.join_next().await.is_some() {}
        for lane in &self.lanes {
            lane.stage.send_replace(Stage::Draining);
        }
        for index in &self.flow.order {
            self.is(&subject_of(&self.flow.nodes[*index]), Status::Stopping);
        }
        self.drain(deadline).await;
        for index in &self.flow.order {
            self.is(&subject_of(&self.flow.nodes[*index]), Status::Stopped);
        }
        let _ = tokio::time::timeout_at(deadline, self.emptied()).await;
        self.close().await;
        self.reports.shutdown().await;
        self.emptied.send_replace(true);
        for instance in self.exporters.drain(..) {
            let patience = deadline.max(Instant::now() + Duration::from_secs(1));
            if tokio::time::timeout_at(patience, instance.exporter.stop()).await.is_err() {
                tracing::warn!(exporter = %instance.id, "an exporter did not stop in time");
            }
        }
        for lane in &self.lanes {
            self.is(&Subject::of_signal(&lane.id, lane.signal), Status::Stopped);
        }
        self.services.abort_tasks().await;
        // Stores last, as they were first.
        while let Some(instance) = self.extensions.pop() {
            let patience = deadline.max(Instant::now() + Duration::from_secs(1));
            if tokio::time::timeout_at(patience, instance.extension.stop()).await.is_err() {
                tracing::warn!(extension = %instance.id, "an extension did not stop in time");
            }
            self.is(&Subject::whole(Kind::Extension, &instance.id), Status::Stopped);
        }
    }

    /// Upstream first, so that what one gives out is held and drained by the next.
    ///
    /// Between two pieces the queues get time to empty: held data must not be dropped for want of room.
    async fn drain(&self, deadline: Instant) {
        for node in self.flow.processors() {
            loop {
                while self.lanes.iter().any(|lane| lane.budget.is_half_full()) && Instant::now() < deadline {
                    tokio::time::sleep(TURN).await;
                }
                match self.flow.work(node, &Piece::Drain) {
                    Next::Done => break,
                    _ if Instant::now() >= deadline => {
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
    async fn emptied(&self) {
        let mut seen = 0;
        while seen < 2 {
            let idle = self.lanes.iter().all(|lane| lane.is_idle()) && self.services.no_report_waits();
            seen = if idle { seen + 1 } else { 0 };
            tokio::time::sleep(TURN).await;
        }
    }

    /// Ends deliveries that the deadline has overtaken, and drops what waits.
    async fn close(&mut self) {
        for lane in &self.lanes {
            lane.stage.send_replace(Stage::Ended);
        }
        while self.consumers.join_next().await.is_some() {}
        for lane in &self.lanes {
            lane.drop_waiting();
        }
    }
}

/// Brings reports into the graph, one after the other.
async fn bring_in(mut reports: mpsc::Receiver<Logs>, entrance: Entrance) {
    while let Some(logs) = reports.recv().await {
        let outcome = entrance.submit_batch(Batch::new(Data::Logs(logs))).await;
        if outcome != crate::Outcome::Ok {
            tracing::warn!(?outcome, "a report of our own was refused");
        }
    }
}
