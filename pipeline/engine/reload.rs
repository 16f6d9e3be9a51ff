//! Another configuration in a running collector: what did not change goes on, and nothing that was accepted is lost.
//!
//! Everything is read, checked, built and started before anything is taken away. Then the doors of the receivers lead
//! into the new graph, and what is not part of it is taken down. On any error before that nothing has happened.

use crate::engine::counters::Place;
use crate::engine::leaving::Leaving;
use crate::engine::opening::{Opening, holds};
use crate::engine::running::{OWN_EVENTS, Running};
use crate::engine::tick::Ticker;
use crate::front::Lane;
use crate::graph::{self, Purpose};
use crate::host::Room;
use crate::{Registry, StartError};
use chaperone_config::{Document, Problem, Problems};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long new components may take to start.
const START: Duration = Duration::from_secs(60);

/// What a reload did. Components are named as `processor batch in traces`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// Components that were not there before.
    pub added: Vec<String>,
    /// Components with other settings, or that name an extension which was replaced.
    pub replaced: Vec<String>,
    /// Components that are gone.
    pub removed: Vec<String>,
    /// Pipelines that are new, gone, or list other components.
    pub pipelines: Vec<String>,
    /// How many components went on as they were.
    pub kept: usize,
    /// What is odd about the configuration.
    pub warnings: Vec<Problem>,
}

impl Reloaded {
    /// Whether everything was already as the configuration says.
    pub fn is_nothing(&self) -> bool {
        self.added.is_empty() && self.replaced.is_empty() && self.removed.is_empty() && self.pipelines.is_empty()
    }
}

/// Why a reload was not done. The collector runs as before.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The configuration is wrong.
    #[error("the configuration has problems")]
    Problems(Problems),
    /// A new component did not start; those that did were stopped again.
    #[error(transparent)]
    Start(#[from] StartError),
}

impl Running {
    /// Makes the collector what a document says.
    ///
    /// Returns when the new graph works and nothing is under way in the old one; queues of exporters that are gone may
    /// still be emptying, for `patience` at most.
    pub async fn reload(
        &mut self,
        document: &Document,
        registry: &Registry,
        patience: Duration,
    ) -> Result<Reloaded, ReloadError> {
        let mut problems = Problems::new();
        let parts = graph::check(document, registry, &mut problems);
        if problems.has_errors() {
            return Err(ReloadError::Problems(problems));
        }
        let purpose = Purpose::Run(Some(&self.current));
        let Some(next) = graph::assemble(document, &parts, &self.settings, purpose, &mut problems) else {
            return Err(ReloadError::Problems(problems));
        };
        let mut reloaded = self.difference(&next);
        reloaded.warnings = problems.iter().cloned().collect();
        if reloaded.is_nothing() {
            return Ok(reloaded);
        }
        self.services.keep_announcements();
        let mut opening = Opening::of(next, self);
        let started = self.hurry.wait(Instant::now() + START, opening.start(self)).await;
        let started = started.unwrap_or_else(|| Err(StartError::new("what is new did not start in time")));
        if let Err(error) = started {
            let began = opening.undone(self);
            self.move_out(began, patience).await;
            self.services.take_announcements();
            return Err(ReloadError::Start(error));
        }
        if !reloaded.pipelines.is_empty() {
            let help = "Reloads that changed the wiring: edges of before and after have each seen a part.";
            self.settings.telemetry.counter("chaperone_graph_rewirings", help, &[]).add(1);
        }
        let leaving = self.move_in(opening).await;
        self.move_out(leaving, patience).await;
        Ok(reloaded)
    }

