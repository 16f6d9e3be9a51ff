//! Rows of a mapping table that hold only on records of one name: a log's event name, a span's name.
//!
//! Agents that log use one key for many things (`model`, `duration_ms`, `decision`); what it means, the event's name tells.
//! Sources: `log:EVENT#KEY` and `span:NAME#KEY` (wins over a row for the key alone); `log:EVENT` (the event name is the value);
//! `log:EVENT?KEY` and `log:EVENT?KEY=VALUE` (a further row for KEY, or one that holds only if the key has this value; `span:` too).
//! A star at the end of a name is a prefix. The first name of a table that fits a record is its only one: special names first.

use super::Dialect;
use super::fast_map::FastMap;
use super::mapping::Rule;
use super::pattern::Pattern;
use super::settings::settings_of;
use crate::record::log_event_name;
use chaperone_proto::{RecordRef, ValueRef};

/// The rows of one name.
#[derive(Debug)]
pub(crate) struct RowsOfName {
    pattern: Pattern,
    keys: FastMap<Rule>,
    /// Rules for the name itself.
    pub(crate) name: Vec<Rule>,
    /// Further rows: key, the value it must have, rule.
    pub(crate) further: Vec<(&'static str, Option<&'static str>, Rule)>,
}

impl RowsOfName {
    pub(crate) fn key(&self, name: &str) -> Option<&Rule> {
        self.keys.get(name)
    }
}

/// All names of a dialect.
#[derive(Debug, Default)]
pub(crate) struct NamedRows {
    spans: Vec<RowsOfName>,
    logs: Vec<RowsOfName>,
}

impl NamedRows {
    /// Takes a row if its source is of this kind.
    pub(crate) fn insert(&mut self, source: &'static str, rule: Rule) -> bool {
        let (list, rest) = match (source.strip_prefix("log:"), source.strip_prefix("span:")) {
            (Some(rest), _) => (&mut self.logs, rest),
            (_, Some(rest)) => (&mut self.spans, rest),
            _ => return false,
        };
        let (name, what) = match rest.find(['#', '?']) {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let pattern = Pattern::parse(name);
        let at = list.iter().position(|rows| rows.pattern == pattern).unwrap_or_else(|| {
            list.push(RowsOfName { pattern, keys: FastMap::default(), name: Vec::new(), further: Vec::new() });
            list.len() - 1
        });
        let Some(rows) = list.get_mut(at) else { return true };
        if let Some(key) = what.strip_prefix('#') {
            rows.keys.insert(key, rule);
        } else if let Some(condition) = what.strip_prefix('?') {
            let (key, value) = condition.split_once('=').map_or((condition, None), |(key, value)| (key, Some(value)));
            rows.further.push((key, value, rule));
        } else {
            rows.name.push(rule);
        }
        true
    }

    /// The rows for a record, and its name.
    pub(crate) fn of<'a>(&self, record: RecordRef<'a>, dialect: Dialect) -> Option<(&RowsOfName, &'a str)> {
        let (list, name) = match record {
            RecordRef::Span(span) if !self.spans.is_empty() => (&self.spans, span.name()),
            RecordRef::Log(log) if !self.logs.is_empty() => {
                (&self.logs, log_event_name(log, settings_of(dialect, record.scope()).event_name))
            }
            _ => return None,
        };
        list.iter().find(|rows| rows.pattern.fits(name)).map(|rows| (rows, name))
    }
}

/// Whether a value is the one a condition names; numbers and truth values as they are written.
pub(crate) fn is_value(value: ValueRef<'_>, wanted: Option<&str>) -> bool {
    match (wanted, value) {
        (None, ValueRef::Empty) => false,
        (None, ValueRef::Str(text)) => !text.is_empty(),
        (None, _) => true,
        (Some(wanted), ValueRef::Str(text)) => text == wanted,
        (Some(wanted), ValueRef::Bool(_) | ValueRef::Int(_)) => crate::record::plain_json(value) == wanted,
        (Some(_), _) => false,
    }
}
