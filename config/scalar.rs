//! What a YAML scalar means: null, bool, number or text.
//!
//! The rules are those of YAML 1.2's core schema with the extensions that the Collector's parser has: `0123` is octal and
//! `1_000` is a number.
//! Only a plain scalar can be anything but text.

/// How a scalar was written, as far as it matters for its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Without quotes: its text decides what it is.
    Plain,
    /// Quoted, a block, or tagged as text: always text.
    Text,
}

/// A scalar as it stands in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scalar {
    /// The content.
    pub text: String,
    /// How it was written.
    pub style: Style,
    /// Set when the content came out of `${...}`: the text as it was there, which settings that want text take.
    pub original: Option<String>,
}

/// What a scalar means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(&'a str),
}

impl Scalar {
    pub fn plain(text: impl Into<String>) -> Scalar {
        Scalar { text: text.into(), style: Style::Plain, original: None }
    }
    pub fn text(text: impl Into<String>) -> Scalar {
        Scalar { text: text.into(), style: Style::Text, original: None }
    }
    pub fn value(&self) -> Value<'_> {
        match self.style {
            Style::Text => Value::Text(&self.text),
            Style::Plain => resolve(&self.text),
        }
    }
    /// The text for a setting that wants text, if this may be read as text at all.
    pub fn as_text(&self) -> Option<&str> {
        match (&self.original, self.value()) {
            (Some(original), value) if value != Value::Null => Some(original),
            (_, Value::Text(text)) => Some(text),
            _ => None,
        }
    }
    /// The text as the user wrote it.
    pub fn written(&self) -> &str {
        self.original.as_deref().unwrap_or(&self.text)
    }
}

/// The meaning of a plain scalar.
pub(crate) fn resolve(text: &str) -> Value<'_> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Value::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Value::Float(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Value::Float(f64::NAN),
        _ => {}
    }
    // Most scalars are words: look at the first character before anything is copied.
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return Value::Text(text);
    }
    let digits = text.replace('_', "");
    if let Some(int) = int(&digits) {
        return Value::Int(int);
    }
    if is_float(&digits)
        && let Ok(float) = digits.parse::<f64>()
    {
        return Value::Float(float);
    }
    Value::Text(text)
}

fn int(text: &str) -> Option<i128> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = if let Some(hex) = digits.strip_prefix("0x") {
        (16, hex)
    } else if let Some(octal) = digits.strip_prefix("0o") {
        (8, octal)
    } else if let Some(binary) = digits.strip_prefix("0b") {
        (2, binary)
    } else if digits.len() > 1 && digits.starts_with('0') {
        (8, digits)
    } else {
        (10, digits)
    };
    // `from_str_radix` would take a second sign.
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    i128::from_str_radix(digits, radix).ok().map(|value| sign * value)
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`: what Rust parses beyond that (`inf`, `infinity`) is text here.
fn is_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    let exponent_is_good = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !digits.is_empty() && all_digits(digits)
    });
    !(whole.is_empty() && fraction.is_empty()) && all_digits(whole) && all_digits(fraction) && exponent_is_good
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_mean_what_the_collector_says() {
        for (text, expected) in [
            ("", Value::Null),
            ("~", Value::Null),
            ("true", Value::Bool(true)),
            ("yes", Value::Text("yes")),
            ("on", Value::Text("on")),
            ("5", Value::Int(5)),
            ("-5", Value::Int(-5)),
            ("0x10", Value::Int(16)),
            ("010", Value::Int(8)),
            ("1_000", Value::Int(1000)),
            ("18446744073709551615", Value::Int(u64::MAX as i128)),
            ("1e3", Value::Float(1000.0)),
            (".5", Value::Float(0.5)),
            ("5.", Value::Float(5.0)),
            ("-.inf", Value::Float(f64::NEG_INFINITY)),
            ("inf", Value::Text("inf")),
            ("-", Value::Text("-")),
            (".", Value::Text(".")),
            ("1.2.3", Value::Text("1.2.3")),
            ("5s", Value::Text("5s")),
            ("--5", Value::Text("--5")),
            ("1e", Value::Text("1e")),
        ] {
            assert_eq!(resolve(text), expected, "{text:?}");
        }
    }

    #[test]
    fn quoted_scalars_are_text() {
        assert_eq!(Scalar::text("5").value(), Value::Text("5"));
    }
}
