//! How often a run tried again.
//!
//! Attempts are counted over the whole run, in the order in which they began: a step that arrived first may have been the last try.
//! Steps that lie below a call are attempts of what lies above it, as that call is; records of one attempt overlap.

use super::Run;
use super::step::{Kind, Step};
use std::collections::{BTreeMap, HashSet};

/// One attempt: all records of it.
#[derive(Debug, Clone, Copy)]
struct Attempt {
    number: u32,
    end_ns: u64,
    failed: bool,
}

/// What is tried: the span above it, the kind of step, its name, and a tool's arguments.
type Operation<'a> = (Option<[u8; 8]>, &'a str, &'a str, &'a str);

impl Run {
    /// Attempts after the first ones. `uncounted`: spans of calls that other records tell of.
    pub(super) fn retries(&self, uncounted: &HashSet<[u8; 8]>) -> u64 {
        let mut groups: BTreeMap<Operation<'_>, Vec<&Step>> = BTreeMap::new();
        // A log may own a call whose span alone says which attempt it was.
        let tells = |step: &Step| !step.duplicate || (step.is_span && step.attempt > 1);
        let is_counted =
            |step: &&Step| tells(step) && step.span.is_none_or(|span| !step.kind.is_call() || !uncounted.contains(&span));
        for step in self.steps().filter(is_counted) {
            // Another model may answer the next attempt; another tool is another step.
            let name = if step.kind.is_call() { "" } else { step.name.as_str() };
            groups.entry((self.above_calls(step), &step.kind_word, name, &step.arguments)).or_default().push(step);
        }
        groups.into_values().map(retries_of).sum()
    }

    /// The nearest span above a step that is no call.
    fn above_calls(&self, step: &Step) -> Option<[u8; 8]> {
        if !step.kind.is_call() {
            return step.parent;
        }
        let wrapper = self.ancestors(step).take_while(|above| above.kind.is_call()).last();
        wrapper.map_or(step.parent, |wrapper| wrapper.parent)
    }
}

fn retries_of(mut steps: Vec<&Step>) -> u64 {
    steps.sort_by_key(|step| (step.start_ns, step.end_ns));
    let repeats = steps.iter().all(|step| matches!(step.kind, Kind::Llm | Kind::Embedding | Kind::Tool));
    let mut retries = 0;
    let mut last: Option<Attempt> = None;
    for step in steps {
        let (before, follows) = last.map_or((0, false), |last| (last.number, last.failed && last.end_ns <= step.start_ns));
        let number = if repeats && follows { before + 1 } else { 1 }.max(step.attempt);
        let overlaps = last.is_some_and(|last| step.start_ns < last.end_ns);
        match &mut last {
            Some(last) if overlaps => {
                last.number = last.number.max(number);
                last.end_ns = last.end_ns.max(step.end_ns);
                last.failed |= step.error;
            }
            _ => {
                if number <= before {
                    retries += u64::from(before - 1);
                }
                last = Some(Attempt { number, end_ns: step.end_ns, failed: step.error });
            }
        }
    }
    retries + last.map_or(0, |last| u64::from(last.number - 1))
}
