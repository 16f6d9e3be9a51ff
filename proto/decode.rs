//! From a body to an index: the fast pass, and the two detours that make odd requests ordinary.
//!
//! Also the operations that make an index out of an index: keeping or extracting some of its records.

use crate::index::Index;
use crate::indexer::Odd;
use crate::{DecodeError, Limits, Signal, check, encode, indexer, json_read, repair, schema};
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use std::sync::Arc;

/// Indexes a serialized request.
pub(crate) fn decode(signal: Signal, body: Bytes, limits: &Limits) -> Result<Index, DecodeError> {
    let (index, odd) = indexer::index(signal, &body, limits)?;
    if odd.texts || odd.structure {
        return decode_odd(signal, body, limits, odd);
    }
    Ok(index)
}

/// Transcodes OTLP/JSON and indexes it.
pub(crate) fn decode_json(signal: Signal, json: &[u8], limits: &Limits) -> Result<Index, DecodeError> {
    let (body, repaired) = json_read::transcode(schema_of(signal), json, limits.max_depth)?;
    let mut index = decode(signal, body.into(), limits)?;
    index.repaired += repaired;
    Ok(index)
}

fn schema_of(signal: Signal) -> &'static schema::Message {
    match signal {
        Signal::Logs => &schema::LOGS,
        _ => &schema::TRACES,
    }
}

/// Repairs texts first, because prost reads them strictly; the structure was found sound.
#[cold]
fn decode_odd(signal: Signal, mut body: Bytes, limits: &Limits, odd: Odd) -> Result<Index, DecodeError> {
    let mut repaired = 0;
    if odd.texts {
        let (bytes, texts) = repair::repair(schema_of(signal), &body, 8 + 2 * limits.max_depth)?;
        (body, repaired) = (bytes.into(), texts);
    }
    if odd.structure {
        body = canonicalise(signal, &body, limits)?;
    }
    let (mut index, odd) = indexer::index(signal, &body, limits)?;
    debug_assert!(!odd.texts && !odd.structure, "one detour each makes a request ordinary");
    index.repaired = repaired;
    Ok(index)
}

/// Merges repeated singular messages as protobuf asks.
fn canonicalise(signal: Signal, body: &Bytes, limits: &Limits) -> Result<Bytes, DecodeError> {
    // Prost's structs take more than an index: what they would take is judged before.
    check::check(schema_of(signal), body, limits, |_| false)?;
    // What prost still refuses is nesting beyond its own limit: structure and texts were found sound.
    let too_deep = |_| DecodeError::TooDeep { limit: limits.max_depth };
    Ok(match signal {
        Signal::Logs => ExportLogsServiceRequest::decode(&**body).map_err(too_deep)?.encode_to_vec(),
        _ => ExportTraceServiceRequest::decode(&**body).map_err(too_deep)?.encode_to_vec(),
    }
    .into())
}

/// A self-contained index of some records, given by public indexes in order.
pub(crate) fn extract(index: &Index, records: &[u32]) -> Index {
    let selection: Vec<u32> = records.iter().map(|i| index.at(*i as usize) as u32).collect();
    let body = own(encode::encode_selected(index, Some(&selection)));
    reindex(index, body)
}

fn reindex(index: &Index, body: Bytes) -> Index {
    let mut fresh = decode(index.signal, body, &Limits::NONE).expect("invariant: what we encode can be decoded");
    fresh.repaired = index.repaired;
    fresh
}

/// A copy that keeps nothing else alive.
fn own(chunks: Vec<Bytes>) -> Bytes {
    Bytes::from(chunks.concat())
}

/// Keeps the records at the given public indexes; copies them out when they are less than half of what is pinned.
pub(crate) fn keep(index: &mut Arc<Index>, kept: Vec<u32>) {
    if kept.len() == index.len() {
        return;
    }
    let selection: Vec<u32> = kept.iter().map(|i| index.at(*i as usize) as u32).collect();
    let live: usize =
        selection.iter().map(|at| &index.records[*at as usize]).map(|record| (record.end - record.start) as usize).sum();
    if 2 * live < index.base.len() {
        *index = Arc::new(extract(index, &kept));
    } else {
        Arc::make_mut(index).live = Some(selection);
    }
}
