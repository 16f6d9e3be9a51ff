//! Every edit equals the same edit on the oracle's structs: when read, when encoded, and when decoded again,
//! also when the edits go on after records were dropped, extracted, cut or merged.

use crate::install;
use crate::ops::{AttrOp, KEYS, Of, Op};
use crate::read::{check_logs, check_traces};
use crate::select::{filter_logs, filter_traces};
use crate::strategies::{key, logs, text, traces, value};
use crate::values::ours;
use chaperone_proto::{Data, Limits, Logs, SplitLimits, Traces};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;

fn attr_op() -> impl Strategy<Value = AttrOp> {
    let id = || 0..KEYS.len() as u16;
    let value = || value().prop_map(|value| ours(Some(&value)));
    prop_oneof![
        3 => (id(), value()).prop_map(|(key, value)| AttrOp::Set(key, value)),
        2 => (key(), value()).prop_map(|(key, value)| AttrOp::SetNamed(key, value)),
        3 => (id(), value()).prop_map(|(key, value)| AttrOp::Append(key, value)),
        1 => (key(), value()).prop_map(|(key, value)| AttrOp::AppendNamed(key, value)),
        3 => (id(), id()).prop_map(|(from, to)| AttrOp::Rename(from, to)),
        2 => id().prop_map(AttrOp::Remove),
        1 => key().prop_map(AttrOp::RemoveNamed),
        2 => (0..3usize).prop_map(AttrOp::Map),
    ]
}

fn span_op() -> impl Strategy<Value = Op> {
    let attrs = || vec((0..KEYS.len() as u16, value().prop_map(|value| ours(Some(&value)))), 0..3);
    prop_oneof![
        2 => (any::<u64>(), text(), attrs()).prop_map(|(time, name, attrs)| Op::AddEvent(time, name, attrs)),
        1 => (0..3usize).prop_map(Op::MapEvents),
        1 => (0..3usize).prop_map(Op::MapLinks),
        1 => (0..3usize).prop_map(Op::RetainEvents),
        1 => (0..3usize).prop_map(Op::RetainLinks),
        1 => (0..3usize, text()).prop_map(|(at, name)| Op::NameOfEvent(at, name)),
        1 => (0..3usize, any::<u64>()).prop_map(|(at, time)| Op::TimeOfEvent(at, time)),
        1 => text().prop_map(Op::Name),
        1 => text().prop_map(Op::TraceState),
        1 => any::<i32>().prop_map(Op::Kind),
        1 => any::<u64>().prop_map(Op::Start),
        1 => any::<u64>().prop_map(Op::End),
        1 => text().prop_map(Op::StatusMessage),
        1 => any::<i32>().prop_map(Op::StatusCode),
        1 => any::<Option<[u8; 8]>>().prop_map(Op::ParentSpanId),
        1 => any::<u32>().prop_map(Op::DroppedEvents),
        1 => any::<u32>().prop_map(Op::DroppedLinks),
    ]
}

fn log_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        2 => value().prop_map(|value| Op::Body(ours(Some(&value)))),
        1 => any::<u64>().prop_map(Op::Time),
        1 => any::<u64>().prop_map(Op::ObservedTime),
        1 => any::<i32>().prop_map(Op::SeverityNumber),
        1 => text().prop_map(Op::SeverityText),
        1 => text().prop_map(Op::EventName),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let of = prop_oneof![
        6 => Just(Of::Record),
        3 => (0..3usize).prop_map(Of::Event),
        2 => (0..3usize).prop_map(Of::Link),
        2 => Just(Of::Scope),
        2 => Just(Of::Resource),
    ];
    prop_oneof![
        12 => (of, attr_op()).prop_map(|(of, op)| Op::Attrs(of, op)),
        10 => span_op(),
        4 => log_op(),
        1 => any::<Option<[u8; 16]>>().prop_map(Op::TraceId),
        1 => any::<Option<[u8; 8]>>().prop_map(Op::SpanId),
        1 => any::<u32>().prop_map(Op::Flags),
        1 => any::<u32>().prop_map(Op::DroppedAttributes),
        1 => text().prop_map(Op::ScopeName),
        1 => text().prop_map(Op::ScopeVersion),
        1 => text().prop_map(Op::ScopeSchemaUrl),
        1 => text().prop_map(Op::ResourceSchemaUrl),
    ]
}

