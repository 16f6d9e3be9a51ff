//! One condition on a record, as the detection table writes it: `attr:KEY`, `attr:KEY=VALUE`, `name:`, `event:`, `body:`, `a&b`.

use super::pattern::Pattern;
use crate::keys;
use chaperone_proto::{Key, RecordRef, ValueRef};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Condition {
    Attribute { key: Pattern, value: Option<Pattern> },
    SpanName(Pattern),
    Event(Pattern),
    Body(Pattern),
    Both(Box<Condition>, Box<Condition>),
}

impl Condition {
    pub(crate) fn parse(text: &str) -> Condition {
        if let Some((one, other)) = text.split_once('&') {
            return Condition::Both(Box::new(Condition::parse(one)), Box::new(Condition::parse(other)));
        }
        let (kind, rest) = text.split_once(':').expect("invariant: conditions of the embedded table have a kind");
        match kind {
            "name" => Condition::SpanName(Pattern::parse(rest)),
            "event" => Condition::Event(Pattern::parse(rest)),
            "body" => Condition::Body(Pattern::parse(rest)),
            "attr" => match rest.split_once('=') {
                Some((key, value)) => Condition::Attribute { key: Pattern::parse(key), value: Some(Pattern::parse(value)) },
                None => Condition::Attribute { key: Pattern::parse(rest), value: None },
            },
            other => panic!("invariant: `{other}` is a kind of condition"),
        }
    }

    /// What a name is compared with first: of both parts, the first.
    pub(crate) fn pattern(&self) -> &Pattern {
        match self {
            Condition::Attribute { key, .. } => key,
            Condition::SpanName(pattern) | Condition::Event(pattern) | Condition::Body(pattern) => pattern,
            Condition::Both(one, _) => one.pattern(),
        }
    }

    pub(crate) fn is_of_attribute(&self) -> bool {
        matches!(self, Condition::Attribute { .. } | Condition::Both(..))
    }

    /// Whether it holds on a record that has this key, of which the pattern is known to fit.
    pub(crate) fn holds_at(&self, record: RecordRef<'_>, key: Key<'_>) -> bool {
        match self {
            Condition::Attribute { value: None, .. } => true,
            Condition::Attribute { value: Some(value), .. } => {
                record.attrs().get_named(key.name).and_then(ValueRef::as_str).is_some_and(|text| value.fits(text))
            }
            Condition::Both(one, other) => one.holds_at(record, key) && other.holds(record),
            other => other.holds(record),
        }
    }

    pub(crate) fn holds(&self, record: RecordRef<'_>) -> bool {
        match self {
            Condition::Attribute { key, value } => record.attrs().iter().any(|(name, found)| {
                let value_fits = || value.as_ref().is_none_or(|value| found.as_str().is_some_and(|text| value.fits(text)));
                key.fits(name.name) && value_fits()
            }),
            Condition::SpanName(pattern) => record.as_span().is_some_and(|span| pattern.fits(span.name())),
            Condition::Event(pattern) => record.as_log().is_some_and(|log| {
                pattern.fits(log.event_name()) || log.attrs().str(keys::EVENT_NAME).is_some_and(|name| pattern.fits(name))
            }),
            Condition::Body(pattern) => {
                record.as_log().is_some_and(|log| log.body().as_str().is_some_and(|text| pattern.fits(text)))
            }
            Condition::Both(one, other) => one.holds(record) && other.holds(record),
        }
    }
}
