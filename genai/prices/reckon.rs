//! The price of one call: buckets times rates, in integers, rounded once.
//!
//! Buckets are disjoint; cached tokens are parts of the canonical input and are priced apart from the rest of it.
//! A missing rate never makes tokens free: cache reads and writes cost what input costs, an hour's cache write what a short one
//! costs, reasoning what output costs.

use super::lookup::ModelPrices;
use super::rates::{Rate, RateKind, Rates};
use super::regions::{Region, uplift};
use super::table::Since;
use std::borrow::Cow;

/// Billionths of a US dollar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct NanoUsd(pub i64);

impl NanoUsd {
    /// As a number of dollars, for an attribute.
    pub fn usd(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

/// Disjoint token counts of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tokens {
    /// All input, cached or not: what tiers go by.
    pub input: u64,
    /// All output, reasoning included.
    pub output: u64,
    /// Part of the input: read from a cache.
    pub cache_read: u64,
    /// Part of the input: written to a cache for five minutes or for the only duration there is.
    pub cache_write_5m: u64,
    /// Part of the input: written to a cache for an hour.
    pub cache_write_1h: u64,
    /// Part of the output.
    pub reasoning: u64,
    /// Part of the input that is audio and was not read from a cache.
    pub audio_input: u64,
    /// Part of the output that is audio.
    pub audio_output: u64,
    /// Part of the input that is images and was not read from a cache.
    pub image_input: u64,
    /// Part of the output that is images.
    pub image_output: u64,
    /// Part of what was read from a cache that is audio.
    pub cache_read_audio: u64,
    /// Part of what was read from a cache that is images.
    pub cache_read_image: u64,
    /// Not tokens: searches of the web that the provider ran for the model.
    pub web_searches: u64,
    /// Not tokens: searches in files or a store that the provider ran for the model.
    pub file_searches: u64,
}

/// How and when a call was made, as far as it changes the price.
#[derive(Debug, Clone, Copy, Default)]
pub struct PriceContext<'a> {
    /// When it happened, nanoseconds since 1970: the price of that day holds.
    pub unix_ns: u64,
    /// Service tier that answered.
    pub service_tier: Option<&'a str>,
    /// Speed mode.
    pub speed: Option<&'a str>,
    /// Model requests the record covers.
    pub requests: u64,
    /// Where it was processed.
    pub region: Region<'a>,
}

/// What a call cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    /// Input that was not cached.
    pub input: NanoUsd,
    /// Output.
    pub output: NanoUsd,
    /// Cache reads and writes.
    pub cache: NanoUsd,
    /// Fees of tools that the provider ran.
    pub tool: NanoUsd,
    /// All of it; rounded once, so that parts may differ from it by a billionth.
    pub total: NanoUsd,
    /// Which entry: `genai-prices@0.2.3/openai/gpt-4o-mini`.
    pub price_id: String,
    /// Variant or context tier that held, if any: `batch`, `priority`, `above_200000`.
    pub tier: Option<String>,
    /// The entry is another provider's.
    pub estimated: bool,
}

/// One product of the sum: so many of a bucket at a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// What was counted.
    pub bucket: RateKind,
    /// Whose rate it has: the bucket's own, or the one that stands in for it; `None` = there is no rate, and it adds nothing.
    pub rate_of: Option<RateKind>,
    /// How many.
    pub count: u64,
    /// Nano-USD per million (requests: per thousand).
    pub rate: i64,
    /// Start of the tier that holds.
    pub tier: Option<u64>,
}

impl Line {
    /// What it adds, in nano-dollars, not rounded.
    pub fn nanos(&self) -> f64 {
        let per = if self.bucket.is_fee() { 1e3 } else { 1e6 };
        self.count as f64 * self.rate as f64 / per
    }
}

impl<'t> ModelPrices<'t> {
    /// The price of a call, or `None` when the entry has no price of tokens.
    pub fn cost(&self, tokens: &Tokens, context: &PriceContext<'_>) -> Option<Cost> {
        self.cost_told(tokens, context, &mut |_| {})
    }

