//! Writing values and attributes as protobuf: lengths first, then bytes, so that nothing is moved.

use crate::index::{Attr, kind};
use crate::wire::{delimited_len, put_delimited, put_varint, varint_len};
use crate::{Value, ValueIn, ValueRef};

/// Bytes of the `AnyValue` message of a value.
#[inline]
pub(crate) fn any_len(value: ValueIn<'_>) -> usize {
    match value {
        ValueIn::Str(text) => delimited_len(text.len()),
        ValueIn::Int(number) => 1 + varint_len(number as u64),
        ValueIn::Double(_) => 9,
        ValueIn::Bool(_) => 2,
        ValueIn::Strs(texts) => delimited_len(texts_len(texts)),
        ValueIn::Value(value) => owned_len(value),
        ValueIn::Ref(value) => match value {
            ValueRef::Empty => 0,
            ValueRef::Str(text) => delimited_len(text.len()),
            ValueRef::Int(number) => 1 + varint_len(number as u64),
            ValueRef::Double(_) => 9,
            ValueRef::Bool(_) => 2,
            ValueRef::Bytes(bytes) => delimited_len(bytes.len()),
            ValueRef::Array(array) => delimited_len(array.body.len()),
            ValueRef::Map(map) => delimited_len(map.body.len()),
        },
    }
}

fn texts_len(texts: &[&str]) -> usize {
    texts.iter().map(|text| delimited_len(delimited_len(text.len()))).sum()
}

fn owned_len(value: &Value) -> usize {
    match value {
        Value::Empty => 0,
        Value::Str(text) => delimited_len(text.len()),
        Value::Int(number) => 1 + varint_len(*number as u64),
        Value::Double(_) => 9,
        Value::Bool(_) => 2,
        Value::Bytes(bytes) => delimited_len(bytes.len()),
        Value::Array(values) => delimited_len(array_len(values)),
        Value::Map(pairs) => delimited_len(map_len(pairs)),
    }
}

fn array_len(values: &[Value]) -> usize {
    values.iter().map(|value| delimited_len(owned_len(value))).sum()
}

fn map_len(pairs: &[(String, Value)]) -> usize {
    pairs.iter().map(|(name, value)| delimited_len(pair_len(name.len(), owned_len(value)))).sum()
}

fn pair_len(key: usize, value: usize) -> usize {
    delimited_len(key) + delimited_len(value)
}

/// Writes an `AnyValue` message and tells its kind and where its content lies.
pub(crate) fn put_any(out: &mut Vec<u8>, value: ValueIn<'_>) -> (u8, u64) {
    match value {
        ValueIn::Str(text) => put_content(out, kind::STR, 0x0a, text.as_bytes()),
        ValueIn::Int(number) => put_int(out, number),
        ValueIn::Double(number) => put_double(out, number),
        ValueIn::Bool(yes) => put_bool(out, yes),
        ValueIn::Strs(texts) => {
            put_header(out, 0x2a, texts_len(texts));
            let start = out.len();
            for text in texts {
                put_header(out, 0x0a, delimited_len(text.len()));
                put_delimited(out, 0x0a, text.as_bytes());
            }
            (kind::ARRAY, Attr::place(start, out.len()))
        }
        ValueIn::Value(value) => put_owned(out, value),
        ValueIn::Ref(value) => match value {
            ValueRef::Empty => (kind::EMPTY, 0),
            ValueRef::Str(text) => put_content(out, kind::STR, 0x0a, text.as_bytes()),
            ValueRef::Int(number) => put_int(out, number),
            ValueRef::Double(number) => put_double(out, number),
            ValueRef::Bool(yes) => put_bool(out, yes),
            ValueRef::Bytes(bytes) => put_content(out, kind::BYTES, 0x3a, bytes),
            ValueRef::Array(array) => put_content(out, kind::ARRAY, 0x2a, array.body),
            ValueRef::Map(map) => put_content(out, kind::MAP, 0x32, map.body),
        },
    }
}

fn put_header(out: &mut Vec<u8>, tag: u8, len: usize) {
    out.push(tag);
    put_varint(out, len as u64);
}

fn put_content(out: &mut Vec<u8>, kind: u8, tag: u8, content: &[u8]) -> (u8, u64) {
    put_header(out, tag, content.len());
    let start = out.len();
    out.extend_from_slice(content);
    (kind, Attr::place(start, out.len()))
}

