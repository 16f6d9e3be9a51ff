//! The policy by what was judged before: keys are classified once, and metadata that repeat are looked through once.
//!
//! What is decided here is what [`Policy::verdict`] and [`Policy::carry_out`] decide, for the cases that nearly all attributes
//! are: metadata in which nothing is found, content that was digested, and short values that pass. Everything else is theirs.

use super::class::{self, Known, KnownKey};
use super::mask::{Looks, is_suspect};
use super::memo::{Asked, Memo, Pair};
use super::policy::{Mode, Policy};
use super::report::{Removed, Report};
use super::text;
use crate::dialects::Dialect;
use crate::keys::Class;
use chaperone_proto::{Edit, Entry, Key, KeyId, ValueRef};

/// What is known of a key, whatever its value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct JudgedKey {
    pub(super) known: KnownKey,
    /// It holds itself what a recogniser finds.
    pub(super) is_private: bool,
    /// It is of something that may be nothing but digits.
    is_id: bool,
}

/// What keys are, by the number they are kept as.
const KNOWN: [KnownKey; 8] = [
    KnownKey::ByValue,
    KnownKey::Known(Known::Unknown),
    KnownKey::Known(Known::Generic),
    KnownKey::Known(Known::Address),
    KnownKey::Known(Known::Class(Class::Meta)),
    KnownKey::Known(Known::Class(Class::Content)),
    KnownKey::Known(Known::Class(Class::Identity)),
    KnownKey::Known(Known::Class(Class::Secret)),
];
const PRIVATE: u8 = 0x40;
const ID: u8 = 0x80;

impl JudgedKey {
    fn number(self) -> Option<u8> {
        let known = KNOWN.iter().position(|known| *known == self.known)? as u8;
        Some(known | if self.is_private { PRIVATE } else { 0 } | if self.is_id { ID } else { 0 })
    }
    fn by_number(number: u8) -> Option<JudgedKey> {
        let known = *KNOWN.get(usize::from(number & !(PRIVATE | ID)))?;
        Some(JudgedKey { known, is_private: number & PRIVATE != 0, is_id: number & ID != 0 })
    }
    fn looks(self) -> Looks {
        looks(self.is_id)
    }
}

fn looks(is_id: bool) -> Looks {
    if is_id { Looks::Ids } else { Looks::Shapes }
}

/// A value as far as it must be read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Held<'a> {
    /// Of an attribute that was not read yet.
    Entry(Entry<'a>),
    /// Of one that was.
    Value(ValueRef<'a>),
}

impl<'a> Held<'a> {
    fn is_plain(self) -> bool {
        match self {
            Held::Entry(entry) => entry.is_plain(),
            Held::Value(value) => {
                matches!(value, ValueRef::Empty | ValueRef::Int(_) | ValueRef::Double(_) | ValueRef::Bool(_))
            }
        }
    }
    fn text_bytes(self) -> Option<&'a [u8]> {
        match self {
            Held::Entry(entry) => entry.text_bytes(),
            Held::Value(value) => value.as_str().map(str::as_bytes),
        }
    }
    fn list_bytes(self) -> Option<&'a [u8]> {
        match self {
            Held::Entry(entry) => entry.list_bytes(),
            Held::Value(_) => None,
        }
    }
    fn value(self) -> ValueRef<'a> {
        match self {
            Held::Entry(entry) => entry.value(),
            Held::Value(value) => value,
        }
    }
}

/// A span's or event's name: whether it passes, and whether it reads like a sentence.
#[derive(Debug, Clone, Copy)]
pub(super) struct JudgedName {
    pub(super) passes: bool,
    pub(super) is_prose: bool,
}

impl Policy {
    /// Whether nothing but the class of a key and its value decides.
    pub(super) fn is_by_class(&self) -> bool {
        self.mode == Mode::MetadataOnly && self.deny_keys.is_empty() && self.allow_keys.is_empty()
    }

