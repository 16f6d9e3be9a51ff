//! Builds logs requests of ours: protobuf is written straight away, then indexed like a received one.

use crate::logs::Logs;
use crate::value_write::{any_len, put_any, put_attribute};
use crate::wire::{put_delimited, put_varint};
use crate::{KeyId, Limits, ValueIn, keys};

/// Builds a logs request of ours: one resource, one scope, any number of records.
#[derive(Debug)]
pub struct LogsBuilder {
    request: Vec<u8>,
    /// The `Resource` field of the resource being built.
    resource: Vec<u8>,
    /// The `InstrumentationScope` field.
    scope: Vec<u8>,
    /// The log records of the resource being built.
    records: Vec<u8>,
    count: usize,
}

impl LogsBuilder {
    /// `resource`: attributes of the resource; `scope`: scope name.
    pub fn new(resource: &[(&str, ValueIn<'_>)], scope: &str) -> LogsBuilder {
        let mut name = Vec::new();
        put_delimited(&mut name, 0x0a, scope.as_bytes());
        let mut message = Vec::new();
        put_delimited(&mut message, 0x0a, &name);
        LogsBuilder { request: Vec::new(), resource: resource_field(resource), scope: message, records: Vec::new(), count: 0 }
    }
    /// Starts a further resource; following records belong to it.
    pub fn resource(&mut self, resource: &[(&str, ValueIn<'_>)]) {
        self.close();
        self.resource = resource_field(resource);
    }
    /// Adds one record and returns it for filling in.
    pub fn record(&mut self, time_ns: u64) -> LogRecordBuilder<'_> {
        self.count += 1;
        let mut record = Vec::with_capacity(256);
        record.push(0x09);
        record.extend_from_slice(&time_ns.to_le_bytes());
        LogRecordBuilder { records: &mut self.records, record }
    }
    /// Number of records so far.
    pub fn len(&self) -> usize {
        self.count
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The indexed request.
    pub fn finish(mut self) -> Logs {
        self.close();
        Logs::decode(self.request.into(), &Limits::NONE).expect("invariant: what we build can be decoded")
    }

    /// Writes the resource being built, if it has records.
    fn close(&mut self) {
        if self.records.is_empty() {
            return;
        }
        let mut scope_logs = Vec::with_capacity(self.scope.len() + self.records.len());
        scope_logs.extend_from_slice(&self.scope);
        scope_logs.append(&mut self.records);
        let mut resource_logs = std::mem::take(&mut self.resource);
        put_delimited(&mut resource_logs, 0x12, &scope_logs);
        put_delimited(&mut self.request, 0x0a, &resource_logs);
    }
}

fn resource_field(attrs: &[(&str, ValueIn<'_>)]) -> Vec<u8> {
    let mut message = Vec::new();
    for (name, value) in attrs {
        put_attribute(&mut message, 0x0a, 0, name, *value, &[]);
    }
    let mut field = Vec::new();
    put_delimited(&mut field, 0x0a, &message);
    field
}

/// One record under construction; every call fills one field. Dropping it ends the record.
#[derive(Debug)]
pub struct LogRecordBuilder<'a> {
    records: &'a mut Vec<u8>,
    record: Vec<u8>,
}

impl LogRecordBuilder<'_> {
    /// EventName.
    pub fn event_name(&mut self, name: &str) -> &mut Self {
        put_delimited(&mut self.record, 0x62, name.as_bytes());
        self
    }
    /// Severity number and text.
    pub fn severity(&mut self, number: i32, text: &str) -> &mut Self {
        self.record.push(0x10);
        put_varint(&mut self.record, i64::from(number) as u64);
        put_delimited(&mut self.record, 0x1a, text.as_bytes());
        self
    }
    /// Body text. A record has one body: call it once.
    pub fn body(&mut self, text: &str) -> &mut Self {
        self.record.push(0x2a);
        put_varint(&mut self.record, any_len(ValueIn::Str(text)) as u64);
        put_any(&mut self.record, ValueIn::Str(text));
        self
    }
    /// Observed time in nanoseconds.
    pub fn observed_time_ns(&mut self, time_ns: u64) -> &mut Self {
        self.record.push(0x59);
        self.record.extend_from_slice(&time_ns.to_le_bytes());
        self
    }
    /// Trace and span id.
    pub fn ids(&mut self, trace: Option<[u8; 16]>, span: Option<[u8; 8]>) -> &mut Self {
        if let Some(id) = trace {
            put_delimited(&mut self.record, 0x4a, &id);
        }
        if let Some(id) = span {
            put_delimited(&mut self.record, 0x52, &id);
        }
        self
    }
    /// An attribute.
    pub fn attr<'v>(&mut self, key: KeyId, value: impl Into<ValueIn<'v>>) -> &mut Self {
        self.attr_named(keys::name(key), value)
    }
    /// An attribute by text.
    pub fn attr_named<'v>(&mut self, name: &str, value: impl Into<ValueIn<'v>>) -> &mut Self {
        put_attribute(&mut self.record, 0x32, 0, name, value.into(), &[]);
        self
    }
}

impl Drop for LogRecordBuilder<'_> {
    fn drop(&mut self) {
        put_delimited(self.records, 0x12, &self.record);
    }
}
