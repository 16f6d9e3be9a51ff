//! The policy: what becomes of a value by its class, the mode and the user's settings.

use super::class::{self, Known};
use super::digest::{pseudonym, with_text};
use super::json;
use super::key_rules::KeyRules;
use super::mask::{Looks, Masker};
use super::recognise::Recognizers;
use super::report::{Removed, Report};
use super::text::{self, removed};
use crate::dialects::Dialect;
use crate::keys::Class;
use chaperone_proto::{Edit, Key, Value, ValueRef};

/// What becomes of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// It goes; hash and size stay.
    #[default]
    MetadataOnly,
    /// It stays, and what recognisers find in it is masked.
    Redact,
    /// It stays. Secrets go all the same.
    Keep,
}

/// What becomes of identities: users' ids and e-mail addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Identity {
    /// A keyed digest stands in their place.
    #[default]
    Hash,
    /// They stay.
    Keep,
    /// They go.
    Drop,
}

/// A content policy with the key of its digests.
#[derive(Debug, Clone)]
pub struct Policy {
    /// What becomes of content.
    pub mode: Mode,
    /// What becomes of identities.
    pub identity: Identity,
    /// Key of digests and pseudonyms.
    pub hash_key: [u8; 32],
    /// What is looked for in texts.
    pub recognizers: Recognizers,
    /// Keys whose values pass as they are, unless their class is secret.
    pub allow_keys: KeyRules,
    /// Keys whose values go whatever they are.
    pub deny_keys: KeyRules,
    /// Most bytes of a content value, for keys that are named and for all others.
    pub caps: Caps,
}

/// Most bytes of a content value.
#[derive(Debug, Clone, Default)]
pub struct Caps {
    /// For keys that no rule names; `None` = no limit.
    pub most: Option<usize>,
    /// By key or prefix; the first that names a key counts.
    pub by_key: Vec<(KeyRules, usize)>,
}

impl Caps {
    fn of(&self, key: &str) -> Option<usize> {
        self.by_key.iter().find(|(rules, _)| rules.name(key)).map(|(_, most)| *most).or(self.most)
    }
}

/// What is done to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Pass,
    /// Passes but for what has an unmistakable shape.
    Shapes,
    /// The same for an id.
    Ids,
    Remove(Removed),
    /// A note of its size stands in its place.
    Note,
    Query,
    Pseudonym,
    /// Passes with what was recognised masked.
    Redact,
    /// Content that passes as it is, up to its cap.
    Whole,
}

impl Policy {
    /// A policy with all recognisers and no settings of keys.
    pub fn new(mode: Mode, identity: Identity, hash_key: [u8; 32]) -> Policy {
        Policy {
            mode,
            identity,
            hash_key,
            recognizers: Recognizers::all(),
            allow_keys: KeyRules::default(),
            deny_keys: KeyRules::default(),
            caps: Caps::default(),
        }
    }

