//! The policy, applied to a batch: every place of every record that holds text.

use super::class::{self, Known};
use super::digest::Fingerprint;
use super::judge::{Held, JudgedKey};
use super::mask::{Looks, Masker};
use super::memo::Memo;
use super::policy::{Mode, Policy, Verdict, note};
use super::report::{Removed, Report};
use super::text::{self, removed};
use crate::dialects::{Dialect, ScopeVerdict, detect, is_message_event};
use crate::event_names;
use crate::keys::{self, Class};
use chaperone_proto::{Data, Edit, Entry, Key, KeyId, RecordRef, SpanRef, Value, ValueRef};
use memchr::memmem;

/// A record's place, with what its texts are judged by.
#[derive(Clone, Copy)]
struct Place {
    at: usize,
    dialect: Dialect,
    conversation: [u8; 32],
}

impl Policy {
    /// Applies the policy to every record of a batch. Metrics pass.
    pub fn apply(&self, data: &mut Data) -> Report {
        let mut memo = self.recognizers.memos().take();
        let report = self.apply_with(data, &mut memo);
        self.recognizers.memos().give_back(memo);
        report
    }

    fn apply_with(&self, data: &mut Data, memo: &mut Memo) -> Report {
        let mut report = Report::default();
        let mut named: Option<Dialect> = None;
        let mut scope: Option<(usize, ScopeVerdict)> = None;
        let mut scopes: Vec<usize> = Vec::new();
        let mut resources: Vec<usize> = Vec::new();
        for at in 0..data.records() {
            let record = data.record(at);
            let index = record.scope().index();
            // Neighbours mostly speak one dialect.
            let by_name = |name: &str| named.filter(|known| known.id() == name).or_else(|| Dialect::by_id(name));
            let dialect = match record.attrs().str(keys::CHAPERONE_DIALECT_NAME).and_then(by_name) {
                Some(dialect) => {
                    named = Some(dialect);
                    named
                }
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
            let place = Place { at, dialect, conversation: self.conversation_of(record) };
            if self.mode != Mode::Keep {
                self.apply_texts(data, place, memo, &mut report);
            }
            self.apply_attributes(data, place, memo, &mut report);
            if !scopes.contains(&index) {
                scopes.push(index);
                self.apply_scope(data, place, memo, &mut report);
            }
            if !resources.contains(&resource) {
                resources.push(resource);
                self.apply_resource(data, place, memo, &mut report);
            }
        }
        report
    }

    fn edit(&self, place: Place, key: Key<'_>, value: ValueRef<'_>, memo: &mut Memo, report: &mut Report) -> Edit {
        let judged = self.judge_key(memo, place.dialect, key.id, key.name.as_bytes(), || key);
        if self.is_by_class()
            && let Some(quick) = self.quick(memo, judged, key.name.as_bytes(), Held::Value(value), false)
        {
            return quick.carry_out(report);
        }
        self.carry_out(self.verdict_by(judged, key, value), &place.conversation, key.name, value, report)
    }

    fn verdict_by(&self, judged: JudgedKey, key: Key<'_>, value: ValueRef<'_>) -> Verdict {
        self.verdict_of(judged.known.with(|| class::is_text(value)), key, value, || judged.is_private)
    }

    /// The key of this record's pseudonyms: of its conversation, else its run, else its trace.
    fn conversation_of(&self, record: RecordRef<'_>) -> [u8; 32] {
        if self.mode != Mode::Redact {
            return self.hash_key;
        }
        let attrs = record.attrs();
        let named = attrs.str(keys::GEN_AI_CONVERSATION_ID).or_else(|| attrs.str(keys::CHAPERONE_RUN_ID));
        match (named, record.trace_id()) {
            (Some(name), _) => self.conversation_key(name.as_bytes()),
            (None, Some(trace)) => self.conversation_key(&trace),
            (None, None) => self.hash_key,
        }
    }

    fn apply_attributes(&self, data: &mut Data, place: Place, memo: &mut Memo, report: &mut Report) {
        let Place { at, dialect, conversation } = place;
        let record = data.record(at);
        let own_keys = class::own_keys();
        let own = |id: Option<KeyId>| id.and_then(|id| own_keys.get(usize::from(id.0)).copied());
        let has_fingerprint = record.attrs().has(keys::CHAPERONE_CONTENT_HASH);
        // Where the canonical messages are there, they are what the fingerprint is of: it is the same whatever the dialect.
        let is_canonical = |entry: Entry<'_>| match own(entry.id()) {
            Some(own) => own.is_canonical_content,
            None => class::is_canonical_content(entry.key()),
        };
        let canonical = !has_fingerprint && record.attrs().each().any(is_canonical);
        let messages: Vec<bool> = match record {
            RecordRef::Span(span) => span.events().map(|event| keys::is_convention(event.name())).collect(),
            RecordRef::Log(_) => Vec::new(),
        };
        let by_class = self.is_by_class();
        let mut fingerprint = Fingerprint::new(&self.hash_key);
        let cut_before = report.cut;
        let mut edited = data.edit(at);
        edited.attrs_mut().map_each(|entry| {
            // What goes and was digested before needs no reading, and it is what is long; nor do numbers, and what is known.
            let held = Held::Entry(entry);
            if by_class
                && let Some(own) = own(entry.id())
                && let Some(quick) = self.quick_own(memo, own, held, has_fingerprint)
            {
                return quick.carry_out(report);
            }
            let judged = self.judge_key(memo, dialect, entry.id(), entry.key_bytes(), || entry.key());
            if by_class && let Some(quick) = self.quick(memo, judged, entry.key_bytes(), held, has_fingerprint) {
                return quick.carry_out(report);
            }
            let (key, value) = (entry.key(), entry.value());
            let verdict = self.verdict_by(judged, key, value);
            let is_content = verdict == Verdict::Remove(Removed::Content);
            if is_content && !has_fingerprint && canonical == class::is_canonical_content(key) {
                fingerprint.add(key.name, value);
            }
            self.carry_out(verdict, &conversation, key.name, value, report)
        });
        if !fingerprint.is_empty() && !has_fingerprint {
            let bytes = i64::try_from(fingerprint.bytes).unwrap_or(i64::MAX);
            edited.append(keys::CHAPERONE_CONTENT_HASH, &fingerprint.digest());
            edited.append(keys::CHAPERONE_CONTENT_BYTES, bytes);
        }
        edited.map_event_attrs(|event, key, value| {
            // Events of the conventions carry messages, under keys that are common words (`content`, `message`).
            let is_said = self.mode == Mode::MetadataOnly
                && messages.get(event) == Some(&true)
                && class::is_text(value)
                && class::of(dialect, key, value) == Known::Unknown;
            if is_said {
                return self.carry_out(Verdict::Remove(Removed::Content), &conversation, key.name, value, report);
            }
            self.edit(place, key, value, memo, report)
        });
        edited.map_link_attrs(|_, key, value| self.edit(place, key, value, memo, report));
        if report.cut > cut_before {
            edited.set(keys::CHAPERONE_CONTENT_TRUNCATED, true);
        }
    }

