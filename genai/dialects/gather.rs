//! One pass over a record's attributes: every key is looked up once, and what it says is put where it is needed.

use super::Dialect;
use super::frameworks;
use super::in_place::Settled;
use super::indexed::Leaves;
use super::json_paths::Found;
use super::mapping::{Holding, Mapping, Only, Rule, Slots, Transform};
use super::named_rows::{RowsOfName, is_value};
use super::normalize::Options;
use super::plan::Plan;
use super::words::Step;
use chaperone_proto::{Key, KeyId, RecordRef, ValueRef};

/// Stands for an event's time where a row names an attribute of the event.
const EVENT_TIME: &str = "@time";

/// A source that gives a canonical attribute its value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) target: KeyId,
    pub(crate) rank: u32,
    pub(crate) transform: Transform,
    pub(crate) value: ValueRef<'a>,
    pub(crate) name: &'a str,
    /// The source is the canonical key itself.
    pub(crate) in_place: bool,
}

/// A word for the step's kind, and the map of `operations.tsv` that knows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KindWord<'a> {
    pub(crate) map: &'static str,
    pub(crate) word: &'a str,
    /// Of several words the lowest speaks first.
    pub(crate) rank: u32,
    pub(crate) transform: Transform,
}

/// What one record's attributes say.
#[derive(Debug, Default)]
pub(crate) struct Gathered<'a> {
    /// Sources of canonical attributes; several may name one target.
    pub(crate) sources: Vec<Source<'a>>,
    /// Words for the step's kind.
    pub(crate) kinds: Vec<KindWord<'a>>,
    pub(crate) input: Leaves<'a>,
    pub(crate) output: Leaves<'a>,
    pub(crate) tools: Leaves<'a>,
    pub(crate) documents: Leaves<'a>,
    pub(crate) evaluations: Leaves<'a>,
    pub(crate) is_text_completion: bool,
    /// Blobs and other values that need the whole record: transform, value.
    pub(crate) specials: Vec<(Transform, &'a str, ValueRef<'a>)>,
    pub(crate) framework: Option<&'static str>,
    /// A key counts usage by modality.
    pub(crate) has_modality: bool,
    /// What holds only for records of some operations, which is known later.
    conditional: Vec<(Only, Key<'a>, ValueRef<'a>, Rule)>,
    /// Keys whose values went elsewhere: removed with `remove_originals`.
    pub(crate) originals: Vec<&'a str>,
}

