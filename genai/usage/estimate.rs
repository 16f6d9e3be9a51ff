//! How many tokens a text may be, for calls whose wire carries no usage: an estimate of ours, always marked as one.
//!
//! Words, numbers, marks and scripts cost what they cost in the vocabularies of current models on average; no vocabulary is kept.
//! On prose, JSON and code it lies within a tenth or two of a real tokenizer; on a single short text it may be further off.

use super::{Basis, Usage};
use crate::keys;
use crate::prices::Tokens;
use chaperone_proto::{Attrs, KeyId, RecordRef};

/// What every message costs beside its text.
const PER_MESSAGE: u64 = 4;

/// Usage of a call by its messages; `None` when it carries none.
pub fn estimate(record: RecordRef<'_>) -> Option<Usage> {
    let attrs = record.attrs();
    let input = of_keys(attrs, &[keys::GEN_AI_SYSTEM_INSTRUCTIONS, keys::GEN_AI_INPUT_MESSAGES, keys::GEN_AI_TOOL_DEFINITIONS]);
    let output = of_keys(attrs, &[keys::GEN_AI_OUTPUT_MESSAGES]);
    if input.is_none() && output.is_none() {
        return None;
    }
    let tokens = Tokens { input: input.unwrap_or(0), output: output.unwrap_or(0), ..Tokens::default() };
    Some(Usage { tokens, basis: Basis::Assumed })
}

fn of_keys(attrs: Attrs<'_>, keys: &[KeyId]) -> Option<u64> {
    let of_key = |key: &KeyId| {
        let value = attrs.get(*key)?;
        let text = match value.as_str() {
            Some(text) => return Some(of_messages(text)),
            None => crate::record::plain_json(value),
        };
        Some(of_messages(&text))
    };
    let found: Vec<u64> = keys.iter().filter_map(of_key).collect();
    (!found.is_empty()).then(|| found.iter().sum())
}

/// Messages as JSON cost their texts, not the marks and names of our schema.
fn of_messages(text: &str) -> u64 {
    let Ok(json) = serde_json::from_str::<serde_json::Value>(text) else { return estimate_text(text) };
    let Some(messages) = json.as_array() else { return estimate_text(text) };
    messages.iter().map(of_message).sum()
}

fn of_message(message: &serde_json::Value) -> u64 {
    match message.get("parts").and_then(serde_json::Value::as_array) {
        Some(parts) => PER_MESSAGE + parts.iter().map(of_part).sum::<u64>(),
        None => of_part(message),
    }
}

fn of_part(part: &serde_json::Value) -> u64 {
    let fields = ["content", "name", "arguments", "response", "result"];
    let known: Vec<u64> = fields.iter().filter_map(|field| part.get(field)).map(of_value).collect();
    // A tool's definition costs what it says.
    if known.is_empty() || part.get("parameters").is_some() { of_value(part) } else { known.iter().sum() }
}

fn of_value(value: &serde_json::Value) -> u64 {
    value.as_str().map_or_else(|| estimate_text(&value.to_string()), estimate_text)
}

/// Tokens of a text.
pub fn estimate_text(text: &str) -> u64 {
    let mut quarters = 0u64;
    let mut rest = text.chars().peekable();
    while let Some(first) = rest.next() {
        let mut run = |wanted: fn(char) -> bool| {
            let mut len = 1;
            while rest.next_if(|next| wanted(*next)).is_some() {
                len += 1;
            }
            len
        };
        quarters += match first {
            // A blank belongs to the word behind it; several are one token.
            c if c.is_whitespace() => u64::from(run(char::is_whitespace) > 1) * 4,
            c if is_ideographic(c) => 9 * run(is_ideographic) / 4,
            c if c.is_alphabetic() => word(run(|next| next.is_alphabetic() && !is_ideographic(next)), c),
            c if c.is_ascii_digit() => 4 * u64::div_ceil(run(|next| next.is_ascii_digit()), 3),
            // Marks in a row (`":{"`) often share a token.
            c if c.is_ascii() => 4 * u64::div_ceil(run(|next| next.is_ascii_punctuation()), 3),
            _ => 4,
        };
    }
    quarters.div_ceil(4)
}

/// Quarters of a token: most words are one, long ones fall apart, and so do those of other scripts than Latin.
fn word(letters: u64, first: char) -> u64 {
    let own_script = if first > '\u{24f}' { 2 } else { 0 };
    own_script
        + match letters {
            0..=8 => 4,
            9..=12 => 5,
            _ => letters / 2,
        }
}

fn is_ideographic(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{20000}'..='\u{3134f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_cost_about_what_a_tokenizer_says() {
        // Counted with the vocabulary o200k_base.
        for (text, counted) in
            include_str!("testdata/estimates.tsv").lines().filter_map(|line| line.split_once('\t')).map(|(n, t)| (t, n))
        {
            let counted: f64 = counted.parse().expect("a count");
            let text = text.replace("\\n", "\n");
            let ours = estimate_text(&text) as f64;
            assert!((ours - counted).abs() <= 0.25 * counted + 2.0, "{ours} for {counted}: {text}");
        }
    }

    #[test]
    fn the_sum_over_many_texts_is_near() {
        let lines: Vec<(f64, f64)> = include_str!("testdata/estimates.tsv")
            .lines()
            .filter_map(|line| line.split_once('\t'))
            .map(|(counted, text)| (counted.parse().expect("a count"), estimate_text(&text.replace("\\n", "\n")) as f64))
            .collect();
        let (counted, ours) = lines.iter().fold((0.0, 0.0), |sum, line| (sum.0 + line.0, sum.1 + line.1));
        assert!(lines.len() >= 20 && (ours / counted - 1.0).abs() < 0.1, "{ours} for {counted}");
    }
}
