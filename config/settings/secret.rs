//! Text that never prints.
//!
//! A component's default settings are serialized and laid under the user's tree; a default secret must survive that, so
//! [`exposed`] lets one closure, on this thread only, serialize secrets as they are.

use super::SECRET_FORMAT;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cell::Cell;
use std::fmt;

/// Text that never prints: `Debug`, `Display` and `Serialize` give `[REDACTED]`.
///
/// An empty one serializes as empty text: there is nothing to hide, and "not configured" stays visible.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

const REDACTED: &str = "[REDACTED]";

thread_local! {
    static EXPOSED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f` with secrets serialized as they are.
pub(crate) fn exposed<R>(f: impl FnOnce() -> R) -> R {
    /// Puts the switch back even when `f` panics.
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            EXPOSED.set(self.0);
        }
    }
    let _restore = Restore(EXPOSED.replace(true));
    f()
}

impl Secret {
    /// The text itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
    /// Whether nothing was configured.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Secret(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Secret(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let show = self.0.is_empty() || EXPOSED.get();
        serializer.serialize_str(if show { &self.0 } else { REDACTED })
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Secret)
    }
}

impl JsonSchema for Secret {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Secret".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": SECRET_FORMAT, "writeOnly": true})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_prints_a_secret() {
        let secret = Secret::from("hunter2");
        assert_eq!(format!("{secret:?} {secret}"), "[REDACTED] [REDACTED]");
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"[REDACTED]\"");
        assert_eq!(serde_json::to_string(&Secret::default()).unwrap(), "\"\"");
    }

    #[test]
    fn exposure_ends_with_its_closure() {
        let secret = Secret::from("hunter2");
        assert_eq!(exposed(|| serde_json::to_string(&secret).unwrap()), "\"hunter2\"");
        assert!(std::panic::catch_unwind(|| exposed(|| panic!("on purpose"))).is_err());
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"[REDACTED]\"");
    }
}
