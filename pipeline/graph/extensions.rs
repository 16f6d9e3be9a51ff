//! What a graph tells about itself: its extensions, and who has a status in which pipeline.

use crate::Kind;
use crate::extension::Known;
use crate::graph::{Parts, signal_of};
use crate::status::{List, PipelineShape, Subject, Topology};
use chaperone_config::{ComponentId, Document};

/// The extensions that start.
fn started<'a>(document: &'a Document, parts: &'a Parts) -> impl Iterator<Item = (&'a ComponentId, bool)> {
    let named = |id: &ComponentId| document.service.extensions.iter().any(|reference| reference.id == *id);
    parts.extensions.iter().filter(move |part| named(&part.id)).map(|part| (&part.id, part.entry.meta.stores))
}

/// What `storage` settings may name.
pub(crate) fn known(document: &Document, parts: &Parts) -> Known {
    Known { extensions: started(document, parts).map(|(id, stores)| (id.to_string(), stores)).collect() }
}

/// Pipelines and extensions of a document.
pub(crate) fn topology(document: &Document, parts: &Parts) -> Topology {
    let mut pipelines = Vec::new();
    for pipeline in &document.service.pipelines {
        let Some(signal) = signal_of(&pipeline.id) else { continue };
        let name = pipeline.id.to_string();
        let mut members: Vec<(List, Subject)> = Vec::new();
        let lists = [
            (List::Receivers, &pipeline.receivers),
            (List::Processors, &pipeline.processors),
            (List::Exporters, &pipeline.exporters),
        ];
        for (list, references) in lists {
            for reference in references {
                let id = &reference.id;
                let subject = match list {
                    List::Processors => Subject::in_pipeline(id, &name),
                    _ if parts.connector(id).is_some() => Subject::whole(Kind::Connector, id),
                    List::Receivers => Subject::whole(Kind::Receiver, id),
                    List::Exporters => Subject::of_signal(id, signal),
                };
                if !members.contains(&(list, subject.clone())) {
                    members.push((list, subject));
                }
            }
        }
        pipelines.push(PipelineShape { id: name, signal: signal.name(), members });
    }
    let extensions = started(document, parts).map(|(id, _)| Subject::whole(Kind::Extension, id)).collect();
    Topology { pipelines, extensions }
}