    /// Name, version, schema and attributes of the instrumentation scope.
    fn apply_scope(&self, data: &mut Data, place: Place, memo: &mut Memo, report: &mut Report) {
        if self.mode != Mode::Keep {
            let shapes = self.masker(Looks::Shapes, self.hash_key);
            let scope = data.record(place.at).scope();
            let [name, version, url] =
                [scope.name(), scope.version(), scope.schema_url()].map(|text| shapes.text("", text, report));
            let mut edited = data.edit(place.at);
            if let Some(name) = name {
                edited.set_scope_name(&name);
            }
            if let Some(version) = version {
                edited.set_scope_version(&version);
            }
            if let Some(url) = url {
                edited.set_scope_schema_url(&url);
            }
        }
        data.edit(place.at).map_scope_attrs(|key, value| self.edit(place, key, value, memo, report));
    }

    /// Schema and attributes of the resource.
    fn apply_resource(&self, data: &mut Data, place: Place, memo: &mut Memo, report: &mut Report) {
        if self.mode != Mode::Keep {
            let shapes = self.masker(Looks::Shapes, self.hash_key);
            let url = shapes.text("", data.record(place.at).resource().schema_url(), report);
            if let Some(url) = url {
                data.edit(place.at).set_resource_schema_url(&url);
            }
        }
        data.edit(place.at).map_resource_attrs(|key, value| self.edit(place, key, value, memo, report));
    }

    /// Every text of a record that is no attribute.
    fn apply_texts(&self, data: &mut Data, place: Place, memo: &mut Memo, report: &mut Report) {
        let masker = match self.mode {
            Mode::Redact => self.masker(Looks::All, place.conversation),
            _ => self.masker(Looks::Shapes, self.hash_key),
        };
        match data.record(place.at) {
            RecordRef::Span(_) => self.apply_span_texts(data, place, &masker, memo, report),
            RecordRef::Log(_) => self.apply_log_texts(data, place, &masker, memo, report),
        }
    }

