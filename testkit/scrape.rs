//! Reading the Prometheus text format, independently of the writer.

use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;

/// One line of a scrape.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Name with its suffix.
    pub name: String,
    /// Labels by name.
    pub labels: BTreeMap<String, String>,
    /// Value.
    pub value: f64,
}

impl Sample {
    /// The value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str)
    }
}

/// All samples of a text; an error names the first line that is not of the format.
pub fn parse(text: &str) -> Result<Vec<Sample>> {
    let mut samples = Vec::new();
    for line in text.lines() {
        if line.starts_with("# HELP ") || line.starts_with("# TYPE ") || line.is_empty() {
            continue;
        }
        if line.starts_with('#') {
            bail!("a comment that is neither HELP nor TYPE: {line}");
        }
        samples.push(sample(line).with_context(|| format!("not a sample: {line}"))?);
    }
    Ok(samples)
}

/// The sum of a metric's samples.
pub fn sum(samples: &[Sample], name: &str) -> f64 {
    samples.iter().filter(|sample| sample.name == name).map(|sample| sample.value).sum()
}

fn sample(line: &str) -> Result<Sample> {
    let end = line.find(['{', ' ']).filter(|end| *end > 0).context("no name or no value")?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = BTreeMap::new();
    if let Some(mut inside) = rest.strip_prefix('{') {
        loop {
            if let Some(after) = inside.strip_prefix('}') {
                rest = after;
                break;
            }
            let (label, after) = inside.split_once("=\"").context("a label without value")?;
            let (value, after) = quoted(after).context("a value that does not end")?;
            labels.insert(label.to_owned(), value);
            inside = after.strip_prefix(',').unwrap_or(after);
        }
    }
    let number = rest.trim().split(' ').next().context("no value")?;
    let value = match number {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        "NaN" => f64::NAN,
        number => number.parse()?,
    };
    Ok(Sample { name: name.to_owned(), labels, value })
}

/// Text up to the closing quote, escapes undone, and what follows the quote.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_with_escapes_are_read() {
        let samples = parse("# TYPE x counter\nx_total{a=\"q\\\"\\\\\\n\",le=\"+Inf\"} 3\ny 1.5\n").expect("it is valid");
        assert_eq!(samples[0].label("a"), Some("q\"\\\n"));
        assert_eq!(samples[1].value, 1.5);
        assert!(parse("x{a=\"1} 3\n").is_err());
    }
}
