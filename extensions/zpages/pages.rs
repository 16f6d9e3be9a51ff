//! The pages as data: what each tells, first as JSON and then as tables of it.

use super::figures::Figures;
use super::html::{Cell, Page};
use crate::serve::rfc3339;
use chaperone_config::Duration;
use chaperone_pipeline::status::{List, StatusBoard, StatusEvent, Subject};
use chaperone_pipeline::{Kind, Now, Status, Telemetry};
use serde_json::{Value, json};

/// The pages that there are, in the order of the links.
pub(super) const LINKS: [&str; 4] = ["servicez", "pipelines", "extensionz", "featurez"];

/// What pages are made of.
pub(super) struct Facts<'a> {
    pub board: &'a StatusBoard,
    pub telemetry: &'a Telemetry,
    pub started: Now,
    pub now: Now,
}

fn of(event: Option<&StatusEvent>) -> (Value, Value, Value) {
    let Some(event) = event else { return (Value::Null, Value::Null, Value::Null) };
    (json!(event.status.name()), json!(rfc3339(event.since.unix_ns)), json!(event.message))
}

/// Build, start, uptime.
pub(super) fn service(facts: &Facts) -> Value {
    let about = facts.board.about();
    let uptime = Duration::from(facts.now.mono.saturating_sub(facts.started.mono));
    json!({
        "command": "chaperone",
        "version": about.version,
        "started": rfc3339(facts.started.unix_ns),
        "uptime": uptime.to_string(),
        "os": std::env::consts::OS,
        "arch": std::env::consts::ARCH,
        "processors": std::thread::available_parallelism().map_or(0, usize::from),
        "accounted_bytes": Figures::now(facts.telemetry).sum("chaperone_process_accounted_bytes", &[]),
    })
}

/// Every pipeline with its components: status, queue, throughput, refusals.
pub(super) fn pipelines(facts: &Facts) -> Value {
    let (topology, events) = (facts.board.topology(), facts.board.all());
    let figures = Figures::now(facts.telemetry);
    let pipeline = |pipeline: &chaperone_pipeline::status::PipelineShape| {
        let member = |(list, subject): &(List, Subject)| {
            let (status, since, error) = of(events.get(subject));
            json!({
                "list": match list { List::Receivers => "receivers", List::Processors => "processors", List::Exporters => "exporters" },
                "kind": subject.kind.word(),
                "id": subject.id,
                "status": status,
                "since": since,
                "error": error,
                "figures": component(&figures, subject, pipeline.signal),
            })
        };
        json!({
            "id": pipeline.id,
            "signal": pipeline.signal,
            "components": pipeline.members.iter().map(member).collect::<Vec<_>>(),
        })
    };
    json!({"pipelines": topology.pipelines.iter().map(pipeline).collect::<Vec<_>>()})
}

/// What a component counts, of one signal.
fn component(figures: &Figures, subject: &Subject, signal: &str) -> Value {
    let id = subject.id.as_str();
    match subject.kind {
        Kind::Receiver => {
            let items = |outcome| {
                let labels = [("receiver", id), ("signal", signal), ("outcome", outcome)];
                figures.sum("chaperone_receiver_items", &labels)
            };
            json!({"received": items("received"), "accepted": items("accepted"), "refused": items("refused")})
        }
        Kind::Exporter => {
            let labels = [("exporter", id), ("signal", signal)];
            let of_type = [("exporter", id), ("data_type", signal)];
            let sum = |name| figures.sum(name, &labels);
            json!({
                "enqueued": sum("chaperone_queue_enqueued_items"),
                "sent": sum("chaperone_queue_sent_items"),
                "dropped": sum("chaperone_queue_dropped_items"),
                "failed_attempts": sum("chaperone_queue_failed_attempts"),
                "waiting": sum("chaperone_queue_waiting_items"),
                "in_flight": sum("chaperone_queue_in_flight_items"),
                "queue_bytes": sum("chaperone_queue_bytes"),
                "queue_size": figures.sum("otelcol_exporter_queue_size", &of_type),
                "queue_capacity": figures.sum("otelcol_exporter_queue_capacity", &of_type),
            })
        }
        _ => {
            let mut labels = vec![("component", id), ("signal", signal), ("kind", subject.kind.word())];
            if !subject.part.is_empty() {
                labels.push(("pipeline", &subject.part));
            }
            let items =
                |direction| figures.sum("chaperone_component_items", &[labels.as_slice(), &[("direction", direction)]].concat());
            json!({
                "in": items("in"),
                "passed": items("passed"),
                "consumed": items("consumed"),
                "made": items("made"),
                "dropped": figures.sum("chaperone_component_dropped_items", &labels),
                "held": figures.sum("chaperone_component_held_items", &labels),
            })
        }
    }
}

