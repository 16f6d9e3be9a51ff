//! Traces and logs: what is indexed, edited, cut and encoded is what the same does to the oracle's structs.

use crate::ops::KEYS;
use crate::plan;
use chaperone_proto::{Data, Limits, Signal, keys};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

/// Deep enough for everything, and within what prost accepts.
pub const LIMITS: Limits = Limits { max_depth: 20, ..Limits::DEFAULT };

macro_rules! check_records {
    ($name:ident, $signal:expr, $request:ident, $resources:ident, $scopes:ident, $items:ident, $on_item:ident) => {
        /// A plan and a serialized request.
        pub fn $name(input: &[u8]) {
            keys::install(&KEYS);
            let (mut plan, body) = plan::split(input);
            // Bytes are compared, because a NaN is never equal to itself.
            let canonical = |body: &[u8]| $request::decode(body).ok().map(|request| request.encode_to_vec());
            let Ok(mut data) = Data::decode($signal, body.to_vec().into(), &LIMITS) else { return };
            let before = data.encode().concat();
            if let Some(expected) = canonical(body) {
                assert_eq!(canonical(&before), Some(expected), "an untouched request says the same");
            }
            let untouched = data.clone();
            let mut request = $request::decode(&*before).expect("prost reads what we encode");
            let count = |request: &$request| {
                request.$resources.iter().flat_map(|resource| &resource.$scopes).map(|scope| scope.$items.len()).sum::<usize>()
            };
            assert_eq!(data.records(), count(&request));
            while !plan.is_done() && data.records() > 0 {
                let at = plan.below(data.records());
                let op = plan.op();
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
            let expected = canonical(&request.encode_to_vec());
            let edited = data.encode().concat();
            assert_eq!(canonical(&edited), expected, "edits do the same on both sides");
            assert_eq!(untouched.encode().concat(), before, "a clone does not see edits");
            let again = Data::decode($signal, edited.into(), &Limits::NONE).expect("we read what we encode");
            assert_eq!(again.records(), data.records());
            json_and_back(&data);
            cut(&data, &mut plan);
            let half: Vec<bool> = (0..data.records()).map(|at| at % 2 == 0).collect();
            let mut keep = half.iter();
            data.retain(|_| *keep.next().expect("one flag for each record"));
            assert_eq!(data.records(), half.iter().filter(|keep| **keep).count());
            let left = $request::decode(&*data.encode().concat()).expect("prost reads what is left");
            assert_eq!(count(&left), data.records());
        }
    };
}

check_records!(traces, Signal::Traces, ExportTraceServiceRequest, resource_spans, scope_spans, spans, on_span);
check_records!(logs, Signal::Logs, ExportLogsServiceRequest, resource_logs, scope_logs, log_records, on_log);

/// JSON carries everything that has a name.
pub fn json_and_back(data: &Data) {
    let mut json = Vec::new();
    data.write_json(&mut json);
    let read = Data::decode_json(data.signal(), &json, &Limits::NONE).expect("we read our JSON");
    assert_eq!(read.items(), data.items());
    let mut again = Vec::new();
    read.write_json(&mut again);
    assert_eq!(String::from_utf8(again), String::from_utf8(json), "what was read is written the same");
}

/// Parts hold every item once and keep the limits.
pub fn cut(data: &Data, plan: &mut plan::Plan<'_>) {
    let limits = plan.limits();
    let mut found = 0;
    for part in data.split(limits) {
        let bytes: usize = part.encode().iter().map(bytes::Bytes::len).sum();
        let fits = part.items() <= limits.items && bytes <= limits.bytes;
        assert!(part.items() == 1 || (fits && part.items() > 0), "{} items, {bytes} bytes with {limits:?}", part.items());
        found += part.items();
    }
    assert_eq!(found, data.items());
}