fn put_int(out: &mut Vec<u8>, number: i64) -> (u8, u64) {
    put_header(out, 0x18, number as usize);
    (kind::INT, number as u64)
}

fn put_double(out: &mut Vec<u8>, number: f64) -> (u8, u64) {
    out.push(0x21);
    out.extend_from_slice(&number.to_le_bytes());
    (kind::DOUBLE, number.to_bits())
}

fn put_bool(out: &mut Vec<u8>, yes: bool) -> (u8, u64) {
    out.extend_from_slice(&[0x10, u8::from(yes)]);
    (kind::BOOL, u64::from(yes))
}

fn put_owned(out: &mut Vec<u8>, value: &Value) -> (u8, u64) {
    match value {
        Value::Empty => (kind::EMPTY, 0),
        Value::Str(text) => put_content(out, kind::STR, 0x0a, text.as_bytes()),
        Value::Int(number) => put_int(out, *number),
        Value::Double(number) => put_double(out, *number),
        Value::Bool(yes) => put_bool(out, *yes),
        Value::Bytes(bytes) => put_content(out, kind::BYTES, 0x3a, bytes),
        Value::Array(values) => {
            put_header(out, 0x2a, array_len(values));
            let start = out.len();
            for value in values {
                put_header(out, 0x0a, owned_len(value));
                put_owned(out, value);
            }
            (kind::ARRAY, Attr::place(start, out.len()))
        }
        Value::Map(pairs) => {
            put_header(out, 0x32, map_len(pairs));
            let start = out.len();
            for (name, value) in pairs {
                let value_len = owned_len(value);
                put_header(out, 0x0a, pair_len(name.len(), value_len));
                put_delimited(out, 0x0a, name.as_bytes());
                put_header(out, 0x12, value_len);
                put_owned(out, value);
            }
            (kind::MAP, Attr::place(start, out.len()))
        }
    }
}

/// Writes the value of an attribute as field 2; short texts, the most frequent, with one header.
#[inline(always)]
fn put_value_field(out: &mut Vec<u8>, value: ValueIn<'_>, len: usize) -> (u8, u64) {
    match value {
        ValueIn::Str(text) if len < 0x80 => {
            out.extend_from_slice(&[0x12, len as u8, 0x0a, text.len() as u8]);
            let start = out.len();
            out.extend_from_slice(text.as_bytes());
            (kind::STR, Attr::place(start, start + text.len()))
        }
        ValueIn::Int(number @ 0..0x80) => {
            out.extend_from_slice(&[0x12, 2, 0x18, number as u8]);
            (kind::INT, number as u64)
        }
        ValueIn::Int(number @ 0x80..0x4000) => {
            out.extend_from_slice(&[0x12, 3, 0x18, number as u8 | 0x80, (number >> 7) as u8]);
            (kind::INT, number as u64)
        }
        ValueIn::Double(number) => {
            out.extend_from_slice(&[0x12, 9, 0x21]);
            out.extend_from_slice(&number.to_le_bytes());
            (kind::DOUBLE, number.to_bits())
        }
        _ => {
            put_header(out, 0x12, len);
            put_any(out, value)
        }
    }
}

/// Writes one attribute as a field with the given tag; `others` are further fields of the old `KeyValue` to keep.
///
/// The entry that comes back has no flags and the given key id.
#[inline]
pub(crate) fn put_attribute(out: &mut Vec<u8>, tag: u8, key_id: u16, key: &str, value: ValueIn<'_>, others: &[u8]) -> Attr {
    let value_len = any_len(value);
    let body = pair_len(key.len(), value_len) + others.len();
    let whole = out.len();
    out.reserve(delimited_len(body));
    if body < 0x80 {
        out.extend_from_slice(&[tag, body as u8, 0x0a, key.len() as u8]);
    } else {
        put_header(out, tag, body);
        put_header(out, 0x0a, key.len());
    }
    let key_off = out.len();
    out.extend_from_slice(key.as_bytes());
    let (kind, place) = put_value_field(out, value, value_len);
    out.extend_from_slice(others);
    Attr { value: place, key_off: key_off as u32, key_len: key.len() as u32, whole: whole as u32, key_id, kind, flags: 0 }
}
