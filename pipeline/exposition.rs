//! The Prometheus text format: one writer for own metrics and for the `prometheus` exporter.

/// Type of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FamilyType {
    /// Goes up.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Buckets, sum, count.
    Histogram,
    /// Quantiles, sum, count.
    Summary,
    /// None of these.
    Unknown,
}

/// All samples of one metric name.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// Name without the suffixes of its samples.
    pub name: String,
    /// Text of `# HELP`.
    pub help: String,
    /// Type of `# TYPE`.
    pub kind: FamilyType,
    /// Samples in order.
    pub samples: Vec<Sample>,
}

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// `_total`, `_bucket`, `_sum`, `_count` or nothing.
    pub suffix: &'static str,
    /// Labels in order, values not escaped.
    pub labels: Vec<(String, String)>,
    /// Value.
    pub value: f64,
    /// Milliseconds since 1970, if written.
    pub timestamp_ms: Option<i64>,
}

/// Writes families in the text format, version 0.0.4.
pub fn write(_families: &[Family], _out: &mut String) {
    todo!()
}
