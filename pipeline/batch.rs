//! What flows: batches between components, chunks in exporters' queues.

use bytes::Bytes;
use chaperone_proto::{Data, DecodeError, Limits, Signal};
use std::sync::Arc;

/// Who sent a request: metadata and identity, for `metadata_keys`, `from_context` and tenants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientInfo {
    /// Address of the peer, as text.
    pub address: Option<String>,
    /// Request headers or gRPC metadata that a receiver was told to keep; names in lower case.
    pub metadata: Vec<(String, String)>,
    /// Tenant given by authentication.
    pub tenant: Option<String>,
}

/// One request's data on its way through the graph.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Spans, metrics or log records.
    pub data: Data,
    /// Who sent it; derived data have none. Shared by the branches of a fan-out.
    pub client: Option<Arc<ClientInfo>>,
}

impl Batch {
    /// A batch without client: what connectors derive.
    pub fn new(data: Data) -> Batch {
        Batch { data, client: None }
    }
    /// Its signal.
    pub fn signal(&self) -> Signal {
        self.data.signal()
    }
    /// Items as the Collector counts them.
    pub fn items(&self) -> usize {
        self.data.items()
    }
}

impl From<Data> for Batch {
    fn from(data: Data) -> Batch {
        Batch::new(data)
    }
}

/// How large a request is, before it was indexed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestSize {
    /// Its signal.
    pub signal: Signal,
    /// Uncompressed bytes.
    pub bytes: usize,
}

/// Serialized data in an exporter's queue or on its way out.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// Its signal.
    pub signal: Signal,
    /// One serialized export request, as slices.
    pub body: Vec<Bytes>,
    /// Items as the Collector counts them.
    pub items: usize,
    /// Who sent it.
    pub client: Option<Arc<ClientInfo>>,
}

impl Chunk {
    /// Encodes a batch.
    pub fn encode(batch: &Batch) -> Chunk {
        Chunk { signal: batch.signal(), body: batch.data.encode(), items: batch.items(), client: batch.client.clone() }
    }
    /// Serialized size.
    pub fn bytes(&self) -> usize {
        self.body.iter().map(Bytes::len).sum()
    }
    /// The body in one piece.
    pub fn contiguous(&self) -> Bytes {
        match self.body.as_slice() {
            [one] => one.clone(),
            many => many.concat().into(),
        }
    }
    /// Indexes the body again.
    pub fn decode(&self) -> Result<Data, DecodeError> {
        Data::decode(self.signal, self.contiguous(), &Limits::default())
    }
}
