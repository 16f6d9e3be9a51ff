//! Reading attributes the way columns want them: absent is empty or zero, numbers never wrap.

use crate::text::text_of;
use chaperone_genai::dialects::EventNameAt;
use chaperone_genai::{keys, record};
use chaperone_proto::{Attrs, KeyId, RecordRef, ValueRef};
use std::borrow::Cow;

/// Text of an attribute, empty when absent.
pub fn text<'a>(attrs: Attrs<'a>, key: KeyId) -> Cow<'a, str> {
    attrs.get(key).map_or(Cow::Borrowed(""), text_of)
}

/// Text of the first of several attributes that is not empty.
pub fn first_text<'a>(attrs: Attrs<'a>, wanted: &[KeyId]) -> Cow<'a, str> {
    wanted.iter().map(|key| text(attrs, *key)).find(|text| !text.is_empty()).unwrap_or(Cow::Borrowed(""))
}

/// Text of an attribute of the record, else of its resource.
pub fn own_or_resource<'a>(record: RecordRef<'a>, key: KeyId) -> Cow<'a, str> {
    let own = text(record.attrs(), key);
    if own.is_empty() { text(record.resource().attrs(), key) } else { own }
}

/// Where the agent runs: our own key, else the resource's.
pub fn environment<'a>(record: RecordRef<'a>) -> Cow<'a, str> {
    let own = own_or_resource(record, keys::CHAPERONE_AGENT_ENVIRONMENT);
    if own.is_empty() { text(record.resource().attrs(), keys::DEPLOYMENT_ENVIRONMENT_NAME) } else { own }
}

/// The agent's name, else the service's.
pub fn agent_name<'a>(record: RecordRef<'a>) -> Cow<'a, str> {
    let own = text(record.attrs(), keys::GEN_AI_AGENT_NAME);
    if own.is_empty() { text(record.resource().attrs(), keys::SERVICE_NAME) } else { own }
}

/// A whole number; negative ones and what is no number count as absent.
pub fn uint(attrs: Attrs<'_>, key: KeyId) -> Option<u64> {
    match attrs.get(key)? {
        ValueRef::Int(number) => u64::try_from(number).ok(),
        ValueRef::Double(number) if number >= 0.0 => Some(number as u64),
        ValueRef::Str(text) => text.parse().ok(),
        _ => None,
    }
}

/// The same as 32 bits, 0 when absent; what is larger stays at the greatest number.
pub fn u32_of(attrs: Attrs<'_>, key: KeyId) -> u32 {
    uint(attrs, key).unwrap_or(0).try_into().unwrap_or(u32::MAX)
}

/// The same as 16 bits, with a default.
pub fn u16_or(attrs: Attrs<'_>, key: KeyId, default: u16) -> u16 {
    uint(attrs, key).map_or(default, |number| number.try_into().unwrap_or(u16::MAX))
}

/// A number, 0 when absent.
pub fn float(attrs: Attrs<'_>, key: KeyId) -> f64 {
    attrs.get(key).and_then(ValueRef::as_f64).unwrap_or(0.0)
}

/// Yes or no; absent is no.
pub fn yes(attrs: Attrs<'_>, key: KeyId) -> bool {
    attrs.get(key).and_then(ValueRef::as_bool).unwrap_or(false)
}

/// USD as millionths of millionths; what a `Decimal(18, 12)` cannot hold stays at its limit.
pub fn money(attrs: Attrs<'_>, key: KeyId) -> i64 {
    const LIMIT: f64 = 999_999_999_999_999_872.0;
    (float(attrs, key) * 1e12).round().clamp(-LIMIT, LIMIT) as i64
}

/// 16 bytes written as 32 hex digits; all zero when it is anything else.
pub fn id(text: &str) -> [u8; 16] {
    let mut id = [0; 16];
    if text.len() != 32 {
        return id;
    }
    for (byte, pair) in id.iter_mut().zip(text.as_bytes().chunks(2)) {
        let Some(value) = std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()) else {
            return [0; 16];
        };
        *byte = value;
    }
    id
}

/// The record's id. One of ours that came without (notifications are made beside the pipeline) gets one from all it says.
pub fn record_id(record: RecordRef<'_>) -> [u8; 16] {
    let attrs = record.attrs();
    let has_own = attrs.get(keys::CHAPERONE_RECORD_ID).is_some() || record.as_span().is_some_and(|span| span.span_id().is_some());
    if has_own {
        return id(&record::id(record));
    }
    let mut all = timestamp(record).to_le_bytes().to_vec();
    for (key, value) in attrs.iter() {
        for part in [key.name, &text_of(value)] {
            all.extend_from_slice(&(part.len() as u64).to_le_bytes());
            all.extend_from_slice(part.as_bytes());
        }
    }
    let event = record::event_name(record, EventNameAt::Field);
    record::record_digest(record.signal().name(), record.trace_id(), record.span_id(), event, &all)
}

/// Hex digits of an id, empty when there is none.
pub fn hex(id: Option<impl AsRef<[u8]>>) -> Cow<'static, str> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let Some(id) = id else { return Cow::Borrowed("") };
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    Cow::Owned(id.as_ref().iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect())
}

/// The texts of an array; a single value counts as one.
pub fn texts<'a>(attrs: Attrs<'a>, key: KeyId) -> Vec<Cow<'a, str>> {
    match attrs.get(key) {
        Some(ValueRef::Array(array)) => array.iter().map(text_of).collect(),
        Some(ValueRef::Empty) | None => Vec::new(),
        Some(one) => vec![text_of(one)],
    }
}

/// Any value as JSON text: `[]` or `{}` when absent, as given.
pub fn json(attrs: Attrs<'_>, key: KeyId, absent: &str) -> String {
    match attrs.get(key) {
        None | Some(ValueRef::Empty) => absent.to_owned(),
        Some(value) => {
            let mut out = String::new();
            value.write_json(&mut out);
            out
        }
    }
}

/// The members of a map that are whole numbers, sorted by name.
pub fn counts<'a>(attrs: Attrs<'a>, key: KeyId) -> Vec<(Cow<'a, str>, u64)> {
    let Some(ValueRef::Map(map)) = attrs.get(key) else { return Vec::new() };
    let mut counts: Vec<_> =
        map.iter().filter_map(|(name, value)| Some((Cow::Borrowed(name), u64::try_from(value.as_int()?).ok()?))).collect();
    counts.sort();
    counts
}

/// Start of a span, event time of a log.
pub fn timestamp(record: RecordRef<'_>) -> u64 {
    match record {
        RecordRef::Span(span) => span.start_ns(),
        RecordRef::Log(_) => record::event_time_ns(record),
    }
}

/// How long a span took; 0 = not known.
pub fn duration(record: RecordRef<'_>) -> u64 {
    record.as_span().map_or(0, |span| span.end_ns().saturating_sub(span.start_ns()))
}
