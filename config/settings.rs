//! Types of settings that many components share.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A span of time in Go's syntax: `300ms`, `1.5s`, `1h30m`. A bare number is nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Duration(pub std::time::Duration);

impl Duration {
    /// Whole seconds.
    pub const fn from_secs(secs: u64) -> Duration {
        Duration(std::time::Duration::from_secs(secs))
    }
    /// Milliseconds.
    pub const fn from_millis(millis: u64) -> Duration {
        Duration(std::time::Duration::from_millis(millis))
    }
    /// The standard type.
    pub const fn get(self) -> std::time::Duration {
        self.0
    }
}

/// A number of bytes: an integer, or text such as `64MiB`, `1GB`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct ByteSize(pub u64);

impl ByteSize {
    /// Mebibytes.
    pub const fn mib(n: u64) -> ByteSize {
        ByteSize(n << 20)
    }
    /// As a count for memory.
    pub const fn get(self) -> usize {
        self.0 as usize
    }
}

/// Text that never prints: `Debug`, `Display` and `Serialize` give `[REDACTED]`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// The text itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
    /// Whether nothing was configured.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Secret(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[REDACTED]")
    }
}

/// `host:port` to listen on or to connect to; `unix:/path` too. Empty = not configured.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Endpoint(pub String);

impl Endpoint {
    /// From text.
    pub fn new(text: impl Into<String>) -> Endpoint {
        Endpoint(text.into())
    }
    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A block that may be absent, present with defaults, or present with values.
///
/// `grpc:` with nothing and `grpc: {}` turn it on with defaults; `enabled: false` inside turns it off.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Optional<T> {
    /// Not written, or `enabled: false`.
    #[default]
    Absent,
    /// Written, with or without values.
    Present(T),
}

impl<T> Optional<T> {
    /// The block, if it is on.
    pub fn get(&self) -> Option<&T> {
        if let Optional::Present(value) = self { Some(value) } else { None }
    }
}

impl fmt::Debug for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl fmt::Debug for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! pending_serde {
    ($($t:ty),*) => {$(
        impl Serialize for $t {
            fn serialize<S: Serializer>(&self, _s: S) -> Result<S::Ok, S::Error> {
                todo!()
            }
        }
        impl<'de> Deserialize<'de> for $t {
            fn deserialize<D: Deserializer<'de>>(_d: D) -> Result<Self, D::Error> {
                todo!()
            }
        }
        impl JsonSchema for $t {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                todo!()
            }
            fn json_schema(_g: &mut schemars::SchemaGenerator) -> schemars::Schema {
                todo!()
            }
        }
    )*};
}
pending_serde!(Duration, ByteSize, Secret);

impl<T: Serialize> Serialize for Optional<T> {
    fn serialize<S: Serializer>(&self, _s: S) -> Result<S::Ok, S::Error> {
        todo!()
    }
}
impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Optional<T> {
    fn deserialize<D: Deserializer<'de>>(_d: D) -> Result<Self, D::Error> {
        todo!()
    }
}
impl<T: JsonSchema> JsonSchema for Optional<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }
    fn json_schema(_g: &mut schemars::SchemaGenerator) -> schemars::Schema {
        todo!()
    }
}
