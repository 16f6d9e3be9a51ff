//! Every edit equals the same edit on the oracle's structs: when read, when encoded, and when decoded again.

use crate::read::{check_logs, check_traces};
use crate::strategies::{key, logs, text, traces, value};
use crate::values::{ours, pair, theirs};
use crate::{KEYS, install, join};
use chaperone_proto::record::{Edit, RecordMut};
use chaperone_proto::{KeyId, Limits, Logs, Traces, Value, ValueIn};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::Event;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;

#[derive(Debug, Clone)]
enum Op {
    Set(u16, Value),
    SetNamed(String, Value),
    Append(u16, Value),
    Rename(u16, u16),
    Remove(u16),
    RemoveNamed(String),
    MapAttrs(usize),
    AddEvent(u64, String, Vec<(u16, Value)>),
    MapEvents(usize),
    MapLinks(usize),
    SetName(String),
    SetStatus(String),
    SetBody(Value),
    MapResource(usize),
    MapScope(usize),
    AppendResource(u16, Value),
    SetTraceState(String),
}

fn op() -> impl Strategy<Value = Op> {
    let id = || 0..KEYS.len() as u16;
    let value = || value().prop_map(|value| ours(Some(&value)));
    prop_oneof![
        3 => (id(), value()).prop_map(|(key, value)| Op::Set(key, value)),
        2 => (key(), value()).prop_map(|(key, value)| Op::SetNamed(key, value)),
        3 => (id(), value()).prop_map(|(key, value)| Op::Append(key, value)),
        3 => (id(), id()).prop_map(|(from, to)| Op::Rename(from, to)),
        2 => id().prop_map(Op::Remove),
        1 => key().prop_map(Op::RemoveNamed),
        2 => (0..3usize).prop_map(Op::MapAttrs),
        2 => (any::<u64>(), text(), vec((id(), value()), 0..3)).prop_map(|(time, name, attrs)| Op::AddEvent(time, name, attrs)),
        2 => (0..3usize).prop_map(Op::MapEvents),
        1 => (0..3usize).prop_map(Op::MapLinks),
        1 => text().prop_map(Op::SetName),
        1 => text().prop_map(Op::SetStatus),
        1 => value().prop_map(Op::SetBody),
        1 => (0..3usize).prop_map(Op::MapResource),
        1 => (0..3usize).prop_map(Op::MapScope),
        1 => (id(), value()).prop_map(|(key, value)| Op::AppendResource(key, value)),
        1 => text().prop_map(Op::SetTraceState),
    ]
}

/// A decision that depends on the pair alone, so that both sides take it alike.
fn decide(shift: usize, position: usize, key: &str) -> Edit {
    match (key.len() + position + shift) % 3 {
        0 => Edit::Keep,
        1 => Edit::Remove,
        _ => Edit::Replace(Value::Array(vec![Value::Int(position as i64), Value::Str(key.to_owned())])),
    }
}

fn map(attributes: &mut Vec<KeyValue>, shift: usize, position: usize) {
    attributes.retain_mut(|attribute| match decide(shift, position, &attribute.key) {
        Edit::Keep => true,
        Edit::Remove => false,
        Edit::Replace(value) => {
            attribute.value = Some(theirs(&value));
            true
        }
    });
}

fn set(attributes: &mut Vec<KeyValue>, key: &str, value: &Value) {
    let mut seen = false;
    attributes.retain_mut(|attribute| {
        if attribute.key != key {
            return true;
        }
        attribute.value = Some(theirs(value));
        !std::mem::replace(&mut seen, true)
    });
    if !seen {
        attributes.push(pair(key, value));
    }
}

/// The edits of attributes on the oracle's side; false for the others.
fn apply_to_attributes(op: &Op, attributes: &mut Vec<KeyValue>) -> bool {
    match op {
        Op::Set(key, value) => set(attributes, KEYS[usize::from(*key)], value),
        Op::SetNamed(key, value) => set(attributes, key, value),
        Op::Append(key, value) => attributes.push(pair(KEYS[usize::from(*key)], value)),
        Op::Rename(from, to) => {
            let renamed = attributes.iter_mut().filter(|attribute| attribute.key == KEYS[usize::from(*from)]);
            renamed.for_each(|attribute| attribute.key = KEYS[usize::from(*to)].to_owned());
        }
        Op::Remove(key) => attributes.retain(|attribute| attribute.key != KEYS[usize::from(*key)]),
        Op::RemoveNamed(key) => attributes.retain(|attribute| attribute.key != *key),
        Op::MapAttrs(shift) => map(attributes, *shift, 0),
        _ => return false,
    }
    true
}

fn apply_to_span(op: &Op, span: &mut Span) {
    if apply_to_attributes(op, &mut span.attributes) {
        return;
    }
    match op {
        Op::AddEvent(time, name, attrs) => span.events.push(Event {
            time_unix_nano: *time,
            name: name.clone(),
            attributes: attrs.iter().map(|(key, value)| pair(KEYS[usize::from(*key)], value)).collect(),
            dropped_attributes_count: 0,
        }),
        Op::MapEvents(shift) => {
            span.events.iter_mut().enumerate().for_each(|(at, event)| map(&mut event.attributes, *shift, at));
        }
        Op::MapLinks(shift) => {
            span.links.iter_mut().enumerate().for_each(|(at, link)| map(&mut link.attributes, *shift, at));
        }
        Op::SetName(name) => span.name.clone_from(name),
        Op::SetTraceState(state) => span.trace_state.clone_from(state),
        Op::SetStatus(message) => span.status.get_or_insert_default().message.clone_from(message),
        _ => {}
    }
}

