//! Reads the sections of a merged and expanded tree: ids, pipelines, references. Knows no component's name.
//!
//! The rules and their order are the Collector's, but everything wrong is reported, not the first of each section.
//! What a pipeline means (signals, cycles, connectors that lead nowhere) is the graph's to check.

use crate::document::{Document, Pipeline, Reference, Service};
use crate::id::SIGNALS;
use crate::problems::join;
use crate::tree::item_path;
use crate::{ComponentId, Gates, Location, Node, PipelineId, Problem, Problems, Severity, suggest};
use std::collections::BTreeSet;

type Section = Vec<(ComponentId, Node)>;

const SECTIONS: [&str; 6] = ["receivers", "processors", "exporters", "connectors", "extensions", "service"];
const SERVICE_KEYS: [&str; 3] = ["extensions", "pipelines", "telemetry"];
const PIPELINE_KEYS: [&str; 3] = ["receivers", "processors", "exporters"];

/// Reads a document; problems are added, and what could be read is given even so.
pub(crate) fn document(mut tree: Node, gates: Gates, problems: &mut Problems) -> Document {
    known_keys(&tree, "", &SECTIONS, problems);
    if ["receivers", "processors", "exporters", "connectors", "extensions"]
        .iter()
        .all(|name| tree.get(name).is_none_or(says_nothing))
    {
        let hint = "it needs at least a receiver, an exporter and a pipeline".to_owned();
        error(problems, "", None, "the configuration is empty".to_owned(), Some(hint));
    } else {
        for (section, name) in [("receivers", "receiver"), ("exporters", "exporter")] {
            if tree.get(section).is_none_or(says_nothing) {
                error(problems, section, tree.key_location(section).cloned().as_ref(), format!("no {name} is configured"), None);
            }
        }
    }
    let mut section = |name: &str| section(tree.take(name), name, problems);
    let receivers = section("receivers");
    let processors = section("processors");
    let exporters = section("exporters");
    let connectors = section("connectors");
    let extensions = section("extensions");
    let place = tree.key_location("service").cloned();
    let service = service(tree.take("service").unwrap_or_else(Node::null), place, gates, problems);
    let document = Document { receivers, processors, exporters, connectors, extensions, service };
    check(&document, problems);
    document
}

fn section(node: Option<Node>, name: &str, problems: &mut Problems) -> Section {
    let Some(node) = node else {
        return Vec::new();
    };
    if !node.is_map() && !node.is_null() {
        let message = format!("expected a map of components, found {}", node.describe());
        error(problems, name, node.location(), message, None);
        return Vec::new();
    }
    let mut found: Section = Vec::new();
    for (key, place, value) in node.entries() {
        let path = join(name, key);
        let id = match ComponentId::parse(key) {
            Ok(id) => id,
            Err(message) => {
                error(problems, &path, Some(place), message, None);
                continue;
            }
        };
        if found.iter().any(|(known, _)| *known == id) {
            error(
                problems,
                &path,
                Some(place),
                format!("duplicate id `{id}`"),
                Some("spaces around an id do not count".to_owned()),
            );
            continue;
        }
        // What is said of a whole component points at its id.
        let mut value = value.clone();
        value.location = Some(place.clone());
        found.push((id, value));
    }
    found
}

fn service(mut node: Node, place: Option<Location>, gates: Gates, problems: &mut Problems) -> Service {
    if !node.is_map() && !node.is_null() {
        let message = format!("expected a map, found {}", node.describe());
        error(problems, "service", node.location(), message, None);
        node = Node::null();
    }
    known_keys(&node, "service", &SERVICE_KEYS, problems);
    let extensions = references(node.get("extensions"), "service.extensions", problems);
    let pipelines = match node.get("pipelines") {
        Some(pipelines) => self::pipelines(pipelines, problems),
        None => Vec::new(),
    };
    if !gates.allow_no_pipelines && node.get("pipelines").is_none_or(says_nothing) {
        let at = node.key_location("pipelines").cloned().or(place);
        error(problems, "service.pipelines", at.as_ref(), "the service must have at least one pipeline".to_owned(), None);
    }
    let telemetry = node.take("telemetry").unwrap_or_else(Node::null);
    Service { extensions, pipelines, telemetry }
}

fn pipelines(node: &Node, problems: &mut Problems) -> Vec<Pipeline> {
    let path = "service.pipelines";
    if !node.is_map() && !node.is_null() {
        error(problems, path, node.location(), format!("expected a map of pipelines, found {}", node.describe()), None);
    }
    let mut found: Vec<Pipeline> = Vec::new();
    for (key, place, value) in node.entries() {
        let path = join(path, key);
        let id = match PipelineId::parse(key) {
            Ok(id) => id,
            Err(message) => {
                let signal = key.split('/').next().unwrap_or(key).trim();
                let near = suggest::nearest(signal, SIGNALS).map(|near| format!("did you mean `{near}`?"));
                let hint = message.starts_with("unknown").then_some(near.or_else(|| suggest::one_of(&SIGNALS)));
                error(problems, &path, Some(place), message, hint.flatten());
                continue;
            }
        };
        if found.iter().any(|known| known.id == id) {
            error(
                problems,
                &path,
                Some(place),
                format!("duplicate id `{id}`"),
                Some("spaces around an id do not count".to_owned()),
            );
            continue;
        }
        if !value.is_map() && !value.is_null() {
            error(problems, &path, Some(place), format!("expected a map, found {}", value.describe()), None);
            continue;
        }
        known_keys(value, &path, &PIPELINE_KEYS, problems);
        for (list, name) in [("receivers", "receiver"), ("exporters", "exporter")] {
            if value.get(list).is_none_or(|list| list.is_null() || (list.is_list() && list.items().next().is_none())) {
                error(problems, &path, Some(place), format!("the pipeline must have at least one {name}"), None);
            }
        }
        let mut list = |name: &str| references(value.get(name), &join(&path, name), problems);
        let (receivers, processors, exporters) = (list("receivers"), list("processors"), list("exporters"));
        found.push(Pipeline { id, location: Some(place.clone()), receivers, processors, exporters });
    }
    found
}

