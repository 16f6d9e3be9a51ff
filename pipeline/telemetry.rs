//! Own metrics: atomics with names and labels, read by the Prometheus text writer.
//!
//! Asking for an instrument twice gives the same one; components ask once, when they are built, and keep it.
//! Names are the Collector's where it has one (without `_total`: its default exposition adds no suffixes). What the level
//! leaves out is neither shown nor, where that costs something, measured.

use crate::exposition::{Family, FamilyType, Sample, le};
use crate::own_names::{self, Level};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The Collector's buckets for numbers of items.
pub const ITEM_BOUNDS: &[f64] = &[
    10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2000.0, 3000.0, 4000.0, 5000.0, 6000.0, 7000.0, 8000.0, 9000.0,
    10_000.0, 20_000.0, 30_000.0, 50_000.0, 100_000.0,
];
/// The Collector's buckets for bytes of batches.
pub const BYTE_BOUNDS: &[f64] = &[
    128.0,
    256.0,
    512.0,
    1024.0,
    2048.0,
    4096.0,
    8192.0,
    16_384.0,
    32_768.0,
    65_536.0,
    131_072.0,
    262_144.0,
    524_288.0,
    1_048_576.0,
    2_097_152.0,
    4_194_304.0,
    8_388_608.0,
    16_777_216.0,
];
/// Buckets for seconds of calls and of work on a batch: those of the semantic conventions for HTTP.
pub const SECOND_BOUNDS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

