//! Attribute values and log bodies: borrowed views, owned values, and values on their way in.
//!
//! Nested arrays and maps stay wire bytes that were validated when they were indexed;
//! their views walk them again at each reading.

use crate::json_text;
use crate::utf8::text;
use crate::wire::Reader;

/// A value as it stands in the request or in an edit.
#[derive(Debug, Clone, Copy)]
pub enum ValueRef<'a> {
    /// A value without a kind.
    Empty,
    /// Text; invalid UTF-8 was repaired when the request was indexed.
    Str(&'a str),
    /// Signed 64-bit integer.
    Int(i64),
    /// Double.
    Double(f64),
    /// Boolean.
    Bool(bool),
    /// Bytes.
    Bytes(&'a [u8]),
    /// Array of values.
    Array(ArrayRef<'a>),
    /// Map from text to values, in wire order, duplicates kept.
    Map(MapRef<'a>),
}

impl<'a> ValueRef<'a> {
    /// The text, if it is text.
    pub fn as_str(self) -> Option<&'a str> {
        if let ValueRef::Str(text) = self { Some(text) } else { None }
    }
    /// The integer, if it is one.
    pub fn as_int(self) -> Option<i64> {
        if let ValueRef::Int(number) = self { Some(number) } else { None }
    }
    /// The number, if it is an integer or a double.
    pub fn as_f64(self) -> Option<f64> {
        match self {
            ValueRef::Int(number) => Some(number as f64),
            ValueRef::Double(number) => Some(number),
            _ => None,
        }
    }
    /// The boolean, if it is one.
    pub fn as_bool(self) -> Option<bool> {
        if let ValueRef::Bool(yes) = self { Some(yes) } else { None }
    }
    /// An owned copy.
    pub fn to_value(self) -> Value {
        match self {
            ValueRef::Empty => Value::Empty,
            ValueRef::Str(text) => Value::Str(text.to_owned()),
            ValueRef::Int(number) => Value::Int(number),
            ValueRef::Double(number) => Value::Double(number),
            ValueRef::Bool(yes) => Value::Bool(yes),
            ValueRef::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
            ValueRef::Array(array) => Value::Array(array.iter().map(ValueRef::to_value).collect()),
            ValueRef::Map(map) => Value::Map(map.iter().map(|(name, value)| (name.to_owned(), value.to_value())).collect()),
        }
    }
    /// Plain JSON of the value (not OTLP/JSON): maps as objects, bytes as base64, empty as null, non-finite doubles as strings.
    pub fn write_json(self, out: &mut String) {
        match self {
            ValueRef::Empty => out.push_str("null"),
            ValueRef::Str(text) => json_text::push_quoted(out, text),
            ValueRef::Int(number) => json_text::push_display(out, number),
            ValueRef::Double(number) => json_text::push_double(out, number),
            ValueRef::Bool(yes) => out.push_str(if yes { "true" } else { "false" }),
            ValueRef::Bytes(bytes) => {
                out.push('"');
                json_text::push_base64(out, bytes);
                out.push('"');
            }
            ValueRef::Array(array) => {
                out.push('[');
                for (i, value) in array.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    value.write_json(out);
                }
                out.push(']');
            }
            ValueRef::Map(map) => {
                out.push('{');
                for (i, (name, value)) in map.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    json_text::push_quoted(out, name);
                    out.push(':');
                    value.write_json(out);
                }
                out.push('}');
            }
        }
    }

    /// The value of an `AnyValue` message that was validated before.
    pub(crate) fn parse(message: &'a [u8]) -> ValueRef<'a> {
        let mut reader = Reader::whole(message);
        while let Some(field) = reader.next_field() {
            let content = message.get(field.body..field.end).unwrap_or_default();
            return match field.tag {
                0x0a => ValueRef::Str(text(content)),
                0x10 => ValueRef::Bool(number(content) != 0),
                0x18 => ValueRef::Int(number(content) as i64),
                0x21 => ValueRef::Double(f64::from_bits(Reader::whole(content).fixed64().unwrap_or(0))),
                0x2a => ValueRef::Array(ArrayRef { body: content }),
                0x32 => ValueRef::Map(MapRef { body: content }),
                0x3a => ValueRef::Bytes(content),
                _ => continue,
            };
        }
        ValueRef::Empty
    }
}

fn number(varint: &[u8]) -> u64 {
    Reader::whole(varint).varint().unwrap_or(0)
}

/// An array inside a value.
#[derive(Debug, Clone, Copy)]
pub struct ArrayRef<'a> {
    /// The `ArrayValue` message.
    pub(crate) body: &'a [u8],
}

