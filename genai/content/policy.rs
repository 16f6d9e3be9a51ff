//! The policy, applied to a batch.

use super::class::{self, Known};
use super::digest::{Fingerprint, pseudonym, with_text};
use super::text::{self, removed};
use crate::dialects::{Dialect, ScopeVerdict, detect, is_message_event};
use crate::event_names;
use crate::keys::{self, Class};
use chaperone_proto::{Data, Edit, Key, RecordRef, SpanRef, Value, ValueRef};

/// What becomes of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// It goes; hash and size stay.
    #[default]
    MetadataOnly,
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
}

/// What was done to a batch.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Values removed: content, secrets, identities that are to be dropped.
    pub removed: u64,
    /// Values replaced by a note of their size.
    pub masked: u64,
    /// Identities replaced by a pseudonym.
    pub hashed: u64,
}

enum Verdict {
    Pass,
    Remove { content: bool },
    Mask,
    Query,
    Pseudonym,
}

impl Policy {
    /// Applies the policy to every record of a batch. Metrics pass.
    pub fn apply(&self, data: &mut Data) -> Report {
        let mut report = Report::default();
        let mut scope: Option<(usize, ScopeVerdict)> = None;
        let mut scopes: Vec<usize> = Vec::new();
        let mut resources: Vec<usize> = Vec::new();
        for at in 0..data.records() {
            let record = data.record(at);
            let index = record.scope().index();
            let dialect = match record.attrs().str(keys::CHAPERONE_DIALECT_NAME).and_then(Dialect::by_id) {
                Some(dialect) => Some(dialect),
                None => {
                    if scope.as_ref().is_none_or(|(known, _)| *known != index) {
                        scope = Some((index, ScopeVerdict::of(record.scope())));
                    }
                    scope.as_ref().and_then(|(_, verdict)| detect(record, verdict))
                }
            };
            let Some(dialect) = dialect else {
                self.apply_generic(data, at, &mut report);
                continue;
            };
            let resource = record.resource().index();
            if self.mode == Mode::MetadataOnly {
                self.apply_texts(data, at, dialect, &mut report);
            }
            self.apply_attributes(data, at, dialect, &mut report);
            if !scopes.contains(&index) {
                scopes.push(index);
                data.edit(at).map_scope_attrs(|key, value| self.edit(dialect, key, value, &mut report));
            }
            if !resources.contains(&resource) {
                resources.push(resource);
                data.edit(at).map_resource_attrs(|key, value| self.edit(dialect, key, value, &mut report));
            }
        }
        report
    }

    fn verdict(&self, dialect: Dialect, key: Key<'_>, value: ValueRef<'_>) -> Verdict {
        let keeps = self.mode == Mode::Keep;
        match class::of(dialect, key, value) {
            Known::Class(Class::Secret) => Verdict::Remove { content: false },
            Known::Class(Class::Identity) => match self.identity {
                Identity::Hash => Verdict::Pseudonym,
                Identity::Keep => Verdict::Pass,
                Identity::Drop => Verdict::Remove { content: false },
            },
            _ if keeps => Verdict::Pass,
            Known::Class(Class::Meta) => Verdict::Pass,
            Known::Class(Class::Content) => Verdict::Remove { content: true },
            Known::Generic => Verdict::Mask,
            Known::Address => Verdict::Query,
            Known::Unknown if text::value_passes(value) => Verdict::Pass,
            Known::Unknown => Verdict::Mask,
        }
    }

    fn edit(&self, dialect: Dialect, key: Key<'_>, value: ValueRef<'_>, report: &mut Report) -> Edit {
        self.carry_out(self.verdict(dialect, key, value), value, report)
    }

    fn carry_out(&self, verdict: Verdict, value: ValueRef<'_>, report: &mut Report) -> Edit {
        match verdict {
            Verdict::Pass => Edit::Keep,
            Verdict::Remove { .. } => {
                report.removed += 1;
                Edit::Remove
            }
            Verdict::Mask => mask(value, report),
            Verdict::Query => match value.as_str().and_then(text::without_query) {
                Some(address) if value.as_str() != Some(&address) => {
                    report.masked += 1;
                    Edit::Replace(Value::Str(address))
                }
                _ => Edit::Keep,
            },
            Verdict::Pseudonym => {
                report.hashed += 1;
                Edit::Replace(Value::Str(with_text(value, |text| pseudonym(&self.hash_key, text))))
            }
        }
    }

    fn apply_attributes(&self, data: &mut Data, at: usize, dialect: Dialect, report: &mut Report) {
        let record = data.record(at);
        // Where the canonical messages are there, they are what the fingerprint is of: it is the same whatever the dialect.
        let canonical = record.attrs().keys().any(class::is_canonical_content);
        let messages: Vec<bool> = match record {
            RecordRef::Span(span) => span.events().map(|event| keys::is_convention(event.name())).collect(),
            RecordRef::Log(_) => Vec::new(),
        };
        let has_fingerprint = record.attrs().get(keys::CHAPERONE_CONTENT_HASH).is_some();
        let mut fingerprint = Fingerprint::new(&self.hash_key);
        let mut edited = data.edit(at);
        edited.map_attrs(|key, value| {
            let verdict = self.verdict(dialect, key, value);
            if matches!(verdict, Verdict::Remove { content: true }) && canonical == class::is_canonical_content(key) {
                fingerprint.add(key.name, value);
            }
            self.carry_out(verdict, value, report)
        });
        if !fingerprint.is_empty() && !has_fingerprint {
            let bytes = i64::try_from(fingerprint.bytes).unwrap_or(i64::MAX);
            edited.append(keys::CHAPERONE_CONTENT_HASH, &fingerprint.digest());
            edited.append(keys::CHAPERONE_CONTENT_BYTES, bytes);
        }
        edited.map_event_attrs(|event, key, value| {
            // Events of the conventions carry messages, under keys that are common words (`content`, `message`).
            let is_message = messages.get(event) == Some(&true) && class::of(dialect, key, value) == Known::Unknown;
            let is_said = is_message && self.mode == Mode::MetadataOnly && class::is_text(value);
            let verdict = if is_said { Verdict::Remove { content: true } } else { self.verdict(dialect, key, value) };
            self.carry_out(verdict, value, report)
        });
        edited.map_link_attrs(|_, key, value| self.edit(dialect, key, value, report));
    }

