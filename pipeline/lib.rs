//! The engine: component traits, registry, graph, acknowledgement, admission, queues, clock, own metrics.
//!
//! A request is admitted, indexed once, walks its processors on the thread that took it, and is acknowledged when every
//! exporter it reaches has queued or sent it. Nothing here knows HTTP, SQL, or what an agent is.

#![warn(missing_docs)]

pub mod ack;
pub mod batch;
mod checkpoint;
pub mod clock;
pub mod component;
pub mod context;
pub mod engine;
pub mod entrance;
pub mod exposition;
mod extension;
pub mod front;
mod graph;
pub mod host;
pub mod naming;
pub mod outbox;
pub mod own_names;
pub mod registry;
pub mod shards;
pub mod status;
pub mod storage;
pub mod telemetry;

pub use ack::{Ack, Outcome};
pub use batch::{Batch, Chunk, ClientInfo, RequestSize};
pub use checkpoint::Checkpoints;
pub use clock::{Clock, Now};
pub use component::{
    ExportContext, ExportError, Exported, Exporter, ExporterFactory, Next, ProcessError, Processor, ProcessorFactory, Receiver,
    ReceiverFactory, Refusal, StartError,
};
pub use context::{BuildContext, ConfigError};
pub use entrance::{Encoding, Entrance, Payload, Refused};
pub use extension::{Extension, ExtensionFactory, Owner};
pub use futures_util::future::BoxFuture;
pub use host::{Announcement, Host};
pub use naming::Naming;
pub use outbox::Outbox;
pub use own_names::Level;
pub use registry::{
    ExporterEntry, ExtensionEntry, Front, Kind, Meta, ProcessorEntry, ReceiverEntry, Registry, Signals, Stability,
};
pub use shards::Shards;
pub use status::{Status, StatusBoard};
pub use storage::{MemoryStorage, Storage};
pub use telemetry::{Counter, Gauge, Histogram, Telemetry};
