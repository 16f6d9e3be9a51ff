//! Finds a cycle: pipelines that feed each other through connectors.

use crate::graph::wiring::leads;
use crate::graph::{Parts, error, signal_of};
use chaperone_config::{ComponentId, Document, Problem};

/// A step from one pipeline to another through a connector.
struct Step<'a> {
    connector: &'a ComponentId,
    to: usize,
}

/// The first cycle in the order of the file.
pub(crate) fn find(document: &Document, parts: &Parts) -> Option<Problem> {
    let count = document.service.pipelines.len();
    let steps: Vec<Vec<Step<'_>>> = (0..count).map(|from| steps_from(document, parts, from)).collect();
    let mut finished = vec![false; count];
    for start in 0..count {
        let mut path = Vec::new();
        if let Some(cycle) = walk(start, &steps, &mut finished, &mut path) {
            return Some(report(document, &steps, &cycle));
        }
    }
    None
}

fn steps_from<'a>(document: &'a Document, parts: &Parts, from: usize) -> Vec<Step<'a>> {
    let pipelines = &document.service.pipelines;
    let mut steps = Vec::new();
    let Some(taken) = signal_of(&pipelines[from].id) else { return steps };
    for reference in &pipelines[from].exporters {
        let Some(meta) = parts.connector(&reference.id) else { continue };
        for (to, pipeline) in pipelines.iter().enumerate() {
            let given = signal_of(&pipeline.id);
            let receives = pipeline.receivers.iter().any(|receiver| receiver.id == reference.id);
            if receives && given.is_some_and(|given| leads(meta, taken, given)) {
                steps.push(Step { connector: &reference.id, to });
            }
        }
    }
    steps
}

/// Depth first; gives the pipelines of a cycle, the first one again at the end.
fn walk(at: usize, steps: &[Vec<Step<'_>>], finished: &mut [bool], path: &mut Vec<usize>) -> Option<Vec<usize>> {
    if let Some(begin) = path.iter().position(|earlier| *earlier == at) {
        let mut cycle = path[begin..].to_vec();
        cycle.push(at);
        return Some(cycle);
    }
    if finished[at] {
        return None;
    }
    path.push(at);
    for step in &steps[at] {
        if let Some(cycle) = walk(step.to, steps, finished, path) {
            return Some(cycle);
        }
    }
    path.pop();
    finished[at] = true;
    None
}

fn report(document: &Document, steps: &[Vec<Step<'_>>], cycle: &[usize]) -> Problem {
    let pipelines = &document.service.pipelines;
    let mut text = format!("cycle detected: pipeline `{}`", pipelines[cycle[0]].id);
    let mut place = None;
    for pair in cycle.windows(2) {
        let step = steps[pair[0]].iter().find(|step| step.to == pair[1]);
        let connector = step.expect("invariant: the walk went over this step").connector;
        text.push_str(&format!(" -> connector `{connector}` -> pipeline `{}`", pipelines[pair[1]].id));
        place = place.or_else(|| {
            let named = pipelines[pair[0]].exporters.iter().enumerate().find(|(_, reference)| reference.id == *connector);
            named.map(|(index, reference)| (pair[0], index, reference.location.as_ref()))
        });
    }
    let (pipeline, index, location) = place.expect("invariant: a cycle has a step");
    let path = format!("service.pipelines.{}.exporters[{index}]", pipelines[pipeline].id);
    error(path, location, text, None)
}