impl<'a> ArrayRef<'a> {
    /// The elements in order.
    pub fn iter(self) -> impl Iterator<Item = ValueRef<'a>> + 'a {
        let mut reader = Reader::whole(self.body);
        std::iter::from_fn(move || {
            loop {
                let field = reader.next_field()?;
                if field.tag == 0x0a {
                    return Some(ValueRef::parse(self.body.get(field.body..field.end)?));
                }
            }
        })
    }
}

/// A map inside a value.
#[derive(Debug, Clone, Copy)]
pub struct MapRef<'a> {
    /// The `KeyValueList` message.
    pub(crate) body: &'a [u8],
}

impl<'a> MapRef<'a> {
    /// The pairs in wire order.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, ValueRef<'a>)> + 'a {
        let mut reader = Reader::whole(self.body);
        std::iter::from_fn(move || {
            loop {
                let field = reader.next_field()?;
                if field.tag == 0x0a {
                    return Some(pair(self.body.get(field.body..field.end)?));
                }
            }
        })
    }
    /// The first value of a key.
    pub fn get(self, key: &str) -> Option<ValueRef<'a>> {
        self.iter().find(|(name, _)| *name == key).map(|(_, value)| value)
    }
}

/// Key and value of a `KeyValue` message.
fn pair(message: &[u8]) -> (&str, ValueRef<'_>) {
    let (mut key, mut value) = ("", ValueRef::Empty);
    let mut reader = Reader::whole(message);
    while let Some(field) = reader.next_field() {
        let content = message.get(field.body..field.end).unwrap_or_default();
        match field.tag {
            0x0a => key = text(content),
            0x12 => value = ValueRef::parse(content),
            _ => {}
        }
    }
    (key, value)
}

/// An owned value.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// No kind.
    #[default]
    Empty,
    /// Text.
    Str(String),
    /// Integer.
    Int(i64),
    /// Double.
    Double(f64),
    /// Boolean.
    Bool(bool),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Array.
    Array(Vec<Value>),
    /// Map, in order.
    Map(Vec<(String, Value)>),
}

/// A value to be written; borrows where it can. Everything that is a value converts into it.
#[derive(Debug, Clone, Copy)]
pub enum ValueIn<'a> {
    /// Text.
    Str(&'a str),
    /// Integer.
    Int(i64),
    /// Double.
    Double(f64),
    /// Boolean.
    Bool(bool),
    /// Array of texts.
    Strs(&'a [&'a str]),
    /// Any owned value.
    Value(&'a Value),
    /// A value of this or another request.
    Ref(ValueRef<'a>),
}

impl<'a> From<&'a str> for ValueIn<'a> {
    fn from(text: &'a str) -> Self {
        ValueIn::Str(text)
    }
}
impl<'a> From<&'a String> for ValueIn<'a> {
    fn from(text: &'a String) -> Self {
        ValueIn::Str(text)
    }
}
impl From<i64> for ValueIn<'_> {
    fn from(number: i64) -> Self {
        ValueIn::Int(number)
    }
}
impl From<f64> for ValueIn<'_> {
    fn from(number: f64) -> Self {
        ValueIn::Double(number)
    }
}
impl From<bool> for ValueIn<'_> {
    fn from(yes: bool) -> Self {
        ValueIn::Bool(yes)
    }
}
impl<'a> From<&'a [&'a str]> for ValueIn<'a> {
    fn from(texts: &'a [&'a str]) -> Self {
        ValueIn::Strs(texts)
    }
}
impl<'a> From<&'a Value> for ValueIn<'a> {
    fn from(value: &'a Value) -> Self {
        ValueIn::Value(value)
    }
}
impl<'a> From<ValueRef<'a>> for ValueIn<'a> {
    fn from(value: ValueRef<'a>) -> Self {
        ValueIn::Ref(value)
    }
}
