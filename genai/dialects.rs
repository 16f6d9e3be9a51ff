//! The dialects in which agents speak OTLP: who speaks (detection), what it means (mapping), how it is counted (settings).
//!
//! Tables in `genai/data/` hold what is data; code holds what a table cannot say.
//! Normalising is a function of one record: it reads no other record, no clock and no state.
//! Adding a dialect is adding rows to `detection.tsv` and `dialect_settings.tsv`, a table in `dialects/`, and a transform where needed.

mod answer;
mod as_sent;
mod autogen_logs;
mod batch;
mod cli_text;
mod conditions;
mod content;
mod custom;
mod cut_json;
mod decisions;
mod detect;
mod errors;
mod event_messages;
mod explain;
mod fast_map;
mod frameworks;
mod gather;
mod gemini_content;
mod generation;
mod identity;
mod in_place;
mod indexed;
mod instructions;
mod json_messages;
mod json_parts;
mod json_paths;
mod kinds;
mod listings;
mod made_logs;
mod mapping;
mod message_lists;
mod message_logs;
mod messages;
mod named_rows;
mod names;
mod normalize;
mod origin;
mod output_calls;
mod pattern;
mod plan;
mod python_text;
mod record_values;
mod requests;
mod settings;
mod subjects;
pub(crate) mod table;
mod timing;
mod tool_values;
mod transform;
mod usage_object;
mod values;
mod words;

pub use batch::{Normalizer, Report};
pub use custom::Custom;
pub use detect::{Because, Dialect, ScopeVerdict, also_present, because, detect};
pub use explain::{Change, Explained, Source, TableRow, explain};
pub(crate) use fast_map::FastMap;
pub use message_logs::is_message_event;
pub use normalize::{Options, normalize};
pub use plan::{Counts, Plan};
pub use settings::{CostFrom, EventNameAt, Inclusive, Settings, SettingsMemo, UsageAt, settings};

/// The class of a key of a dialect's record where a table knows it; the inner `None` = content if the value is text, else meta.
pub(crate) fn class_of(dialect: Dialect, key: chaperone_proto::Key<'_>) -> Option<mapping::SourceClass> {
    mapping::Mapping::get().class(dialect, key.id, key.name)
}

/// Reads the tables, so that their keys have ids before the first record is indexed. Idempotent.
pub fn install() {
    crate::keys::install();
    mapping::Mapping::get();
    decisions::install();
}
