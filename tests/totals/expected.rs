//! What the totals must be: the ground truth, less what the corpus's own table says the wire lacks.

use chaperone_genai::usage::Totals;
use chaperone_testkit::corpus::{self, Capture};
use serde_json::Value;
use std::collections::BTreeMap;

/// No requested tool call stands on these wires: content was not captured, or the instrumentation writes none.
const WITHOUT_TOOL_CALLS: [&str; 3] =
    ["openinference-openai-nocontent-tools", "openllmetry-openai-nocontent-tools", "otel-openai-js-tools"];

/// What is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    pub input: u64,
    pub output: u64,
    pub llm_ok: u64,
    pub requested: BTreeMap<String, u64>,
}

impl Expected {
    pub fn of_truth(capture: &Capture) -> Expected {
        let totals = capture.totals();
        let number = |field: &str| totals[field].as_u64().unwrap_or_else(|| panic!("{}: no {field}", capture.name));
        let requested = totals["tool_calls_requested"].as_object().expect("a map of tools");
        Expected {
            input: number("prompt_tokens_incl_cache"),
            output: number("output_tokens_incl_reasoning"),
            llm_ok: number("llm_ok"),
            requested: requested.iter().map(|(name, count)| (name.clone(), Value::as_u64(count).expect("a count"))).collect(),
        }
    }

    /// The truth as far as the wire carries it.
    pub fn on_the_wire(capture: &Capture) -> Expected {
        let mut expected = Expected::of_truth(capture);
        for row in corpus::table("LACKING.tsv").iter().filter(|row| row[0] == capture.name && row[1] == "usage") {
            // `input 0 of 1011; output 0 of 103; calls 0 of 1`
            for lacking in row[2].split("; ") {
                let words: Vec<&str> = lacking.split(' ').collect();
                let [what, reported, "of", truth] = words[..] else { panic!("{}: {lacking}", capture.name) };
                let field = match what {
                    "input" => &mut expected.input,
                    "output" => &mut expected.output,
                    "calls" => &mut expected.llm_ok,
                    _ => continue,
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
        Expected { input: totals.input_tokens, output: totals.output_tokens, llm_ok, requested: totals.requested.clone() }
    }
}
