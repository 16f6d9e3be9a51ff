//! Log records and events: index over an `ExportLogsServiceRequest`.

pub use crate::builder::{LogRecordBuilder, LogsBuilder};
use crate::index::{Index, LogPart, Record, state};
use crate::utf8::text;
use crate::{Attrs, DecodeError, Limits, RecordMut, RecordRef, ResourceRef, ScopeRef, Signal, ValueRef};
use crate::{decode, encode, json_write, schema};
use bytes::Bytes;
use std::sync::Arc;

/// An indexed `ExportLogsServiceRequest` with its edits.
///
/// The index is shared by clones until one of them is edited.
#[derive(Debug, Clone)]
pub struct Logs {
    index: Arc<Index>,
}

impl Logs {
    /// Indexes a serialized request in one pass.
    pub fn decode(body: Bytes, limits: &Limits) -> Result<Logs, DecodeError> {
        Ok(Logs { index: Arc::new(decode::decode(Signal::Logs, body, limits)?) })
    }
    /// Transcodes OTLP/JSON and indexes it.
    pub fn decode_json(body: &[u8], limits: &Limits) -> Result<Logs, DecodeError> {
        Ok(Logs { index: Arc::new(decode::decode_json(Signal::Logs, body, limits)?) })
    }
    /// Number of log records.
    pub fn len(&self) -> usize {
        self.index.len()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Record `i` in wire order. Panics when out of range.
    #[inline]
    pub fn log(&self, i: usize) -> LogRef<'_> {
        LogRef::new(&self.index, self.index.at(i))
    }
    /// All records in wire order.
    pub fn logs(&self) -> impl Iterator<Item = LogRef<'_>> {
        (0..self.len()).map(|i| self.log(i))
    }
    /// Record `i` for editing.
    #[inline]
    pub fn edit(&mut self, i: usize) -> RecordMut<'_> {
        RecordMut::new(Arc::make_mut(&mut self.index), i)
    }
    /// Keeps the records for which `keep` is true; resources and scopes left without records go too.
    pub fn retain(&mut self, mut keep: impl FnMut(RecordRef<'_>) -> bool) {
        let kept = (0..self.len() as u32).filter(|i| keep(RecordRef::Log(self.log(*i as usize)))).collect();
        decode::keep(&mut self.index, kept);
    }
    /// A self-contained request with the given records (sorted, by index in wire order).
    pub fn extract(&self, records: &[u32]) -> Logs {
        Logs { index: Arc::new(decode::extract(&self.index, records)) }
    }
    /// Indexes of all records, sorted by trace id, wire order within a trace; those without a trace come first.
    pub fn by_trace(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        order.sort_by_key(|i| self.log(*i as usize).trace_id());
        order
    }
    /// The serialized request as slices.
    pub fn encode(&self) -> Vec<Bytes> {
        encode::encode(&self.index)
    }
    /// OTLP/JSON, appended to `out`.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        json_write::write(&schema::LOGS, &encode::contiguous(&self.index), out);
    }
    /// Bytes of memory kept alive.
    pub fn pinned_bytes(&self) -> usize {
        self.index.pinned_bytes()
    }
    /// Texts whose invalid UTF-8 was replaced by U+FFFD.
    pub fn repaired_texts(&self) -> usize {
        self.index.repaired
    }
}

/// One log record, edits included. Cheap to copy.
#[derive(Debug, Clone, Copy)]
pub struct LogRef<'a> {
    index: &'a Index,
    record: &'a Record,
    log: &'a LogPart,
}

impl<'a> LogRef<'a> {
    #[inline]
    pub(crate) fn new(index: &'a Index, at: usize) -> LogRef<'a> {
        LogRef { index, record: &index.records[at], log: &index.logs[at] }
    }
    /// 16 bytes, or none.
    pub fn trace_id(self) -> Option<[u8; 16]> {
        self.index.id(self.record.trace_id, self.has(state::TRACE_ID))
    }
    /// 8 bytes, or none.
    pub fn span_id(self) -> Option<[u8; 8]> {
        self.index.id(self.record.span_id, self.has(state::SPAN_ID))
    }
    /// `time_unix_nano`, 0 when absent.
    pub fn time_ns(self) -> u64 {
        self.log.time_ns
    }
    /// `observed_time_unix_nano`, 0 when absent.
    pub fn observed_time_ns(self) -> u64 {
        self.log.observed_ns
    }
    /// Severity number.
    pub fn severity_number(self) -> i32 {
        self.log.severity_number
    }
    /// Severity text.
    pub fn severity_text(self) -> &'a str {
        text(self.log.severity_text.of(self.index.source(self.has(state::SEVERITY_TEXT))))
    }
    /// The EventName field, empty when absent.
    pub fn event_name(self) -> &'a str {
        text(self.log.event_name.of(self.index.source(self.has(state::EVENT_NAME))))
    }
    /// Flags field.
    pub fn flags(self) -> u32 {
        self.log.flags
    }
    /// Body, `Empty` when absent.
    pub fn body(self) -> ValueRef<'a> {
        self.index.value(&self.log.body)
    }
    /// How many attributes the sender left out.
    pub fn dropped_attributes_count(self) -> u32 {
        self.index.number(self.record, 0x38)
    }
    /// Attributes.
    #[inline]
    pub fn attrs(self) -> Attrs<'a> {
        let (first, extra) = self.index.record_attrs(self.record);
        Attrs { index: self.index, first, extra, keys: self.record.keys }
    }
    /// Instrumentation scope.
    pub fn scope(self) -> ScopeRef<'a> {
        ScopeRef { index: self.index, at: self.record.scope }
    }
    /// Resource.
    pub fn resource(self) -> ResourceRef<'a> {
        self.scope().resource()
    }
    fn has(self, flag: u32) -> bool {
        self.record.state & flag != 0
    }
}
