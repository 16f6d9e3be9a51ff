//! Settings of the `gen_ai_content` processor.

use chaperone_config::{Problems, UserConfig};
use chaperone_genai::content::recognise::{Kind, Recognizers};
use chaperone_genai::content::{self, Caps, KeyRules};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Settings of the processor.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What becomes of prompts, answers, arguments and results: `metadata_only` removes them, `redact` keeps them with people and
    /// secrets masked, `keep` keeps them.
    pub mode: Mode,
    /// What becomes of users' ids and e-mail addresses: `hash`, `keep` or `drop`. Unset: `hash`, with `keep` as mode `keep`.
    pub identity: Option<Identity>,
    /// Keys whose values pass as they are; a `*` at the end stands for any rest. Secrets go all the same.
    pub allow_keys: Vec<String>,
    /// Keys whose values go whatever they are; a `*` at the end stands for any rest. Stronger than `allow_keys`.
    pub deny_keys: Vec<String>,
    /// Kinds that are not looked for, such as `ip` or `phone`.
    pub skip_kinds: Vec<String>,
    /// Recognisers of one's own, beside those that are built in; 64 at most.
    pub recognizers: Vec<Custom>,
    /// Regular expressions: what fits one of them as a whole is never masked, such as a support address. 64 at most.
    pub allow_values: Vec<String>,
    /// Texts that were planted and should be nowhere, found as they are written; 1,024 at most, 6 bytes at least.
    pub canaries: Vec<String>,
    /// Most bytes of a content value; what is longer is cut, and JSON stays JSON. 0 = no limit.
    pub max_content_bytes: usize,
    /// The same by key, or by the begin of keys with `*` behind it.
    pub max_content_bytes_by_key: BTreeMap<String, usize>,
}

/// A recogniser of the user's.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Custom {
    /// What stands in the place of a hit: `employee` becomes `<EMPLOYEE_3f2a1c>`. Letters, digits and `_`.
    pub name: String,
    /// Regular expression of at most 1,024 bytes that does not fit the empty text.
    pub pattern: String,
}

/// What becomes of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It goes; hash and size stay.
    #[default]
    MetadataOnly,
    /// It stays, and what recognisers find in it is masked.
    Redact,
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

/// Cutting to less leaves nothing worth keeping.
const LEAST_BYTES: usize = 16;

impl Config {
    pub(super) fn policy(&self, hash_key: [u8; 32]) -> content::Policy {
        let mode = match self.mode {
            Mode::MetadataOnly => content::Mode::MetadataOnly,
            Mode::Redact => content::Mode::Redact,
            Mode::Keep => content::Mode::Keep,
        };
        let identity = match (self.identity, self.mode) {
            (Some(Identity::Hash), _) | (None, Mode::MetadataOnly | Mode::Redact) => content::Identity::Hash,
            (Some(Identity::Keep), _) | (None, Mode::Keep) => content::Identity::Keep,
            (Some(Identity::Drop), _) => content::Identity::Drop,
        };
        let mut policy = content::Policy::new(mode, identity, hash_key);
        // What is refused was refused by `check`.
        policy.recognizers = self.recognizers(&mut Problems::new());
        policy.allow_keys = self.allow_keys.iter().map(String::as_str).collect();
        policy.deny_keys = self.deny_keys.iter().map(String::as_str).collect();
        let by_key = self.max_content_bytes_by_key.iter().map(|(key, most)| (KeyRules::from_iter([key.as_str()]), *most));
        policy.caps = Caps { most: Some(self.max_content_bytes).filter(|most| *most > 0), by_key: by_key.collect() };
        policy
    }

    fn recognizers(&self, problems: &mut Problems) -> Recognizers {
        let mut recognizers = Recognizers::all();
        for (at, name) in self.skip_kinds.iter().enumerate() {
            match Kind::by_name(name) {
                Some(kind) => recognizers.skip(kind),
                None => {
                    let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
                    problems
                        .error(&format!("skip_kinds[{at}]"), format!("unknown kind `{name}`: kinds are {}", known.join(", ")));
                }
            }
        }
        for (at, custom) in self.recognizers.iter().enumerate() {
            if custom.name.is_empty() || !custom.name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                problems.error(&format!("recognizers[{at}].name"), "must be letters, digits and `_`");
            }
            if let Err(error) = recognizers.add(&custom.name, &custom.pattern) {
                problems.error(&format!("recognizers[{at}].pattern"), error.to_string());
            }
        }
        for (at, pattern) in self.allow_values.iter().enumerate() {
            if let Err(error) = recognizers.allow(pattern) {
                problems.error(&format!("allow_values[{at}]"), error.to_string());
            }
        }
        if let Err(error) = recognizers.set_canaries(&self.canaries) {
            problems.error("canaries", error.to_string());
        }
        recognizers
    }
}

impl UserConfig for Config {
    fn check(&self, problems: &mut Problems) {
        self.recognizers(problems);
        let caps = self.max_content_bytes_by_key.values().chain([&self.max_content_bytes]);
        if caps.into_iter().any(|most| (1..LEAST_BYTES).contains(most)) {
            problems.error("max_content_bytes", format!("must be 0 or at least {LEAST_BYTES}"));
        }
    }
}
