//! Settings of the `gen_ai_normalizer` processor.

use super::sources::{Source, Sources};
use chaperone_config::{Problems, UserConfig};
use chaperone_genai::dialects::{Custom, Dialect, Normalizer, Options};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the processor.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Dialects to normalise, by id; `custom` maps attributes of your own. Empty means all dialects.
    pub sources: Sources,
    /// Removes source attributes whose values went to canonical ones. Counts for all dialects when `sources` is empty.
    pub remove_originals: bool,
}

const CUSTOM: &str = "custom";

impl Source {
    fn options(&self) -> Options {
        Options { remove_originals: self.remove_originals, overwrite: self.overwrite }
    }
}

impl Config {
    pub(super) fn normalizer(&self) -> Normalizer {
        if self.sources.is_empty() {
            return Normalizer::all(Options { remove_originals: self.remove_originals, overwrite: false });
        }
        chaperone_genai::dialects::install();
        let dialects = self.sources.iter().filter_map(|(id, source)| Some((Dialect::by_id(id)?, source.options()))).collect();
        let intern = chaperone_proto::keys::intern;
        let custom = self.sources.iter().flat_map(|(_, source)| {
            let pairs = source.custom_mappings.iter();
            pairs.map(|(from, to)| Custom { from: intern(from), to: intern(to), options: source.options() })
        });
        Normalizer::of(dialects, custom.collect())
    }
}

impl UserConfig for Config {
    fn check(&self, problems: &mut Problems) {
        for (id, source) in self.sources.iter() {
            let path = format!("sources.{id}");
            if id == CUSTOM && source.custom_mappings.is_empty() {
                problems.error(&path, "source `custom` needs `custom_mappings`");
            }
            if id != CUSTOM && Dialect::by_id(id).is_none() {
                let hint = "sources are `custom` and the dialects of the README, such as `openinference` and `openllmetry`";
                problems.error_hint(&path, format!("unknown source `{id}`"), hint);
            }
            for (from, to) in &source.custom_mappings {
                let path = format!("{path}.custom_mappings");
                match (from.as_str(), to.as_str()) {
                    ("", _) => problems.error(&path, "a source attribute has no name"),
                    (_, "") => problems.error(&path, format!("the target of `{from}` is empty")),
                    (from, to) if from == to => problems.error(&path, format!("source and target are both `{from}`")),
                    _ => {}
                }
            }
        }
    }
}
