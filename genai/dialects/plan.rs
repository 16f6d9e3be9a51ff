//! What normalising a record will change: made while the record is read, applied when it can be edited.

use chaperone_proto::{KeyId, RecordMut, RecordRef, Value, ValueIn};

/// Status code of a span that failed.
const ERROR: i32 = 2;

/// Edits of one record. Reused from record to record.
#[derive(Debug, Default)]
pub struct Plan {
    set: Vec<(KeyId, Value)>,
    append: Vec<(KeyId, Value)>,
    set_named: Vec<(String, Value)>,
    fallbacks: Vec<(KeyId, Value)>,
    remove: Vec<String>,
    /// Keys whose attribute gets another's place: from, to.
    renames: Vec<(KeyId, KeyId)>,
    events: Vec<PlannedEvent>,
    event_attrs: Vec<(usize, KeyId, Value)>,
    failure: Option<String>,
    /// Which keys may have a planned value: most look-ups ask for one that has none. Ids share bits.
    mask: u128,
    /// Texts of the last record, to write into again.
    spare: Vec<String>,
    /// What happened to the record's attributes.
    pub counts: Counts,
}

/// Attributes of one record by what happened to them.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Gave a canonical attribute its value.
    pub mapped: u64,
    /// Known, and canonical already or staying under its own key.
    pub kept: u64,
    /// Removed.
    pub dropped: u64,
    /// Known, but the value was not of the expected shape.
    pub failed: u64,
}

/// What is kept to write into again.
const MOST_SPARE: usize = 16;
const LONGEST_SPARE: usize = 256;

#[derive(Debug)]
struct PlannedEvent {
    time_ns: u64,
    name: &'static str,
    attrs: Vec<(KeyId, Value)>,
}

