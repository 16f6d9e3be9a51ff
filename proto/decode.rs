//! From a body to an index: the fast pass, and the two detours that make odd requests ordinary.
//!
//! Also the operations that make an index out of an index: keeping or extracting some of its records.

use crate::index::Index;
use crate::wire::Fault;
use crate::{DecodeError, Limits, Signal, encode, indexer, json_read, repair, schema};
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use std::sync::Arc;

const NO_LIMITS: Limits = Limits { max_depth: 1000, max_records: usize::MAX, max_attributes: usize::MAX };

/// Indexes a serialized request.
pub(crate) fn decode(signal: Signal, body: Bytes, limits: &Limits) -> Result<Index, DecodeError> {
    match indexer::index(signal, &body, limits) {
        Ok(index) => Ok(index),
        Err(fault) => odd(signal, body, limits, fault),
    }
}

/// Transcodes OTLP/JSON and indexes it.
pub(crate) fn decode_json(signal: Signal, json: &[u8], limits: &Limits) -> Result<Index, DecodeError> {
    let (body, repaired) = json_read::transcode(schema_of(signal), json, limits)?;
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

/// Each detour is taken at most once.
#[cold]
fn odd(signal: Signal, mut body: Bytes, limits: &Limits, mut fault: Fault) -> Result<Index, DecodeError> {
    let (mut repaired, mut texts, mut canonical) = (false, 0, false);
    loop {
        match fault {
            Fault::NotUtf8 if !repaired => {
                let (bytes, count) = repair::repair(schema_of(signal), &body, limits)?;
                (body, texts, repaired) = (bytes.into(), count, true);
            }
            Fault::NotCanonical if !canonical => {
                // prost reads texts strictly, so they are repaired before.
                if !repaired {
                    let (bytes, count) = repair::repair(schema_of(signal), &body, limits)?;
                    (body, texts, repaired) = (bytes.into(), count, true);
                }
                body = canonicalise(signal, &body, limits)?;
                canonical = true;
            }
            Fault::Refuse(error) => return Err(error),
            Fault::NotUtf8 | Fault::NotCanonical => return Err(DecodeError::Truncated { offset: body.len() }),
        }
        match indexer::index(signal, &body, limits) {
            Ok(mut index) => {
                index.repaired = texts;
                return Ok(index);
            }
            Err(next) => fault = next,
        }
    }
}

/// Merges repeated singular messages as protobuf asks.
fn canonicalise(signal: Signal, body: &Bytes, limits: &Limits) -> Result<Bytes, DecodeError> {
    // Structure and texts were checked before: what prost still refuses is its own limit of nesting.
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
    let mut fresh = decode(index.signal, body, &NO_LIMITS).expect("invariant: what we encode can be decoded");
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
