//! From sources to a document: parse, expand `${...}`, merge, read sections. All problems at once.

use crate::{Document, Problems};

/// Where configuration comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file; the text is read by the caller, so that this crate is tested without files.
    Text {
        /// Name shown in positions.
        name: String,
        /// YAML.
        text: String,
    },
    /// `--set a.b.c=value`.
    Set(String),
}

/// Loads a configuration. `env` looks an environment variable up.
///
/// The problems of a successful load are warnings.
pub fn load(_sources: &[Source], _env: &dyn Fn(&str) -> Option<String>) -> Result<(Document, Problems), Problems> {
    todo!()
}
