//! Series and what is added up in them.
//!
//! One look-up a record: a series holds every metric of its kind for one set of dimensions.
//! Keys are 128-bit hashes of the dimensions with a random seed, so that a record that hits allocates nothing.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};

/// Upper bounds of durations in seconds (semantic conventions, "D").
pub const SECONDS: [f64; 14] = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
/// Upper bounds of token counts (semantic conventions, "T").
pub const TOKENS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16384.0,
    65536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];
/// Upper bounds of agent durations in seconds: doubling from 0.1.
pub const AGENT_SECONDS: [f64; 13] = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 409.6];

/// Upper bounds of shares: confidence, scores.
pub const SHARES: [f64; 10] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];

/// What a series is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// One model request: inference or embedding.
    Call,
    /// A tool span.
    ToolSpan,
    /// A tool call, requested or executed.
    ToolCall,
    /// An agent span.
    Agent,
    /// A decision or an approval.
    Decision,
    /// A hand-over.
    HandOver,
    /// An attempt after the first.
    Retry,
    /// An evaluation.
    Evaluation,
}

/// Number of dimension slots; what a slot means depends on the kind, see `points`.
pub const SLOTS: usize = 6;

/// Dimensions of a record, borrowed from it. Empty text = absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Dims<'a> {
    pub kind: Kind,
    /// service.name, service.namespace, service.instance.id, deployment.environment.name
    pub service: [&'a str; 4],
    pub slots: [&'a str; SLOTS],
    pub overflow: bool,
}

/// A histogram with fixed bounds.
#[derive(Debug, Clone)]
pub struct Histogram {
    pub bounds: &'static [f64],
    pub buckets: Vec<u64>,
    pub sum: f64,
    pub min: f64,
    pub max: f64,
}

impl Histogram {
    fn new(bounds: &'static [f64]) -> Histogram {
        Histogram { bounds, buckets: vec![0; bounds.len() + 1], sum: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY }
    }
    pub fn observe(&mut self, value: f64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.buckets.get_mut(bucket) {
            *count += 1;
        }
        self.sum += value;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}

/// Everything added up for one set of dimensions.
#[derive(Debug)]
pub struct Series {
    pub kind: Kind,
    pub service: [String; 4],
    pub slots: [String; SLOTS],
    pub overflow: bool,
    pub start_ns: u64,
    pub changed: bool,
    pub calls: u64,
    pub tokens: Tokens,
    /// Nano-dollars by `chaperone.cost.source`.
    pub cost: Vec<(String, i128)>,
    pub duration: Histogram,
    pub first_chunk: Histogram,
    pub input_size: Histogram,
    pub output_size: Histogram,
    /// Confidence of decisions, scores of evaluations.
    pub share: Histogram,
}

/// Token counters of one series.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Calls that said how many tokens they used.
    pub reported: u64,
    pub input: u64,
    pub output: u64,
    pub cache_read: u64,
    pub cache_write: u64,
    pub reasoning: u64,
}

impl Series {
    fn new(dims: &Dims<'_>, start_ns: u64) -> Series {
        // Agents and people take longer than models.
        let is_slow = matches!(dims.kind, Kind::Agent | Kind::Decision);
        let durations: &'static [f64] = if is_slow { &AGENT_SECONDS } else { &SECONDS };
        Series {
            kind: dims.kind,
            service: dims.service.map(str::to_owned),
            slots: dims.slots.map(str::to_owned),
            overflow: dims.overflow,
            start_ns,
            changed: false,
            calls: 0,
            tokens: Tokens::default(),
            cost: Vec::new(),
            duration: Histogram::new(durations),
            first_chunk: Histogram::new(&SECONDS),
            input_size: Histogram::new(&TOKENS),
            output_size: Histogram::new(&TOKENS),
            share: Histogram::new(&SHARES),
        }
    }

    /// Adds nano-dollars under their source.
    pub fn add_cost(&mut self, source: &str, nanos: i128) {
        match self.cost.iter_mut().find(|(known, _)| known == source) {
            Some((_, sum)) => *sum += nanos,
            None => self.cost.push((source.to_owned(), nanos)),
        }
    }
}

/// Seeds of the keys; one pair for all shards.
#[derive(Debug, Default)]
pub struct Seeds(RandomState, RandomState);

impl Seeds {
    /// The key of a set of dimensions.
    pub fn key(&self, dims: &Dims<'_>) -> u128 {
        (u128::from(self.0.hash_one(dims)) << 64) | u128::from(self.1.hash_one(dims))
    }
}

/// One shard of series.
#[derive(Debug, Default)]
pub struct Table {
    pub series: HashMap<u128, Series>,
}

impl Table {
    /// The series of a key, made when absent; the flag tells whether it was.
    pub fn get(&mut self, key: u128, dims: &Dims<'_>, now_ns: u64) -> (&mut Series, bool) {
        let mut made = false;
        let series = self.series.entry(key).or_insert_with(|| {
            made = true;
            Series::new(dims, now_ns)
        });
        series.changed = true;
        (series, made)
    }
}
