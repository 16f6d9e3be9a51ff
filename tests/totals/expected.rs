//! What the totals must be: the ground truth, less what the corpus's own table says the wire lacks.

use chaperone_genai::usage::Totals;
use chaperone_testkit::corpus::{self, Capture};
use serde_json::Value;
use std::collections::BTreeMap;

/// No requested tool call stands on these wires: content was not captured, or the instrumentation writes none.
const WITHOUT_TOOL_CALLS: [&str; 3] =
    ["openinference-openai-nocontent-tools", "openllmetry-openai-nocontent-tools", "otel-openai-js-tools"];

/// The application looked documents up by itself: no model asked for that, and no message holds the result.
const WITHOUT_MODEL: &str = "lookup_docs";

/// Executions of tools by name, as far as the wire carries them.
pub fn executions(capture: &Capture) -> BTreeMap<String, u64> {
    if WITHOUT_TOOL_CALLS.contains(&capture.name.as_str()) {
        return BTreeMap::new();
    }
    let mut executions = counts(&capture.totals()["tool_executions"]);
    executions.remove(WITHOUT_MODEL);
    executions
}

fn counts(map: &Value) -> BTreeMap<String, u64> {
    let pairs = map.as_object().expect("a map of tools").iter();
    pairs.map(|(name, count)| (name.clone(), count.as_u64().expect("a count"))).collect()
}

/// What is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    pub input: u64,
    pub output: u64,
    pub cache_read: u64,
    pub cache_write: u64,
    pub reasoning: u64,
    pub llm_ok: u64,
    pub requested: BTreeMap<String, u64>,
}

impl Expected {
    pub fn of_truth(capture: &Capture) -> Expected {
        let totals = capture.totals();
        let number = |field: &str| totals[field].as_u64().unwrap_or_else(|| panic!("{}: no {field}", capture.name));
        Expected {
            input: number("prompt_tokens_incl_cache"),
            output: number("output_tokens_incl_reasoning"),
            cache_read: number("cached_tokens"),
            cache_write: number("cache_creation_tokens"),
            reasoning: number("reasoning_tokens"),
            llm_ok: number("llm_ok"),
            requested: counts(&totals["tool_calls_requested"]),
        }
    }

    /// The truth as far as the wire carries it.
    pub fn on_the_wire(capture: &Capture) -> Expected {
        let mut expected = Expected::of_truth(capture);
        for row in corpus::table("LACKING.tsv").iter().filter(|row| row[0] == capture.name) {
            // `input 0 of 1011; output 0 of 103; calls 0 of 1`
            for lacking in row[2].split("; ") {
                let words: Vec<&str> = lacking.split(' ').collect();
                let [what, reported, "of", truth] = words[..] else { panic!("{}: {lacking}", capture.name) };
                let field = match what {
                    "input" => &mut expected.input,
                    "output" => &mut expected.output,
                    "cache_read" => &mut expected.cache_read,
                    "reasoning" => &mut expected.reasoning,
                    "calls" => &mut expected.llm_ok,
                    _ => panic!("{}: {lacking}", capture.name),
                };
                assert_eq!(field.to_string(), truth, "{}: the table disagrees with the truth", capture.name);
                *field = reported.parse().expect("a number");
            }
        }
        if WITHOUT_TOOL_CALLS.contains(&capture.name.as_str()) {
            expected.requested.clear();
        }
        expected
    }

    pub fn found(totals: &Totals) -> Expected {
        let (_, llm_ok) = totals.calls();
        Expected {
            input: totals.input_tokens,
            output: totals.output_tokens,
            cache_read: totals.cache_read_tokens,
            cache_write: totals.cache_write_tokens(),
            reasoning: totals.reasoning_tokens,
            llm_ok,
            requested: totals.requested.clone(),
        }
    }
}
