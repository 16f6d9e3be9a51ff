//! Thresholds and randomness of consistent probability sampling: numbers of 56 bits.
//!
//! A record is kept when its randomness is not below the threshold: threshold 0 keeps everything, half of the range
//! keeps half. Both are written in hex; of a threshold the zeros at the end are left out.

/// One more than the largest randomness.
pub(super) const ALL: u64 = 1 << 56;
/// Hex digits of 56 bits.
const DIGITS: i64 = 14;

/// Randomness below it is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Threshold(pub u64);

/// Where a record stands among all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Randomness(pub u64);

impl Threshold {
    pub const ALWAYS: Threshold = Threshold(0);
    pub const NEVER: Threshold = Threshold(ALL);

    pub fn keeps(self, randomness: Randomness) -> bool {
        self.0 <= randomness.0
    }

    /// The threshold that keeps this share, rounded to so many hex digits; none when the share cannot be said.
    ///
    /// Shares next to 0 or 1 begin with digits `f` or `0` that say nothing: they get as many digits more.
    pub fn of(share: f64, precision: i64) -> Option<Threshold> {
        if !(1.0 / ALL as f64..=1.0).contains(&share) {
            return None;
        }
        if share == 1.0 {
            return Some(Threshold::ALWAYS);
        }
        let silent = |of: f64| -binary_exponent(of) / 4;
        let digits = DIGITS.min(precision + silent(share).max(silent(1.0 - share)));
        let mut threshold = ALL - (share * ALL as f64).round() as u64;
        let shift = 4 * (DIGITS - digits);
        if shift > 0 {
            threshold = (threshold + (1 << (shift - 1))) >> shift << shift;
        }
        Some(Threshold(threshold))
    }

    /// The share that is kept.
    pub fn share(self) -> f64 {
        (ALL - self.0) as f64 / ALL as f64
    }

    /// One to 14 hex digits.
    pub fn parse(text: &str) -> Option<Threshold> {
        if text.is_empty() || text.len() > DIGITS as usize {
            return None;
        }
        let digits = u64::from_str_radix(text, 16).ok().filter(|_| !text.starts_with('+'))?;
        Some(Threshold(digits << (4 * (DIGITS as usize - text.len()))))
    }

    /// `c` for three quarters, `0` for nothing.
    pub fn text(self) -> String {
        let digits = format!("{:014x}", self.0);
        let short = digits.trim_end_matches('0');
        if short.is_empty() { "0".to_owned() } else { short.to_owned() }
    }
}

/// The exponent when a number from 0 to 1 is written as a fraction from 0.5 to 1 times a power of two.
fn binary_exponent(number: f64) -> i64 {
    ((number.to_bits() >> 52) & 0x7ff) as i64 - 1022
}

impl Randomness {
    /// What is neither known nor asked for: kept by every threshold but `NEVER`.
    pub const LARGEST: Randomness = Randomness(ALL - 1);

    /// The last 56 bits of a trace id, which its maker drew at random.
    pub fn of_trace(id: [u8; 16]) -> Randomness {
        let low: [u8; 8] = std::array::from_fn(|at| id[8 + at]);
        Randomness(u64::from_be_bytes(low) & (ALL - 1))
    }

    /// A hash (FNV-1a of 32 bits, after the seed) put so that its lowest 14 bits decide, as they did before thresholds.
    pub fn of_hash(bytes: &[u8], seed: u32) -> Randomness {
        let mut hash: u32 = 0x811c_9dc5;
        for byte in seed.to_le_bytes().iter().chain(bytes) {
            hash = (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        }
        let low = u64::from(hash & 0x3fff);
        let high = u64::from(hash >> 18);
        // The bits that decide come first, turned round: there, the smallest hashes were kept.
        Randomness((0x3fff - low) << 42 | (high ^ high << 10) << 14 | low)
    }

    /// Exactly 14 hex digits.
    pub fn parse(text: &str) -> Option<Randomness> {
        let hex = text.len() == DIGITS as usize && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if hex { u64::from_str_radix(text, 16).ok().map(Randomness) } else { None }
    }

    pub fn text(self) -> String {
        format!("{:014x}", self.0)
    }
}
