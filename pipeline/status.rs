//! How every component of the running collector is: starting, fine, failing, stopping.
//!
//! Fed by the engine around start and stop, by the exporters' front when deliveries fail and succeed again, and by
//! components that have something to say. Read by extensions that answer health checks and show pages.
//! Nobody on a data thread writes here unless something changed. Outlives reloads.

use crate::{Kind, Now};
use chaperone_config::ComponentId;
use chaperone_proto::Signal;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The states of a component, named as the Collector names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Being started.
    Starting,
    /// Works.
    Ok,
    /// Fails now, and may work again by itself.
    RecoverableError,
    /// Does not work, and will not without somebody's help; the rest of the collector works.
    PermanentError,
    /// Being stopped.
    Stopping,
    /// Stopped.
    Stopped,
}

impl Status {
    /// `StatusRecoverableError`.
    pub const fn name(self) -> &'static str {
        match self {
            Status::Starting => "StatusStarting",
            Status::Ok => "StatusOK",
            Status::RecoverableError => "StatusRecoverableError",
            Status::PermanentError => "StatusPermanentError",
            Status::Stopping => "StatusStopping",
            Status::Stopped => "StatusStopped",
        }
    }
}

/// Who has a status. A component that works apart for several pipelines or signals has one for each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// Section.
    pub kind: Kind,
    /// Id as the user wrote it.
    pub id: String,
    /// Processors: the pipeline. Exporters: the signal. Others: empty.
    pub part: String,
}

impl Subject {
    /// A component with one instance: a receiver, connector or extension.
    pub fn whole(kind: Kind, id: &ComponentId) -> Subject {
        Subject { kind, id: id.to_string(), part: String::new() }
    }
    /// A processor in one pipeline.
    pub fn in_pipeline(id: &ComponentId, pipeline: &str) -> Subject {
        Subject { kind: Kind::Processor, id: id.to_string(), part: pipeline.to_owned() }
    }
    /// An exporter of one signal.
    pub fn of_signal(id: &ComponentId, signal: Signal) -> Subject {
        Subject { kind: Kind::Exporter, id: id.to_string(), part: signal.name().to_owned() }
    }
}

/// What a component's status is, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusEvent {
    /// The state.
    pub status: Status,
    /// Why, for errors.
    pub message: Option<String>,
    /// When it came into this state; another message in the same state changes nothing.
    pub since: Now,
}

/// One pipeline of the running graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineShape {
    /// `traces/store`.
    pub id: String,
    /// Its signal.
    pub signal: &'static str,
    /// Who has a status in it, in the order of the configuration: receivers, processors, exporters, connectors among them.
    pub members: Vec<(List, Subject)>,
}

/// The list of a pipeline that names a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// `receivers:`
    Receivers,
    /// `processors:`
    Processors,
    /// `exporters:`
    Exporters,
}

/// What the collector consists of now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Topology {
    /// The pipelines in order.
    pub pipelines: Vec<PipelineShape>,
    /// The extensions in order.
    pub extensions: Vec<Subject>,
}

/// What the process is: for pages about it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct About {
    /// Version of the binary.
    pub version: String,
    /// Feature gates with their state.
    pub features: Vec<Feature>,
    /// The configuration in force, defaults filled in, without secrets; null where nobody said.
    pub config: serde_json::Value,
}

/// A feature gate as it was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    /// Its id.
    pub id: String,
    /// Whether it is on.
    pub enabled: bool,
    /// How settled it is.
    pub stage: String,
    /// What it does.
    pub description: String,
}

/// The statuses of all components. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct StatusBoard {
    // Shared by the engine, the hosts of all components, and the graphs before and after a reload.
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    events: BTreeMap<Subject, StatusEvent>,
    // Shared with readers, who keep it beyond the lock.
    topology: Arc<Topology>,
    // The same.
    about: Arc<About>,
}

impl StatusBoard {
    /// Sets a status. The time of the change stays when the state was the same before.
    pub fn set(&self, subject: &Subject, status: Status, message: Option<String>, now: Now) {
        let mut state = self.lock();
        match state.events.get_mut(subject) {
            Some(known) if known.status == status => known.message = message,
            Some(known) => *known = StatusEvent { status, message, since: now },
            None => drop(state.events.insert(subject.clone(), StatusEvent { status, message, since: now })),
        }
    }
    /// The status of one component.
    pub fn get(&self, subject: &Subject) -> Option<StatusEvent> {
        self.lock().events.get(subject).cloned()
    }
    /// All statuses.
    pub fn all(&self) -> BTreeMap<Subject, StatusEvent> {
        self.lock().events.clone()
    }
    /// What the collector consists of.
    pub fn topology(&self) -> Arc<Topology> {
        Arc::clone(&self.lock().topology)
    }
    /// Says what the collector consists of from now on; whoever is no part of it any more is forgotten.
    pub fn set_topology(&self, topology: Topology) {
        let mut state = self.lock();
        let pipelines = &topology.pipelines;
        let named = |subject: &Subject| {
            let member = |(_, other): &(List, Subject)| other == subject;
            topology.extensions.contains(subject) || pipelines.iter().any(|pipeline| pipeline.members.iter().any(member))
        };
        state.events.retain(|subject, _| named(subject));
        state.topology = Arc::new(topology);
    }
    /// What the process is.
    pub fn about(&self) -> Arc<About> {
        Arc::clone(&self.lock().about)
    }
    /// Says what the process is, at the start and after a reload.
    pub fn set_about(&self, about: About) {
        self.lock().about = Arc::new(about);
    }
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Clock;

    fn subject(id: &str) -> Subject {
        Subject { kind: Kind::Receiver, id: id.to_owned(), part: String::new() }
    }

    #[test]
    fn a_status_keeps_the_time_at_which_it_began() {
        let (board, clock) = (StatusBoard::default(), Clock::manual(1));
        let otlp = subject("otlp");
        board.set(&otlp, Status::RecoverableError, Some("first".into()), clock.now());
        clock.advance_to(2);
        board.set(&otlp, Status::RecoverableError, Some("second".into()), clock.now());
        let seen = board.get(&otlp).unwrap();
        assert_eq!((seen.since.unix_ns, seen.message.as_deref()), (1, Some("second")));
        board.set(&otlp, Status::Ok, None, clock.now());
        let seen = board.get(&otlp).unwrap();
        assert_eq!((seen.status, seen.since.unix_ns, seen.message), (Status::Ok, 2, None));
    }

    #[test]
    fn who_left_the_graph_is_forgotten() {
        let (board, now) = (StatusBoard::default(), Clock::manual(1).now());
        for id in ["kept", "gone"] {
            board.set(&subject(id), Status::Ok, None, now);
        }
        let members = vec![(List::Receivers, subject("kept"))];
        let pipeline = PipelineShape { id: "traces".into(), signal: "traces", members };
        board.set_topology(Topology { pipelines: vec![pipeline], extensions: Vec::new() });
        assert_eq!(board.all().keys().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["kept"]);
        assert_eq!(board.topology().pipelines.len(), 1);
    }
}
