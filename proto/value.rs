//! Attribute values and log bodies: borrowed views, owned values, and values on their way in.

use std::marker::PhantomData;

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
        todo!()
    }
    /// Plain JSON of the value (not OTLP/JSON): maps as objects, bytes as base64, empty as null, non-finite doubles as strings.
    pub fn write_json(self, _out: &mut String) {
        todo!()
    }
}

/// An array inside a value.
#[derive(Debug, Clone, Copy)]
pub struct ArrayRef<'a> {
    _p: PhantomData<&'a ()>,
}

impl<'a> ArrayRef<'a> {
    /// The elements in order.
    pub fn iter(self) -> impl Iterator<Item = ValueRef<'a>> + 'a {
        std::iter::empty()
    }
}

/// A map inside a value.
#[derive(Debug, Clone, Copy)]
pub struct MapRef<'a> {
    _p: PhantomData<&'a ()>,
}

impl<'a> MapRef<'a> {
    /// The pairs in wire order.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, ValueRef<'a>)> + 'a {
        std::iter::empty()
    }
    /// The first value of a key.
    pub fn get(self, key: &str) -> Option<ValueRef<'a>> {
        self.iter().find(|(name, _)| *name == key).map(|(_, value)| value)
    }
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
