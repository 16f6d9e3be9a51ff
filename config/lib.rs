//! YAML to checked values: files, environment, a tree with positions, diagnostics, shared setting types.
//!
//! Knows the grammar of `collector.yaml` (sections, component ids, pipelines) and no component's name.
//! All problems of a file are collected and reported at once.

#![warn(missing_docs)]

mod de;
pub mod document;
mod expand;
pub mod id;
mod lay;
pub mod load;
mod merge;
mod nest;
mod parse;
pub mod problems;
mod read;
mod scalar;
mod schema;
pub mod settings;
pub mod suggest;
pub mod surroundings;
pub mod tree;
pub mod user_config;
mod walk;

pub use document::{Document, Pipeline, Reference, Service};
pub use id::{ComponentId, PipelineId};
pub use load::{Source, load, load_what_is_there};
pub use problems::{Location, Problem, Problems, Severity};
pub use settings::{
    ByteSize, ClientAuth, ClientKeepalive, ClientMiddleware, ClientTls, Duration, Endpoint, Headers, Optional, Secret,
    ServerKeepalive, ServerTls, Transport,
};
pub use surroundings::{Gates, ReadFile, Surroundings};
pub use tree::Node;
pub use user_config::{UserConfig, effective_settings, parse_settings, read_settings, written};

#[cfg(test)]
mod property_tests;
