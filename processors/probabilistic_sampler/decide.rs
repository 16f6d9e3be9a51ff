//! One decision: where a record stands, what is asked of it, and what goes on with it.

use super::config::Config;
use super::probability::{Randomness, Threshold};
use super::state::{Malformed, Said};

/// Values of a log record or span from which its randomness may come.
#[derive(Debug, Default)]
pub(super) struct Origin<'a> {
    /// Not the one that is all zeros, which stands for none.
    pub trace_id: Option<[u8; 16]>,
    /// The value of `from_attribute`.
    pub attribute: Option<&'a [u8]>,
    pub is_log: bool,
}

/// What the record itself asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Priority {
    None,
    /// Instead of what the settings say.
    Threshold(Threshold),
}

/// Where the randomness came from: the label of the own metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Policy {
    TraceIdHash,
    TraceIdW3c,
    SamplingPriority,
    SamplingRandomness,
    MissingRandomness,
    /// Named by the attribute.
    Attribute,
}

/// What becomes of a record.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Drop,
    /// Its randomness is missing or not to be used, and the processor fails closed.
    DropUnusable,
    /// It stays as it is.
    Keep,
    /// It stays, and this goes on with it.
    KeepAs(Said),
}

/// How thresholds are found.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mode {
    Never,
    Hash { threshold: Threshold },
    Equalizing { threshold: Threshold },
    Proportional { share: f64 },
}

/// The settings, ready for use.
#[derive(Debug)]
pub(super) struct Sampler {
    mode: Mode,
    seed: u32,
    fail_closed: bool,
    precision: i64,
    trace_id_counts: bool,
}

/// Buckets of the hash: 14 bits.
const BUCKETS: u32 = 1 << 14;

impl Sampler {
    pub fn new(config: &Config) -> Sampler {
        Sampler {
            mode: Mode::of(config),
            seed: config.hash_seed,
            fail_closed: config.fail_closed,
            precision: config.sampling_precision,
            trace_id_counts: config.attribute_source != "record",
        }
    }

    /// Decides. `said` is what came with the record.
    pub fn decide(&self, origin: &Origin<'_>, said: Result<Said, Malformed>, priority: Priority) -> (Verdict, Policy) {
        let (randomness, mut policy) = self.randomness(origin, &said);
        let mut usable = true;
        // What is to be written; none where the record is left as it is.
        let mut carried = match (self.mode, said) {
            (_, Err(Malformed)) => None,
            // The state of another sampler is not to be rewritten by a hash that it knows nothing of.
            (Mode::Hash { .. }, Ok(said)) if said != Said::default() => None,
            (Mode::Hash { .. }, Ok(_)) => {
                let written = if origin.is_log { randomness } else { Some(randomness.unwrap_or(Randomness::LARGEST)) };
                Some(Said { threshold: None, randomness: written })
            }
            (_, Ok(said)) => Some(said),
        };
        match &mut carried {
            None => usable = false,
            Some(_) if randomness.is_none() => usable = false,
            Some(said) => {
                // A threshold by which the record should not be here is a lie.
                let stands = randomness.unwrap_or(Randomness::LARGEST);
                if said.threshold.is_some_and(|threshold| !threshold.keeps(stands)) {
                    said.threshold = None;
                    usable = false;
                }
            }
        }
        let asked = match (usable, self.fail_closed) {
            (true, _) => self.threshold(carried.unwrap_or_default().threshold),
            (false, true) => Threshold::NEVER,
            (false, false) => Threshold::ALWAYS,
        };
        let asked = match priority {
            Priority::None => asked,
            Priority::Threshold(threshold) => {
                policy = Policy::SamplingPriority;
                threshold
            }
        };
        let verdict = match (asked.keeps(randomness.unwrap_or(Randomness::LARGEST)), carried) {
            (false, _) if usable || priority != Priority::None => Verdict::Drop,
            (false, _) => Verdict::DropUnusable,
            (true, None) => Verdict::Keep,
            (true, Some(mut said)) => {
                said.raise(asked);
                Verdict::KeepAs(said)
            }
        };
        (verdict, policy)
    }

    fn randomness(&self, origin: &Origin<'_>, said: &Result<Said, Malformed>) -> (Option<Randomness>, Policy) {
        let attribute = || origin.attribute.filter(|bytes| !bytes.is_empty());
        match (self.mode, said) {
            // Nothing is kept but by priority, whatever the randomness.
            (Mode::Never, _) => (Some(Randomness::LARGEST), Policy::SamplingPriority),
            (Mode::Hash { .. }, _) => {
                let trace_id = origin.trace_id.filter(|_| self.trace_id_counts || !origin.is_log);
                if let Some(id) = trace_id {
                    (Some(Randomness::of_hash(&id, self.seed)), Policy::TraceIdHash)
                } else if let Some(bytes) = attribute() {
                    (Some(Randomness::of_hash(bytes, self.seed)), Policy::Attribute)
                } else {
                    (None, Policy::MissingRandomness)
                }
            }
            (_, Ok(Said { randomness: Some(randomness), .. })) => (Some(*randomness), Policy::SamplingRandomness),
            (_, Ok(_)) => match origin.trace_id {
                Some(id) => (Some(Randomness::of_trace(id)), Policy::TraceIdW3c),
                None => (None, Policy::MissingRandomness),
            },
            (_, Err(Malformed)) => (None, Policy::MissingRandomness),
        }
    }

    /// The threshold for a record that came with one or without.
    fn threshold(&self, came: Option<Threshold>) -> Threshold {
        match self.mode {
            Mode::Never => Threshold::NEVER,
            Mode::Hash { threshold } => threshold,
            Mode::Equalizing { threshold } => came.unwrap_or(threshold).max(threshold),
            Mode::Proportional { share } => {
                let before = came.map_or(1.0, Threshold::share);
                // Shares that no threshold can say are as good as none.
                Threshold::of(before * share, self.precision).unwrap_or(Threshold::NEVER)
            }
        }
    }
}

impl Mode {
    fn of(config: &Config) -> Mode {
        let percentage = config.sampling_percentage.min(100.0);
        if percentage <= 0.0 {
            return Mode::Never;
        }
        let share = (f64::from(percentage) / 100.0).max(1.0 / super::probability::ALL as f64);
        match config.mode.as_str() {
            "equalizing" => {
                Mode::Equalizing { threshold: Threshold::of(share, config.sampling_precision).unwrap_or(Threshold::ALWAYS) }
            }
            "proportional" => Mode::Proportional { share },
            _ => {
                // In 32 bits and cut, not rounded: decisions stay what they were before there were thresholds.
                let kept = (percentage * (BUCKETS as f32 / 100.0)) as u32;
                match kept {
                    0 => Mode::Never,
                    kept => Mode::Hash { threshold: Threshold(u64::from(BUCKETS - kept) << 42) },
                }
            }
        }
    }
}
