//! YAML to checked values: files, environment, a tree with positions, diagnostics, shared setting types.
//!
//! Knows the grammar of `collector.yaml` (sections, component ids, pipelines) and no component's name.
//! All problems of a file are collected and reported at once.

#![warn(missing_docs)]

pub mod document;
pub mod id;
pub mod load;
pub mod problems;
pub mod settings;
pub mod tree;
pub mod user_config;

pub use document::{Document, Pipeline, Reference, Service};
pub use id::{ComponentId, PipelineId};
pub use load::{Source, load};
pub use problems::{Location, Problem, Problems, Severity};
pub use settings::{ByteSize, Duration, Endpoint, Optional, Secret};
pub use tree::Node;
pub use user_config::{UserConfig, parse_settings};
