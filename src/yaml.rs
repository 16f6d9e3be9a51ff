//! JSON as YAML, for people: blocks, plain words where they cannot be mistaken, else quotes.
//!
//! What is written reads back as the same, `$` included: it is doubled where the loader would expand or halve it.

use chaperone_config::Node;
use serde_json::Value;
use std::fmt::Write;

/// A document. Its root is a map or a list.
pub(crate) fn write(value: &Value) -> String {
    let mut out = String::new();
    block(value, 0, &mut out);
    out
}

fn block(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                let _ = write!(out, "{:indent$}{}:", "", word(key));
                below(value, indent + 2, out);
            }
        }
        Value::Array(items) => {
            for item in items {
                let _ = write!(out, "{:indent$}-", "");
                below(item, indent + 2, out);
            }
        }
        scalar => {
            let _ = writeln!(out, "{:indent$}{}", "", self::scalar(scalar));
        }
    }
}

/// What stands behind a key or a dash: on its line if it is short, else below.
fn below(value: &Value, indent: usize, out: &mut String) {
    let is_empty = value.as_object().is_some_and(|members| members.is_empty()) || value.as_array().is_some_and(Vec::is_empty);
    match value {
        Value::Object(_) | Value::Array(_) if !is_empty => {
            out.push('\n');
            block(value, indent, out);
        }
        scalar => {
            let _ = writeln!(out, " {}", self::scalar(scalar));
        }
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::Object(_) => "{}".to_owned(),
        Value::Array(_) => "[]".to_owned(),
        Value::String(text) => word(&escaped(text)),
        other => other.to_string(),
    }
}

/// Text, plain if it reads back as itself.
fn word(text: &str) -> String {
    let is_simple = text.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_'))
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | ':' | ' ' | '(' | ')' | '$'))
        && !text.ends_with([' ', ':'])
        && !text.contains(": ");
    let reads_back = is_simple
        && Node::parse(text, "").ok().and_then(|node| node.deserialize::<Value>().ok()) == Some(Value::String(text.to_owned()));
    if reads_back { text.to_owned() } else { Value::String(text.to_owned()).to_string() }
}

/// Doubles what the loader halves: runs of `$` before `{`, and runs of more than one.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from)) = rest.find('$').map(|at| rest.split_at(at)) {
        let after = from.trim_start_matches('$');
        let run = from.len() - after.len();
        let doubled = run > 1 || after.starts_with('{');
        out.push_str(before);
        out.extend(std::iter::repeat_n('$', if doubled { run * 2 } else { run }));
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaperone_config::{Source, Surroundings, load_what_is_there};
    use serde_json::json;

    #[test]
    fn what_is_written_reads_back_as_the_same() {
        let texts = [
            "plain",
            "5",
            "5s",
            "1e3",
            "0123",
            "true",
            "null",
            "~",
            "",
            " a ",
            "a: b",
            "a:",
            "a#b",
            "a #b",
            "- a",
            "[a]",
            "{a}",
            "*a",
            "&a",
            "!a",
            "'a'",
            "\"a\"",
            "a\nb",
            "a\n",
            "tab\t",
            "localhost:4317",
            "http://h/p?a=b",
            "%a",
            "@a",
            "\u{e4}",
            "$X",
            "$$",
            "${env:X}",
            "$${env:X}",
            "a$$$b",
            "${",
            "<<",
            "---",
            "--- a",
            "...",
            "a, b",
            "Inf",
            ".inf",
            "0x1F",
            "1_000",
            "2024-01-01",
            "\0",
        ];
        let value = json!({
            "texts": texts.as_slice(),
            "numbers": [0, -1, 1.5, 18_446_744_073_709_551_615_u64],
            "others": [true, false, [], {}, [[1], {"a": [2]}]],
            "map": texts.iter().filter(|text| !text.contains("::")).map(|text| ((*text).to_owned(), json!(1))).collect::<serde_json::Map<_, _>>(),
        });
        let text = write(&json!({"exporters": {"x": value.clone()}}));
        let source = Source::Text { name: "t.yaml".to_owned(), text: text.clone() };
        let (document, problems) = load_what_is_there(&[source], &Surroundings::of_env(&|_| Some("wrong".to_owned())));
        let document = document.unwrap_or_else(|| panic!("{problems}\n{text}"));
        assert_eq!(document.exporters[0].1.deserialize::<Value>().unwrap(), value, "{text}");
    }

    #[test]
    fn it_looks_as_a_person_would_write_it() {
        let value = json!({"a": {"b": [1, {"c": "x"}], "d": "localhost:1", "e": null}, "f": []});
        let expected = "a:\n  b:\n    - 1\n    -\n      c: x\n  d: localhost:1\n  e: null\nf: []\n";
        assert_eq!(write(&value), expected);
    }
}
