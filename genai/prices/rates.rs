//! Rates of one price entry, in nano-USD per million units.
//!
//! A tier is a cliff: above its start, counted on all input tokens including cached ones, the higher rate applies to the whole
//! request, not to the part above.

/// What a rate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateKind {
    /// Input that was not cached.
    Input,
    /// Output.
    Output,
    /// Input read from a cache.
    CacheRead,
    /// Input written to a cache for five minutes, or for the provider's only duration.
    CacheWrite,
    /// Input written to a cache for an hour.
    CacheWrite1h,
    /// Reasoning, where it is priced apart from other output.
    Reasoning,
    /// Audio in the input.
    AudioInput,
    /// Audio in the output.
    AudioOutput,
    /// Images in the input.
    ImageInput,
    /// Images in the output.
    ImageOutput,
    /// One request; per thousand in the list.
    Request,
    /// Audio in the input that was read from a cache.
    CacheReadAudio,
    /// Images in the input that were read from a cache.
    CacheReadImage,
    /// One search of the web that the provider ran for the model; per thousand in the list.
    WebSearch,
    /// One search in files or a store that the provider ran for the model; per thousand in the list.
    FileSearch,
}

impl RateKind {
    /// All kinds with their words in the compact list.
    const WORDS: [(&'static str, RateKind); 15] = [
        ("in", RateKind::Input),
        ("out", RateKind::Output),
        ("cr", RateKind::CacheRead),
        ("cw", RateKind::CacheWrite),
        ("cw1h", RateKind::CacheWrite1h),
        ("reason", RateKind::Reasoning),
        ("in_audio", RateKind::AudioInput),
        ("out_audio", RateKind::AudioOutput),
        ("in_image", RateKind::ImageInput),
        ("out_image", RateKind::ImageOutput),
        ("requests", RateKind::Request),
        ("cr_audio", RateKind::CacheReadAudio),
        ("cr_image", RateKind::CacheReadImage),
        ("web", RateKind::WebSearch),
        ("files", RateKind::FileSearch),
    ];

    /// Whether a rate is of whole things, per thousand, and not of tokens, per million.
    pub fn is_fee(self) -> bool {
        matches!(self, RateKind::Request | RateKind::WebSearch | RateKind::FileSearch)
    }

    fn of_word(word: &str) -> Option<RateKind> {
        RateKind::WORDS.iter().find(|(known, _)| *known == word).map(|(_, kind)| *kind)
    }

    /// Its word in the compact list.
    pub fn word(self) -> &'static str {
        let found = RateKind::WORDS.iter().find(|(_, kind)| *kind == self);
        found.map(|(word, _)| *word).expect("invariant: every kind has a word")
    }
}

/// A price per million units (requests: per thousand), perhaps higher for large requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// Nano-USD per million.
    pub base: i64,
    /// `(start, nano-USD per million)`: holds for the whole request when its input tokens are more than `start`.
    pub tiers: Vec<(u64, i64)>,
}

impl Rate {
    /// A rate without tiers, from US dollars per million.
    pub fn flat(usd_per_million: f64) -> Rate {
        Rate { base: (usd_per_million * 1e9).round() as i64, tiers: Vec::new() }
    }

    /// The rate of a request with this many input tokens, cached ones included, and the tier's start if one holds.
    pub fn at(&self, input_tokens: u64) -> (i64, Option<u64>) {
        let tier = self.tiers.iter().rev().find(|(start, _)| input_tokens > *start);
        tier.map_or((self.base, None), |(start, rate)| (*rate, Some(*start)))
    }

    fn parse(text: &str) -> Option<Rate> {
        let mut parts = text.split('/');
        let base = nano(parts.next()?)?;
        let tiers = parts.map(|tier| {
            let (start, price) = tier.split_once(':')?;
            Some((start.parse().ok()?, nano(price)?))
        });
        Some(Rate { base, tiers: tiers.collect::<Option<_>>()? })
    }
}

/// A decimal number of dollars with at most nine decimals, in nano-dollars.
fn nano(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 9 {
        return None;
    }
    let digits = format!("{whole}{fraction:0<9}");
    digits.parse().ok()
}

/// The rates of one entry, one a kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rates(Vec<(RateKind, Rate)>);

impl Rates {
    /// From pairs; the first of a kind wins.
    pub fn new(rates: Vec<(RateKind, Rate)>) -> Rates {
        Rates(rates)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(RateKind, Rate)> {
        self.0.iter()
    }

    /// The rate of a kind.
    pub fn get(&self, kind: RateKind) -> Option<&Rate> {
        self.0.iter().find(|(held, _)| *held == kind).map(|(_, rate)| rate)
    }

    /// Whether there is neither an input nor an output rate: nothing that tokens could be priced with.
    pub fn has_no_token_rate(&self) -> bool {
        self.get(RateKind::Input).is_none() && self.get(RateKind::Output).is_none()
    }

    /// Whether a request has a price of its own: what ranks or searches is paid so.
    pub fn has_request_rate(&self) -> bool {
        self.get(RateKind::Request).is_some_and(|rate| rate.base > 0)
    }

    /// All rates so many times as high.
    pub(super) fn times(&self, factor: f64) -> Rates {
        let times = |price: i64| (price as f64 * factor).round() as i64;
        let rate = |rate: &Rate| Rate {
            base: times(rate.base),
            tiers: rate.tiers.iter().map(|(start, price)| (*start, times(*price))).collect(),
        };
        Rates(self.0.iter().map(|(kind, held)| (*kind, rate(held))).collect())
    }

    /// These rates, with those of `other` where `other` has some.
    pub fn overlaid(&self, other: &Rates) -> Rates {
        Rates(other.0.iter().chain(&self.0).cloned().collect())
    }

    pub(super) fn parse(cell: &str) -> Option<Rates> {
        if cell == "-" {
            return Some(Rates::default());
        }
        let mut rates = Vec::new();
        for pair in cell.split(' ') {
            let (word, rate) = pair.split_once('=')?;
            rates.push((RateKind::of_word(word)?, Rate::parse(rate)?));
        }
        Some(Rates(rates))
    }
}
