//! Settings of the `attributes` processor: actions, and which records they apply to.

use crate::attribute_actions::ActionConfig;
use chaperone_config::{Problems, UserConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the processor.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What is done to the attributes, one after the other.
    pub actions: Vec<ActionConfig>,
    /// Only what matches is changed.
    pub include: Option<MatchConfig>,
    /// What matches is not changed, whatever `include` says.
    pub exclude: Option<MatchConfig>,
}

/// Which records are meant: each key that is given must match, by any value of its list.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MatchConfig {
    /// `strict` compares, `regexp` searches for patterns. Required.
    pub match_type: String,
    /// Values of the resource's `service.name`.
    pub services: Vec<String>,
    /// Names of spans.
    pub span_names: Vec<String>,
    /// Kinds of spans, such as `SPAN_KIND_CLIENT`.
    pub span_kinds: Vec<String>,
    /// Attributes of the span, log record or data point; all must match.
    pub attributes: Vec<AttributeMatch>,
    /// Attributes of the resource; all must match.
    pub resources: Vec<AttributeMatch>,
    /// Instrumentation scopes.
    pub libraries: Vec<LibraryMatch>,
    /// Bodies of log records that are text.
    pub log_bodies: Vec<String>,
    /// Severity texts of log records.
    pub log_severity_texts: Vec<String>,
    /// Severity numbers of log records.
    pub log_severity_number: Option<SeverityMatch>,
    /// Names of metrics.
    pub metric_names: Vec<String>,
    /// Settings of the Collector's cache for patterns. Read, and not needed here.
    pub regexp: Option<CacheConfig>,
}

/// An attribute.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AttributeMatch {
    /// Its key.
    pub key: String,
    /// Its value, or a pattern. Without one the key must be there.
    pub value: Option<serde_json::Value>,
}

/// An instrumentation scope.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LibraryMatch {
    /// Its name.
    pub name: String,
    /// Its version. Without one any version matches.
    pub version: Option<String>,
}

/// Severity numbers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SeverityMatch {
    /// The lowest that matches, from 1.
    pub min: i32,
    /// Whether records without a severity match.
    pub match_undefined: bool,
}

/// The Collector's cache for patterns.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CacheConfig {
    /// Whether there is one.
    pub cacheenabled: bool,
    /// Its size.
    pub cachemaxnumentries: i64,
}

impl UserConfig for Config {
    fn check(&self, problems: &mut Problems) {
        if self.actions.is_empty() {
            problems.error("actions", "missing required field \"actions\"");
        }
    }
}
