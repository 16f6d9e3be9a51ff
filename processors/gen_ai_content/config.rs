//! Settings of the `gen_ai_content` processor.

use chaperone_config::UserConfig;
use chaperone_genai::content;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the processor.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What becomes of prompts, answers, arguments and results: `metadata_only` removes them, `keep` keeps them.
    pub mode: Mode,
    /// What becomes of users' ids and e-mail addresses: `hash`, `keep` or `drop`. Unset: `hash`, with `keep` as mode `keep`.
    pub identity: Option<Identity>,
}

/// What becomes of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It goes; hash and size stay.
    #[default]
    MetadataOnly,
    /// It stays. Secrets go all the same.
    Keep,
}

/// What becomes of identities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// A keyed digest stands in their place.
    Hash,
    /// They stay.
    Keep,
    /// They go.
    Drop,
}

impl Config {
    pub(super) fn policy(&self, hash_key: [u8; 32]) -> content::Policy {
        let mode = match self.mode {
            Mode::MetadataOnly => content::Mode::MetadataOnly,
            Mode::Keep => content::Mode::Keep,
        };
        let identity = match (self.identity, self.mode) {
            (Some(Identity::Hash), _) | (None, Mode::MetadataOnly) => content::Identity::Hash,
            (Some(Identity::Keep), _) | (None, Mode::Keep) => content::Identity::Keep,
            (Some(Identity::Drop), _) => content::Identity::Drop,
        };
        content::Policy { mode, identity, hash_key }
    }
}

impl UserConfig for Config {}
