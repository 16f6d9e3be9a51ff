//! What a running component may ask of the engine.

use crate::engine::accounted::Accounted;
use crate::engine::bond::{Bond, Estate, Own};
use crate::extension::{ExtensionInstance, NO_STORE, NOT_A_STORE, Owner};
use crate::front::Budget;
use crate::status::Subject;
use crate::{Checkpoints, Clock, Counter, Kind, StartError, Status, StatusBoard, Storage, Telemetry};
use chaperone_config::ComponentId;
use chaperone_proto::Logs;
use std::any::Any;
use std::future::Future;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};

/// Reports that may wait for `own_events`; further ones are dropped and counted.
const MAX_REPORTS: usize = 1024;

/// The engine, as a component's `start` sees it. Cheap to clone.
#[derive(Clone)]
pub struct Host {
    kind: Kind,
    id: ComponentId,
    stopping: watch::Receiver<bool>,
    // Shared with the engine, which ends its tasks.
    own: Arc<Own>,
    // Shared by the hosts of all components and by the engine.
    services: Arc<Services>,
}

/// What all hosts share, before and after a reload.
pub(crate) struct Services {
    pub(crate) clock: Clock,
    pub(crate) telemetry: Telemetry,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) accounted: Arc<Accounted>,
    /// None where nothing asynchronous runs: in `replay`.
    runtime: Option<Handle>,
    /// None while nobody brings reports into the graph.
    reports: RwLock<Option<mpsc::Sender<Logs>>>,
    reports_of_tests: Mutex<Option<mpsc::Receiver<Logs>>>,
    /// No room, and nobody who takes them.
    dropped_reports: [Counter; 2],
    room: RwLock<Room>,
    /// Those that were started.
    extensions: Mutex<Vec<ExtensionInstance>>,
    pub(crate) status: StatusBoard,
    /// What components leave to their successors.
    estate: Estate,
    /// Announcements that were not told yet; none while they are told as they come.
    announced: Mutex<Option<Vec<Announcement>>>,
    quiet: bool,
}

/// What a component says that it does for its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// Id of the component.
    pub component: String,
    /// `listening on ...`, `storing in ...`.
    pub what: String,
}

/// The budgets that requests under way use up.
#[derive(Default)]
pub(crate) struct Room {
    pub(crate) queues: Vec<Arc<Budget>>,
    pub(crate) receive_limit: usize,
}

