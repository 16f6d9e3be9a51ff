//! The sections of a `collector.yaml`, ids parsed, components' settings still trees.

use crate::{ComponentId, Location, Node, PipelineId};

/// A whole configuration after expansion and merging.
#[derive(Debug, Clone)]
pub struct Document {
    /// `receivers:` in order.
    pub receivers: Vec<(ComponentId, Node)>,
    /// `processors:` in order.
    pub processors: Vec<(ComponentId, Node)>,
    /// `exporters:` in order.
    pub exporters: Vec<(ComponentId, Node)>,
    /// `connectors:` in order.
    pub connectors: Vec<(ComponentId, Node)>,
    /// `extensions:` in order.
    pub extensions: Vec<(ComponentId, Node)>,
    /// `service:`.
    pub service: Service,
}

/// `service:`.
#[derive(Debug, Clone)]
pub struct Service {
    /// `service::extensions`.
    pub extensions: Vec<Reference>,
    /// `service::pipelines` in order.
    pub pipelines: Vec<Pipeline>,
    /// `service::telemetry`, read by the binary.
    pub telemetry: Node,
}

/// A component id where it is named, with its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// What is named.
    pub id: ComponentId,
    /// Where.
    pub location: Option<Location>,
}

/// One pipeline.
#[derive(Debug, Clone)]
pub struct Pipeline {
    /// Its id.
    pub id: PipelineId,
    /// Where its key stands.
    pub location: Option<Location>,
    /// Receivers, or connectors as such, in order.
    pub receivers: Vec<Reference>,
    /// Processors in order.
    pub processors: Vec<Reference>,
    /// Exporters, or connectors as such, in order.
    pub exporters: Vec<Reference>,
}
