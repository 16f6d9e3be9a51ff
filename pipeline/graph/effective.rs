//! The settings of all components as they are in force, defaults filled in: what `print-config` prints.

use crate::Registry;
use crate::graph::read::{self, Part};
use chaperone_config::{ComponentId, Document, Duration, Problems, written};
use serde_json::{Map, Value, json};

/// The sections of components as JSON, by the ids that the user wrote; exporters with the keys of the shared front.
///
/// Secrets are `[REDACTED]` unless they shall be shown. Components with errors are left out, the errors are added.
pub(crate) fn effective(
    document: &Document,
    registry: &Registry,
    show_secrets: bool,
    problems: &mut Problems,
) -> Map<String, Value> {
    // Whatever is wrong is found again below, with the settings at hand.
    let parts = read::read(document, registry, &mut Problems::new());
    let mut exporters = section(&parts.exporters, show_secrets, problems);
    for part in &parts.exporters {
        let Some((front, Value::Object(settings))) = part.front.as_ref().zip(exporters.get_mut(&part.id.to_string())) else {
            continue;
        };
        settings.insert("timeout".to_owned(), json!(Duration::from(front.timeout)));
        for (key, block) in [
            ("retry_on_failure", written(&front.retry, show_secrets)),
            ("sending_queue", written(&front.queue, show_secrets)),
            ("circuit_breaker", written(&front.breaker, show_secrets)),
        ] {
            match block {
                Ok(block) => drop(settings.insert(key.to_owned(), block)),
                Err(error) => problems.error(&format!("{}.{key}", part.path), format!("cannot be written down: {error}")),
            }
        }
    }
    [
        ("receivers", section(&parts.receivers, show_secrets, problems)),
        ("processors", section(&parts.processors, show_secrets, problems)),
        ("connectors", section(&parts.connectors, show_secrets, problems)),
        ("exporters", exporters),
        ("extensions", section(&parts.extensions, show_secrets, problems)),
    ]
    .into_iter()
    .map(|(name, section)| (name.to_owned(), Value::Object(section)))
    .collect()
}

fn section<P: ?Sized>(parts: &[Part<P>], show_secrets: bool, problems: &mut Problems) -> Map<String, Value> {
    let mut found = Map::new();
    for part in parts {
        let id: &ComponentId = &part.id;
        if let Some(settings) = (part.entry.effective)(&part.node, &part.path, show_secrets, problems) {
            found.insert(id.to_string(), settings);
        }
    }
    found
}