impl<'a> Gathered<'a> {
    /// Reads all attributes of a record. `found`: what its JSON holds ([`super::json_paths::read`]).
    /// Values that stand canonically under their canonical key are counted and need no more, unless others may replace them.
    pub(crate) fn read(
        record: RecordRef<'a>,
        dialect: Dialect,
        found: &'a [Found],
        options: Options,
        plan: &mut Plan,
    ) -> Gathered<'a> {
        let mapping = Mapping::get();
        let mut gathered = Gathered::default();
        let named = mapping.named(dialect, record);
        gathered.take_found(found, plan);
        let slots = Slots::of(dialect);
        let mut settled = Settled::default();
        for entry in record.attrs().each() {
            let slot = slots.get(entry);
            gathered.has_modality |= slot.is_modality;
            if gathered.framework.is_none() && slot.tells {
                gathered.framework = frameworks::by_attribute(entry.key().name, entry.value());
            }
            let of_name = named.and_then(|(rows, _)| rows.key(entry.key().name));
            match (of_name, slot.rule) {
                (None, None) => {}
                (None, Some(_)) if slot.is_kept => plan.counts.kept += 1,
                (None, Some(rule)) => {
                    let in_place = rule.only.is_none() && rule.target.is_some() && rule.target == entry.id();
                    if in_place && !options.overwrite && settled.settles(entry, rule.transform) {
                        plan.counts.kept += 1;
                        continue;
                    }
                    gathered.take(entry.key(), entry.value(), rule, plan);
                }
                (Some(rule), _) => {
                    if rule.only.is_none() && matches!(rule.transform, Transform::Keep | Transform::Check) {
                        plan.counts.kept += 1;
                        continue;
                    }
                    gathered.take(entry.key(), entry.value(), rule, plan);
                }
            }
        }
        if let Some((rows, name)) = named {
            gathered.read_named(record, rows, name, plan);
        }
        if let Some(span) = record.as_span() {
            if let Some(rule) = mapping.span_name(dialect, without_id(span.name())) {
                gathered.take(Key { id: None, name: "" }, ValueRef::Str(span.name()), rule, plan);
            }
            gathered.read_events(span, dialect, plan);
        }
        gathered
    }

    /// What the record's name says, and further rows of its keys.
    fn read_named(&mut self, record: RecordRef<'a>, rows: &RowsOfName, name: &'a str, plan: &mut Plan) {
        let nameless = Key { id: None, name: "" };
        for rule in &rows.name {
            self.take(nameless, ValueRef::Str(name), rule, plan);
        }
        for (key, wanted, rule) in &rows.further {
            let Some(value) = record.attrs().get_named(key).filter(|value| is_value(*value, *wanted)) else { continue };
            // A step's kind stands under the record's name, whatever key decided it.
            let value = if matches!(rule.transform, Transform::Operation(_)) { ValueRef::Str(name) } else { value };
            self.take(nameless, value, rule, plan);
        }
    }

    fn read_events(&mut self, span: chaperone_proto::SpanRef<'a>, dialect: Dialect, plan: &mut Plan) {
        for event in span.events() {
            for rule in Mapping::get().events(dialect).filter(|rule| rule.event == event.name()) {
                let time = || Some(ValueRef::Int(i64::try_from(event.time_ns()).ok()?)).filter(|_| rule.key == EVENT_TIME);
                if let Some(value) = event.attrs().get_named(rule.key).or_else(time) {
                    self.take(Key { id: None, name: "" }, value, &rule.rule, plan);
                }
            }
        }
    }

    pub(crate) fn take_found(&mut self, found: &'a [Found], plan: &mut Plan) {
        for found in found {
            self.take(Key { id: None, name: found.key }, found.value(), &found.rule, plan);
        }
    }

    pub(crate) fn has_conditional(&self) -> bool {
        !self.conditional.is_empty()
    }

    /// What a source will say under a canonical key, for those who must know it before all sources are taken.
    pub(crate) fn word(&self, key: KeyId) -> Option<&'a str> {
        let source = self.sources.iter().filter(|source| source.target == key).min_by_key(|source| source.rank)?;
        match source.transform {
            Transform::Constant(word) => Some(word),
            _ => source.value.as_str(),
        }
    }

    /// Takes what holds only for records of this operation or kind.
    pub(crate) fn take_conditional(&mut self, holding: Holding, plan: &mut Plan) {
        for (only, key, value, rule) in std::mem::take(&mut self.conditional) {
            if holding.has(only) {
                self.take(key, value, &Rule { only: None, ..rule }, plan);
            } else {
                plan.counts.kept += 1;
            }
        }
    }

    fn take(&mut self, key: Key<'a>, value: ValueRef<'a>, rule: &Rule, plan: &mut Plan) {
        if let Some(only) = rule.only {
            self.conditional.push((only, key, value, *rule));
            return;
        }
        let rest = key.name.get(rule.prefix_len..).unwrap_or("");
        let known = match rule.transform {
            Transform::Keep | Transform::Check => {
                plan.counts.kept += 1;
                return;
            }
            Transform::Drop => {
                plan.counts.dropped += 1;
                plan.remove(key.name);
                return;
            }
            Transform::Operation(map) | Transform::Kind(map) | Transform::KindElse(map) => {
                if let Some(word) = value.as_str() {
                    self.kinds.push(KindWord { map, word, rank: rule.rank, transform: rule.transform });
                }
                plan.counts.mapped += 1;
                return;
            }
            Transform::KindKnown(map) => {
                match value.as_str().filter(|word| Step::find(map, word).is_some()) {
                    Some(word) => {
                        let transform = Transform::Kind(map);
                        self.kinds.push(KindWord { map, word, rank: rule.rank, transform });
                        plan.counts.mapped += 1;
                    }
                    None => plan.counts.kept += 1,
                }
                return;
            }
            Transform::IndexedInput => {
                self.is_text_completion |= rest.ends_with("prompt.text");
                self.input.push(rest, value)
            }
            Transform::IndexedOutput => self.output.push(rest, value),
            Transform::IndexedTools => self.tools.push(rest, value),
            Transform::IndexedDocuments => self.documents.push(rest, value),
            Transform::Evaluations => self.evaluations.push(rest, value),
            Transform::BlobInput
            | Transform::BlobOutput
            | Transform::Parameters
            | Transform::ToolParameters
            | Transform::Embedding
            | Transform::Metadata
            | Transform::EntityName
            | Transform::EntityVersion
            | Transform::RouteSource
            | Transform::RouteTarget
            | Transform::UsageText
            | Transform::OutputCalls
            | Transform::EventList
            | Transform::Conversation
            | Transform::FunctionCall
            | Transform::AnswerBlocks
            | Transform::DecisionAnswers
            | Transform::PromptVariables
            | Transform::Subject
            | Transform::Owner
            | Transform::UsageObject
            | Transform::UsageParts
            | Transform::UsageBuckets
            | Transform::AnswerText
            | Transform::AnswerReasoning
            | Transform::AnswerCalls
            | Transform::AnswerJson
            | Transform::SinceStart
            | Transform::Definitions
            | Transform::Documents
            | Transform::ToolResults
            | Transform::Level
            | Transform::StatusMessage
            | Transform::DefinitionsAmong
            | Transform::Dimensions
            | Transform::LateInput
            | Transform::LateOutput
            | Transform::Assessment => {
                self.specials.push((rule.transform, key.name, value));
                true
            }
            Transform::Association | Transform::MetadataEntry | Transform::RawRequest => {
                self.specials.push((rule.transform, if rest.is_empty() { key.name } else { rest }, value));
                true
            }
            _ => {
                let Some(target) = rule.target else { return };
                let in_place = key.id == Some(target);
                let (rank, transform) = (rule.rank, rule.transform);
                self.sources.push(Source { target, rank, transform, value, name: key.name, in_place });
                return;
            }
        };
        if known {
            plan.counts.mapped += 1;
            self.originals.push(key.name);
        } else {
            plan.counts.kept += 1;
        }
    }

    /// The first special value of a kind.
    pub(crate) fn special(&self, transform: Transform) -> Option<ValueRef<'a>> {
        self.specials.iter().find(|(kind, _, _)| *kind == transform).map(|(_, _, value)| *value)
    }
    pub(crate) fn special_str(&self, transform: Transform) -> Option<&'a str> {
        self.special(transform).and_then(ValueRef::as_str)
    }
}

/// A span's name without the random id that LlamaIndex appends to each.
fn without_id(name: &str) -> &str {
    let cut = name.len().checked_sub(37).and_then(|at| name.split_at_checked(at));
    let is_id = |id: &str| id.starts_with('-') && id.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    cut.filter(|(_, id)| is_id(id)).map_or(name, |(rest, _)| rest)
}