impl Services {
    pub(crate) fn new(clock: Clock, telemetry: Telemetry, storage: Arc<dyn Storage>, accounted: Arc<Accounted>) -> Services {
        let dropped = |reason| {
            let help = "Records of our own that never entered the graph.";
            telemetry.counter("chaperone_reports_dropped_items", help, &[("reason", reason)])
        };
        let dropped_reports = [dropped("own_events_full"), dropped("no_own_events")];
        Services {
            clock,
            telemetry,
            storage,
            accounted,
            runtime: Handle::try_current().ok(),
            reports: RwLock::default(),
            reports_of_tests: Mutex::default(),
            dropped_reports,
            room: RwLock::default(),
            extensions: Mutex::default(),
            status: StatusBoard::default(),
            estate: Estate::default(),
            announced: Mutex::default(),
            quiet: false,
        }
    }
    /// Tells which budgets [`Host::is_crowded`] looks at.
    pub(crate) fn watch_room(&self, room: Room) {
        *self.room.write().unwrap_or_else(PoisonError::into_inner) = room;
    }
    /// With the statuses that readers see, which outlive this graph.
    pub(crate) fn with_status(mut self, status: StatusBoard) -> Services {
        self.status = status;
        self
    }
    /// Tells which extensions run: where `storage` settings lead to.
    pub(crate) fn set_extensions(&self, extensions: Vec<ExtensionInstance>) {
        *self.extensions.lock().unwrap_or_else(PoisonError::into_inner) = extensions;
    }
    fn extension(&self, id: &str) -> Option<ExtensionInstance> {
        let extensions = self.extensions.lock().unwrap_or_else(PoisonError::into_inner);
        extensions.iter().find(|extension| extension.instance.place.id.to_string() == id).cloned()
    }
    /// Without tasks and announcements: for `replay`.
    pub(crate) fn quiet(mut self) -> Services {
        self.quiet = true;
        self.runtime = None;
        self
    }
    /// Opens the queue of reports, for whoever brings them into the graph; there is one such.
    pub(crate) fn take_reports(&self) -> mpsc::Receiver<Logs> {
        let (reports, waiting) = mpsc::channel(MAX_REPORTS);
        *self.reports.write().unwrap_or_else(PoisonError::into_inner) = Some(reports);
        waiting
    }
    /// Closes it: what is reported from now on is refused and counted.
    pub(crate) fn refuse_reports(&self) {
        *self.reports.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
    /// Whether every report was taken by whoever brings them in. Without `own_events` nobody does, and none waits.
    pub(crate) fn no_report_waits(&self) -> bool {
        let reports = self.reports.read().unwrap_or_else(PoisonError::into_inner);
        reports.as_ref().is_none_or(|reports| reports.is_closed() || reports.capacity() == reports.max_capacity())
    }
    /// Keeps announcements from now on, for whoever tells them together.
    pub(crate) fn keep_announcements(&self) {
        self.announced.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default();
    }
    /// What was kept; from now on announcements are told as they come.
    pub(crate) fn take_announcements(&self) -> Vec<Announcement> {
        self.announced.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default()
    }
}

impl Host {
    pub(crate) fn new(kind: Kind, id: ComponentId, bond: &Bond, services: Arc<Services>) -> Host {
        let (stopping, own) = bond.tie();
        Host { kind, id, stopping, own, services }
    }
    /// A host of its own, for unit tests of components. Tasks run on the test's runtime, if there is one.
    pub fn for_tests(clock: Clock, storage: Arc<dyn Storage>) -> Host {
        let services = Services::new(clock, Telemetry::default(), storage, Arc::default());
        let reports = services.take_reports();
        *services.reports_of_tests.lock().unwrap_or_else(PoisonError::into_inner) = Some(reports);
        let bond = Bond::default();
        let id = ComponentId { kind: "test".to_owned(), name: None };
        let host = Host::new(Kind::Connector, id, &bond, Arc::new(services));
        // Nobody stops a test's host: it ends with the test.
        std::mem::forget(bond);
        host
    }
    /// For tests: what was reported and not yet taken.
    pub fn reported_for_tests(&self) -> Vec<Logs> {
        let mut waiting = self.services.reports_of_tests.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = Vec::new();
        while let Some(Ok(logs)) = waiting.as_mut().map(mpsc::Receiver::try_recv) {
            all.push(logs);
        }
        all
    }
    /// Id of the component that is being started.
    pub fn id(&self) -> &ComponentId {
        &self.id
    }
    /// Runs a future until the component is stopped: with the collector, or by a reload that has no use for it.
    ///
    /// In `replay`, where nothing asynchronous runs, the future is dropped.
    pub fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.services.runtime {
            self.own.spawn(runtime, future);
        }
    }
    /// Runs blocking work on a thread of its own pool and waits for it.
    pub async fn blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        match tokio::task::spawn_blocking(work).await {
            Ok(value) => value,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // Only when the runtime is being torn down: there is nobody left to give a value to.
                Err(_) => std::future::pending().await,
            },
        }
    }
    /// Resolves when the collector is asked to stop; for exporters, when their queues have been emptied.
    pub async fn stopping(&self) {
        let mut stopping = self.stopping.clone();
        // An error means that the engine is gone, which is a stop as well.
        let _ = stopping.wait_for(|stop| *stop).await;
    }
    /// Puts records of our own (`chaperone.notification`, `chaperone.audit`) into the graph through `own_events`.
    ///
    /// Never waits: when too many reports wait already, or no pipeline has the receiver, they are dropped and counted.
    pub fn report(&self, logs: Logs) {
        let items = logs.len();
        let [full, nobody] = &self.services.dropped_reports;
        let reports = self.services.reports.read().unwrap_or_else(PoisonError::into_inner);
        match reports.as_ref().map(|reports| reports.try_send(logs)) {
            Some(Ok(())) => {}
            Some(Err(TrySendError::Full(_))) => full.add(items as u64),
            Some(Err(TrySendError::Closed(_))) | None => nobody.add(items as u64),
        }
    }
    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.services.clock
    }
    /// Own metrics.
    pub fn telemetry(&self) -> &Telemetry {
        &self.services.telemetry
    }
    /// Where state is kept: a store of this component's own in the named extension, else the memory of this process.
    ///
    /// In `replay`, where no extension runs, always memory: a replay begins with nothing and leaves nothing.
    pub fn storage(&self, extension: Option<&str>) -> Result<Arc<dyn Storage>, StartError> {
        let Some(id) = extension.filter(|_| !self.services.quiet) else {
            return Ok(Arc::clone(&self.services.storage));
        };
        let Some(extension) = self.services.extension(id) else {
            return Err(StartError::new(format!("{NO_STORE}: `{id}`")));
        };
        let owner = Owner { kind: self.kind, id: self.id.clone() };
        extension.instance.component.store_of(&owner).unwrap_or_else(|| Err(StartError::new(format!("{NOT_A_STORE}: `{id}`"))))
    }
    /// Checkpoints of this component's state, in the named extension's store or in memory; `failures` counts failed writes.
    pub fn checkpoints(&self, extension: Option<&str>, failures: Counter) -> Result<Checkpoints, StartError> {
        let (store, namespace) = (self.storage(extension)?, self.id.to_string());
        if extension.is_none() || self.services.quiet {
            return Ok(Checkpoints::direct(store, namespace, failures));
        }
        Checkpoints::in_background(store, namespace, failures)
            .map_err(|error| StartError::caused_by("cannot start the thread that stores state", error))
    }
    /// How every component is.
    pub fn status(&self) -> &StatusBoard {
        &self.services.status
    }
    /// Says how this component is, for receivers, connectors and extensions; `message` says why it is not well.
    pub fn report_status(&self, status: Status, message: Option<String>) {
        self.services.status.set(&Subject::whole(self.kind, &self.id), status, message, self.clock().now());
    }
    /// Says on standard error, once, what this component does for its user: `listening on ...`, `storing in ...`.
    pub fn announce(&self, what: &str) {
        if self.services.quiet {
            return;
        }
        match self.services.announced.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            Some(kept) => kept.push(Announcement { component: self.id.to_string(), what: what.to_owned() }),
            None => eprintln!("{}: {what}", self.id),
        }
    }
    /// What an instance that a reload is about to replace holds under this name: a bound socket, a locked file.
    ///
    /// None at a start, and where whoever holds it stays: then the thing is taken, as it would be by another process.
    pub fn inherit<T: Any + Send + Sync>(&self, name: &str) -> Option<Arc<T>> {
        self.services.estate.find(name)
    }
    /// Leaves a thing to whoever may replace this component; it goes when the component lets go of it.
    pub fn bequeath<T: Any + Send + Sync>(&self, name: &str, thing: &Arc<T>) {
        self.services.estate.add(&self.own, name, thing);
    }
    /// Accounted memory of the process in bytes: bodies, queues, component state.
    pub fn accounted_bytes(&self) -> usize {
        self.services.accounted.total()
    }
    /// Requests of all receivers that were admitted and are not answered yet. Who holds as many waits for nobody.
    pub fn open_requests(&self) -> usize {
        self.services.accounted.open_requests.load(Ordering::Acquire)
    }
    /// Whether four fifths of a queue, or of what may be received at a time, are used or reserved.
    ///
    /// Who holds requests gives them on then: they keep others out.
    pub fn is_crowded(&self) -> bool {
        let room = self.services.room.read().unwrap_or_else(PoisonError::into_inner);
        // Without a limit nothing is received yet.
        (room.receive_limit > 0 && self.services.accounted.receiving.get() >= room.receive_limit / 5 * 4)
            || room.queues.iter().any(|queue| queue.is_crowded())
    }
    /// An account of this component's own state, part of [`Host::accounted_bytes`] while it lives.
    pub fn account(&self) -> StateAccount {
        StateAccount { bytes: 0, accounted: Arc::clone(&self.services.accounted) }
    }
}

/// How much memory a component's state takes.
pub struct StateAccount {
    bytes: usize,
    // Shared with the engine, which adds up.
    accounted: Arc<Accounted>,
}

impl StateAccount {
    /// Replaces what was said before.
    pub fn set(&mut self, bytes: usize) {
        self.accounted.state.add(bytes);
        self.accounted.state.sub(self.bytes);
        self.bytes = bytes;
    }
}

impl Drop for StateAccount {
    fn drop(&mut self) {
        self.accounted.state.sub(self.bytes);
    }
}
