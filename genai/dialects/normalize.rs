//! One record into canonical attributes: reads the record, writes a [`Plan`].
//!
//! A canonical attribute that the record has is never overwritten, except that its value is spelled canonically
//! (`tool_calls` becomes `tool_call`). So normalising twice is normalising once.
//! Token numbers stay as sent; whether input includes cache is decided by `genai::usage`.

use super::content::{add_messages, add_specials};
use super::gather::{Gathered, Source};
use super::mapping::{Holding, Transform, When};
use super::origin::Origin;
use super::plan::Plan;
use super::values::{Converted, convert, host_and_port, is_same, strings, texts, words_of};
use super::words::{self, Provider};
use super::{
    Dialect, answer, autogen_logs, decisions, errors, event_messages, frameworks, generation, identity, json_paths, kinds,
    message_lists, message_logs, names, record_values, requests, subjects,
};
use crate::keys;
use chaperone_proto::{RecordRef, Value, ValueRef};

/// What the user decides about normalising.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Removes source attributes whose values went to canonical ones.
    pub remove_originals: bool,
    /// Values of source attributes replace canonical ones that the record has.
    pub overwrite: bool,
}

/// Plans what makes a record of this dialect canonical. `plan` must be empty.
pub fn normalize(record: RecordRef<'_>, dialect: Dialect, options: Options, plan: &mut Plan) {
    normalize_of(record, &Origin::of(record, dialect), options, plan);
}

/// The same where the record's origin is known.
pub(crate) fn normalize_of(record: RecordRef<'_>, origin: &Origin, options: Options, plan: &mut Plan) {
    let dialect = origin.dialect;
    let found = json_paths::read(record, dialect);
    let found_later;
    let mut gathered = Gathered::read(record, dialect, &found, options, plan);
    kinds::add(record, &mut gathered, plan);
    if gathered.has_conditional() || origin.has_waiting {
        let word = |key| text(record, plan, key).or_else(|| gathered.word(key)).unwrap_or("");
        let holding = Holding::of(word(keys::GEN_AI_OPERATION_NAME), word(keys::CHAPERONE_STEP_KIND));
        found_later = json_paths::read_conditional(record, dialect, holding);
        gathered.take_found(&found_later, plan);
        gathered.take_conditional(holding, plan);
    }
    let mut sources = std::mem::take(&mut gathered.sources);
    sources.sort_by_key(|source| (source.target, source.rank));
    for of_target in sources.chunk_by(|one, other| one.target == other.target) {
        add_value(record, &mut gathered, of_target, options, plan);
    }
    if let Some(log) = record.as_log() {
        message_logs::add(log, plan);
    }
    autogen_logs::add(record, dialect, plan);
    if !gathered.specials.is_empty() {
        answer::add(record, &gathered, plan);
    }
    add_messages(record, &mut gathered, plan);
    message_lists::add(record, &gathered, plan);
    event_messages::add(record, plan);
    add_specials(record, &gathered, plan);
    record_values::add(record, &gathered, plan);
    errors::add(record, plan);
    subjects::add(record, &gathered, plan);
    names::add(record, plan);
    infer_provider(record, plan);
    add_framework(record, &gathered, origin, plan);
    generation::add(record, origin, &gathered, plan);
    identity::add(record, origin.settings, plan);
    requests::add(record, origin.settings, plan);
    decisions::add(record, dialect, &mut gathered, plan);
    if options.remove_originals {
        gathered.originals.iter().for_each(|name| plan.remove(name));
    }
}

/// The record's text of a key as it will be.
pub(crate) fn text<'a>(record: RecordRef<'a>, plan: &'a Plan, key: chaperone_proto::KeyId) -> Option<&'a str> {
    plan.planned_str(key).or_else(|| record.attrs().str(key).filter(|_| !plan.removes(key)))
}

fn add_value<'a>(
    record: RecordRef<'a>,
    gathered: &mut Gathered<'a>,
    of_target: &[Source<'a>],
    options: Options,
    plan: &mut Plan,
) {
    let Some(first) = of_target.first() else { return };
    if first.target == keys::GEN_AI_PROVIDER_NAME {
        add_provider(record, gathered, of_target, options, plan);
        return;
    }
    // Some emitters give the whole duration of a call that was not streamed.
    if first.target == keys::GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK && is_at_once(record) {
        plan.counts.kept += of_target.len() as u64;
        return;
    }
    let present = record.attrs().has(first.target);
    let mut done = false;
    for source in of_target {
        // A row for the model asked for, or the invocation parameters, may say it: this waits until they had their say.
        if source.transform == Transform::Model
            && let Converted::Value(value) = convert(Transform::Copy, source.value)
        {
            plan.fallback(keys::GEN_AI_REQUEST_MODEL, value);
        }
        if done || (present && !source.in_place && !options.overwrite) {
            plan.counts.kept += 1;
            continue;
        }
        if source.in_place && is_canonical(source) {
            done = true;
            plan.counts.kept += 1;
            continue;
        }
        if source.in_place && respell(source, record, plan) {
            done = true;
            continue;
        }
        match convert(source.transform, source.value) {
            Converted::Value(value) => {
                done = true;
                if source.in_place {
                    spell(source, value, record, plan);
                    continue;
                }
                plan.counts.mapped += 1;
                let value = if source.transform == Transform::Sum { sum(of_target) } else { value };
                let is_moved = options.remove_originals && !present && is_moved(source, record, plan);
                put(source, value, record, present, plan);
                let is_renamed = is_moved && plan.rename(source.name, source.target);
                if !is_renamed && !source.name.is_empty() {
                    gathered.originals.push(source.name);
                }
            }
            Converted::Absent => plan.counts.kept += 1,
            Converted::Failed => plan.counts.failed += 1,
        }
    }
}

