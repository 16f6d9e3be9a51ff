//! Process-wide ids of attribute keys that code or configuration names.
//!
//! `genai::keys::ALL` gives key *i* the constant `KeyId(i)`; keys named by configuration follow.
//! Keys seen only on the wire have no id, so no sender can grow this table.

/// Id of an attribute key known to this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub u16);

/// Installs the constant keys; idempotent. Panics if a different list was installed, or ids were given before.
pub fn install(_all: &'static [&'static str]) {
    todo!()
}

/// The id of a key, adding it when new. For keys named by configuration only.
///
/// Panics when more than 60,000 keys were named.
pub fn intern(_name: &str) -> KeyId {
    todo!()
}

/// The id of a key, if code or configuration named it.
pub fn lookup(_name: &str) -> Option<KeyId> {
    todo!()
}

/// The text of a key.
pub fn name(_id: KeyId) -> &'static str {
    todo!()
}
