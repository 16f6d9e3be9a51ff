//! Finds every configured component's registry entry and reads its settings.

use crate::front::FrontSettings;
use crate::graph::{elsewhere, error};
use crate::registry::Entry;
use crate::{Exporter, Extension, Kind, Meta, Processor, Receiver, Registry};
use chaperone_config::{ComponentId, Document, Node, Problems, suggest};

/// A configured component whose type is known.
pub(crate) struct Part<P: ?Sized + 'static> {
    pub id: ComponentId,
    pub entry: &'static Entry<P>,
    /// Its settings, without the keys of the front.
    pub node: Node,
    pub front: Option<FrontSettings>,
    /// `processors.gen_ai_cost`.
    pub path: String,
}

/// All configured components whose types are known.
#[derive(Default)]
pub(crate) struct Parts {
    pub receivers: Vec<Part<dyn Receiver>>,
    pub processors: Vec<Part<dyn Processor>>,
    pub connectors: Vec<Part<dyn Processor>>,
    pub exporters: Vec<Part<dyn Exporter>>,
    pub extensions: Vec<Part<dyn Extension>>,
}

pub(crate) fn read(document: &Document, registry: &Registry, problems: &mut Problems) -> Parts {
    let mut parts = Parts {
        receivers: section(&document.receivers, registry.receivers, Kind::Receiver, problems),
        processors: section(&document.processors, registry.processors, Kind::Processor, problems),
        connectors: section(&document.connectors, registry.connectors, Kind::Connector, problems),
        exporters: section(&document.exporters, registry.exporters, Kind::Exporter, problems),
        extensions: section(&document.extensions, registry.extensions, Kind::Extension, problems),
    };
    for exporter in &mut parts.exporters {
        exporter.front = FrontSettings::take(&mut exporter.node, &exporter.path, exporter.entry.meta.front, problems);
    }
    settings(&parts.receivers, problems);
    settings(&parts.processors, problems);
    settings(&parts.connectors, problems);
    settings(&parts.exporters, problems);
    settings(&parts.extensions, problems);
    parts
}

fn section<P: ?Sized>(
    configured: &[(ComponentId, Node)],
    entries: &'static [Entry<P>],
    kind: Kind,
    problems: &mut Problems,
) -> Vec<Part<P>> {
    let mut found = Vec::new();
    for (id, node) in configured {
        let path = format!("{}s.{id}", kind.word());
        let Some(entry) = entries.iter().find(|entry| entry.is_called(&id.kind)) else {
            let known: Vec<&str> = entries.iter().flat_map(|entry| [&[entry.meta.name], entry.meta.aliases].concat()).collect();
            let message = format!("unknown {} type `{}`", kind.word(), id.kind);
            // Many configurations still name it.
            let hint = match (kind, id.kind.as_str()) {
                (Kind::Exporter, "logging") => Some("`debug` took its place".to_owned()),
                _ => elsewhere::hint(kind, &id.kind).or_else(|| suggest::hint(&id.kind, &known)),
            };
            problems.push(error(path, node.location(), message, hint));
            continue;
        };
        found.push(Part { id: id.clone(), entry, node: node.clone(), front: None, path });
    }
    found
}

fn settings<P: ?Sized>(parts: &[Part<P>], problems: &mut Problems) {
    for part in parts {
        (part.entry.read)(&part.node, &part.path, problems);
    }
}

impl Parts {
    /// What a connector says about itself.
    pub(crate) fn connector(&self, id: &ComponentId) -> Option<&Meta> {
        meta(&self.connectors, id)
    }
    /// What a component of another kind says about itself.
    pub(crate) fn meta(&self, kind: Kind, id: &ComponentId) -> Option<&Meta> {
        match kind {
            Kind::Receiver => meta(&self.receivers, id),
            Kind::Processor => meta(&self.processors, id),
            Kind::Connector => meta(&self.connectors, id),
            Kind::Exporter => meta(&self.exporters, id),
            Kind::Extension => meta(&self.extensions, id),
        }
    }
}

fn meta<'a, P: ?Sized>(parts: &'a [Part<P>], id: &ComponentId) -> Option<&'a Meta> {
    parts.iter().find(|part| part.id == *id).map(|part| &part.entry.meta)
}