type Labels = Vec<(&'static str, String)>;
type Read = Arc<dyn Fn() -> f64 + Send + Sync>;

/// Registry of own metrics. Clones share it.
#[derive(Clone)]
pub struct Telemetry {
    // Shared by everything that counts and by the scrape.
    families: Arc<Mutex<BTreeMap<&'static str, Instruments>>>,
    // Shared by all clones and by the histograms that only a high level wants.
    level: Arc<AtomicU8>,
}

impl Default for Telemetry {
    fn default() -> Telemetry {
        Telemetry { families: Arc::default(), level: Arc::new(AtomicU8::new(Level::default() as u8)) }
    }
}

struct Instruments {
    help: &'static str,
    kind: FamilyType,
    by_labels: BTreeMap<Labels, Instrument>,
}

enum Instrument {
    Counter(Counter),
    Gauge(Gauge),
    Read(Read),
    Histogram(Histogram),
}

impl Telemetry {
    /// Sets how much is told from now on.
    pub fn set_level(&self, level: Level) {
        self.level.store(level as u8, Ordering::Relaxed);
    }
    /// How much is told.
    pub fn level(&self) -> Level {
        Level::of(self.level.load(Ordering::Relaxed))
    }
    /// Whether everything is told: what costs something to find out is found out only then.
    pub fn is_detailed(&self) -> bool {
        self.level() == Level::Detailed
    }
    /// The counter of this name and these labels; the same one for the same arguments. `name` as in the Collector, without `_total`.
    pub fn counter(&self, name: &'static str, help: &'static str, labels: &[(&'static str, &str)]) -> Counter {
        self.instrument(name, help, FamilyType::Counter, labels, |instrument| match instrument {
            None => (Some(Instrument::Counter(Counter::default())), None),
            Some(Instrument::Counter(counter)) => (None, Some(counter.clone())),
            Some(_) => (None, None),
        })
        .unwrap_or_default()
    }
    /// The gauge of this name and these labels.
    pub fn gauge(&self, name: &'static str, help: &'static str, labels: &[(&'static str, &str)]) -> Gauge {
        self.instrument(name, help, FamilyType::Gauge, labels, |instrument| match instrument {
            None => (Some(Instrument::Gauge(Gauge::default())), None),
            Some(Instrument::Gauge(gauge)) => (None, Some(gauge.clone())),
            Some(_) => (None, None),
        })
        .unwrap_or_default()
    }
    /// A gauge that is read when scraped.
    pub fn gauge_fn(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &[(&'static str, &str)],
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) {
        self.read_fn(name, help, FamilyType::Gauge, labels, Arc::new(read));
    }
    /// A counter that is read when scraped.
    pub fn counter_fn(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &[(&'static str, &str)],
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) {
        self.read_fn(name, help, FamilyType::Counter, labels, Arc::new(read));
    }
    /// A histogram with these upper bounds.
    pub fn histogram(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &[(&'static str, &str)],
        bounds: &'static [f64],
    ) -> Histogram {
        self.instrument(name, help, FamilyType::Histogram, labels, |instrument| match instrument {
            None => (Some(Instrument::Histogram(Histogram::new(bounds))), None),
            Some(Instrument::Histogram(histogram)) => (None, Some(histogram.clone())),
            Some(_) => (None, None),
        })
        .unwrap_or_else(|| Histogram::new(bounds))
    }
    /// Takes a series away: of something that is not there any more. Counters stay, or sums would not add up.
    pub fn forget(&self, name: &str, labels: &[(&'static str, &str)]) {
        if let Some(instruments) = self.lock().get_mut(name) {
            instruments.by_labels.remove(&owned(labels));
        }
    }
    /// A histogram that counts only while the level is `detailed`.
    pub fn detailed_histogram(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &[(&'static str, &str)],
        bounds: &'static [f64],
    ) -> Histogram {
        let histogram = self.histogram(name, help, labels, bounds);
        Histogram { level: Some(Arc::clone(&self.level)), ..histogram }
    }
    /// A snapshot of all families, sorted by name.
    pub fn families(&self) -> Vec<Family> {
        // Read functions may take locks of their components: they run after the registry's lock is gone.
        let mut reads: Vec<(usize, usize, Read)> = Vec::new();
        let mut families = Vec::new();
        // At `none` nobody serves them; pages about the process still read what they show.
        let level = self.level().max(Level::Basic);
        let is_shown = |name: &str| own_names::find(name).is_none_or(|known| known.level <= level);
        for (name, instruments) in self.lock().iter().filter(|(name, _)| is_shown(name)) {
            let mut samples = Vec::new();
            for (labels, instrument) in &instruments.by_labels {
                let labels: Vec<_> = labels.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
                match instrument {
                    Instrument::Counter(counter) => samples.push(Sample::plain(labels, counter.get() as f64)),
                    Instrument::Gauge(gauge) => samples.push(Sample::plain(labels, gauge.get() as f64)),
                    Instrument::Read(read) => {
                        reads.push((families.len(), samples.len(), Arc::clone(read)));
                        samples.push(Sample::plain(labels, 0.0));
                    }
                    Instrument::Histogram(histogram) => histogram.samples(&labels, &mut samples),
                }
            }
            families.push(Family {
                name: (*name).to_owned(),
                help: instruments.help.to_owned(),
                kind: instruments.kind,
                samples,
            });
        }
        for (family, sample, read) in reads {
            families[family].samples[sample].value = read();
        }
        families
    }

    fn read_fn(&self, name: &'static str, help: &'static str, kind: FamilyType, labels: &[(&'static str, &str)], read: Read) {
        let mut families = self.lock();
        let instruments = families.entry(name).or_insert_with(|| Instruments { help, kind, by_labels: BTreeMap::new() });
        if instruments.kind == kind {
            instruments.by_labels.insert(owned(labels), Instrument::Read(read));
        } else {
            report_clash(name);
        }
    }
    /// `pick` makes an instrument, or takes the one that is there. One name has one type: asking for another is a mistake
    /// of code, which is told once a name and costs the figure, never the process.
    fn instrument<T>(
        &self,
        name: &'static str,
        help: &'static str,
        kind: FamilyType,
        labels: &[(&'static str, &str)],
        pick: impl Fn(Option<&Instrument>) -> (Option<Instrument>, Option<T>),
    ) -> Option<T> {
        let mut families = self.lock();
        let instruments = families.entry(name).or_insert_with(|| Instruments { help, kind, by_labels: BTreeMap::new() });
        if instruments.kind != kind {
            report_clash(name);
            return None;
        }
        let labels = owned(labels);
        if let (Some(new), _) = pick(instruments.by_labels.get(&labels)) {
            instruments.by_labels.insert(labels.clone(), new);
        }
        pick(instruments.by_labels.get(&labels)).1
    }
    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Instruments>> {
        self.families.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn owned(labels: &[(&'static str, &str)]) -> Labels {
    labels.iter().map(|(key, value)| (*key, (*value).to_owned())).collect()
}

fn report_clash(name: &'static str) {
    tracing::error!(metric = name, "an own metric was asked for with two types");
}

/// Goes up.
#[derive(Debug, Clone, Default)]
pub struct Counter(pub(crate) Arc<AtomicU64>);

impl Counter {
    /// Adds.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }
    /// The value.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Goes up and down.
#[derive(Debug, Clone, Default)]
pub struct Gauge(pub(crate) Arc<AtomicU64>);

impl Gauge {
    /// Sets.
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }
    /// Adds.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }
    /// Takes away. Another thread may take away before this one has added: the sum is right in the end.
    pub fn sub(&self, n: u64) {
        self.0.fetch_sub(n, Ordering::Relaxed);
    }
    /// The value; never below zero.
    pub fn get(&self) -> u64 {
        // Below zero the number has wrapped around; nothing that is counted comes near the half of the range.
        self.0.load(Ordering::Relaxed).cast_signed().max(0).cast_unsigned()
    }
}

/// Counts observations by size.
#[derive(Debug, Clone)]
pub struct Histogram {
    // Shared by everybody who asked for it.
    buckets: Arc<Buckets>,
    /// Where the level is read, if it counts only at `detailed`.
    level: Option<Arc<AtomicU8>>,
}

#[derive(Debug)]
struct Buckets {
    bounds: &'static [f64],
    /// One more than bounds; not cumulative.
    counts: Vec<AtomicU64>,
    /// Bits of an `f64`.
    sum: AtomicU64,
}

impl Histogram {
    fn new(bounds: &'static [f64]) -> Histogram {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Histogram { buckets: Arc::new(Buckets { bounds, counts, sum: AtomicU64::new(0f64.to_bits()) }), level: None }
    }
    /// Adds one observation.
    pub fn observe(&self, value: f64) {
        if self.level.as_ref().is_some_and(|level| level.load(Ordering::Relaxed) != Level::Detailed as u8) {
            return;
        }
        let bucket = self.buckets.bounds.iter().position(|bound| value <= *bound).unwrap_or(self.buckets.bounds.len());
        self.buckets.counts[bucket].fetch_add(1, Ordering::Relaxed);
        let add = |bits| Some((f64::from_bits(bits) + value).to_bits());
        let _ = self.buckets.sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }
    fn samples(&self, labels: &[(String, String)], out: &mut Vec<Sample>) {
        let mut cumulative = 0;
        let bounds = self.buckets.bounds.iter().copied().chain([f64::INFINITY]);
        for (count, bound) in self.buckets.counts.iter().zip(bounds) {
            cumulative += count.load(Ordering::Relaxed);
            let mut labels = labels.to_vec();
            labels.push(("le".to_owned(), le(bound)));
            out.push(Sample { suffix: "_bucket", labels, value: cumulative as f64, timestamp_ms: None });
        }
        let sum = f64::from_bits(self.buckets.sum.load(Ordering::Relaxed));
        out.push(Sample { suffix: "_sum", labels: labels.to_vec(), value: sum, timestamp_ms: None });
        out.push(Sample { suffix: "_count", labels: labels.to_vec(), value: cumulative as f64, timestamp_ms: None });
    }
}

#[cfg(test)]
#[path = "telemetry_tests.rs"]
mod tests;
