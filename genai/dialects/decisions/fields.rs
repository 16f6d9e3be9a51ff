//! One part of a reported decision: which attribute of ours, and what gives it its value.
//!
//! `FIELD=SOURCE|SOURCE...`, the first source that says something wins. A source is a word as it is, `@KEY` (an attribute of the
//! record as normalised, or of the span event), or a fact of the record: `$parent` (parent span id), `$record` (record id),
//! `$seconds` (duration of the span). `@KEY~MAP` translates by `decision_words.tsv` (a word that the map does not know says
//! nothing), `@KEY/1000` divides, `@KEY#MEMBER` looks into a structured value, `@KEY%names` takes the names of a JSON object's members.
//! `FIELD` is a key of ours without its prefix (`threshold`, `approval.source`), `call`, `tool`, or one of an evaluation.

use super::super::plan::Plan;
use super::super::{values, words::is_redacted};
use super::table::{self, Glob};
use crate::keys;
use crate::record::{hex, plain_json};
use chaperone_proto::{Attrs, KeyId, RecordRef, Value, ValueRef};
use std::borrow::Cow;

pub(super) type Words = &'static [(Glob, &'static str)];

/// One part.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) key: KeyId,
    sources: Vec<Source>,
}

#[derive(Debug, Clone, Copy)]
enum Source {
    Word(&'static str),
    Attr(KeyId),
    Mapped(KeyId, Words),
    Divided(KeyId, f64),
    Names(KeyId),
    Member(KeyId, &'static str),
    Parent,
    Record,
    Seconds,
}

impl Field {
    pub(super) fn parse(text: &'static str) -> Field {
        let (field, sources) = text.split_once('=').expect("invariant: fields of decisions.tsv are FIELD=SOURCE");
        Field { key: key(field), sources: sources.split('|').map(source).collect() }
    }

    /// The value, in the shape its key has.
    pub(super) fn value(&self, place: &Place<'_>) -> Option<Value> {
        self.sources.iter().find_map(|source| match self.key {
            keys::CHAPERONE_DECISION_CONFIDENCE => {
                place.number(*source).filter(|share| (0.0..=1.0).contains(share)).map(Value::Double)
            }
            keys::CHAPERONE_DECISION_THRESHOLD
            | keys::CHAPERONE_APPROVAL_WAIT_DURATION
            | keys::CHAPERONE_QUALITY_SIGNAL_NUMBER
            | keys::GEN_AI_EVALUATION_SCORE_VALUE => place.number(*source).map(Value::Double),
            keys::CHAPERONE_STEP_ATTEMPT | keys::CHAPERONE_RETRY_MAX_ATTEMPTS => {
                place.number(*source).map(|number| Value::Int(number as i64))
            }
            keys::CHAPERONE_QUALITY_SIGNAL_VALUE => place.text(*source).map(|text| Value::Bool(text == "true")),
            keys::CHAPERONE_DECISION_CANDIDATES => {
                place.words(*source).filter(|words| !words.is_empty()).map(|words| values::strings(&words))
            }
            _ => place.text(*source).map(|text| Value::Str(text.into_owned())),
        })
    }
}

fn key(field: &str) -> KeyId {
    let intern = chaperone_proto::keys::intern;
    match field {
        "tool" => keys::GEN_AI_TOOL_NAME,
        "call" => keys::GEN_AI_TOOL_CALL_ID,
        "score" => keys::GEN_AI_EVALUATION_SCORE_VALUE,
        "label" => keys::GEN_AI_EVALUATION_SCORE_LABEL,
        "explanation" => keys::GEN_AI_EVALUATION_EXPLANATION,
        "evaluation" => keys::GEN_AI_EVALUATION_NAME,
        _ => {
            let others = ["approval.", "handoff.", "fallback.", "retry.", "step.", "quality_signal.", "evaluation."];
            let prefix = if others.iter().any(|other| field.starts_with(other)) { "chaperone." } else { "chaperone.decision." };
            let name = format!("{prefix}{field}");
            let known = keys::ALL.contains(&name.as_str());
            assert!(known, "invariant: `{field}` of decisions.tsv is a key of ours");
            intern(&name)
        }
    }
}

fn source(text: &'static str) -> Source {
    let intern = chaperone_proto::keys::intern;
    match (text.strip_prefix('@'), text) {
        (Some(attr), _) => match (attr.split_once('~'), attr.split_once("/1000"), attr.split_once("%names")) {
            (Some((name, map)), ..) => Source::Mapped(intern(name), table::words(map)),
            (_, Some((name, _)), _) => Source::Divided(intern(name), 1000.0),
            (.., Some((name, _))) => Source::Names(intern(name)),
            _ => match attr.split_once('#') {
                Some((name, member)) => Source::Member(intern(name), member),
                None => Source::Attr(intern(attr)),
            },
        },
        (None, "$parent") => Source::Parent,
        (None, "$record") => Source::Record,
        (None, "$seconds") => Source::Seconds,
        (None, word) => Source::Word(word),
    }
}

/// Where values are read: the record as it will be, or one of its span events.
pub(super) struct Place<'a> {
    pub(super) record: RecordRef<'a>,
    pub(super) plan: &'a Plan,
    pub(super) event: Option<Attrs<'a>>,
}

impl Place<'_> {
    fn text(&self, source: Source) -> Option<Cow<'_, str>> {
        let found = match source {
            Source::Word(word) => Cow::Borrowed(word),
            Source::Attr(key) => self.attr_text(key)?,
            Source::Mapped(key, words) => {
                let native = self.attr_text(key)?.to_lowercase();
                let (_, canonical) = words.iter().find(|(glob, _)| glob.fits(&native)).filter(|(_, word)| *word != "-")?;
                Cow::Borrowed(*canonical)
            }
            Source::Names(_) => Cow::Owned(self.words(source)?.join(",")),
            Source::Member(key, member) => match self.raw(key)? {
                ValueRef::Map(map) => match map.get(member)? {
                    ValueRef::Str(text) => Cow::Borrowed(text),
                    other => Cow::Owned(plain_json(other)),
                },
                _ => return None,
            },
            Source::Parent => Cow::Owned(hex(&self.record.as_span()?.parent_span_id()?)),
            Source::Record => self.attr_text(keys::CHAPERONE_RECORD_ID)?,
            Source::Divided(..) | Source::Seconds => Cow::Owned(self.number(source)?.to_string()),
        };
        Some(found).filter(|text| !is_redacted(text))
    }

    fn number(&self, source: Source) -> Option<f64> {
        let number = match source {
            Source::Attr(key) => self.attr_number(key),
            Source::Divided(key, by) => self.attr_number(key).map(|number| number / by),
            Source::Seconds => {
                let span = self.record.as_span()?;
                Some(span.end_ns().checked_sub(span.start_ns())? as f64 / 1e9)
            }
            _ => self.text(source)?.parse().ok(),
        };
        number.filter(|number| number.is_finite())
    }

    fn words(&self, source: Source) -> Option<Vec<String>> {
        match source {
            Source::Names(key) => {
                let json: serde_json::Value = serde_json::from_str(&self.attr_text(key)?).ok()?;
                let names: Vec<String> = json.as_object()?.keys().cloned().collect();
                Some(names).filter(|names| !names.is_empty())
            }
            Source::Attr(key) => match self.plan.planned(key) {
                Some(Value::Array(items)) if self.event.is_none() => Some(
                    items.iter().filter_map(|item| if let Value::Str(text) = item { Some(text.clone()) } else { None }).collect(),
                ),
                _ => self.raw(key).map(values::words_of),
            },
            _ => self.text(source).map(|text| vec![text.into_owned()]),
        }
    }

    fn raw(&self, key: KeyId) -> Option<ValueRef<'_>> {
        match &self.event {
            Some(attrs) => attrs.get(key),
            None => self.record.attrs().get(key),
        }
    }

    fn attr_text(&self, key: KeyId) -> Option<Cow<'_, str>> {
        if self.event.is_none()
            && let Some(planned) = self.plan.planned(key)
        {
            return match planned {
                Value::Str(text) => Some(Cow::Borrowed(text)),
                Value::Int(number) => Some(Cow::Owned(number.to_string())),
                Value::Double(number) => Some(Cow::Owned(number.to_string())),
                Value::Bool(yes) => Some(Cow::Owned(yes.to_string())),
                _ => None,
            };
        }
        match self.raw(key)? {
            ValueRef::Str(text) => Some(Cow::Borrowed(text)),
            ValueRef::Empty => None,
            other => Some(Cow::Owned(plain_json(other))),
        }
    }

    fn attr_number(&self, key: KeyId) -> Option<f64> {
        self.attr_text(key)?.trim().parse().ok()
    }
}
