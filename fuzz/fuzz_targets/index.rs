//! Any bytes as a request: indexing, editing and encoding never panic, and agree with prost where prost accepts.
//!
//! The first byte chooses the signal. `cargo fuzz run index` (add `--sanitizer none` on a stable toolchain).

#![no_main]

use chaperone_proto::record::Edit;
use chaperone_proto::{Data, KeyId, Limits, Signal, keys};
use libfuzzer_sys::fuzz_target;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

static KEYS: [&str; 4] = ["a", "service.name", "gen_ai.request.model", "k"];

/// The canonical bytes of what prost reads; bytes, because a NaN is never equal to itself.
fn canonical(signal: Signal, body: &[u8]) -> Option<Vec<u8>> {
    match signal {
        Signal::Logs => ExportLogsServiceRequest::decode(body).ok().map(|request| request.encode_to_vec()),
        _ => ExportTraceServiceRequest::decode(body).ok().map(|request| request.encode_to_vec()),
    }
}

fuzz_target!(|input: &[u8]| {
    keys::install(&KEYS);
    let Some((first, body)) = input.split_first() else { return };
    let signal = if first % 2 == 0 { Signal::Traces } else { Signal::Logs };
    let limits = Limits { max_depth: 20, ..Limits::default() };
    let Ok(mut data) = Data::decode(signal, body.to_vec().into(), &limits) else { return };
    if let Some(expected) = canonical(signal, body) {
        assert_eq!(canonical(signal, &data.encode().concat()), Some(expected), "an untouched request says the same");
    }
    let untouched = data.clone();
    let before = untouched.encode().concat();
    for at in 0..data.records() {
        let mut record = data.edit(at);
        record.rename(KeyId(0), KeyId(1));
        record.set(KeyId(2), "set");
        record.set_named("k", 1);
        record.append(KeyId(3), 0.5);
        record.add_event(1, "event", &[(KeyId(1), true.into())]);
        record.map_attrs(|key, _| if key.name.len() % 2 == 0 { Edit::Remove } else { Edit::Keep });
        record.map_event_attrs(|_, _, value| Edit::Replace(value.to_value()));
        record.map_link_attrs(|_, _, _| Edit::Remove);
        record.map_resource_attrs(|_, value| Edit::Replace(value.to_value()));
        record.set_name("name");
        record.set_status_message("status");
        record.set_body("body");
    }
    let edited = data.encode().concat();
    assert!(canonical(signal, &edited).is_some(), "prost reads what we encode");
    let again = Data::decode(signal, edited.into(), &limits).expect("we read what we encode");
    assert_eq!(again.records(), data.records());
    assert_eq!(untouched.encode().concat(), before, "a clone does not see edits");
    let mut json = Vec::new();
    data.write_json(&mut json);
    let read = Data::decode_json(signal, &json, &limits).expect("we read our JSON");
    assert_eq!(read.records(), data.records());
    let half: Vec<bool> = (0..data.records()).map(|at| at % 2 == 0).collect();
    let mut keep = half.iter();
    data.retain(|_| *keep.next().expect("one flag for each record"));
    assert_eq!(data.records(), half.iter().filter(|keep| **keep).count());
    assert!(canonical(signal, &data.encode().concat()).is_some());
});