fn apply_to_log(op: &Op, log: &mut LogRecord) {
    if !apply_to_attributes(op, &mut log.attributes)
        && let Op::SetBody(value) = op
    {
        log.body = Some(theirs(value));
    }
}

fn apply_to_resource(op: &Op, resource: &mut Option<Resource>) {
    match op {
        Op::MapResource(shift) => resource.iter_mut().for_each(|resource| map(&mut resource.attributes, *shift, 0)),
        Op::AppendResource(key, value) => {
            resource.get_or_insert_default().attributes.push(pair(KEYS[usize::from(*key)], value));
        }
        _ => {}
    }
}

fn apply_to_scope(op: &Op, scope: &mut Option<InstrumentationScope>) {
    if let Op::MapScope(shift) = op {
        scope.iter_mut().for_each(|scope| map(&mut scope.attributes, *shift, 0));
    }
}

fn apply(op: &Op, mut record: RecordMut<'_>) {
    match op {
        Op::Set(key, value) => record.set(KeyId(*key), value),
        Op::SetNamed(key, value) => record.set_named(key, value),
        Op::Append(key, value) => record.append(KeyId(*key), value),
        Op::Rename(from, to) => {
            let had = record.as_ref().attrs().get(KeyId(*from)).is_some();
            assert_eq!(record.rename(KeyId(*from), KeyId(*to)), had);
        }
        Op::Remove(key) => {
            let had = record.as_ref().attrs().get(KeyId(*key)).is_some();
            assert_eq!(record.remove(KeyId(*key)), had);
        }
        Op::RemoveNamed(key) => drop(record.remove_named(key)),
        Op::MapAttrs(shift) => record.map_attrs(|key, _| decide(*shift, 0, key.name)),
        Op::AddEvent(time, name, attrs) => {
            let attrs: Vec<(KeyId, ValueIn<'_>)> = attrs.iter().map(|(key, value)| (KeyId(*key), value.into())).collect();
            record.add_event(*time, name, &attrs);
        }
        Op::MapEvents(shift) => record.map_event_attrs(|at, key, _| decide(*shift, at, key.name)),
        Op::MapLinks(shift) => record.map_link_attrs(|at, key, _| decide(*shift, at, key.name)),
        Op::SetName(name) => record.set_name(name),
        Op::SetStatus(message) => record.set_status_message(message),
        Op::SetBody(value) => record.set_body(value),
        Op::SetTraceState(state) => record.set_trace_state(state),
        Op::AppendResource(key, value) => record.append_resource_attr(KeyId(*key), value),
        Op::MapResource(shift) => record.map_resource_attrs(|key, _| decide(*shift, 0, key.name)),
        Op::MapScope(shift) => record.map_scope_attrs(|key, _| decide(*shift, 0, key.name)),
    }
}

fn edited_traces(mut request: ExportTraceServiceRequest, ops: &[(prop::sample::Index, Op)]) {
    install();
    let mut traces = Traces::decode(request.encode_to_vec().into(), &Limits::default()).unwrap();
    let untouched = traces.clone();
    let before = request.clone();
    if traces.is_empty() {
        return;
    }
    for (at, op) in ops {
        let at = at.index(traces.len());
        apply(op, traces.edit(at));
        let mut position = 0;
        for resource in &mut request.resource_spans {
            for scope in &mut resource.scope_spans {
                for span in &mut scope.spans {
                    if position == at {
                        apply_to_span(op, span);
                        apply_to_scope(op, &mut scope.scope);
                        apply_to_resource(op, &mut resource.resource);
                    }
                    position += 1;
                }
            }
        }
    }
    check_traces(&traces, &request);
    let encoded = join(traces.encode());
    assert_eq!(ExportTraceServiceRequest::decode(&*encoded).unwrap(), request);
    check_traces(&Traces::decode(encoded.into(), &Limits::default()).unwrap(), &request);
    // The clone taken before does not see the edits.
    check_traces(&untouched, &before);
}

fn edited_logs(mut request: ExportLogsServiceRequest, ops: &[(prop::sample::Index, Op)]) {
    install();
    let mut logs = Logs::decode(request.encode_to_vec().into(), &Limits::default()).unwrap();
    if logs.is_empty() {
        return;
    }
    for (at, op) in ops {
        let at = at.index(logs.len());
        apply(op, logs.edit(at));
        let mut position = 0;
        for resource in &mut request.resource_logs {
            for scope in &mut resource.scope_logs {
                for record in &mut scope.log_records {
                    if position == at {
                        apply_to_log(op, record);
                        apply_to_scope(op, &mut scope.scope);
                        apply_to_resource(op, &mut resource.resource);
                    }
                    position += 1;
                }
            }
        }
    }
    check_logs(&logs, &request);
    let encoded = join(logs.encode());
    assert_eq!(ExportLogsServiceRequest::decode(&*encoded).unwrap(), request);
    check_logs(&Logs::decode(encoded.into(), &Limits::default()).unwrap(), &request);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn edits_of_spans_equal_edits_of_structs(request in traces(), ops in vec((any::<prop::sample::Index>(), op()), 1..12)) {
        edited_traces(request, &ops);
    }

    #[test]
    fn edits_of_logs_equal_edits_of_structs(request in logs(), ops in vec((any::<prop::sample::Index>(), op()), 1..12)) {
        edited_logs(request, &ops);
    }
}
