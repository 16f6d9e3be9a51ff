//! Log records and events: index over an `ExportLogsServiceRequest`, and a builder for derived ones.

use crate::{Attrs, DecodeError, KeyId, Limits, RecordMut, RecordRef, ResourceRef, ScopeRef, ValueIn, ValueRef};
use bytes::Bytes;
use std::marker::PhantomData;

/// An indexed `ExportLogsServiceRequest` with its edits.
#[derive(Debug, Clone)]
pub struct Logs {}

impl Logs {
    /// Indexes a serialized request in one pass.
    pub fn decode(_body: Bytes, _limits: &Limits) -> Result<Logs, DecodeError> {
        todo!()
    }
    /// Transcodes OTLP/JSON and indexes it.
    pub fn decode_json(_body: &[u8], _limits: &Limits) -> Result<Logs, DecodeError> {
        todo!()
    }
    /// Number of log records.
    pub fn len(&self) -> usize {
        todo!()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Record `i` in wire order. Panics when out of range.
    pub fn log(&self, _i: usize) -> LogRef<'_> {
        todo!()
    }
    /// All records in wire order.
    pub fn logs(&self) -> impl Iterator<Item = LogRef<'_>> {
        (0..self.len()).map(|i| self.log(i))
    }
    /// Record `i` for editing.
    pub fn edit(&mut self, _i: usize) -> RecordMut<'_> {
        todo!()
    }
    /// Keeps the records for which `keep` is true.
    pub fn retain(&mut self, _keep: impl FnMut(RecordRef<'_>) -> bool) {
        todo!()
    }
    /// A self-contained request with the given records (sorted, by index in wire order).
    pub fn extract(&self, _records: &[u32]) -> Logs {
        todo!()
    }
    /// The serialized request as slices.
    pub fn encode(&self) -> Vec<Bytes> {
        todo!()
    }
    /// OTLP/JSON, appended to `out`.
    pub fn write_json(&self, _out: &mut Vec<u8>) {
        todo!()
    }
    /// Bytes of memory kept alive.
    pub fn pinned_bytes(&self) -> usize {
        todo!()
    }
    /// Texts whose invalid UTF-8 was replaced by U+FFFD.
    pub fn repaired_texts(&self) -> usize {
        todo!()
    }
}

/// One log record, edits included. Cheap to copy.
#[derive(Debug, Clone, Copy)]
pub struct LogRef<'a> {
    _p: PhantomData<&'a ()>,
}

impl<'a> LogRef<'a> {
    /// 16 bytes, or none.
    pub fn trace_id(self) -> Option<[u8; 16]> {
        todo!()
    }
    /// 8 bytes, or none.
    pub fn span_id(self) -> Option<[u8; 8]> {
        todo!()
    }
    /// `time_unix_nano`, 0 when absent.
    pub fn time_ns(self) -> u64 {
        todo!()
    }
    /// `observed_time_unix_nano`, 0 when absent.
    pub fn observed_time_ns(self) -> u64 {
        todo!()
    }
    /// Severity number.
    pub fn severity_number(self) -> i32 {
        todo!()
    }
    /// Severity text.
    pub fn severity_text(self) -> &'a str {
        todo!()
    }
    /// The EventName field, empty when absent.
    pub fn event_name(self) -> &'a str {
        todo!()
    }
    /// Flags field.
    pub fn flags(self) -> u32 {
        todo!()
    }
    /// Body, `Empty` when absent.
    pub fn body(self) -> ValueRef<'a> {
        todo!()
    }
    /// Attributes.
    pub fn attrs(self) -> Attrs<'a> {
        todo!()
    }
    /// Instrumentation scope.
    pub fn scope(self) -> ScopeRef<'a> {
        todo!()
    }
    /// Resource.
    pub fn resource(self) -> ResourceRef<'a> {
        todo!()
    }
}

/// Builds a logs request of ours: one resource, one scope, any number of records.
#[derive(Debug)]
pub struct LogsBuilder {}

impl LogsBuilder {
    /// `resource`: attributes of the resource; `scope`: scope name.
    pub fn new(_resource: &[(&str, ValueIn<'_>)], _scope: &str) -> LogsBuilder {
        todo!()
    }
    /// Starts a further resource; following records belong to it.
    pub fn resource(&mut self, _resource: &[(&str, ValueIn<'_>)]) {
        todo!()
    }
    /// Adds one record and returns it for filling in.
    pub fn record(&mut self, _time_ns: u64) -> LogRecordBuilder<'_> {
        todo!()
    }
    /// Number of records so far.
    pub fn len(&self) -> usize {
        todo!()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The indexed request.
    pub fn finish(self) -> Logs {
        todo!()
    }
}

/// One record under construction; every call fills one field. Dropping it ends the record.
#[derive(Debug)]
pub struct LogRecordBuilder<'a> {
    _p: PhantomData<&'a mut ()>,
}

impl LogRecordBuilder<'_> {
    /// EventName.
    pub fn event_name(&mut self, _name: &str) -> &mut Self {
        todo!()
    }
    /// Severity number and text.
    pub fn severity(&mut self, _number: i32, _text: &str) -> &mut Self {
        todo!()
    }
    /// Body text.
    pub fn body(&mut self, _text: &str) -> &mut Self {
        todo!()
    }
    /// Observed time in nanoseconds.
    pub fn observed_time_ns(&mut self, _time_ns: u64) -> &mut Self {
        todo!()
    }
    /// Trace and span id.
    pub fn ids(&mut self, _trace: Option<[u8; 16]>, _span: Option<[u8; 8]>) -> &mut Self {
        todo!()
    }
    /// An attribute.
    pub fn attr<'v>(&mut self, _key: KeyId, _value: impl Into<ValueIn<'v>>) -> &mut Self {
        todo!()
    }
    /// An attribute by text.
    pub fn attr_named<'v>(&mut self, _name: &str, _value: impl Into<ValueIn<'v>>) -> &mut Self {
        todo!()
    }
}