/// All sources that are added up for one target.
fn sum(of_target: &[Source<'_>]) -> Value {
    let addends = of_target.iter().filter(|source| source.transform == Transform::Sum);
    let numbers = addends.filter_map(|source| super::values::int(source.value));
    Value::Int(numbers.fold(0, i64::saturating_add))
}

/// Whether the sender says that the answer came in one piece.
fn is_at_once(record: RecordRef<'_>) -> bool {
    record.attrs().get(keys::GEN_AI_REQUEST_STREAM).and_then(ValueRef::as_bool) == Some(false)
}

/// Rewrites what stands under its canonical key in another shape: messages of other APIs, addresses that are URLs.
fn respell(source: &Source<'_>, record: RecordRef<'_>, plan: &mut Plan) -> bool {
    let Some(text) = source.value.as_str() else { return false };
    if matches!(source.transform, Transform::JsonInput | Transform::JsonOutput) {
        note_cut(text, record, plan);
    }
    let rewritten = match source.transform {
        Transform::JsonInput if is_foreign(text) => super::messages::write_messages(&super::json_messages::input(text)),
        Transform::JsonOutput if is_foreign(text) => super::messages::write_messages(&super::json_messages::output(text)),
        Transform::Url if text.contains("://") => {
            let Some((host, port)) = host_and_port(text) else { return false };
            if let Some(port) = port.filter(|_| !record.attrs().has(keys::SERVER_PORT)) {
                plan.add(keys::SERVER_PORT, Value::Int(port));
            }
            host.to_owned()
        }
        _ => return false,
    };
    if rewritten != text {
        plan.counts.mapped += 1;
        plan.set(source.target, Value::Str(rewritten));
    }
    true
}

/// Length limits of SDKs cut JSON in the middle; what was whole is read, and the record says that more was there.
pub(crate) fn note_cut(text: &str, record: RecordRef<'_>, plan: &mut Plan) {
    let text = text.trim_ascii();
    let is_cut = text.starts_with(['[', '{']) && !text.ends_with([']', '}']);
    if is_cut && !record.attrs().has(keys::CHAPERONE_CONTENT_TRUNCATED) {
        plan.add(keys::CHAPERONE_CONTENT_TRUNCATED, Value::Bool(true));
    }
}

/// Whether messages are in another shape than the parts schema, or in both at once.
fn is_foreign(messages: &str) -> bool {
    let has = |member: &str| messages.contains(member);
    messages != "[]"
        && (!has("\"parts\"")
            || !has("\"type\"")
            || ["\"tool_calls\":", "\"tool_call_id\":", "\"function_call\":{"].into_iter().any(has))
}

/// Whether a source's attribute can become the target's as it stands: nothing of its value changes, and nobody else gave one.
fn is_moved(source: &Source<'_>, record: RecordRef<'_>, plan: &Plan) -> bool {
    let is_own = || record.attrs().get_named(source.name).is_some_and(|own| own.to_value() == source.value.to_value());
    is_canonical(source) && plan.planned(source.target).is_none() && is_own()
}

/// Whether a value under its canonical key needs no look: most do not.
fn is_canonical(source: &Source<'_>) -> bool {
    match (source.transform, source.value) {
        (Transform::Int, ValueRef::Int(_)) | (Transform::Double, ValueRef::Double(_)) => true,
        (Transform::Copy, ValueRef::Str(text)) => !words::is_redacted(text),
        (Transform::Url, ValueRef::Str(text)) => !words::is_redacted(text) && !text.contains("://"),
        _ => false,
    }
}

fn put(source: &Source<'_>, value: Value, record: RecordRef<'_>, present: bool, plan: &mut Plan) {
    match source.transform {
        Transform::Url => {
            let Some((host, port)) = source.value.as_str().and_then(host_and_port) else { return };
            plan.add_str(source.target, host);
            if let Some(port) = port.filter(|_| !record.attrs().has(keys::SERVER_PORT)) {
                plan.add(keys::SERVER_PORT, Value::Int(port));
            }
        }
        // The originals hold messages in another shape: `content` writes them.
        Transform::JsonInput | Transform::JsonOutput => {
            let of =
                if source.transform == Transform::JsonInput { super::json_messages::input } else { super::json_messages::output };
            let structured = crate::record::plain_json;
            if let ValueRef::Str(text) = source.value {
                note_cut(text, record, plan);
            }
            let json = match source.value {
                ValueRef::Str(text) => super::messages::write_messages(&of(text)),
                other => super::messages::write_messages(&of(&structured(other))),
            };
            plan.add(source.target, Value::Str(json));
        }
        Transform::ToolName => {
            plan.add(source.target, value);
            if !record.attrs().has(keys::GEN_AI_OPERATION_NAME) {
                plan.add_str(keys::GEN_AI_OPERATION_NAME, "execute_tool");
            }
        }
        _ if present => plan.set(source.target, value),
        _ => plan.add(source.target, value),
    }
}

/// The canonical key has a value already: only its spelling changes.
fn spell(source: &Source<'_>, value: Value, record: RecordRef<'_>, plan: &mut Plan) {
    if is_same(source.value, &value) {
        plan.counts.kept += 1;
        return;
    }
    plan.counts.mapped += 1;
    if source.transform == Transform::Finish && !record.attrs().has(keys::CHAPERONE_RESPONSE_NATIVE_FINISH_REASONS) {
        let native = match source.value {
            ValueRef::Array(items) => texts(items.iter().filter_map(ValueRef::as_str)),
            other => strings(&words_of(other)),
        };
        if native != value {
            plan.add(keys::CHAPERONE_RESPONSE_NATIVE_FINISH_REASONS, native);
        }
    }
    plan.set(source.target, value);
}

fn add_provider<'a>(
    record: RecordRef<'a>,
    gathered: &mut Gathered<'a>,
    sources: &[Source<'a>],
    options: Options,
    plan: &mut Plan,
) {
    let present = record.attrs().has(keys::GEN_AI_PROVIDER_NAME);
    let mut found: Option<&str> = None;
    let mut named_framework = false;
    for source in sources {
        let said = match source.transform {
            // The provider that a word of another kind tells.
            Transform::When(_, When::Word(provider)) => {
                let fits = matches!(convert(source.transform, source.value), Converted::Value(_));
                Some(provider).filter(|_| fits)
            }
            _ => source.value.as_str().filter(|native| !words::is_redacted(native)),
        };
        let Some(native) = said else {
            plan.counts.failed += u64::from(source.value.as_str().is_none());
            continue;
        };
        let canonical = match words::provider(native) {
            Provider::Known(canonical) => canonical,
            Provider::Other => native,
            Provider::None => {
                named_framework = true;
                gathered.framework = gathered.framework.or_else(|| frameworks::by_provider(native));
                continue;
            }
        };
        if found.is_none() {
            found = Some(canonical);
            if !source.in_place {
                plan.counts.mapped += 1;
                gathered.originals.push(source.name);
            }
        }
        if source.in_place && !options.overwrite {
            break;
        }
    }
    match found {
        Some(canonical) if record.attrs().str(keys::GEN_AI_PROVIDER_NAME) == Some(canonical) => plan.counts.kept += 1,
        Some(canonical) if present => {
            plan.counts.mapped += 1;
            plan.set(keys::GEN_AI_PROVIDER_NAME, Value::Str(canonical.to_owned()));
        }
        Some(canonical) => plan.add_str(keys::GEN_AI_PROVIDER_NAME, canonical),
        None if present && named_framework => {
            plan.counts.dropped += 1;
            plan.remove_key(keys::GEN_AI_PROVIDER_NAME);
        }
        None => {}
    }
}

/// Attribute limits of SDKs drop keys silently: a call without a provider takes the one its model's name tells.
fn infer_provider(record: RecordRef<'_>, plan: &mut Plan) {
    let is_call = text(record, plan, keys::GEN_AI_OPERATION_NAME).is_some_and(crate::record::is_call_operation);
    let own = record.attrs().str(keys::GEN_AI_PROVIDER_NAME);
    let named =
        own.is_some_and(|own| words::provider(own) != Provider::None) || plan.planned(keys::GEN_AI_PROVIDER_NAME).is_some();
    if !is_call || named {
        return;
    }
    let model = text(record, plan, keys::GEN_AI_REQUEST_MODEL).or_else(|| text(record, plan, keys::GEN_AI_RESPONSE_MODEL));
    let is_azure = [own, record.attrs().str(keys::GEN_AI_SYSTEM)].into_iter().flatten().any(words::is_azure);
    let provider = match model.and_then(words::provider_of_model) {
        Some("openai") if is_azure => Some("azure.ai.openai"),
        _ if is_azure && model.is_some() => Some("azure.ai.inference"),
        provider => provider,
    };
    if let Some(provider) = provider {
        plan.add_str(keys::GEN_AI_PROVIDER_NAME, provider);
    }
}

fn add_framework(record: RecordRef<'_>, gathered: &Gathered<'_>, origin: &Origin, plan: &mut Plan) {
    if record.attrs().has(keys::CHAPERONE_FRAMEWORK_NAME) {
        return;
    }
    if let Some(framework) = gathered.framework.or(origin.framework) {
        plan.add_str(keys::CHAPERONE_FRAMEWORK_NAME, framework);
    }
}

/// Whether a value says something.
pub(crate) fn is_said(value: ValueRef<'_>) -> bool {
    !matches!(value, ValueRef::Empty) && !value.as_str().is_some_and(words::is_redacted)
}
