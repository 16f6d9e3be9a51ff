//! One step of a run: a GenAI span or log, reduced to what the summary needs.

use crate::usage::Totals;

/// `chaperone.step.kind`, as far as runs tell kinds apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A model request.
    Llm,
    /// An embedding request.
    Embedding,
    /// A tool.
    Tool,
    /// An agent.
    Agent,
    /// Anything else; its own word is in `Step::kind_word`.
    Other,
}

impl Kind {
    /// From `chaperone.step.kind`.
    pub fn of(word: &str) -> Kind {
        match word {
            "llm" => Kind::Llm,
            "embedding" => Kind::Embedding,
            "tool" => Kind::Tool,
            "agent" => Kind::Agent,
            _ => Kind::Other,
        }
    }
    /// Whether it is a model or embedding request.
    pub fn is_call(self) -> bool {
        matches!(self, Kind::Llm | Kind::Embedding)
    }
}

/// Tokens in disjoint buckets beside the totals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// All input, cached included.
    pub input: u64,
    /// All output, reasoning included.
    pub output: u64,
    /// Part of input.
    pub cache_read: u64,
    /// Part of input.
    pub cache_write_5m: u64,
    /// Part of input.
    pub cache_write_1h: u64,
    /// Part of output.
    pub reasoning: u64,
}

impl Usage {
    /// What owners used.
    pub fn of(totals: &Totals) -> Usage {
        Usage {
            input: totals.input_tokens,
            output: totals.output_tokens,
            cache_read: totals.cache_read_tokens,
            cache_write_5m: totals.cache_write_5m_tokens,
            cache_write_1h: totals.cache_write_1h_tokens,
            reasoning: totals.reasoning_tokens,
        }
    }
    /// Whether nothing was used.
    pub fn is_empty(self) -> bool {
        self == Usage::default()
    }
    /// Adds another one.
    pub fn add(&mut self, other: Usage) {
        self.input += other.input;
        self.output += other.output;
        self.cache_read += other.cache_read;
        self.cache_write_5m += other.cache_write_5m;
        self.cache_write_1h += other.cache_write_1h;
        self.reasoning += other.reasoning;
    }
}

/// One step.
#[derive(Debug, Clone)]
pub struct Step {
    /// Record id, 32 hex digits.
    pub record_id: String,
    /// Whether it came as a span.
    pub is_span: bool,
    /// Span id, of a span.
    pub span: Option<[u8; 8]>,
    /// Parent span in this process; the span itself for a log inside one.
    pub parent: Option<[u8; 8]>,
    /// What it is.
    pub kind: Kind,
    /// Its own word for it.
    pub kind_word: String,
    /// Tool, agent or model.
    pub name: String,
    /// Agent it belongs to.
    pub agent: String,
    /// Start.
    pub start_ns: u64,
    /// End.
    pub end_ns: u64,
    /// Ended with an error.
    pub error: bool,
    /// `chaperone.step.attempt`, 1 = first.
    pub attempt: u32,
    /// Owns its usage.
    pub owns: bool,
    /// Repeats what another record counts.
    pub duplicate: bool,
    /// Names the record that owns its call, in this run or another.
    pub names_owner: bool,
    /// Sum over what happened below it.
    pub aggregate: bool,
    /// Sums over earlier runs too: never taken.
    pub cumulative: bool,
    /// Usage it names, owned or not.
    pub usage: Option<Usage>,
    /// Cost it names.
    pub cost_nanos: Option<i128>,
    /// Model requests it covers.
    pub requests: u32,
    /// Digest of the arguments without volatile values, of a tool.
    pub arguments: String,
}