    /// What a key is. `name` is the text of `key`.
    pub(super) fn judge_key<'k>(
        &self,
        memo: &mut Memo,
        dialect: Dialect,
        id: Option<KeyId>,
        name: &[u8],
        key: impl FnOnce() -> Key<'k>,
    ) -> JudgedKey {
        let asked = if id.is_some() { Asked::KeyWithId } else { Asked::Key };
        let at = dialect.index() as u16;
        if let Some(judged) = memo.get(asked, at, name).and_then(JudgedKey::by_number) {
            return judged;
        }
        let key = key();
        let judged = JudgedKey {
            known: class::of_key(dialect, key),
            is_private: id.is_none() && self.is_private(key.name),
            is_id: class::is_id(key.name),
        };
        if let Some(number) = judged.number() {
            memo.put(asked, at, name, number);
        }
        judged
    }

    /// What becomes of the value of one of our keys whose class is settled, where that is plain to see.
    #[inline]
    pub(super) fn quick_own(&self, memo: &mut Memo, own: class::Own, held: Held<'_>, is_digested: bool) -> Option<Quick> {
        match own.settled {
            Some(Class::Content) if is_digested => Some(Quick::Goes),
            Some(Class::Meta) if self.stays(memo, looks(own.is_id), held) => Some(Quick::Stays),
            _ => None,
        }
    }

    /// The same for any key.
    pub(super) fn quick(
        &self,
        memo: &mut Memo,
        judged: JudgedKey,
        name: &[u8],
        held: Held<'_>,
        is_digested: bool,
    ) -> Option<Quick> {
        if judged.is_private {
            return None;
        }
        match judged.known {
            KnownKey::Known(Known::Class(Class::Content)) if is_digested => Some(Quick::Goes),
            KnownKey::Known(Known::Class(Class::Meta)) => self.stays(memo, judged.looks(), held).then_some(Quick::Stays),
            KnownKey::ByValue if held.is_plain() => Some(Quick::Stays),
            KnownKey::ByValue if is_digested && held.text_bytes().is_some() => Some(Quick::Goes),
            KnownKey::Known(Known::Unknown) if held.is_plain() => Some(Quick::Stays),
            KnownKey::Known(Known::Unknown) => self.unknown_passes(memo, name, held).then_some(Quick::Stays),
            _ => None,
        }
    }

    /// Whether metadata stay as they are: numbers, texts in which nothing is found, and lists of both.
    fn stays(&self, memo: &mut Memo, looks: Looks, held: Held<'_>) -> bool {
        if held.is_plain() {
            return true;
        }
        if let Some(bytes) = held.text_bytes() {
            return self.is_quiet(memo, looks, bytes, || held.value().as_str());
        }
        let asked = if looks == Looks::Ids { Asked::IdsOfList } else { Asked::ShapesOfList };
        let sent = held.list_bytes();
        if let Some(answer) = sent.and_then(|bytes| memo.get(asked, 0, bytes)) {
            return answer != 0;
        }
        let ValueRef::Array(items) = held.value() else { return false };
        let stays = items.iter().all(|item| match item {
            ValueRef::Str(text) => self.is_quiet(memo, looks, text.as_bytes(), || Some(text)),
            item => Held::Value(item).is_plain(),
        });
        if let Some(bytes) = sent {
            memo.put(asked, 0, bytes, u8::from(stays));
        }
        stays
    }

    /// Whether nothing is found in a text of metadata, whose bytes are `bytes`.
    fn is_quiet<'t>(&self, memo: &mut Memo, looks: Looks, bytes: &[u8], text: impl FnOnce() -> Option<&'t str>) -> bool {
        // What is short, and digests, are sooner looked at than looked up.
        let is_quick = matches!(bytes.len(), 0..=20 | 32 | 64) && !self.recognizers.has_own();
        if is_quick && !is_suspect(bytes) {
            return true;
        }
        let asked = if looks == Looks::Ids { Asked::Ids } else { Asked::Shapes };
        if let Some(answer) = memo.get(asked, 0, bytes) {
            return answer != 0;
        }
        let is_quiet = text().is_some_and(|text| !self.masker(looks, self.hash_key).fires(text));
        memo.put(asked, 0, bytes, u8::from(is_quiet));
        is_quiet
    }

    /// Whether a short text under a key nobody knows passes; what is longer is judged elsewhere.
    fn unknown_passes(&self, memo: &mut Memo, name: &[u8], held: Held<'_>) -> bool {
        let Some(pair) = held.text_bytes().and_then(|bytes| Pair::of(name, bytes)) else { return false };
        if let Some(answer) = memo.get(Asked::Value, 0, pair.bytes()) {
            return answer != 0;
        }
        let (Ok(name), Some(text)) = (std::str::from_utf8(name), held.value().as_str()) else { return false };
        let passes = self.passes(name, text);
        memo.put(Asked::Value, 0, pair.bytes(), u8::from(passes));
        passes
    }

    /// What a name outside attributes is.
    pub(super) fn judge_name(&self, memo: &mut Memo, name: &str) -> JudgedName {
        const PASSES: u8 = 1;
        const PROSE: u8 = 2;
        let answer = memo.get(Asked::Name, 0, name.as_bytes()).unwrap_or_else(|| {
            let passes = if self.passes("", name) { PASSES } else { 0 };
            let answer = passes | if text::is_prose(name) { PROSE } else { 0 };
            memo.put(Asked::Name, 0, name.as_bytes(), answer);
            answer
        });
        JudgedName { passes: answer & PASSES != 0, is_prose: answer & PROSE != 0 }
    }
}

/// What becomes of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quick {
    /// It stays as it is.
    Stays,
    /// It is content, and its digest is known.
    Goes,
}

impl Quick {
    pub(super) fn carry_out(self, report: &mut Report) -> Edit {
        match self {
            Quick::Stays => Edit::Keep,
            Quick::Goes => {
                report.remove(Removed::Content);
                Edit::Remove
            }
        }
    }
}
