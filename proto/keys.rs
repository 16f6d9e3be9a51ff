//! Process-wide ids of attribute keys that code or configuration names.
//!
//! `genai::keys::ALL` gives key *i* the constant `KeyId(i)`; keys named by configuration follow.
//! Keys seen only on the wire have no id, so no sender can grow this table.
//! Names are read without a lock: they sit in chunks that are filled once and never move.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{OnceLock, RwLock};

/// Id of an attribute key known to this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub u16);

impl KeyId {
    /// Its bit where the keys of a list are one number: ids share bits, so a bit that is not set is sure and one that is set is not.
    #[inline]
    pub fn bit(self) -> u128 {
        1 << (self.0 & 127)
    }
}

const MAX_KEYS: usize = 60_000;
const CHUNK: usize = 256;

type Chunk = Box<[OnceLock<&'static str>; CHUNK]>;

static NAMES: [OnceLock<Chunk>; MAX_KEYS.div_ceil(CHUNK)] = [const { OnceLock::new() }; MAX_KEYS.div_ceil(CHUNK)];
static CONSTANT: OnceLock<&'static [&'static str]> = OnceLock::new();
static COUNT: AtomicUsize = AtomicUsize::new(0);
static REGISTRY: RwLock<Option<Registry>> = RwLock::new(None);

#[derive(Default)]
struct Registry {
    ids: HashMap<&'static str, u16>,
    installed: Option<&'static [&'static str]>,
}

/// Installs the constant keys; idempotent. Panics if a different list was installed, or ids were given before.
pub fn install(all: &'static [&'static str]) {
    let mut guard = REGISTRY.write().unwrap_or_else(std::sync::PoisonError::into_inner);
    let registry = guard.get_or_insert_default();
    if let Some(installed) = registry.installed {
        assert!(installed == all, "another list of attribute keys was installed before");
        return;
    }
    assert!(registry.ids.is_empty(), "attribute keys were named before the constant ones were installed");
    for name in all {
        assert!(!registry.ids.contains_key(name), "attribute key `{name}` stands twice in the list of constant keys");
        add(registry, name);
    }
    registry.installed = Some(all);
    CONSTANT.get_or_init(|| all);
}

/// The id of a key, adding it when new. For keys named by configuration only.
///
/// Panics when more than 60,000 keys were named.
pub fn intern(name: &str) -> KeyId {
    if let Some(id) = lookup(name) {
        return id;
    }
    let mut guard = REGISTRY.write().unwrap_or_else(std::sync::PoisonError::into_inner);
    let registry = guard.get_or_insert_default();
    if let Some(id) = registry.ids.get(name) {
        return KeyId(*id);
    }
    add(registry, Box::leak(name.into()))
}

fn add(registry: &mut Registry, name: &'static str) -> KeyId {
    let at = registry.ids.len();
    assert!(at < MAX_KEYS, "more than {MAX_KEYS} attribute keys were named");
    let chunk = NAMES[at / CHUNK].get_or_init(|| Box::new([const { OnceLock::new() }; CHUNK]));
    chunk[at % CHUNK].get_or_init(|| name);
    registry.ids.insert(name, at as u16);
    COUNT.store(at + 1, Ordering::Release);
    KeyId(at as u16)
}

/// The id of a key, if code or configuration named it.
pub fn lookup(name: &str) -> Option<KeyId> {
    let guard = REGISTRY.read().unwrap_or_else(std::sync::PoisonError::into_inner);
    guard.as_ref()?.ids.get(name).map(|id| KeyId(*id))
}

/// The text of a key. Panics for an id that was never given.
#[inline]
pub fn name(id: KeyId) -> &'static str {
    name_in(constants(), id)
}

/// The names that `install` was given: a loop takes them once.
#[inline]
pub(crate) fn constants() -> &'static [&'static str] {
    CONSTANT.get().copied().unwrap_or_default()
}

/// The text of a key, given the constant ones.
#[inline(always)]
pub(crate) fn name_in(constants: &'static [&'static str], id: KeyId) -> &'static str {
    match constants.get(usize::from(id.0)) {
        Some(name) => name,
        None => configured(id),
    }
}

/// The text of a key that configuration named, or of any when nothing was installed.
#[inline(never)]
fn configured(id: KeyId) -> &'static str {
    let at = usize::from(id.0);
    NAMES
        .get(at / CHUNK)
        .and_then(OnceLock::get)
        .and_then(|chunk| chunk.get(at % CHUNK))
        .and_then(OnceLock::get)
        .expect("invariant: only `install` and `intern` make key ids")
}

/// Number of keys named so far: caches of decoders compare it to learn that they are stale.
pub(crate) fn count() -> usize {
    COUNT.load(Ordering::Acquire)
}
