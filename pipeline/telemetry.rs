//! Own metrics: atomics with names and labels, read by the Prometheus text writer.

use crate::exposition::Family;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// Registry of own metrics. Clones share it.
#[derive(Clone, Default)]
pub struct Telemetry {}

impl Telemetry {
    /// The counter of this name and these labels; the same one for the same arguments. `name` as in the Collector, without `_total`.
    pub fn counter(&self, _name: &'static str, _help: &'static str, _labels: &[(&'static str, &str)]) -> Counter {
        todo!()
    }
    /// The gauge of this name and these labels.
    pub fn gauge(&self, _name: &'static str, _help: &'static str, _labels: &[(&'static str, &str)]) -> Gauge {
        todo!()
    }
    /// A gauge that is read when scraped.
    pub fn gauge_fn(
        &self,
        _name: &'static str,
        _help: &'static str,
        _labels: &[(&'static str, &str)],
        _read: impl Fn() -> f64 + Send + Sync + 'static,
    ) {
        todo!()
    }
    /// A histogram with these upper bounds.
    pub fn histogram(
        &self,
        _name: &'static str,
        _help: &'static str,
        _labels: &[(&'static str, &str)],
        _bounds: &'static [f64],
    ) -> Histogram {
        todo!()
    }
    /// A snapshot of all families, sorted by name.
    pub fn families(&self) -> Vec<Family> {
        todo!()
    }
}

/// Goes up.
#[derive(Debug, Clone, Default)]
pub struct Counter(pub(crate) Arc<AtomicU64>);

impl Counter {
    /// Adds.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, std::sync::atomic::Ordering::Relaxed);
    }
    /// The value.
    pub fn get(&self) -> u64 {
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }
}

/// Goes up and down.
#[derive(Debug, Clone, Default)]
pub struct Gauge(pub(crate) Arc<AtomicU64>);

impl Gauge {
    /// Sets.
    pub fn set(&self, value: u64) {
        self.0.store(value, std::sync::atomic::Ordering::Relaxed);
    }
    /// The value.
    pub fn get(&self) -> u64 {
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }
}

/// Counts observations by size.
#[derive(Debug, Clone)]
pub struct Histogram {}

impl Histogram {
    /// Adds one observation.
    pub fn observe(&self, _value: f64) {
        todo!()
    }
}
