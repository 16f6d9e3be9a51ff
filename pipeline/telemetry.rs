//! Own metrics: atomics with names and labels, read by the Prometheus text writer.
//!
//! Asking for an instrument twice gives the same one; components ask once, when they are built, and keep it.
//! Names are the Collector's where it has one (without `_total`: its default exposition adds no suffixes).

use crate::exposition::{Family, FamilyType, Sample, le};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Labels = Vec<(&'static str, String)>;
type Read = Arc<dyn Fn() -> f64 + Send + Sync>;

/// Registry of own metrics. Clones share it.
#[derive(Clone, Default)]
pub struct Telemetry {
    // Shared by everything that counts and by the scrape.
    families: Arc<Mutex<BTreeMap<&'static str, Instruments>>>,
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
    /// A snapshot of all families, sorted by name.
    pub fn families(&self) -> Vec<Family> {
        // Read functions may take locks of their components: they run after the registry's lock is gone.
        let mut reads: Vec<(usize, usize, Read)> = Vec::new();
        let mut families = Vec::new();
        for (name, instruments) in self.lock().iter() {
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
    /// Takes away, never below zero.
    pub fn sub(&self, n: u64) {
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |value| Some(value.saturating_sub(n)));
    }
    /// The value.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts observations by size.
#[derive(Debug, Clone)]
pub struct Histogram(Arc<Buckets>);

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
        Histogram(Arc::new(Buckets { bounds, counts, sum: AtomicU64::new(0f64.to_bits()) }))
    }
    /// Adds one observation.
    pub fn observe(&self, value: f64) {
        let bucket = self.0.bounds.iter().position(|bound| value <= *bound).unwrap_or(self.0.bounds.len());
        self.0.counts[bucket].fetch_add(1, Ordering::Relaxed);
        let add = |bits| Some((f64::from_bits(bits) + value).to_bits());
        let _ = self.0.sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }
    fn samples(&self, labels: &[(String, String)], out: &mut Vec<Sample>) {
        let mut cumulative = 0;
        let bounds = self.0.bounds.iter().copied().chain([f64::INFINITY]);
        for (count, bound) in self.0.counts.iter().zip(bounds) {
            cumulative += count.load(Ordering::Relaxed);
            let mut labels = labels.to_vec();
            labels.push(("le".to_owned(), le(bound)));
            out.push(Sample { suffix: "_bucket", labels, value: cumulative as f64, timestamp_ms: None });
        }
        let sum = f64::from_bits(self.0.sum.load(Ordering::Relaxed));
        out.push(Sample { suffix: "_sum", labels: labels.to_vec(), value: sum, timestamp_ms: None });
        out.push(Sample { suffix: "_count", labels: labels.to_vec(), value: cumulative as f64, timestamp_ms: None });
    }
}

#[cfg(test)]
#[path = "telemetry_tests.rs"]
mod tests;