    pub(super) fn masker(&self, looks: Looks, key: [u8; 32]) -> Masker<'_> {
        Masker { recognizers: &self.recognizers, key, looks }
    }

    /// The key of pseudonyms in one conversation: what is equal in two of them does not look equal.
    pub(super) fn conversation_key(&self, conversation: &[u8]) -> [u8; 32] {
        *blake3::keyed_hash(&self.hash_key, conversation).as_bytes()
    }

    pub(super) fn verdict(&self, dialect: Dialect, key: Key<'_>, value: ValueRef<'_>) -> Verdict {
        let known = class::of(dialect, key, value);
        self.verdict_of(known, key, value, || key.id.is_none() && self.is_private(key.name))
    }

    /// The same where it is known what the key is, and whether it holds itself what a recogniser finds.
    pub(super) fn verdict_of(
        &self,
        known: Known,
        key: Key<'_>,
        value: ValueRef<'_>,
        is_private: impl FnOnce() -> bool,
    ) -> Verdict {
        if known == Known::Class(Class::Secret) {
            return Verdict::Remove(Removed::Secret);
        }
        if !self.deny_keys.is_empty() && self.deny_keys.name(key.name) {
            return Verdict::Remove(Removed::Denied);
        }
        if !self.allow_keys.is_empty() && self.allow_keys.name(key.name) {
            return Verdict::Pass;
        }
        match (known, self.mode) {
            (Known::Class(Class::Identity), _) => match self.identity {
                Identity::Hash => Verdict::Pseudonym,
                Identity::Keep => Verdict::Pass,
                Identity::Drop => Verdict::Remove(Removed::Identity),
            },
            (Known::Class(Class::Meta), Mode::Keep) => Verdict::Pass,
            (_, Mode::Keep) => Verdict::Whole,
            (_, _) if is_private() => Verdict::Remove(Removed::KeyName),
            (Known::Class(Class::Meta), _) if !class::is_text(value) => Verdict::Pass,
            (Known::Class(Class::Meta), _) if class::is_id(key.name) => Verdict::Ids,
            (Known::Class(Class::Meta), _) => Verdict::Shapes,
            (_, Mode::Redact) => Verdict::Redact,
            (Known::Class(Class::Content), _) => Verdict::Remove(Removed::Content),
            (Known::Generic, _) => Verdict::Note,
            (Known::Address, _) => Verdict::Query,
            (Known::Unknown, _) if self.value_passes(key.name, value) => Verdict::Pass,
            (Known::Unknown, _) => Verdict::Note,
            (Known::Class(Class::Secret), _) => Verdict::Remove(Removed::Secret),
        }
    }

    /// Whether a key that no code names says who or what it is about.
    pub(super) fn is_private(&self, name: &str) -> bool {
        self.masker(Looks::Shapes, self.hash_key).fires(name)
    }

    /// Whether a text nobody knows may pass.
    pub(super) fn passes(&self, name: &str, text: &str) -> bool {
        let mut hits = Vec::new();
        text.len() <= text::MAX_UNKNOWN && !text::has_long_number(text) && {
            self.recognizers.find_named(name, text, &mut hits);
            hits.is_empty()
        }
    }

    /// Whether a value nobody knows may pass: numbers and booleans do, text and what holds text by [`Policy::passes`].
    fn value_passes(&self, name: &str, value: ValueRef<'_>) -> bool {
        match value {
            ValueRef::Empty | ValueRef::Int(_) | ValueRef::Double(_) | ValueRef::Bool(_) => true,
            ValueRef::Bytes(_) => false,
            ValueRef::Str(text) => self.passes(name, text),
            ValueRef::Array(_) | ValueRef::Map(_) => with_text(value, |text| self.passes(name, text)),
        }
    }

    /// Carries out what was decided of the value of `name`. `conversation` keys the pseudonyms of content; those of metadata and
    /// of identities are the same everywhere, so that they join.
    pub(super) fn carry_out(
        &self,
        verdict: Verdict,
        conversation: &[u8; 32],
        name: &str,
        value: ValueRef<'_>,
        report: &mut Report,
    ) -> Edit {
        let masked = |looks, key: &[u8; 32], report: &mut Report| match self.masker(looks, *key).value(name, value, report) {
            Some(masked) => Edit::Replace(masked),
            None => Edit::Keep,
        };
        match verdict {
            Verdict::Pass => Edit::Keep,
            Verdict::Shapes => masked(Looks::Shapes, &self.hash_key, report),
            Verdict::Ids => masked(Looks::Ids, &self.hash_key, report),
            Verdict::Remove(reason) => {
                report.remove(reason);
                Edit::Remove
            }
            Verdict::Note => note(value, report),
            Verdict::Query => self.without_query(value, report),
            Verdict::Pseudonym => {
                report.hashed += 1;
                Edit::Replace(Value::Str(with_text(value, |text| pseudonym(&self.hash_key, text))))
            }
            Verdict::Redact => {
                let edit = masked(Looks::All, conversation, report);
                self.cut(name, value, edit, report)
            }
            Verdict::Whole => self.cut(name, value, Edit::Keep, report),
        }
    }

    fn without_query(&self, value: ValueRef<'_>, report: &mut Report) -> Edit {
        let Some(address) = value.as_str() else { return note(value, report) };
        let path = text::without_query(address);
        report.masked += u64::from(path.as_deref().is_some_and(|path| path != address));
        let path = path.as_deref().unwrap_or(address);
        let masked = self.masker(Looks::Shapes, self.hash_key).text("", path, report);
        match masked.as_deref().unwrap_or(path) {
            same if same == address => Edit::Keep,
            other => Edit::Replace(Value::Str(other.to_owned())),
        }
    }

    /// Cuts what stays to its cap.
    fn cut(&self, name: &str, value: ValueRef<'_>, edit: Edit, report: &mut Report) -> Edit {
        let Some(most) = self.caps.of(name) else { return edit };
        let short = match &edit {
            Edit::Replace(Value::Str(text)) => (text.len() > most).then(|| json::cut(text, most)),
            Edit::Replace(masked) => with_text_of(masked, |text| (text.len() > most).then(|| json::cut(text, most))),
            _ if class::is_text(value) => with_text(value, |text| (text.len() > most).then(|| json::cut(text, most))),
            _ => None,
        };
        match short {
            Some(short) => {
                report.cut += 1;
                Edit::Replace(Value::Str(short))
            }
            None => edit,
        }
    }
}

fn with_text_of<T>(value: &Value, f: impl FnOnce(&str) -> T) -> T {
    f(&plain_json(value).to_string())
}

fn plain_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Empty => serde_json::Value::Null,
        Value::Str(text) => text.as_str().into(),
        Value::Int(number) => (*number).into(),
        Value::Double(number) => (*number).into(),
        Value::Bool(yes) => (*yes).into(),
        Value::Bytes(bytes) => removed(bytes.len()).into(),
        Value::Array(items) => items.iter().map(plain_json).collect(),
        Value::Map(pairs) => pairs.iter().map(|(name, value)| (name.clone(), plain_json(value))).collect(),
    }
}

/// Replaces a value by a note of its size.
pub(super) fn note(value: ValueRef<'_>, report: &mut Report) -> Edit {
    let is_note = value.as_str().is_some_and(|text| text.starts_with("[removed ") && text.ends_with(" bytes]"));
    if is_note || matches!(value, ValueRef::Empty) {
        return Edit::Keep;
    }
    report.masked += 1;
    Edit::Replace(Value::Str(removed(with_text(value, str::len))))
}
