//! What pipelines mean: signals that components take and give, connectors used on both sides, no cycles, nothing unused.
//!
//! References to what is not configured were reported when the document was read; they are skipped here.

use crate::graph::{Parts, cycle, error, signal_of};
use crate::{Kind, Meta};
use chaperone_config::{ComponentId, Document, Location, Node, Pipeline, Problem, Problems, Reference, Severity};
use chaperone_proto::Signal;

pub(crate) fn check(document: &Document, parts: &Parts, problems: &mut Problems) {
    for pipeline in &document.service.pipelines {
        signals(pipeline, parts, problems);
    }
    for (id, node) in &document.connectors {
        if let Some(meta) = parts.connector(id) {
            connector(document, id, meta, node.location(), problems);
        }
    }
    if let Some(found) = cycle::find(document, parts) {
        problems.push(found);
    }
    // What is no component is reported as that, and not also as unused.
    if !problems.has_errors() {
        unused(document, problems);
    }
}

/// Whether what a connector takes as one signal can leave it as another.
pub(crate) fn leads(meta: &Meta, taken: Signal, given: Signal) -> bool {
    meta.signals.has(taken) && ((taken == given && meta.passes.has(given)) || meta.derives.has(given))
}

fn signals(pipeline: &Pipeline, parts: &Parts, problems: &mut Problems) {
    let Some(signal) = signal_of(&pipeline.id) else { return };
    let lists = [
        (Kind::Receiver, &pipeline.receivers, "does not give"),
        (Kind::Processor, &pipeline.processors, "does not take"),
        (Kind::Exporter, &pipeline.exporters, "does not take"),
    ];
    for (kind, list, does_not) in lists {
        for (index, reference) in list.iter().enumerate() {
            let Some(meta) = parts.meta(kind, &reference.id) else { continue };
            if !meta.signals.has(signal) {
                let word = kind.word();
                let message = format!("{word} `{}` {does_not} {}", reference.id, signal.name());
                let path = format!("service.pipelines.{}.{word}s[{index}]", pipeline.id);
                problems.push(error(path, reference.location.as_ref(), message, hint(meta)));
            }
        }
    }
}

fn hint(meta: &Meta) -> Option<String> {
    let known: Vec<_> = Signal::ALL.into_iter().filter(|signal| meta.signals.has(*signal)).map(Signal::name).collect();
    (!known.is_empty()).then(|| format!("it knows {}", known.join(" and ")))
}

/// Every use of a connector on one side needs a use on the other side that its signals can reach.
fn connector(document: &Document, id: &ComponentId, meta: &Meta, at: Option<&Location>, problems: &mut Problems) {
    let as_exporter = uses(document, id, |pipeline| &pipeline.exporters);
    let as_receiver = uses(document, id, |pipeline| &pipeline.receivers);
    if as_exporter.is_empty() && as_receiver.is_empty() {
        return;
    }
    for (pipeline, signal, index, place) in &as_exporter {
        let path = format!("service.pipelines.{pipeline}.exporters[{index}]");
        if !meta.signals.has(*signal) {
            problems.push(error(path, *place, format!("connector `{id}` does not take {}", signal.name()), hint(meta)));
        } else if !as_receiver.iter().any(|(_, given, ..)| leads(meta, *signal, *given)) {
            let message =
                format!("connector `{id}` used as exporter in `{pipeline}` but not used in any supported receiver pipeline");
            problems.push(error(path, place.or(at), message, gives(id, meta, *signal)));
        }
    }
    for (pipeline, signal, index, place) in &as_receiver {
        if !as_exporter.iter().any(|(_, taken, ..)| leads(meta, *taken, *signal)) {
            let path = format!("service.pipelines.{pipeline}.receivers[{index}]");
            let message =
                format!("connector `{id}` used as receiver in `{pipeline}` but not used in any supported exporter pipeline");
            problems.push(error(path, place.or(at), message, None));
        }
    }
}

fn gives(id: &ComponentId, meta: &Meta, taken: Signal) -> Option<String> {
    let given: Vec<_> = Signal::ALL.into_iter().filter(|signal| leads(meta, taken, *signal)).map(Signal::name).collect();
    (!given.is_empty()).then(|| format!("name `{id}` among the receivers of a {} pipeline", given.join(" or ")))
}

type Use<'a> = (&'a chaperone_config::PipelineId, Signal, usize, Option<&'a Location>);

fn uses<'a>(document: &'a Document, id: &ComponentId, list: fn(&Pipeline) -> &Vec<Reference>) -> Vec<Use<'a>> {
    let mut found = Vec::new();
    for pipeline in &document.service.pipelines {
        let Some(signal) = signal_of(&pipeline.id) else { continue };
        let place = list(pipeline).iter().enumerate().find(|(_, reference)| reference.id == *id);
        if let Some((index, reference)) = place {
            found.push((&pipeline.id, signal, index, reference.location.as_ref()));
        }
    }
    found
}

fn unused(document: &Document, problems: &mut Problems) {
    let pipelines = &document.service.pipelines;
    let named = |id: &ComponentId, list: fn(&Pipeline) -> &Vec<Reference>| {
        pipelines.iter().any(|pipeline| list(pipeline).iter().any(|reference| reference.id == *id))
    };
    let mut warn = |section: &str, id: &ComponentId, node: &Node| {
        let is_not = if section == "extensions" { "not named in `service::extensions`" } else { "used in no pipeline" };
        problems.push(Problem {
            severity: Severity::Warning,
            message: format!("`{id}` is configured and {is_not}"),
            location: node.location().cloned(),
            path: format!("{section}.{id}"),
            hint: None,
        });
    };
    for (id, node) in &document.receivers {
        if !named(id, |pipeline| &pipeline.receivers) {
            warn("receivers", id, node);
        }
    }
    for (id, node) in &document.processors {
        if !named(id, |pipeline| &pipeline.processors) {
            warn("processors", id, node);
        }
    }
    for (id, node) in &document.exporters {
        if !named(id, |pipeline| &pipeline.exporters) {
            warn("exporters", id, node);
        }
    }
    for (id, node) in &document.extensions {
        if !document.service.extensions.iter().any(|reference| reference.id == *id) {
            warn("extensions", id, node);
        }
    }
    for (id, node) in &document.connectors {
        if !named(id, |pipeline| &pipeline.exporters) && !named(id, |pipeline| &pipeline.receivers) {
            warn("connectors", id, node);
        }
    }
}