/// Extensions and their statuses.
pub(super) fn extensions(facts: &Facts) -> Value {
    let events = facts.board.all();
    let one = |subject: &Subject| {
        let (status, since, error) = of(events.get(subject));
        json!({"id": subject.id, "status": status, "since": since, "error": error})
    };
    json!({"extensions": facts.board.topology().extensions.iter().map(one).collect::<Vec<_>>()})
}

/// Feature gates.
pub(super) fn features(facts: &Facts) -> Value {
    let about = facts.board.about();
    let one = |feature: &chaperone_pipeline::status::Feature| {
        json!({
            "id": feature.id, "enabled": feature.enabled, "stage": feature.stage, "description": feature.description,
        })
    };
    json!({"features": about.features.iter().map(one).collect::<Vec<_>>()})
}

fn cell(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::Text(String::new()),
        Value::Number(number) => Cell::Number(number.as_f64().unwrap_or_default()),
        Value::String(text) if text == Status::RecoverableError.name() || text == Status::PermanentError.name() => {
            Cell::Bad(text.clone())
        }
        Value::String(text) => Cell::Text(text.clone()),
        other => Cell::Text(other.to_string()),
    }
}

/// A table of a list of objects: one row each, one column a key that any of them has a value for.
fn table(page: &mut Page, rows: &[Value], keys: &[&str]) {
    let used: Vec<&str> = keys.iter().copied().filter(|key| rows.iter().any(|row| !row[*key].is_null())).collect();
    let rows: Vec<Vec<Cell>> = rows.iter().map(|row| used.iter().map(|key| cell(&row[*key])).collect()).collect();
    page.table(&used, &rows);
}

/// A table of one object: one row a key.
fn facts_table(page: &mut Page, object: &Value) {
    let rows: Vec<Vec<Cell>> = object
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null())
        .map(|(key, value)| vec![Cell::Text(key.clone()), cell(value)])
        .collect();
    page.table(&["", ""], &rows);
}

/// What a page tells as HTML.
pub(super) fn html(name: &str, value: &Value) -> String {
    let mut page = Page::new(name, &LINKS);
    let list = |key: &str| value[key].as_array().cloned().unwrap_or_default();
    match name {
        "servicez" => facts_table(&mut page, value),
        "extensionz" => table(&mut page, &list("extensions"), &["id", "status", "since", "error"]),
        "featurez" => table(&mut page, &list("features"), &["id", "enabled", "stage", "description"]),
        _ => {
            for pipeline in list("pipelines") {
                page.heading(pipeline["id"].as_str().unwrap_or_default());
                let rows: Vec<Value> = pipeline["components"].as_array().into_iter().flatten().map(flat).collect();
                let own = ["list", "id", "status", "since", "error"];
                let figures = [
                    "received",
                    "accepted",
                    "refused",
                    "in",
                    "passed",
                    "consumed",
                    "made",
                    "held",
                    "enqueued",
                    "sent",
                    "waiting",
                    "in_flight",
                    "failed_attempts",
                    "dropped",
                    "queue_size",
                    "queue_capacity",
                    "queue_bytes",
                ];
                for list in ["receivers", "processors", "exporters"] {
                    let of_list: Vec<Value> = rows.iter().filter(|row| row["list"] == list).cloned().collect();
                    if !of_list.is_empty() {
                        table(&mut page, &of_list, &[own.as_slice(), &figures].concat());
                    }
                }
            }
        }
    }
    page.finish()
}

/// A component with its figures beside its other facts.
fn flat(component: &Value) -> Value {
    let mut flat = component.as_object().cloned().unwrap_or_default();
    if let Some(Value::Object(figures)) = flat.remove("figures") {
        flat.extend(figures);
    }
    Value::Object(flat)
}
