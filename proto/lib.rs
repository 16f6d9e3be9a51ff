//! OTLP bytes: an index over the request that came, views on it, edits, and protobuf and JSON out.
//!
//! A [`Traces`] or [`Logs`] keeps the request body as one `Bytes` and a flat index over it.
//! Edits are an overlay: entries are the truth, and encoding copies untouched runs.
//! Metrics stay bytes, decoded with `opentelemetry-proto` where somebody needs them.
//!
//! Left out: policy (what an attribute means) and any socket or runtime.

pub mod data;
pub mod error;
pub mod keys;
pub mod logs;
pub mod metrics;
pub mod record;
pub mod traces;
pub mod value;

mod builder;
#[deny(clippy::indexing_slicing, clippy::string_slice, clippy::unwrap_used)]
mod check;
mod decode;
mod edit;
mod edit_attrs;
mod edit_entry;
mod edit_fields;
mod edit_spans;
mod encode;
mod index;
#[deny(clippy::indexing_slicing, clippy::string_slice, clippy::unwrap_used)]
mod index_record;
#[deny(clippy::indexing_slicing, clippy::string_slice, clippy::unwrap_used)]
mod index_value;
#[deny(clippy::indexing_slicing, clippy::string_slice, clippy::unwrap_used)]
mod indexer;
#[deny(clippy::indexing_slicing, clippy::string_slice, clippy::unwrap_used)]
mod json_read;
#[deny(clippy::indexing_slicing, clippy::string_slice, clippy::unwrap_used)]
mod json_scan;
mod json_text;
mod json_write;
#[deny(clippy::indexing_slicing, clippy::string_slice, clippy::unwrap_used)]
mod key_cache;
mod plan;
mod plan_fields;
mod recycle;
#[deny(clippy::indexing_slicing, clippy::string_slice, clippy::unwrap_used)]
mod repair;
mod schema;
#[deny(clippy::string_slice, clippy::unwrap_used)]
mod split;
#[deny(clippy::indexing_slicing, clippy::string_slice, clippy::unwrap_used)]
mod utf8;
mod value_write;
#[deny(clippy::indexing_slicing, clippy::string_slice, clippy::unwrap_used)]
mod wire;

pub use builder::{LogRecordBuilder, LogsBuilder};
pub use data::{Data, Signal};
pub use edit::{Edit, RecordMut};
pub use edit_attrs::AttrsMut;
pub use error::{DecodeError, Limits};
pub use json_text::push_base64;
pub use keys::KeyId;
pub use logs::{LogRef, Logs};
pub use metrics::Metrics;
pub use record::{Attrs, Entry, EventRef, Key, LinkRef, RecordRef, ResourceRef, ScopeRef};
pub use split::{Part, SplitLimits, Splitter};
pub use traces::{SpanRef, Traces};
pub use value::{ArrayRef, MapRef, Value, ValueIn, ValueRef};
