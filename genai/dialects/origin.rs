//! What the records of one scope and dialect have in common: looked up when either changes.

use super::settings::{Settings, settings_of};
use super::{Dialect, frameworks, json_paths};
use chaperone_proto::RecordRef;

/// What scope, resource and dialect say of a record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    scope: usize,
    pub(crate) dialect: Dialect,
    pub(crate) settings: &'static Settings,
    /// The framework, where the record's own attributes do not tell it.
    pub(crate) framework: Option<&'static str>,
    /// Rows wait for the record's operation.
    pub(crate) has_waiting: bool,
    pub(crate) is_of_conventions: bool,
}

impl Origin {
    /// Of a record.
    pub(crate) fn of(record: RecordRef<'_>, dialect: Dialect) -> Origin {
        Origin {
            scope: record.scope().index(),
            dialect,
            settings: settings_of(dialect, record.scope()),
            framework: frameworks::by_origin(record, dialect),
            has_waiting: json_paths::has_waiting(dialect),
            is_of_conventions: dialect.id() == "otel-genai",
        }
    }
    /// Whether it is that of another record of the same batch too.
    pub(crate) fn is_of(&self, record: RecordRef<'_>, dialect: Dialect) -> bool {
        self.scope == record.scope().index() && self.dialect == dialect
    }
}