    /// Name, status message and trace state of a span, names of its events, trace states of its links.
    fn apply_span_texts(&self, data: &mut Data, place: Place, masker: &Masker<'_>, memo: &mut Memo, report: &mut Report) {
        let Some(span) = data.record(place.at).as_span() else { return };
        let (name, status) = (span.name(), span.status_message());
        let (name, status) = if self.mode == Mode::Redact {
            (masker.text("", name, report), masker.text("", status, report))
        } else {
            // What is named as the conventions name it repeats nothing; the search through all content is for the others.
            let judged = self.judge_name(memo, name);
            let is_word = !judged.is_prose && !name.contains(' ');
            let said = || judged.is_prose || self.repeats_content(span, place, name);
            let passes = judged.passes && (is_word || is_canonical(data.record(place.at), name) || !said());
            let name = (!passes).then(|| self.canonical_name(data.record(place.at)));
            let passes = status.is_empty() || (self.passes("", status) && !self.repeats_content(span, place, status));
            let status = (!passes && !text::is_note(status)).then(|| removed(status.len()));
            report.masked += u64::from(name.is_some()) + u64::from(status.is_some());
            (name, status)
        };
        let shapes = self.masker(Looks::Shapes, self.hash_key);
        let state = shapes.text("", span.trace_state(), report);
        let events: Vec<(usize, String)> = span
            .events()
            .enumerate()
            .filter_map(|(i, event)| Some((i, self.event_name(event.name(), masker, memo, report)?)))
            .collect();
        let links = span.links().filter(|link| shapes.fires(link.trace_state())).count();
        let mut edited = data.edit(place.at);
        if let Some(name) = name {
            edited.set_name(&name);
        }
        if let Some(status) = status {
            edited.set_status_message(&status);
        }
        if let Some(state) = state {
            edited.set_trace_state(&state);
        }
        for (i, name) in events {
            edited.set_name_of_event(i, &name);
        }
        if links > 0 {
            (0..links).for_each(|_| report.remove(Removed::Secret));
            edited.retain_links(|link| !shapes.fires(link.trace_state()));
        }
    }

    /// The name an event is given instead of its own, if it may not keep it.
    fn event_name(&self, name: &str, masker: &Masker<'_>, memo: &mut Memo, report: &mut Report) -> Option<String> {
        if self.mode == Mode::Redact {
            return masker.text("", name, report);
        }
        // Names of events are short and few: what looks like a sentence is one.
        let known =
            name.len() <= 24 && !name.contains(' ') && !name.bytes().any(|b| b.is_ascii_digit() || b == b'@' || b == b'=');
        let mut passes = || {
            let judged = self.judge_name(memo, name);
            judged.passes && !judged.is_prose
        };
        if known || passes() || text::is_note(name) {
            return None;
        }
        report.masked += 1;
        Some(removed(name.len()))
    }

    /// Body, event name and severity text of a log.
    fn apply_log_texts(&self, data: &mut Data, place: Place, masker: &Masker<'_>, memo: &mut Memo, report: &mut Report) {
        let RecordRef::Log(log) = data.record(place.at) else { return };
        let own = log.event_name();
        let name = if own.is_empty() { log.attrs().str(keys::EVENT_NAME).unwrap_or("") } else { own };
        let new_name = self.event_name(own, masker, memo, report);
        let severity = masker.text("", log.severity_text(), report);
        let body = match log.body() {
            ValueRef::Empty | ValueRef::Int(_) | ValueRef::Double(_) | ValueRef::Bool(_) => None,
            body if self.mode == Mode::Redact => match self.carry_out(Verdict::Redact, &place.conversation, "body", body, report)
            {
                Edit::Replace(masked) => Some(masked),
                _ => None,
            },
            // What connectors make is masked when it is made; what only says it is one of theirs is looked at.
            ValueRef::Str(text) if event_names::is_ours(name) => masker.text("", text, report).map(Value::Str),
            ValueRef::Str(text) if !is_message_event(name) && self.passes("", text) && text::is_identifier(text) => None,
            body => match note(body, report) {
                Edit::Replace(note) => Some(note),
                _ => None,
            },
        };
        let mut edited = data.edit(place.at);
        if let Some(body) = body {
            edited.set_body(&body);
        }
        if let Some(name) = new_name {
            edited.set_event_name(&name);
        }
        if let Some(severity) = severity {
            edited.set_severity_text(&severity);
        }
    }

