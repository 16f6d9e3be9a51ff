//! One value into the shape its canonical key has.
//!
//! Emitters send numbers as text, lists as JSON text or bare words: all are read, and what cannot be read is counted, never guessed.

use super::mapping::{Transform, When};
use super::{as_sent, cli_text, gemini_content, words};
use chaperone_proto::{Value, ValueRef};

/// What became of a value.
#[derive(Debug, PartialEq)]
pub(crate) enum Converted {
    /// The canonical value.
    Value(Value),
    /// The emitter said nothing: empty, redacted.
    Absent,
    /// Not of the expected shape.
    Failed,
}

pub(crate) fn convert(transform: Transform, value: ValueRef<'_>) -> Converted {
    if matches!(value, ValueRef::Empty) || value.as_str().is_some_and(words::is_redacted) {
        return Converted::Absent;
    }
    let converted = match transform {
        Transform::Constant(text) => Some(Value::Str(text.to_owned())),
        Transform::Int => int(value).map(Value::Int),
        Transform::Double => double(value).map(Value::Double),
        Transform::Sum => int(value).map(Value::Int),
        Transform::Ordinal => int(value).map(|number| Value::Int(number.saturating_add(1))),
        Transform::StatusError => match int(value) {
            Some(status) if status >= 400 => Some(Value::Str(status.to_string())),
            Some(_) => return Converted::Absent,
            None => None,
        },
        Transform::ConstantList(word) => Some(strings(&[word.to_owned()])),
        Transform::Sections => value.as_str().map(|text| Value::Str(cli_text::messages(text).unwrap_or_else(|| text.to_owned()))),
        // What a value under the canonical key would become, so that normalising again changes nothing.
        Transform::SectionArguments => return first_section(value, Transform::Arguments),
        Transform::SectionResult => return first_section(value, Transform::Result),
        Transform::GeminiInput | Transform::GeminiOutput => value.as_str().map(|text| {
            let rebuilt =
                if transform == Transform::GeminiInput { gemini_content::input(text) } else { gemini_content::output(text) };
            Value::Str(rebuilt.unwrap_or_else(|| text.to_owned()))
        }),
        Transform::Milliseconds => double(value).map(|ms| Value::Double(ms / 1000.0)),
        Transform::Split => match value {
            ValueRef::Str(text) => Some(strings(&items_of(text))),
            other => Some(strings(&words_of(other))),
        },
        Transform::Instructions => {
            let json = value.as_str().map(super::instructions::parts);
            Some(Value::Str(json.unwrap_or_else(|| super::instructions::parts(&crate::record::plain_json(value)))))
        }
        Transform::When(word, result) => match value.as_str() {
            Some(text) if is_like(text, word) => Some(match result {
                When::Int(number) => Value::Int(number),
                When::Bool(yes) => Value::Bool(yes),
                When::Word(word) => Value::Str(word.to_owned()),
            }),
            _ => return Converted::Absent,
        },
        Transform::ErrorType => match value {
            ValueRef::Str(text) if words::is_class_name(text) => Some(Value::Str(text.to_owned())),
            ValueRef::Bool(false) => return Converted::Absent,
            ValueRef::Int(code) => Some(Value::Str(code.to_string())),
            _ => Some(Value::Str("_OTHER".to_owned())),
        },
        Transform::AfterWord => match value.as_str().and_then(|text| text.split_once(' ')) {
            Some((_, rest)) => Some(Value::Str(rest.trim().to_owned())),
            None => return Converted::Absent,
        },
        Transform::Total => total(value).map(Value::Double),
        Transform::Bool => match value {
            ValueRef::Bool(yes) => Some(Value::Bool(yes)),
            ValueRef::Str("true" | "True") => Some(Value::Bool(true)),
            ValueRef::Str("false" | "False") => Some(Value::Bool(false)),
            _ => None,
        },
        Transform::Ending => match value.as_str().and_then(as_sent::ending) {
            Some(word) => Some(strings(&finish_reasons(ValueRef::Str(word)))),
            None => return Converted::Absent,
        },
        Transform::Name => value.as_str().filter(|text| words::is_name(text)).map(|text| Value::Str(text.to_owned())),
        Transform::Query => value.as_str().map(|text| Value::Str(as_sent::query(text).unwrap_or_else(|| text.to_owned()))),
        Transform::ToolOf => value.as_str().and_then(as_sent::tool_name).map(Value::Str),
        Transform::Count => value.as_str().and_then(|text| i64::try_from(items_of(text).len()).ok()).map(Value::Int),
        Transform::Unprefixed => value.as_str().map(|text| Value::Str(unprefixed(text).to_owned())),
        Transform::List => Some(strings(&words_of(value))),
        Transform::Finish => Some(match value {
            ValueRef::Array(items) => texts(items.iter().filter_map(ValueRef::as_str).map(words::finish_reason)),
            other => strings(&finish_reasons(other)),
        }),
        Transform::Stream => match value {
            ValueRef::Bool(true) => Some(Value::Bool(true)),
            // The conventions set the key only when streaming.
            ValueRef::Bool(false) => return Converted::Absent,
            ValueRef::Str("true" | "True") => Some(Value::Bool(true)),
            ValueRef::Str("false" | "False" | "None") => return Converted::Absent,
            _ => None,
        },
        Transform::Arguments => match value.as_str().and_then(super::tool_values::arguments) {
            Some(unwrapped) => Some(Value::Str(unwrapped)),
            None => Some(value.to_value()),
        },
        Transform::Result => match value.as_str().and_then(super::tool_values::result) {
            Some(unwrapped) => Some(Value::Str(unwrapped.text)),
            None => Some(value.to_value()),
        },
        Transform::OutputType => match value.as_str() {
            Some(text) if text.contains("json") => Some(Value::Str("json".to_owned())),
            Some(text) if text.contains("text") => Some(Value::Str("text".to_owned())),
            // What Pydantic AI calls the ways of getting an object.
            Some("tool" | "native" | "prompted") => Some(Value::Str("json".to_owned())),
            Some("image") => Some(Value::Str("image".to_owned())),
            _ => None,
        },
        // Names and ids are text, also where an emitter sends a number.
        Transform::Copy | Transform::Model => match value {
            ValueRef::Int(_) | ValueRef::Double(_) | ValueRef::Bool(_) => Some(Value::Str(crate::record::plain_json(value))),
            other => Some(other.to_value()),
        },
        _ => Some(value.to_value()),
    };
    converted.map_or(Converted::Failed, Converted::Value)
}