fn references(node: Option<&Node>, path: &str, problems: &mut Problems) -> Vec<Reference> {
    let Some(node) = node.filter(|node| !node.is_null()) else {
        return Vec::new();
    };
    if !node.is_list() {
        let hint = node.text().map(|text| format!("write `[{text}]`"));
        error(problems, path, node.location(), format!("expected a list of ids, found {}", node.describe()), hint);
        return Vec::new();
    }
    let mut found = Vec::new();
    for (index, item) in node.items().enumerate() {
        let path = item_path(path, index);
        let parsed = match item.text() {
            Some(text) if !item.is_null() => ComponentId::parse(text),
            _ => Err(format!("expected an id, found {}", item.describe())),
        };
        match parsed {
            Ok(id) => found.push(Reference { id, location: item.location().cloned() }),
            Err(message) => error(problems, &path, item.location(), message, None),
        }
    }
    found
}

/// The rules over the whole document.
fn check(document: &Document, problems: &mut Problems) {
    let Document { receivers, exporters, connectors, extensions, service, .. } = document;
    for (id, node) in connectors {
        for (section, name) in [(receivers, "a receiver"), (exporters, "an exporter")] {
            if section.iter().any(|(known, _)| known == id) {
                let message = format!("`{id}` is the id of a connector and of {name}");
                let hint = format!("give one of them a name of its own, such as `{}/2`", id.kind);
                error(problems, &join("connectors", &id.to_string()), node.location(), message, Some(hint));
            }
        }
    }
    for (index, reference) in service.extensions.iter().enumerate() {
        resolve(reference, "extension", &[extensions], &item_path("service.extensions", index), problems);
    }
    for pipeline in &service.pipelines {
        pipeline_rules(pipeline, document, problems);
    }
}

fn pipeline_rules(pipeline: &Pipeline, document: &Document, problems: &mut Problems) {
    let path = join("service.pipelines", &pipeline.id.to_string());
    let lists = [
        ("receiver", &pipeline.receivers, vec![&document.receivers, &document.connectors]),
        ("processor", &pipeline.processors, vec![&document.processors]),
        ("exporter", &pipeline.exporters, vec![&document.exporters, &document.connectors]),
    ];
    for (kind, list, sections) in lists {
        for (index, reference) in list.iter().enumerate() {
            let path = item_path(&join(&path, &format!("{kind}s")), index);
            resolve(reference, kind, &sections, &path, problems);
            let earlier = list.get(..index).unwrap_or_default();
            if kind == "processor" && earlier.iter().any(|other| other.id == reference.id) {
                let message = format!("the processor `{}` stands in this pipeline more than once", reference.id);
                error(problems, &path, reference.location.as_ref(), message, None);
            }
        }
    }
}

/// Reports a reference to what is not configured, with the nearest id that is.
fn resolve(reference: &Reference, kind: &str, sections: &[&Section], path: &str, problems: &mut Problems) {
    let known = || sections.iter().flat_map(|section| section.iter());
    if known().any(|(id, _)| *id == reference.id) {
        return;
    }
    let ids: Vec<(String, Option<usize>)> =
        known().map(|(id, node)| (id.to_string(), node.location().map(|location| location.line))).collect();
    let near = suggest::nearest(&reference.id.to_string(), ids.iter().map(|(id, _)| id.as_str()));
    let hint = match near.and_then(|near| ids.iter().find(|(id, _)| id == near)) {
        Some((id, Some(line))) => Some(format!("did you mean `{id}`? it is defined on line {line}")),
        Some((id, None)) => Some(format!("did you mean `{id}`?")),
        None => {
            let list: BTreeSet<&str> = ids.iter().map(|(id, _)| id.as_str()).collect();
            let list: Vec<&str> = list.into_iter().collect();
            suggest::one_of(&list).map(|list| list.replacen("known here", "configured", 1))
        }
    };
    let message = format!("{kind} `{}` is not configured", reference.id);
    error(problems, path, reference.location.as_ref(), message, hint);
}

/// Null or an empty map.
fn says_nothing(node: &Node) -> bool {
    node.is_null() || (node.is_map() && node.entries().count() == 0)
}

fn known_keys(node: &Node, path: &str, known: &[&str], problems: &mut Problems) {
    for (key, place, _) in node.entries() {
        if !known.contains(&key) {
            error(problems, &join(path, key), Some(place), format!("unknown key `{key}`"), suggest::hint(key, known));
        }
    }
}

fn error(problems: &mut Problems, path: &str, at: Option<&Location>, message: String, hint: Option<String>) {
    problems.push(Problem { severity: Severity::Error, message, location: at.cloned(), path: path.to_owned(), hint });
}