    /// Lets requests into the graph that was opened; gives what the former one had and this one has not.
    pub(crate) async fn move_in(&mut self, opening: Opening) -> Leaving {
        opening.doors.iter().for_each(|door| door.lead_to(&opening.next.flow));
        opening.say_ready();
        let Opening { next, doors, consumers, .. } = opening;
        let former = std::mem::replace(&mut self.current, next);
        let next = &self.current;
        self.doors = doors;
        self.services.watch_room(Room {
            queues: next.lanes.iter().map(|lane| Arc::clone(&lane.budget)).collect(),
            receive_limit: self.hall.receive_limit,
        });
        self.services.status.set_topology(next.topology.clone());
        let own_events = next.receivers.iter().position(|one| one.recipe.kind == OWN_EVENTS);
        self.reports.go_through(own_events.map(|place| &self.doors[place]), &self.services).await;

        let mut leaving = Leaving::nothing(&former.flow, &former.lanes);
        // A component is called by one graph at a time; those that leave are called until they are drained.
        for ticker in std::mem::take(&mut self.tickers) {
            match former.flow.instance(ticker.node) {
                Some(instance) if holds(&next.processors, instance) => ticker.stop().await,
                _ => leaving.tickers.push(ticker),
            }
        }
        self.tickers = next.flow.order.iter().map(|node| Ticker::start(&next.flow, *node)).collect();
        let (stay, go) = std::mem::take(&mut self.consumers).into_iter().partition(|one| holds(&next.lanes, &one.lane));
        (self.consumers, leaving.consumers) = (stay, go);
        self.consumers.extend(consumers);
        next.lanes.iter().filter(|lane| !holds(&former.lanes, lane)).for_each(|lane| lane.show());
        leaving.consumers.iter().filter(|one| !is_succeeded(&one.lane, &next.lanes)).for_each(|one| one.lane.hide());

        leaving.places = next.processors.iter().map(|one| one.place.clone()).collect();
        leaving.receivers = former.receivers.into_iter().filter(|one| !holds(&next.receivers, one)).collect();
        leaving.processors = former.processors.into_iter().filter(|one| !holds(&next.processors, one)).collect();
        leaving.exporters = former.exporters.into_iter().filter(|one| !holds(&next.exporters, one)).collect();
        let extensions: Vec<_> = next.extensions.iter().map(|one| Arc::clone(&one.instance)).collect();
        leaving.extensions = former.extensions.into_iter().filter(|one| !holds(&extensions, &one.instance)).collect();
        leaving
    }

    /// What is not in both graphs.
    fn difference(&self, next: &graph::Assembled) -> Reloaded {
        let (now, then) = (lives(&self.current), lives(next));
        let mut reloaded = Reloaded::default();
        for (place, address) in &then {
            match now.iter().find(|(other, _)| other == place) {
                None => reloaded.added.push(named(place)),
                Some((_, other)) if other != address => reloaded.replaced.push(named(place)),
                Some(_) => reloaded.kept += 1,
            }
        }
        let gone = now.iter().filter(|(place, _)| !then.iter().any(|(other, _)| other == place));
        reloaded.removed = gone.map(|(place, _)| named(place)).collect();
        let (now, then) = (&self.current.topology.pipelines, &next.topology.pipelines);
        let changed = then.iter().filter(|one| !now.contains(one));
        let gone = now.iter().filter(|one| !then.iter().any(|other| other.id == one.id));
        reloaded.pipelines = changed.chain(gone).map(|one| one.id.clone()).collect();
        reloaded
    }
}

/// Whether another queue has this one's name in own metrics.
fn is_succeeded(lane: &Lane, next: &[Arc<Lane>]) -> bool {
    next.iter().any(|other| other.id == lane.id && other.signal == lane.signal)
}

/// All components with what tells two instances apart.
fn lives(graph: &graph::Assembled) -> Vec<(&Place, usize)> {
    fn of<C: ?Sized>(one: &Arc<crate::engine::instance::Instance<C>>) -> (&Place, usize) {
        (&one.place, Arc::as_ptr(one).addr())
    }
    let extensions = graph.extensions.iter().map(|one| of(&one.instance));
    let flow = graph.receivers.iter().map(of).chain(graph.processors.iter().map(of)).chain(graph.exporters.iter().map(of));
    extensions.chain(flow).collect()
}

fn named(place: &Place) -> String {
    match place.pipeline.as_str() {
        "" => format!("{} {}", place.kind.word(), place.id),
        pipeline => format!("{} {} in {pipeline}", place.kind.word(), place.id),
    }
}