    /// The same, telling each line of the sum.
    pub fn cost_told(&self, tokens: &Tokens, context: &PriceContext<'_>, tell: &mut dyn FnMut(Line)) -> Option<Cost> {
        let cost = self.amounts(tokens, context, tell)?;
        Some(Cost { price_id: self.price_id(), ..cost })
    }

    /// Which entry this is: `genai-prices@0.2.3/openai/gpt-4o-mini`.
    pub fn price_id(&self) -> String {
        format!("{}/{}/{}", self.list, self.provider, self.model.id)
    }

    /// The price without the name of the entry, which a caller may have at hand.
    pub fn amounts(&self, tokens: &Tokens, context: &PriceContext<'_>, tell: &mut dyn FnMut(Line)) -> Option<Cost> {
        let (rates, variant) = self.rates_at(context);
        let uplift = uplift(self.provider, &self.model.id, context.region);
        let thousandths = uplift.map_or(1000, |uplift| uplift.thousandths);
        let mut cost = sum_up(&rates, tokens, context.requests, thousandths, tell)?;
        cost.estimated = self.estimated;
        if variant.is_some() || uplift.is_some() {
            let words = [variant, cost.tier.as_deref(), uplift.map(|uplift| uplift.tier)];
            cost.tier = Some(words.into_iter().flatten().collect::<Vec<_>>().join(","));
        }
        Some(cost)
    }

    /// When the prices of this time came into force: a day, or the hours of a day; `None` = they always held.
    pub fn in_force(&self, unix_ns: u64) -> Option<String> {
        self.active(unix_ns).and_then(|(since, _)| since.text())
    }

    fn active(&self, unix_ns: u64) -> Option<&'t (Since, Rates)> {
        let prices = &self.model.prices;
        prices.iter().rev().find(|(since, _)| since.holds(unix_ns)).or(prices.first())
    }

    /// Rates at the time of the call: the last active ones, with those of its variants laid over.
    fn rates_at(&self, context: &PriceContext<'_>) -> (Cow<'t, Rates>, Option<&'t str>) {
        let mut rates = self.active(context.unix_ns).map(|(_, rates)| Cow::Borrowed(rates)).unwrap_or_default();
        let tier = context.service_tier;
        // Anthropic reports batches as a service tier, the list has them as a way of processing.
        let batch = tier.filter(|tier| *tier == "batch");
        let mut held = None;
        for variant in self.model.variants.iter().filter(|variant| variant.since.holds(context.unix_ns)) {
            let said = match &*variant.key {
                "processing" => batch,
                "service_tier" => tier,
                "speed" => context.speed,
                _ => None,
            };
            if said == Some(&*variant.value) && held.is_none() && variant.rates != Rates::default() {
                rates = Cow::Owned(rates.overlaid(&variant.rates));
                held = Some(&*variant.value);
            }
        }
        (rates, held)
    }
}

/// Prices tokens with rates that need no list: those of a user.
pub fn reckon(rates: &Rates, tokens: &Tokens, requests: u64) -> Option<Cost> {
    reckon_told(rates, tokens, requests, &mut |_| {})
}

/// The same, telling each line of the sum.
pub fn reckon_told(rates: &Rates, tokens: &Tokens, requests: u64, tell: &mut dyn FnMut(Line)) -> Option<Cost> {
    sum_up(rates, tokens, requests, 1000, tell)
}

