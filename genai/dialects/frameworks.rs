//! The framework a record comes from: marker keys, provider fields, the scope's library, the dialect itself, in this order.

use super::pattern::{Pattern, PatternIndex};
use super::{Dialect, table};
use crate::keys;
use chaperone_proto::{KeyId, RecordRef, ValueRef};
use std::sync::LazyLock;

#[derive(Default)]
struct Table {
    keys: PatternIndex<&'static str>,
    values: Vec<(&'static str, &'static str, &'static str)>,
    resources: Vec<(&'static str, &'static str, &'static str)>,
    providers: Vec<(&'static str, &'static str)>,
    libraries: Vec<(&'static str, &'static str)>,
    dialects: Vec<(&'static str, &'static str)>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table::default();
    for row in table::rows(include_str!("../data/frameworks.tsv"), 3) {
        let [kind, pattern, framework] = row[..] else { continue };
        let (key, value) = pattern.split_once('=').unwrap_or((pattern, ""));
        match kind {
            "key" => table.keys.insert(Pattern::parse(pattern), framework),
            "value" => table.values.push((key, value, framework)),
            "resource" => table.resources.push((key, value, framework)),
            "provider" => table.providers.push((pattern, framework)),
            "library" => table.libraries.push((pattern, framework)),
            _ => table.dialects.push((pattern, framework)),
        }
    }
    table
});

/// Whether an attribute of this key may tell: of our own keys, few do.
pub(crate) fn may_tell(id: Option<KeyId>) -> bool {
    static BY_ID: LazyLock<Vec<bool>> = LazyLock::new(|| {
        let tells = |name: &&str| TABLE.keys.fitting(name).next().is_some() || TABLE.values.iter().any(|(key, ..)| key == name);
        keys::ALL.iter().map(tells).collect()
    });
    id.is_none_or(|id| BY_ID.get(usize::from(id.0)) != Some(&false))
}

/// By one attribute.
pub(crate) fn by_attribute(name: &str, value: ValueRef<'_>) -> Option<&'static str> {
    let by_key = TABLE.keys.fitting(name).next().copied();
    by_key.or_else(|| {
        let row = TABLE.values.iter().find(|(key, _, _)| *key == name)?;
        value.as_str().is_some_and(|text| text.contains(row.1)).then_some(row.2)
    })
}

/// By what stands in a provider or system field.
pub(crate) fn by_provider(native: &str) -> Option<&'static str> {
    TABLE.providers.iter().find(|(name, _)| name.eq_ignore_ascii_case(native)).map(|(_, framework)| *framework)
}

/// By resource, scope, or dialect.
pub(crate) fn by_origin(record: RecordRef<'_>, dialect: Dialect) -> Option<&'static str> {
    let resource = || {
        let attrs = record.resource().attrs();
        let row = TABLE.resources.iter().find(|(key, value, _)| attrs.get_named(key).and_then(ValueRef::as_str) == Some(*value));
        row.map(|row| row.2)
    };
    resource().or_else(|| by_scope(record.scope().name())).or_else(|| {
        let row = TABLE.dialects.iter().find(|(id, _)| *id == dialect.id());
        row.map(|row| row.1)
    })
}

const SCOPES: [&str; 5] = [
    "openinference.instrumentation.",
    "opentelemetry.instrumentation.genai.",
    "opentelemetry.instrumentation.",
    "openlit.instrumentation.",
    "logfire.",
];

fn by_scope(scope: &str) -> Option<&'static str> {
    let library = SCOPES.iter().find_map(|prefix| scope.strip_prefix(prefix))?;
    let library = library.split('.').next().unwrap_or(library);
    TABLE.libraries.iter().find(|(name, _)| *name == library).map(|(_, framework)| *framework)
}