    /// Whether a text repeats what an attribute or event that is about to go says: prompts in span names, exceptions in
    /// status messages.
    fn repeats_content(&self, span: SpanRef<'_>, place: Place, text: &str) -> bool {
        const SHORTEST: usize = 6;
        // Names may carry a kind behind the last dot.
        let stem = text.rsplit_once('.').map_or(text, |(stem, _)| stem).trim_end_matches('.');
        // Most names are what the conventions make of the operation and the model: they repeat nothing.
        if self.is_conventional(RecordRef::Span(span), text) {
            return false;
        }
        let (own_keys, stem) = (class::own_keys(), memmem::Finder::new(stem));
        let says = |entry: Entry<'_>| {
            // Metadata stay, whatever they say.
            let own = entry.id().and_then(|id| own_keys.get(usize::from(id.0)));
            let is_metadata = own.is_some_and(|own| own.settled == Some(Class::Meta));
            let Some(content) = entry.text_bytes().filter(|_| !is_metadata) else { return false };
            let is_inside =
                || (SHORTEST..=text.len()).contains(&content.len()) && memmem::find(text.as_bytes(), content).is_some();
            let holds = || stem.needle().len() >= SHORTEST && stem.find(content).is_some();
            // What becomes of it is asked last: it costs more than a search that finds nothing.
            let goes = || {
                let verdict = self.verdict(place.dialect, entry.key(), entry.value());
                matches!(verdict, Verdict::Remove(Removed::Content) | Verdict::Note)
            };
            (is_inside() || holds()) && goes()
        };
        span.attrs().each().any(says) || span.events().any(|event| event.attrs().each().any(says))
    }

    /// Spans and logs of other telemetry: only keys that hold content on any span.
    fn apply_generic(&self, data: &mut Data, at: usize, report: &mut Report) {
        if self.mode == Mode::Keep {
            return;
        }
        let record = data.record(at);
        let is_generic =
            |entry: Entry<'_>| class::may_be_generic(entry.key_bytes()) && class::generic(entry.key().name).is_some();
        let own = record.attrs().each().any(is_generic);
        let in_events = record.as_span().is_some_and(|span| span.events().any(|event| event.attrs().each().any(is_generic)));
        if !own && !in_events {
            return;
        }
        let conversation = self.conversation_of(record);
        let mut edit = |key: Key<'_>, value: ValueRef<'_>| {
            let verdict = match (class::generic(key.name), self.mode) {
                (None, _) => return Edit::Keep,
                (Some(_), Mode::Redact) => Verdict::Redact,
                (Some(Known::Address), _) => Verdict::Query,
                (Some(_), _) => Verdict::Note,
            };
            self.carry_out(verdict, &conversation, key.name, value, report)
        };
        if own {
            data.edit(at).map_attrs(&mut edit);
        }
        if in_events {
            data.edit(at).map_event_attrs(|_, key, value| edit(key, value));
        }
    }

    /// Whether a name is an operation and the name of a model, tool or agent, both of which stay on the record.
    fn is_conventional(&self, record: RecordRef<'_>, name: &str) -> bool {
        let attrs = record.attrs();
        let Some((operation, subject)) = name.split_once(' ') else { return false };
        let subjects = [keys::GEN_AI_REQUEST_MODEL, keys::GEN_AI_TOOL_NAME, keys::GEN_AI_AGENT_NAME];
        attrs.str(keys::GEN_AI_OPERATION_NAME) == Some(operation)
            && subjects.into_iter().any(|key| attrs.str(key) == Some(subject))
    }

    /// A span's name by the conventions, from what is known of it.
    fn canonical_name(&self, record: RecordRef<'_>) -> String {
        let attrs = record.attrs();
        let subject = [keys::GEN_AI_TOOL_NAME, keys::GEN_AI_AGENT_NAME, keys::GEN_AI_REQUEST_MODEL]
            .into_iter()
            .find_map(|key| attrs.str(key));
        let operation = crate::record::operation(record).or_else(|| attrs.str(keys::CHAPERONE_STEP_NATIVE_KIND));
        let operation = operation.filter(|operation| self.name_passes(operation));
        match (operation, subject.filter(|subject| self.name_passes(subject))) {
            (Some(operation), Some(subject)) => format!("{operation} {subject}"),
            (Some(operation), None) => operation.to_owned(),
            (None, _) => removed(record.as_span().map_or(0, |span| span.name().len())),
        }
    }

    fn name_passes(&self, name: &str) -> bool {
        self.passes("", name) && !text::is_prose(name)
    }
}

/// Whether a span is named by the conventions: its operation, or operation and subject.
fn is_canonical(record: RecordRef<'_>, name: &str) -> bool {
    let bytes = |key| record.attrs().entry(key).and_then(Entry::text_bytes);
    let operation = bytes(keys::GEN_AI_OPERATION_NAME);
    let Some(rest) = operation.and_then(|operation| name.as_bytes().strip_prefix(operation)) else { return false };
    let subjects = [keys::GEN_AI_TOOL_NAME, keys::GEN_AI_AGENT_NAME, keys::GEN_AI_REQUEST_MODEL];
    rest.is_empty() || rest.strip_prefix(b" ").is_some_and(|rest| subjects.into_iter().any(|key| bytes(key) == Some(rest)))
}
