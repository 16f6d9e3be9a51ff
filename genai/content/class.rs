//! The class of an attribute: by our list of keys, by the dialect's tables, or unknown.

use crate::dialects::{self, Dialect, FastMap};
use crate::keys::{self, Class};
use chaperone_proto::{Key, KeyId, ValueRef};
use std::sync::LazyLock;

/// What is known of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// A class of a table.
    Class(Class),
    /// A key that holds content on spans of any telemetry: its value is masked.
    Generic,
    /// An address: its query is masked.
    Address,
    /// Nobody knows it.
    Unknown,
}

/// User metadata are content whatever their key.
const METADATA: &str = "chaperone.metadata.";
const GENERIC: [&str; 7] = [
    "db.query.text",
    "db.statement",
    "exception.message",
    "exception.stacktrace",
    "url.query",
    "http.request.body",
    "http.response.body",
];
const ADDRESSES: [&str; 3] = ["url.full", "http.url", "http.target"];

static BY_NAME: LazyLock<FastMap<Class>> =
    LazyLock::new(|| keys::ALL.iter().copied().zip(keys::CLASSES.iter().copied()).collect());

/// Resources of agents: prompts stand on command lines.
const COMMAND_LINES: [&str; 2] = ["process.command_args", "process.command_line"];

/// Whether a key can be one of those: nearly all keys of other telemetry cannot.
pub(super) fn may_be_generic(name: &[u8]) -> bool {
    match name {
        [b'd', b'b', b'.', ..] | [b'e', b'x', b'c', b'e', ..] | [b'u', b'r', b'l', b'.', b'f' | b'q', ..] => true,
        [b'h', b't', b't', b'p', b'.', rest @ ..] => match rest {
            [b'u' | b't', ..] => true,
            _ => rest.starts_with(b"request.body") || rest.starts_with(b"response.body"),
        },
        _ => false,
    }
}

/// Whether a key holds content on any span, and of what kind.
pub(super) fn generic(name: &str) -> Option<Known> {
    // Every span of any telemetry is asked for each of its keys, and nearly none is one of these.
    if !matches!(name.as_bytes().first(), Some(b'd' | b'e' | b'u' | b'h')) {
        return None;
    }
    let begins = |known: &str| name.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    if ADDRESSES.contains(&name) {
        Some(Known::Address)
    } else if GENERIC.iter().any(|known| begins(known)) {
        Some(Known::Generic)
    } else {
        None
    }
}

/// The class of one of our keys, where it holds whatever dialect and value are.
pub(super) fn settled(id: KeyId) -> Option<Class> {
    match id {
        keys::DB_QUERY_TEXT | keys::EXCEPTION_MESSAGE | keys::EXCEPTION_STACKTRACE | keys::URL_FULL => None,
        id => keys::CLASSES.get(usize::from(id.0)).copied(),
    }
}

/// What is known of one of our keys, at its place in [`keys::ALL`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Own {
    /// Its class, where it holds whatever dialect and value are.
    pub(super) settled: Option<Class>,
    /// Whether it is of something that may be nothing but digits.
    pub(super) is_id: bool,
    /// Whether it is a canonical one of content: messages, arguments, results.
    pub(super) is_canonical_content: bool,
}

static OWN: LazyLock<Vec<Own>> = LazyLock::new(|| {
    let own = |(at, name): (usize, &&str)| {
        let class = keys::CLASSES.get(at).copied();
        let is_canonical_content = keys::is_convention(name) && class == Some(Class::Content);
        Own { settled: settled(KeyId(at as u16)), is_id: is_id(name), is_canonical_content }
    };
    keys::ALL.iter().enumerate().map(own).collect()
});

/// All of our keys.
pub(super) fn own_keys() -> &'static [Own] {
    &OWN
}

/// Whether a key is of something that may be nothing but digits.
pub(super) fn is_id(name: &str) -> bool {
    name.ends_with(".id") || name.ends_with("_id") || name.ends_with(".ids") || name.ends_with("_ids") || name.ends_with("Id")
}

/// What is known of a key before its value is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KnownKey {
    /// All.
    Known(Known),
    /// It is content if its value is text, else metadata.
    ByValue,
}

impl KnownKey {
    /// With its value.
    pub(super) fn with(self, is_text: impl FnOnce() -> bool) -> Known {
        match self {
            KnownKey::Known(known) => known,
            KnownKey::ByValue => Known::Class(if is_text() { Class::Content } else { Class::Meta }),
        }
    }
}

/// What is known of an attribute of a GenAI record.
pub(super) fn of(dialect: Dialect, key: Key<'_>, value: ValueRef<'_>) -> Known {
    of_key(dialect, key).with(|| is_text(value))
}

/// What is known of a key of a GenAI record.
pub(super) fn of_key(dialect: Dialect, key: Key<'_>) -> KnownKey {
    let known = match (key.id, own(key.id, key.name)) {
        (Some(keys::DB_QUERY_TEXT | keys::EXCEPTION_MESSAGE | keys::EXCEPTION_STACKTRACE), _) => Known::Generic,
        (Some(keys::URL_FULL), _) => Known::Address,
        (Some(_), Some(class)) => Known::Class(class),
        (_, class) => {
            if let Some(generic) = generic(key.name) {
                return KnownKey::Known(generic);
            }
            if COMMAND_LINES.contains(&key.name) {
                return KnownKey::Known(Known::Generic);
            }
            if key.name.starts_with(METADATA) {
                return KnownKey::Known(Known::Class(Class::Content));
            }
            if let Some(class) = class {
                return KnownKey::Known(Known::Class(class));
            }
            match dialects::class_of(dialect, key) {
                Some(Some(class)) => Known::Class(class),
                Some(None) => return KnownKey::ByValue,
                None => Known::Unknown,
            }
        }
    };
    KnownKey::Known(known)
}

fn own(id: Option<KeyId>, name: &str) -> Option<Class> {
    match id {
        Some(id) => keys::CLASSES.get(usize::from(id.0)).copied(),
        // Indexed before our keys had ids.
        None => BY_NAME.get(name).copied(),
    }
}

/// Whether a key is a canonical one of content: messages, arguments, results.
pub(super) fn is_canonical_content(key: Key<'_>) -> bool {
    keys::is_convention(key.name) && own(key.id, key.name) == Some(Class::Content)
}

pub(super) fn is_text(value: ValueRef<'_>) -> bool {
    match value {
        ValueRef::Str(_) | ValueRef::Bytes(_) | ValueRef::Map(_) => true,
        ValueRef::Array(items) => items.iter().any(is_text),
        ValueRef::Empty | ValueRef::Int(_) | ValueRef::Double(_) | ValueRef::Bool(_) => false,
    }
}
