//! One step of an agent, reduced to what detectors compare: a model call or a tool call.

/// A session: what is watched together. Tenants never mix.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct SessionKey {
    /// Tenant, empty when there is only one.
    pub tenant: String,
    /// Conversation, else trace id in hex, else run id.
    pub session: String,
}

/// One model call or tool call.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// When it began, nanoseconds since 1970.
    pub start_ns: u64,
    /// When it ended; not before `start_ns`.
    pub end_ns: u64,
    /// Place among the steps of one record: sorts what has the same start.
    pub index: u32,
    /// Trace, when the record names one.
    pub trace: Option<[u8; 16]>,
    /// Span, when the record names one.
    pub span: Option<[u8; 8]>,
    /// Run the record belongs to.
    pub run: String,
    /// Agent, if the record or one above it names one.
    pub agent: Option<String>,
    /// What was done.
    pub body: Body,
}

/// What a step did.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// A model call: a separator between tool calls, and what a loop wastes.
    Model {
        /// Input and output tokens, when counted here.
        tokens: Option<u64>,
        /// Price in nano-dollars, when known.
        cost_nanos: Option<u64>,
    },
    /// A tool call.
    Tool(ToolCall),
}

/// What of a tool call is compared.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolCall {
    /// Name as on the wire.
    pub name: String,
    /// How it is known.
    pub source: Source,
    /// Arguments without volatile values.
    pub arguments: Digest,
    /// Result without volatile values.
    pub result: Digest,
    /// Digest of the error's template, when the call failed.
    pub error: Option<u64>,
    /// The call with its values masked, for evidence.
    pub shown: String,
    /// Who reports it: hash of a tool span's scope; 0 for what messages tell.
    pub emitter: u64,
    /// Another record was counted for this execution.
    pub repeats_another: bool,
}

impl ToolCall {
    /// Whether two calls can be told apart by arguments or result.
    pub fn is_comparable(&self) -> bool {
        [self.arguments, self.result].iter().any(|digest| *digest != Digest::Unknown)
    }
}

/// How a tool call is known; the better way comes first.
///
/// Where a run knows its calls in a better way, the others would tell of the same calls again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// A tool span or log.
    Executed,
    /// Its result stands in a later request of a model.
    Answered,
    /// A model asked for it.
    Requested,
}

/// How well a value can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Digest {
    /// Digest of the value's shape: equal values are equal.
    Shape(u64),
    /// Only the size is known.
    Bytes(i64),
    /// Nothing is known.
    Unknown,
}