/// What may happen to a batch between two edits.
#[derive(Debug, Clone)]
enum Step {
    Edit(prop::sample::Index, Op),
    /// Drops records by these flags.
    Retain(Vec<bool>),
    /// Goes on with a self-contained copy of some.
    Extract(Vec<bool>),
    /// Goes on with what is encoded and decoded.
    Reread,
    /// Cuts into parts and concatenates them.
    CutAndMerge(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let flags = || vec(any::<bool>(), 40);
    let step = prop_oneof![
        12 => (any::<prop::sample::Index>(), op()).prop_map(|(at, op)| Step::Edit(at, op)),
        1 => flags().prop_map(Step::Retain),
        1 => flags().prop_map(Step::Extract),
        1 => Just(Step::Reread),
        1 => (1..4usize).prop_map(Step::CutAndMerge),
    ];
    vec(step, 1..14)
}

fn chosen(keep: &[bool]) -> Vec<u32> {
    (0..keep.len() as u32).filter(|at| keep[*at as usize]).collect()
}

fn reread(data: &Data) -> Data {
    Data::decode(data.signal(), data.encode().concat().into(), &Limits::default()).unwrap()
}

/// The two signals differ in the names of their structs only.
macro_rules! steps_equal {
    ($name:ident, $type:ident, $request:ident, $resources:ident, $scopes:ident, $items:ident, $on_item:ident, $check:ident, $filter:ident) => {
        fn $name(mut request: $request, steps: &[Step]) {
            install();
            let mut data = Data::$type($type::decode(request.encode_to_vec().into(), &Limits::default()).unwrap());
            let untouched = data.clone();
            let before = request.clone();
            for step in steps {
                if data.items() == 0 {
                    break;
                }
                match step {
                    Step::Edit(at, op) => {
                        let at = at.index(data.records());
                        op.on_ours(data.edit(at));
                        let mut position = 0;
                        for resource in &mut request.$resources {
                            for scope in &mut resource.$scopes {
                                for item in &mut scope.$items {
                                    if position == at {
                                        op.$on_item(item);
                                        op.on_scope(&mut scope.scope, &mut scope.schema_url);
                                        op.on_resource(&mut resource.resource, &mut resource.schema_url);
                                    }
                                    position += 1;
                                }
                            }
                        }
                    }
                    Step::Retain(flags) => {
                        let keep = &flags[..data.records()];
                        let mut flags = keep.iter();
                        data.retain(|_| *flags.next().unwrap());
                        if keep.contains(&false) {
                            request = $filter(request, keep);
                        }
                    }
                    Step::Extract(flags) => {
                        let keep = &flags[..data.records()];
                        let Data::$type(ours) = &data else { unreachable!() };
                        data = Data::$type(ours.extract(&chosen(keep)));
                        request = $filter(request, keep);
                    }
                    Step::Reread => data = reread(&data),
                    Step::CutAndMerge(items) => {
                        let parts: Vec<Data> = data.split(SplitLimits::items(*items)).collect();
                        let of_theirs = parts.iter().scan(0, |from, part| {
                            let range = *from..*from + part.items();
                            *from = range.end;
                            Some($filter(request.clone(), &(0..data.items()).map(|at| range.contains(&at)).collect::<Vec<_>>()))
                        });
                        // What fits whole stays as it is, without leaving empty containers out.
                        if parts.len() > 1 {
                            request = $request { $resources: of_theirs.flat_map(|part| part.$resources).collect() };
                        }
                        let merged: Vec<u8> = parts.iter().flat_map(|part| part.encode().concat()).collect();
                        data = Data::decode(data.signal(), merged.into(), &Limits::default()).unwrap();
                    }
                }
                let Data::$type(ours) = &data else { unreachable!() };
                $check(ours, &request);
            }
            let encoded = data.encode().concat();
            assert_eq!($request::decode(&*encoded).unwrap(), request);
            let Data::$type(again) = reread(&data) else { unreachable!() };
            $check(&again, &request);
            let mut json = Vec::new();
            data.write_json(&mut json);
            let again = $type::decode_json(&json, &Limits::default()).unwrap();
            $check(&again, &request);
            // The clone taken before does not see the edits.
            let Data::$type(untouched) = &untouched else { unreachable!() };
            $check(untouched, &before);
        }
    };
}

steps_equal!(
    steps_on_traces,
    Traces,
    ExportTraceServiceRequest,
    resource_spans,
    scope_spans,
    spans,
    on_span,
    check_traces,
    filter_traces
);
steps_equal!(
    steps_on_logs,
    Logs,
    ExportLogsServiceRequest,
    resource_logs,
    scope_logs,
    log_records,
    on_log,
    check_logs,
    filter_logs
);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn edits_of_spans_equal_edits_of_structs(request in traces(), steps in steps()) {
        steps_on_traces(request, &steps);
    }

    #[test]
    fn edits_of_logs_equal_edits_of_structs(request in logs(), steps in steps()) {
        steps_on_logs(request, &steps);
    }
}