    /// Name and status message of a span, body of a log.
    fn apply_texts(&self, data: &mut Data, at: usize, dialect: Dialect, report: &mut Report) {
        match data.record(at) {
            RecordRef::Span(span) => {
                let name = span.name();
                let passes = text::name_passes(name) && !(name.contains(' ') && self.repeats_content(span, dialect, name));
                let name = (!passes).then(|| canonical_name(data.record(at)));
                let status = span.status_message();
                let passes = status.is_empty() || (text::passes(status) && !self.repeats_content(span, dialect, status));
                let status = (!passes).then(|| removed(status.len()));
                let mut edited = data.edit(at);
                if let Some(name) = name {
                    report.masked += 1;
                    edited.set_name(&name);
                }
                if let Some(status) = status {
                    report.masked += 1;
                    edited.set_status_message(&status);
                }
            }
            RecordRef::Log(log) => {
                let name = log.event_name();
                let name = if name.is_empty() { log.attrs().str(keys::EVENT_NAME).unwrap_or("") } else { name };
                let passes = match log.body() {
                    // What connectors make is masked when it is made.
                    _ if event_names::is_ours(name) => true,
                    ValueRef::Empty | ValueRef::Int(_) | ValueRef::Double(_) | ValueRef::Bool(_) => true,
                    ValueRef::Str(text) => !is_message_event(name) && text::is_identifier(text),
                    ValueRef::Bytes(_) | ValueRef::Array(_) | ValueRef::Map(_) => false,
                };
                if !passes && let Edit::Replace(note) = mask(log.body(), report) {
                    data.edit(at).set_body(&note);
                }
            }
        }
    }

    /// Whether a text repeats what an attribute or event that is about to go says: prompts in span names, exceptions in
    /// status messages.
    fn repeats_content(&self, span: SpanRef<'_>, dialect: Dialect, text: &str) -> bool {
        const SHORTEST: usize = 6;
        // Names may carry a kind behind the last dot.
        let stem = text.rsplit_once('.').map_or(text, |(stem, _)| stem).trim_end_matches('.');
        let says = |key: Key<'_>, value: ValueRef<'_>| {
            let Some(content) = value.as_str() else { return false };
            let goes = matches!(self.verdict(dialect, key, value), Verdict::Remove { content: true } | Verdict::Mask);
            let inside = content.len() >= SHORTEST && text.contains(content);
            goes && (inside || (stem.len() >= SHORTEST && content.contains(stem)))
        };
        let in_events = || span.events().any(|event| event.attrs().iter().any(|(key, value)| says(key, value)));
        span.attrs().iter().any(|(key, value)| says(key, value)) || in_events()
    }

    /// Spans and logs of other telemetry: only keys that hold content on any span.
    fn apply_generic(&self, data: &mut Data, at: usize, report: &mut Report) {
        if self.mode == Mode::Keep {
            return;
        }
        let record = data.record(at);
        let is_generic = |key: Key<'_>| class::generic(key.name).is_some();
        let own = record.attrs().keys().any(is_generic);
        let in_events = record.as_span().is_some_and(|span| span.events().any(|event| event.attrs().keys().any(is_generic)));
        let mut edit = |key: Key<'_>, value: ValueRef<'_>| match class::generic(key.name) {
            Some(Known::Address) => self.carry_out(Verdict::Query, value, report),
            Some(_) => self.carry_out(Verdict::Mask, value, report),
            None => Edit::Keep,
        };
        if own {
            data.edit(at).map_attrs(&mut edit);
        }
        if in_events {
            data.edit(at).map_event_attrs(|_, key, value| edit(key, value));
        }
    }
}

fn mask(value: ValueRef<'_>, report: &mut Report) -> Edit {
    let is_note = value.as_str().is_some_and(|text| text.starts_with("[removed ") && text.ends_with(" bytes]"));
    if is_note || matches!(value, ValueRef::Empty) {
        return Edit::Keep;
    }
    report.masked += 1;
    Edit::Replace(Value::Str(removed(with_text(value, str::len))))
}

/// A span's name by the conventions, from what is known of it.
fn canonical_name(record: RecordRef<'_>) -> String {
    let attrs = record.attrs();
    let subject =
        [keys::GEN_AI_TOOL_NAME, keys::GEN_AI_AGENT_NAME, keys::GEN_AI_REQUEST_MODEL].into_iter().find_map(|key| attrs.str(key));
    let operation = crate::record::operation(record).or_else(|| attrs.str(keys::CHAPERONE_STEP_NATIVE_KIND));
    let operation = operation.filter(|operation| text::name_passes(operation));
    match (operation, subject.filter(|subject| text::name_passes(subject))) {
        (Some(operation), Some(subject)) => format!("{operation} {subject}"),
        (Some(operation), None) => operation.to_owned(),
        (None, _) => removed(record.as_span().map_or(0, |span| span.name().len())),
    }
}