/// `thousandths`: how much dearer tokens are where the call was processed. Fees are the same everywhere.
fn sum_up(rates: &Rates, tokens: &Tokens, requests: u64, thousandths: i64, tell: &mut dyn FnMut(Line)) -> Option<Cost> {
    if rates.has_no_token_rate() && !rates.has_request_rate() {
        return None;
    }
    let mut sum = Sum { rates, all_input: tokens.input, thousandths, tier: None, tell };
    let read = tokens.cache_read.min(tokens.input);
    let write = (tokens.cache_write_5m + tokens.cache_write_1h).min(tokens.input - read);
    let write_1h = tokens.cache_write_1h.min(write);
    let uncached = tokens.input - read - write;

    let audio_in = sum.apart(RateKind::AudioInput, tokens.audio_input, uncached);
    let image_in = sum.apart(RateKind::ImageInput, tokens.image_input, uncached - audio_in.0);
    let text_in = uncached - audio_in.0 - image_in.0;
    let input = sum.of(&[RateKind::Input], text_in) + audio_in.1 + image_in.1;

    let audio_read = sum.apart(RateKind::CacheReadAudio, tokens.cache_read_audio, read);
    let image_read = sum.apart(RateKind::CacheReadImage, tokens.cache_read_image, read - audio_read.0);
    let text_read = read - audio_read.0 - image_read.0;
    let cache = sum.of(&[RateKind::CacheRead, RateKind::Input], text_read)
        + audio_read.1
        + image_read.1
        + sum.of(&[RateKind::CacheWrite, RateKind::Input], write - write_1h)
        + sum.of(&[RateKind::CacheWrite1h, RateKind::CacheWrite, RateKind::Input], write_1h);

    let reasoning = sum.apart(RateKind::Reasoning, tokens.reasoning, tokens.output);
    let audio_out = sum.apart(RateKind::AudioOutput, tokens.audio_output, tokens.output - reasoning.0);
    let image_out = sum.apart(RateKind::ImageOutput, tokens.image_output, tokens.output - reasoning.0 - audio_out.0);
    let text_out = tokens.output - reasoning.0 - audio_out.0 - image_out.0;
    let output = sum.of(&[RateKind::Output], text_out) + reasoning.1 + audio_out.1 + image_out.1;

    // Requests and searches are priced per thousand, tokens per million.
    let extra = sum.of(&[RateKind::Request], requests) * 1000;
    let web = sum.of(&[RateKind::WebSearch], tokens.web_searches);
    let tool = (web + sum.of(&[RateKind::FileSearch], tokens.file_searches)) * 1000;
    Some(Cost {
        input: rounded(input),
        output: rounded(output),
        cache: rounded(cache),
        tool: rounded(tool),
        total: rounded(input + output + cache + tool + extra),
        price_id: String::new(),
        tier: sum.tier.map(|start| format!("above_{start}")),
        estimated: false,
    })
}

struct Sum<'a> {
    rates: &'a Rates,
    all_input: u64,
    thousandths: i64,
    tier: Option<u64>,
    tell: &'a mut dyn FnMut(Line),
}

impl Sum<'_> {
    /// Price of `count` tokens at the first of these rates that exists, in nano-dollars times a million.
    fn of(&mut self, kinds: &[RateKind], count: u64) -> i128 {
        if count == 0 {
            return 0;
        }
        let Some(bucket) = kinds.first().copied() else { return 0 };
        let found = kinds.iter().find_map(|kind| Some((*kind, self.rates.get(*kind)?)));
        let Some((kind, rate)) = found else {
            // Most providers have no price of a request: that is no gap.
            if bucket != RateKind::Request {
                (self.tell)(Line { bucket, rate_of: None, count, rate: 0, tier: None });
            }
            return 0;
        };
        self.charge(bucket, kind, rate, count)
    }

    /// Tokens of a kind that is priced apart: how many of the `of_all` they are, and their price. None where there is no rate.
    fn apart(&mut self, kind: RateKind, count: u64, of_all: u64) -> (u64, i128) {
        let Some(rate) = self.rates.get(kind).filter(|_| count > 0) else { return (0, 0) };
        let count = count.min(of_all);
        (count, self.charge(kind, kind, rate, count))
    }

    fn charge(&mut self, bucket: RateKind, rate_of: RateKind, rate: &Rate, count: u64) -> i128 {
        let (price, tier) = rate.at(self.all_input);
        let price = if self.thousandths == 1000 || rate_of.is_fee() { price } else { uplifted(price, self.thousandths) };
        (self.tell)(Line { bucket, rate_of: Some(rate_of), count, rate: price, tier });
        self.tier = self.tier.or(tier);
        i128::from(price) * i128::from(count)
    }
}

fn uplifted(price: i64, thousandths: i64) -> i64 {
    i64::try_from(i128::from(price) * i128::from(thousandths) / 1000).unwrap_or(i64::MAX)
}

/// Nano-dollars of a sum of nano-dollars times a million, half up.
fn rounded(millionths: i128) -> NanoUsd {
    NanoUsd(i64::try_from((millionths + 500_000).div_euclid(1_000_000)).unwrap_or(i64::MAX))
}
