//! The Prometheus text format: one writer for own metrics and for the `prometheus` exporter.

use std::fmt::Write;

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

impl Sample {
    /// A sample without suffix and time stamp.
    pub fn plain(labels: Vec<(String, String)>, value: f64) -> Sample {
        Sample { suffix: "", labels, value, timestamp_ms: None }
    }
}

impl FamilyType {
    /// The word after `# TYPE name`.
    pub fn name(self) -> &'static str {
        match self {
            FamilyType::Counter => "counter",
            FamilyType::Gauge => "gauge",
            FamilyType::Histogram => "histogram",
            FamilyType::Summary => "summary",
            FamilyType::Unknown => "untyped",
        }
    }
}

/// `Content-Type` of what [`write()`] gives.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Writes families in the text format, version 0.0.4. A family without samples is left out.
pub fn write(families: &[Family], out: &mut String) {
    for family in families.iter().filter(|family| !family.samples.is_empty()) {
        if !family.help.is_empty() {
            out.push_str("# HELP ");
            out.push_str(&family.name);
            out.push(' ');
            escape(&family.help, false, out);
            out.push('\n');
        }
        let _ = writeln!(out, "# TYPE {} {}", family.name, family.kind.name());
        for sample in &family.samples {
            write_sample(&family.name, sample, out);
        }
    }
}

fn write_sample(name: &str, sample: &Sample, out: &mut String) {
    out.push_str(name);
    out.push_str(sample.suffix);
    if !sample.labels.is_empty() {
        out.push('{');
        for (i, (key, value)) in sample.labels.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            out.push_str(key);
            out.push_str("=\"");
            escape(value, true, out);
            out.push('"');
        }
        out.push('}');
    }
    out.push(' ');
    out.push_str(&number(sample.value));
    if let Some(timestamp) = sample.timestamp_ms {
        let _ = write!(out, " {timestamp}");
    }
    out.push('\n');
}

/// The text of an upper bound for the label `le`.
pub fn le(bound: f64) -> String {
    number(bound)
}

/// Shortest text that reads back as the same number; very large and very small ones with an exponent.
fn number(value: f64) -> String {
    let magnitude = value.abs();
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() }
    } else if magnitude != 0.0 && !(1e-5..1e17).contains(&magnitude) {
        format!("{value:e}")
    } else {
        format!("{value}")
    }
}

fn escape(text: &str, quotes: bool, out: &mut String) {
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if quotes => out.push_str("\\\""),
            other => out.push(other),
        }
    }
}
