//! Ids of components (`type` or `type/name`) and pipelines (`signal` or `signal/name`).

use std::fmt;

/// `type` or `type/name`, as written by the user.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ComponentId {
    /// The component's type as the user spelled it (an alias stays an alias).
    pub kind: String,
    /// The part after the slash.
    pub name: Option<String>,
}

impl ComponentId {
    /// Parses an id; the error is the message without position.
    pub fn parse(_text: &str) -> Result<ComponentId, String> {
        todo!()
    }
}

impl fmt::Display for ComponentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{}/{}", self.kind, name),
            None => f.write_str(&self.kind),
        }
    }
}

/// `signal` or `signal/name`; the signal is `traces`, `metrics` or `logs`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PipelineId {
    /// `traces`, `metrics` or `logs`.
    pub signal: String,
    /// The part after the slash.
    pub name: Option<String>,
}

impl PipelineId {
    /// Parses an id; the error is the message without position.
    pub fn parse(_text: &str) -> Result<PipelineId, String> {
        todo!()
    }
}

impl fmt::Display for PipelineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{}/{}", self.signal, name),
            None => f.write_str(&self.signal),
        }
    }
}