impl Plan {
    /// Forgets everything.
    pub fn clear(&mut self) {
        for (_, value) in self.set.drain(..).chain(self.append.drain(..)) {
            match value {
                Value::Str(text) if text.capacity() <= LONGEST_SPARE && self.spare.len() < MOST_SPARE => self.spare.push(text),
                _ => {}
            }
        }
        self.mask = 0;
        self.set_named.clear();
        self.fallbacks.clear();
        self.remove.clear();
        self.renames.clear();
        self.events.clear();
        self.event_attrs.clear();
        self.failure = None;
        self.counts = Counts::default();
    }
    /// Whether nothing is to be changed.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty()
            && self.append.is_empty()
            && self.set_named.is_empty()
            && self.remove.is_empty()
            && self.events.is_empty()
            && self.event_attrs.is_empty()
            && self.failure.is_none()
    }
    /// Sets a key that the record may have.
    pub(crate) fn set(&mut self, key: KeyId, value: Value) {
        self.mask |= key.bit();
        match self.set.iter_mut().chain(&mut self.append).find(|(known, _)| *known == key) {
            Some((_, old)) => *old = value,
            None => self.set.push((key, value)),
        }
    }
    /// Sets a key that the record does not have. The first value of a key stays.
    pub(crate) fn add(&mut self, key: KeyId, value: Value) {
        if self.planned(key).is_none() {
            self.mask |= key.bit();
            self.append.push((key, value));
        }
    }
    /// The value that was just added is that of another key, which goes: the attribute is renamed instead of written again.
    /// False for a key without an id.
    pub(crate) fn rename(&mut self, from: &str, to: KeyId) -> bool {
        let Some(from) = chaperone_proto::keys::lookup(from).filter(|_| self.append.last().is_some_and(|(key, _)| *key == to))
        else {
            return false;
        };
        self.renames.push((from, to));
        true
    }
    pub(crate) fn add_str(&mut self, key: KeyId, value: &str) {
        self.add_text(key, value);
    }
    /// The hex digits of an id.
    pub(crate) fn add_hex(&mut self, key: KeyId, id: [u8; 16]) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut digits = [0; 32];
        for (byte, pair) in id.iter().zip(digits.as_chunks_mut::<2>().0) {
            *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
        }
        self.add_text(key, std::str::from_utf8(&digits).unwrap_or(""));
    }
    fn add_text(&mut self, key: KeyId, value: &str) {
        if self.planned(key).is_some() {
            return;
        }
        let mut text = self.spare.pop().unwrap_or_default();
        text.clear();
        text.push_str(value);
        self.mask |= key.bit();
        self.append.push((key, Value::Str(text)));
    }
    pub(crate) fn add_named(&mut self, key: String, value: Value) {
        if !self.set_named.iter().any(|(known, _)| *known == key) {
            self.set_named.push((key, value));
        }
    }
    /// A value for a key that nobody else gives one: decided by [`Plan::settle`].
    pub(crate) fn fallback(&mut self, key: KeyId, value: Value) {
        self.fallbacks.push((key, value));
    }
    /// Gives keys that still lack a value their fallback.
    pub(crate) fn settle(&mut self, record: RecordRef<'_>) {
        for (key, value) in std::mem::take(&mut self.fallbacks) {
            if !record.attrs().has(key) {
                self.add(key, value);
            }
        }
    }
    pub(crate) fn remove_key(&mut self, key: KeyId) {
        self.remove(chaperone_proto::keys::name(key));
    }
    pub(crate) fn remove(&mut self, name: &str) {
        self.remove.push(name.to_owned());
    }
    /// Whether a key will be gone.
    pub(crate) fn removes(&self, key: KeyId) -> bool {
        !self.remove.is_empty() && self.remove.iter().any(|name| name == chaperone_proto::keys::name(key))
    }
    /// Whether a span will be one that failed.
    pub(crate) fn fails(&self) -> bool {
        self.failure.is_some()
    }
    /// Makes a span one that failed, with this message if it has none.
    pub(crate) fn fail(&mut self, record: RecordRef<'_>, message: &str) {
        if let RecordRef::Span(span) = record
            && span.status_code() != ERROR
        {
            self.failure = Some(if span.status_message().is_empty() { message.to_owned() } else { String::new() });
        }
    }
    pub(crate) fn event(&mut self, time_ns: u64, name: &'static str, attrs: Vec<(KeyId, Value)>) {
        self.events.push(PlannedEvent { time_ns, name, attrs });
    }
    /// An attribute for the span event at a position.
    pub(crate) fn event_attr(&mut self, at: usize, key: KeyId, value: Value) {
        self.event_attrs.push((at, key, value));
    }
    /// The planned events. A log has no span events: they become log records beside it.
    pub(crate) fn events(&self) -> impl ExactSizeIterator<Item = (u64, &'static str, &[(KeyId, Value)])> {
        self.events.iter().map(|event| (event.time_ns, event.name, event.attrs.as_slice()))
    }
    /// The value a key will have, if the plan changes it.
    #[inline]
    pub(crate) fn planned(&self, key: KeyId) -> Option<&Value> {
        if self.mask & key.bit() == 0 {
            return None;
        }
        self.set.iter().chain(&self.append).find(|(known, _)| *known == key).map(|(_, value)| value)
    }
    /// Bits of the keys that may have a planned value.
    pub(crate) fn key_bits(&self) -> u128 {
        self.mask
    }
    /// The text a key will have, if the plan changes it.
    pub(crate) fn planned_str(&self, key: KeyId) -> Option<&str> {
        match self.planned(key) {
            Some(Value::Str(text)) => Some(text),
            _ => None,
        }
    }
    /// Makes the changes.
    pub fn apply(&self, record: &mut RecordMut<'_>) {
        for name in &self.remove {
            record.remove_named(name);
        }
        if !self.renames.is_empty() {
            record.rename_all(|key| self.renames.iter().find(|(from, _)| *from == key).map(|(_, to)| *to));
        }
        for (key, value) in &self.set {
            record.set(*key, value);
        }
        for (key, value) in self.append.iter().filter(|(key, _)| !self.renames.iter().any(|(_, to)| to == key)) {
            record.append(*key, value);
        }
        for (key, value) in &self.set_named {
            record.set_named(key, value);
        }
        if let Some(message) = &self.failure {
            record.set_status_code(ERROR);
            if !message.is_empty() {
                record.set_status_message(message);
            }
        }
        for (at, key, value) in &self.event_attrs {
            if let Some(mut attrs) = record.event_attrs(*at) {
                attrs.append(*key, value);
            }
        }
        for event in &self.events {
            let attrs: Vec<(KeyId, ValueIn<'_>)> = event.attrs.iter().map(|(key, value)| (*key, value.into())).collect();
            record.add_event(event.time_ns, event.name, &attrs);
        }
    }
}
