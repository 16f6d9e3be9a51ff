//! From a document to a graph: settings read, wiring checked, instances built, edges drawn. All problems at once.

mod assemble;
mod cycle;
mod effective;
mod elsewhere;
mod extensions;
mod read;
mod wiring;

pub(crate) use assemble::{Assembled, Purpose, assemble};
pub(crate) use effective::effective;
pub(crate) use read::Parts;

use crate::Registry;
use chaperone_config::{Document, Problem, Problems, Severity};
use chaperone_proto::Signal;

/// Reads settings and checks the wiring of a document.
pub(crate) fn check(document: &Document, registry: &Registry, problems: &mut Problems) -> Parts {
    let parts = read::read(document, registry, problems);
    wiring::check(document, &parts, problems);
    parts
}

/// Reads settings alone: what can be said of a document whose sections or pipelines are wrong themselves.
pub(crate) fn check_settings(document: &Document, registry: &Registry, problems: &mut Problems) {
    read::read(document, registry, problems);
}

/// The signal of a pipeline.
pub(crate) fn signal_of(pipeline: &chaperone_config::PipelineId) -> Option<Signal> {
    Signal::ALL.into_iter().find(|signal| signal.name() == pipeline.signal)
}

fn error(path: String, location: Option<&chaperone_config::Location>, message: String, hint: Option<String>) -> Problem {
    Problem { severity: Severity::Error, message, location: location.cloned(), path, hint }
}
