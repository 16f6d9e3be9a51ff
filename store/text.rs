//! Attribute values as text, by the rules that the Collector's ClickHouse exporter follows.
//!
//! Whoever reads `otel_traces` compares these texts, so they are equal to the byte: numbers in their shortest form, arrays
//! and maps as compact JSON with sorted keys, bytes as base64, no value as an empty text.
//! The surprise: an array or map that holds a NaN or an infinity becomes an empty text as a whole, as it does there.
//!
//! Left out: OTLP/JSON (that is `proto`) and cutting of long texts (nothing is cut).

use chaperone_proto::{ArrayRef, MapRef, ValueRef};
use std::borrow::Cow;
use std::io::Write;

/// The text of a value; borrows when the value is text already.
pub fn text_of(value: ValueRef<'_>) -> Cow<'_, str> {
    match value {
        ValueRef::Str(text) => Cow::Borrowed(text),
        ValueRef::Empty => Cow::Borrowed(""),
        other => {
            let mut out = Vec::new();
            write_text(other, &mut out);
            Cow::Owned(String::from_utf8(out).expect("invariant: every branch of write_text writes UTF-8"))
        }
    }
}

/// Appends the text of a value.
pub fn write_text(value: ValueRef<'_>, out: &mut Vec<u8>) {
    match value {
        ValueRef::Empty => {}
        ValueRef::Str(text) => out.extend_from_slice(text.as_bytes()),
        ValueRef::Int(number) => append(out, format_args!("{number}")),
        ValueRef::Bool(yes) => append(out, format_args!("{yes}")),
        ValueRef::Double(number) => match not_finite(number) {
            Some(word) => out.extend_from_slice(word.as_bytes()),
            None => write_double(number, out),
        },
        ValueRef::Bytes(bytes) => write_base64(bytes, out),
        ValueRef::Array(array) => or_nothing(out, |out| write_array(array, out)),
        ValueRef::Map(map) => or_nothing(out, |out| write_map(map, out)),
    }
}

/// A value inside an array or map has no JSON form.
struct NoJson;

fn or_nothing(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> Result<(), NoJson>) {
    let before = out.len();
    if write(out).is_err() {
        out.truncate(before);
    }
}

fn append(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("invariant: writing to memory does not fail");
}

fn not_finite(number: f64) -> Option<&'static str> {
    if number.is_nan() {
        Some("NaN")
    } else if number == f64::INFINITY {
        Some("Infinity")
    } else if number == f64::NEG_INFINITY {
        Some("-Infinity")
    } else {
        None
    }
}

/// The shortest digits that read back as the same number; an exponent only from 1e21 up and below 1e-6.
fn write_double(number: f64, out: &mut Vec<u8>) {
    let size = number.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{number:e}");
        match text.split_once('e') {
            Some((digits, exponent)) if !exponent.starts_with('-') => append(out, format_args!("{digits}e+{exponent}")),
            _ => out.extend_from_slice(text.as_bytes()),
        }
    } else {
        append(out, format_args!("{number}"));
    }
}

fn write_json(value: ValueRef<'_>, out: &mut Vec<u8>) -> Result<(), NoJson> {
    match value {
        ValueRef::Empty => out.extend_from_slice(b"null"),
        ValueRef::Str(text) => write_json_text(text, out),
        ValueRef::Int(_) | ValueRef::Bool(_) => write_text(value, out),
        ValueRef::Double(number) if number.is_finite() => write_double(number, out),
        ValueRef::Double(_) => return Err(NoJson),
        ValueRef::Bytes(bytes) => {
            out.push(b'"');
            write_base64(bytes, out);
            out.push(b'"');
        }
        ValueRef::Array(array) => write_array(array, out)?,
        ValueRef::Map(map) => write_map(map, out)?,
    }
    Ok(())
}

fn write_array(array: ArrayRef<'_>, out: &mut Vec<u8>) -> Result<(), NoJson> {
    out.push(b'[');
    for (i, element) in array.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write_json(element, out)?;
    }
    out.push(b']');
    Ok(())
}

/// Keys in bytewise order; of equal keys the last one stands, as in any JSON object built from a map.
fn write_map(map: MapRef<'_>, out: &mut Vec<u8>) -> Result<(), NoJson> {
    let mut pairs: Vec<(&str, ValueRef<'_>)> = map.iter().collect();
    pairs.sort_by(|a, b| a.0.cmp(b.0));
    out.push(b'{');
    let mut first = true;
    for (i, (key, value)) in pairs.iter().enumerate() {
        if pairs.get(i + 1).is_some_and(|next| next.0 == *key) {
            continue;
        }
        if !first {
            out.push(b',');
        }
        first = false;
        write_json_text(key, out);
        out.push(b':');
        write_json(*value, out)?;
    }
    out.push(b'}');
    Ok(())
}

fn write_json_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for c in text.chars() {
        match c {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            // The two separators end a line in JavaScript, so JSON writers of the Go world escape them.
            c if c < ' ' || c == '\u{2028}' || c == '\u{2029}' => append(out, format_args!("\\u{:04x}", u32::from(c))),
            c => {
                let mut buffer = [0; 4];
                out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
            }
        }
    }
    out.push(b'"');
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn write_base64(bytes: &[u8], out: &mut Vec<u8>) {
    for group in bytes.chunks(3) {
        let mut bits = 0u32;
        for i in 0..3 {
            bits = bits << 8 | u32::from(group.get(i).copied().unwrap_or(0));
        }
        for i in 0..4 {
            if i <= group.len() {
                out.push(BASE64[(bits >> (18 - 6 * i) & 63) as usize]);
            } else {
                out.push(b'=');
            }
        }
    }
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
