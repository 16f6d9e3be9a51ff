//! The last value of every series, as points arrive: cumulative ones replace, delta ones add up.
//!
//! Rules seen on the Collector 0.157: a delta point adds when it starts where the last one ended and replaces otherwise;
//! an older cumulative point is ignored; non-monotonic deltas and unspecified temporality are left out;
//! of two types under one name the first stays.

use super::names;
use chaperone_pipeline::exposition::{Family, FamilyType, Sample, le};
use std::collections::BTreeMap;
use std::time::Duration;

/// Labels of a series, sorted by name.
pub type Labels = Vec<(String, String)>;

/// One series' last value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A counter or gauge.
    Number(f64),
    /// Cumulated counts by upper bound are made when written.
    Histogram { bounds: Vec<f64>, buckets: Vec<u64>, sum: f64, count: u64 },
    /// Quantiles as they came.
    Summary { quantiles: Vec<(f64, f64)>, sum: f64, count: u64 },
}

/// A point on its way in.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    pub value: Value,
    pub start_ns: u64,
    pub time_ns: u64,
    /// Adds to what is there, if it continues it.
    pub delta: bool,
}

/// What a point is about.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    pub name: &'a str,
    pub help: &'a str,
    pub kind: FamilyType,
}

/// Why a point was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotTaken {
    /// Another type has this name.
    TypeConflict,
    /// Over `max_series`.
    TooManySeries,
    /// Two attributes fall on one label name.
    DuplicateLabel,
}

#[derive(Debug)]
struct Held {
    help: String,
    kind: FamilyType,
    series: BTreeMap<Labels, (Point, Duration)>,
}

/// All series, by family.
#[derive(Debug, Default)]
pub struct Store {
    families: BTreeMap<String, Held>,
    targets: BTreeMap<Labels, Duration>,
    count: usize,
}

impl Store {
    /// Takes one point; `now` is when it arrived.
    pub fn take(
        &mut self,
        about: About<'_>,
        mut labels: Labels,
        point: Point,
        now: Duration,
        most: usize,
    ) -> Result<(), NotTaken> {
        labels.sort();
        if labels.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(NotTaken::DuplicateLabel);
        }
        let empty = || Held { help: String::new(), kind: about.kind, series: BTreeMap::new() };
        let family = self.families.entry(about.name.to_owned()).or_insert_with(empty);
        if family.kind != about.kind {
            return Err(NotTaken::TypeConflict);
        }
        if !about.help.is_empty() {
            about.help.clone_into(&mut family.help);
        }
        match family.series.get_mut(&labels) {
            Some((held, seen)) => {
                *seen = now;
                held.update(point);
            }
            None if self.count >= most => return Err(NotTaken::TooManySeries),
            None => {
                self.count += 1;
                family.series.insert(labels, (point, now));
            }
        }
        Ok(())
    }

    /// Remembers a resource for `target_info`.
    pub fn target(&mut self, mut labels: Labels, now: Duration) {
        labels.sort();
        labels.dedup_by(|a, b| a.0 == b.0);
        self.targets.insert(labels, now);
    }

    /// Forgets what got no point since `oldest`.
    pub fn expire(&mut self, oldest: Duration) {
        for family in self.families.values_mut() {
            family.series.retain(|_, (_, seen)| *seen >= oldest);
        }
        self.families.retain(|_, family| !family.series.is_empty());
        self.targets.retain(|_, seen| *seen >= oldest);
        self.count = self.families.values().map(|family| family.series.len()).sum();
    }

    /// Everything, for the text writer, sorted by name.
    pub fn families(&self, namespace: &str, timestamps: bool) -> Vec<Family> {
        let mut families: Vec<Family> = self.families.iter().map(|(name, held)| held.family(name, timestamps)).collect();
        if !self.targets.is_empty() {
            let name = names::metric(namespace, "target_info", "", false, false);
            let samples = self.targets.keys().map(|labels| Sample::plain(labels.clone(), 1.0)).collect();
            families.push(Family { name, help: "Target metadata".to_owned(), kind: FamilyType::Gauge, samples });
            families.sort_by(|a, b| a.name.cmp(&b.name));
        }
        families
    }
}

impl Point {
    fn update(&mut self, new: Point) {
        if !new.delta {
            if new.time_ns >= self.time_ns {
                *self = new;
            }
            return;
        }
        let continues = new.start_ns == self.time_ns;
        let before = std::mem::replace(self, new);
        if continues {
            self.add(&before);
        }
    }

    fn add(&mut self, before: &Point) {
        match (&mut self.value, &before.value) {
            (Value::Number(now), Value::Number(before)) => *now += before,
            (
                Value::Histogram { bounds, buckets, sum, count },
                Value::Histogram { bounds: old_bounds, buckets: old_buckets, sum: old_sum, count: old_count },
            ) if bounds == old_bounds => {
                for (bucket, old) in buckets.iter_mut().zip(old_buckets) {
                    *bucket += old;
                }
                *sum += old_sum;
                *count += old_count;
            }
            _ => {}
        }
    }
}

impl Held {
    fn family(&self, name: &str, timestamps: bool) -> Family {
        let mut samples = Vec::new();
        for (labels, (point, _)) in &self.series {
            let timestamp_ms = timestamps.then_some((point.time_ns / 1_000_000) as i64);
            let mut sample = |suffix: &'static str, extra: Option<(&str, String)>, value: f64| {
                let mut labels = labels.clone();
                labels.extend(extra.map(|(name, value)| (name.to_owned(), value)));
                samples.push(Sample { suffix, labels, value, timestamp_ms });
            };
            match &point.value {
                Value::Number(value) => sample("", None, *value),
                Value::Histogram { bounds, buckets, sum, count } => {
                    let mut cumulated = 0;
                    for (bound, bucket) in bounds.iter().zip(buckets) {
                        cumulated += bucket;
                        sample("_bucket", Some(("le", le(*bound))), cumulated as f64);
                    }
                    sample("_bucket", Some(("le", "+Inf".to_owned())), *count as f64);
                    sample("_sum", None, *sum);
                    sample("_count", None, *count as f64);
                }
                Value::Summary { quantiles, sum, count } => {
                    for (quantile, value) in quantiles {
                        sample("", Some(("quantile", le(*quantile))), *value);
                    }
                    sample("_sum", None, *sum);
                    sample("_count", None, *count as f64);
                }
            }
        }
        Family { name: name.to_owned(), help: self.help.clone(), kind: self.kind, samples }
    }
}