fn first_section(value: ValueRef<'_>, transform: Transform) -> Converted {
    match value.as_str() {
        Some(text) => convert(transform, ValueRef::Str(cli_text::first(text))),
        None => Converted::Failed,
    }
}

/// An integer, also when sent as text or as a whole double.
pub(crate) fn int(value: ValueRef<'_>) -> Option<i64> {
    match value {
        ValueRef::Int(number) => Some(number),
        ValueRef::Double(number) if number.fract() == 0.0 && number.abs() < 9e15 => Some(number as i64),
        ValueRef::Str(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Whether a text is a word of the table, which may begin or end with a star.
fn is_like(text: &str, word: &str) -> bool {
    match (word.strip_prefix('*'), word.strip_suffix('*')) {
        (Some(end), _) => text.ends_with(end),
        (_, Some(start)) => text.starts_with(start),
        _ => text == word,
    }
}

/// The total that an object names, else the sum of its numbers.
fn total(value: ValueRef<'_>) -> Option<f64> {
    let serde_json::Value::Object(object) = crate::record::to_json(value)? else { return None };
    let total = ["total", "total_cost"].iter().find_map(|key| object.get(*key)?.as_f64());
    total.or_else(|| object.values().filter_map(serde_json::Value::as_f64).reduce(|one, other| one + other))
}

fn double(value: ValueRef<'_>) -> Option<f64> {
    let number = match value {
        ValueRef::Str(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    };
    number.filter(|number| number.is_finite())
}

/// The items of a list in one text: JSON, or separated by commas.
fn items_of(text: &str) -> Vec<String> {
    if text.trim_start().starts_with('[') {
        return words_of(ValueRef::Str(text));
    }
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

/// `openai/gpt-4o` is `gpt-4o`; other slashes are part of the model's name.
fn unprefixed(model: &str) -> &str {
    match model.split_once('/') {
        Some((prefix, rest)) if matches!(words::provider(prefix), words::Provider::Known(_)) => rest,
        _ => model,
    }
}

/// The words of a list: an array, JSON text of one, or one bare word.
pub(crate) fn words_of(value: ValueRef<'_>) -> Vec<String> {
    match value {
        ValueRef::Array(items) => items.iter().filter_map(ValueRef::as_str).map(str::to_owned).collect(),
        ValueRef::Str(text) if text.trim_start().starts_with('[') => {
            serde_json::from_str(text).unwrap_or_else(|_| vec![text.to_owned()])
        }
        ValueRef::Str(text) => vec![text.to_owned()],
        _ => Vec::new(),
    }
}

/// Canonical words for why generations ended.
pub(crate) fn finish_reasons(value: ValueRef<'_>) -> Vec<String> {
    words_of(value).iter().map(|word| words::finish_reason(word).to_owned()).collect()
}

/// A list of texts.
pub(crate) fn texts<'t>(texts: impl Iterator<Item = &'t str>) -> Value {
    Value::Array(texts.map(|text| Value::Str(text.to_owned())).collect())
}

/// Whether a value that was sent is this one.
pub(crate) fn is_same(sent: ValueRef<'_>, value: &Value) -> bool {
    match (sent, value) {
        (ValueRef::Str(one), Value::Str(other)) => one == other,
        (ValueRef::Str(_), _) => false,
        (ValueRef::Array(items), Value::Array(values)) => {
            let mut values = values.iter();
            items.iter().all(|item| values.next().is_some_and(|value| is_same(item, value))) && values.next().is_none()
        }
        (sent, value) => sent.to_value() == *value,
    }
}

pub(crate) fn strings(words: &[String]) -> Value {
    Value::Array(words.iter().map(|word| Value::Str(word.clone())).collect())
}

/// Host and port of an address; the scheme's port when it names none.
pub(crate) fn host_and_port(url: &str) -> Option<(&str, Option<i64>)> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?.rsplit('@').next()?;
    let default = match scheme {
        "https" => Some(443),
        "http" => Some(80),
        _ => None,
    };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse().ok().or(default)),
        _ => (authority, default),
    };
    Some((host.trim_matches(['[', ']']), port)).filter(|(host, _)| !host.is_empty())
}
