//! The health of the collector out of the statuses of its components: of all, of one pipeline, of each component.

use chaperone_pipeline::Status;
use chaperone_pipeline::status::{StatusBoard, StatusEvent, Subject};
use std::collections::BTreeMap;

/// A status with those it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Health {
    pub event: StatusEvent,
    /// By name: pipelines and `extensions` of the collector, `receiver:otlp` of a pipeline.
    pub parts: BTreeMap<String, Health>,
}

/// The collector's health; `None` before anything was said.
pub(super) fn of_collector(board: &StatusBoard) -> Option<Health> {
    let (topology, events) = (board.topology(), board.all());
    let single = |subject: &Subject| {
        let event = events.get(subject)?.clone();
        Some((format!("{}:{}", subject.kind.word(), subject.id), Health { event, parts: BTreeMap::new() }))
    };
    let mut parts = BTreeMap::new();
    for pipeline in &topology.pipelines {
        let members = pipeline.members.iter().filter_map(|(_, subject)| single(subject)).collect();
        parts.extend(together(members).map(|health| (format!("pipeline:{}", pipeline.id), health)));
    }
    let extensions = topology.extensions.iter().filter_map(single).collect();
    parts.extend(together(extensions).map(|health| ("extensions".to_owned(), health)));
    together(parts)
}

/// One part of it by the name that users write: `traces/store` or `extensions`.
pub(super) fn scope(mut whole: Health, name: &str) -> Option<Health> {
    match name {
        "" => Some(whole),
        "extensions" => whole.parts.remove(name),
        pipeline => whole.parts.remove(&format!("pipeline:{pipeline}")),
    }
}

/// The worst of several: who starts or stops comes before who fails, since those do not take requests.
fn together(parts: BTreeMap<String, Health>) -> Option<Health> {
    let worst = parts.values().map(|part| &part.event).max_by_key(|event| (rank(event.status), event.since.unix_ns))?;
    let mut event = worst.clone();
    // Some have stopped and others not: the whole is stopping.
    if event.status == Status::Stopped && parts.values().any(|part| part.event.status != Status::Stopped) {
        event.status = Status::Stopping;
    }
    Some(Health { event, parts })
}

fn rank(status: Status) -> u8 {
    match status {
        Status::Ok => 0,
        Status::RecoverableError => 1,
        Status::PermanentError => 2,
        Status::Stopped => 3,
        Status::Stopping => 4,
        Status::Starting => 5,
    }
}
