//! Joins what records tell of one tool call, and puts all links in order.
//!
//! Calls are joined by call id; an approval may name the span or the record of the tool instead; what names nothing joins the call of
//! the same tool in its trace that is nearest in time and still lacks that link.
//! Clocks of several records differ: a request comes no later than its approval, that no later than the run, that no later than
//! the result.

use super::read::{Raw, Subject, Told};
use super::{Chain, ToolCall, What};
use std::collections::HashMap;

/// A call while it is joined.
#[derive(Debug, Default)]
struct Joined {
    id: Option<String>,
    name: String,
    traces: Vec<[u8; 16]>,
    /// Positions in the list of what was told.
    requested: Option<usize>,
    approvals: Vec<usize>,
    executed: Option<usize>,
    result: Option<usize>,
    failed: bool,
    counted: bool,
    /// Other links that say the same again.
    repeats: Vec<usize>,
}

pub(super) fn chain(told: Told) -> Chain {
    let mut raws = told.raws;
    // What names its call comes before what does not, and what counts before what repeats it.
    let rank = |raw: &Raw| {
        let subject = raw.subject.as_ref();
        let is_named = subject.is_some_and(|subject| subject.id.is_some());
        (!is_named, subject.is_some_and(|subject| subject.duplicate), raw.link.at_ns)
    };
    raws.sort_by_key(|raw| (raw.link.what == What::Approval, raw.link.what == What::Result, rank(raw)));
    let mut joined = Calls::default();
    for (at, raw) in raws.iter().enumerate() {
        if let Some(subject) = &raw.subject {
            joined.add(at, raw, subject, &raws);
        }
    }
    joined.in_order(raws)
}

#[derive(Debug, Default)]
struct Calls {
    calls: Vec<Joined>,
    by_id: HashMap<String, usize>,
    /// Tool spans, and records of tools, by id.
    by_place: HashMap<String, usize>,
}

impl Calls {
    fn add(&mut self, at: usize, raw: &Raw, subject: &Subject, raws: &[Raw]) {
        let what = raw.link.what;
        let found = self.find(subject, raw, raws);
        let which = found.unwrap_or_else(|| {
            self.calls.push(Joined::default());
            self.calls.len() - 1
        });
        // The id of a span or record is not the call's.
        let is_place = subject.id.is_some() && subject.id == subject.about && what == What::Approval;
        if let Some(id) = subject.id.as_ref().filter(|_| !is_place || found.is_none()) {
            self.by_id.entry(id.clone()).or_insert(which);
            self.by_id.entry(short(id, &subject.tool).to_owned()).or_insert(which);
        }
        if what == What::Executed {
            self.by_place.insert(raw.link.record_id.clone(), which);
            if let Some(span) = &subject.span {
                self.by_place.entry(span.clone()).or_insert(which);
            }
        }
        let Some(call) = self.calls.get_mut(which) else { return };
        if call.name.is_empty() {
            call.name.clone_from(&subject.tool);
        }
        if call.id.is_none() && !is_place {
            call.id.clone_from(&subject.id);
        }
        call.traces.extend(subject.trace.filter(|trace| !call.traces.contains(trace)));
        call.failed |= raw.failed;
        call.counted |= matches!(what, What::Executed | What::Result) && !subject.duplicate;
        let slot = match what {
            What::Requested => &mut call.requested,
            What::Executed => &mut call.executed,
            What::Result => &mut call.result,
            What::Approval => {
                call.approvals.push(at);
                return;
            }
            _ => return,
        };
        if slot.is_none() { *slot = Some(at) } else { call.repeats.push(at) }
    }

    fn find(&self, subject: &Subject, raw: &Raw, raws: &[Raw]) -> Option<usize> {
        let by_id = subject.id.as_deref().and_then(|id| {
            self.by_id.get(id).or_else(|| self.by_id.get(short(id, &subject.tool))).or_else(|| self.by_place.get(id))
        });
        let is_named = subject.id.is_some() && raw.link.what != What::Approval;
        by_id.copied().or_else(|| if is_named && !subject.duplicate { None } else { self.nearest(subject, raw, raws) })
    }

    /// The call of this tool in the trace that lacks the link and is nearest in time.
    fn nearest(&self, subject: &Subject, raw: &Raw, raws: &[Raw]) -> Option<usize> {
        if subject.tool.is_empty() {
            return None;
        }
        let what = raw.link.what;
        let lacks = |call: &Joined| match what {
            What::Requested => call.requested.is_none(),
            What::Executed => subject.duplicate || !call.counted,
            What::Result => call.result.is_none(),
            _ => call.approvals.is_empty(),
        };
        let distance = |call: &Joined| {
            let links = call.executed.or(call.requested).or(call.result);
            links.and_then(|at| raws.get(at)).map_or(u64::MAX, |other| other.link.at_ns.abs_diff(raw.link.at_ns))
        };
        let in_trace = |call: &Joined| subject.trace.is_none_or(|trace| call.traces.contains(&trace));
        let fits = |call: &Joined| agree(&call.name, subject) && in_trace(call) && lacks(call);
        let candidates = self.calls.iter().enumerate().filter(|(_, call)| fits(call));
        candidates.min_by_key(|(_, call)| distance(call)).map(|(which, _)| which)
    }

    /// All links by time; those of a call in the order of cause and effect.
    fn in_order(self, raws: Vec<Raw>) -> Chain {
        let mut times: Vec<u64> = raws.iter().map(|raw| raw.link.at_ns).collect();
        let mut owners: Vec<Option<usize>> = vec![None; raws.len()];
        let mut left_out = vec![false; raws.len()];
        for (which, call) in self.calls.iter().enumerate() {
            let mut latest = u64::MAX;
            let steps = [call.result.as_slice(), call.executed.as_slice(), &call.approvals, call.requested.as_slice()];
            for positions in steps {
                for at in positions {
                    owners[*at] = Some(which);
                    times[*at] = times[*at].min(latest);
                }
                latest = positions.iter().map(|at| times[*at]).min().unwrap_or(latest);
            }
            call.repeats.iter().for_each(|at| left_out[*at] = true);
        }
        let mut order: Vec<usize> = (0..raws.len()).filter(|at| !left_out[*at]).collect();
        order.sort_by(|&one, &other| {
            let key = |at: usize| (times[at], raws[at].link.what);
            key(one).cmp(&key(other)).then_with(|| raws[one].link.record_id.cmp(&raws[other].link.record_id))
        });
        let mut places = vec![None; raws.len()];
        order.iter().enumerate().for_each(|(place, at)| places[*at] = Some(place));
        let mut raws: Vec<Option<Raw>> = raws.into_iter().map(Some).collect();

        // Calls are numbered by their first links.
        let mut calls: Vec<(usize, ToolCall)> = Vec::new();
        for (which, call) in self.calls.into_iter().enumerate() {
            let place = |at: Option<usize>| at.and_then(|at| places.get(at).copied().flatten());
            let tool_call = ToolCall {
                id: call.id,
                name: call.name,
                requested: place(call.requested),
                approvals: call.approvals.iter().filter_map(|at| place(Some(*at))).collect(),
                executed: place(call.executed),
                result: place(call.result),
                failed: call.failed,
                counted: call.counted,
            };
            calls.push((which, tool_call));
        }
        let first = |call: &ToolCall| {
            let links = call.approvals.iter().copied().chain(call.requested).chain(call.executed).chain(call.result);
            links.min().unwrap_or(usize::MAX)
        };
        calls.sort_by_key(|(_, call)| first(call));
        let numbers: HashMap<usize, usize> = calls.iter().enumerate().map(|(number, (which, _))| (*which, number)).collect();
        let links = order.into_iter().filter_map(|at| {
            let mut link = raws.get_mut(at)?.take()?.link;
            link.at_ns = times.get(at).copied().unwrap_or(link.at_ns);
            link.call = owners.get(at).copied().flatten().and_then(|which| numbers.get(&which).copied());
            Some(link)
        });
        Chain { links: links.collect(), calls: calls.into_iter().map(|(_, call)| call).collect() }
    }
}

/// Whether a call's name is the subject's; what repeats a call may have a shorter or longer name of it (`mcp__support__ls`, `ls`).
fn agree(name: &str, subject: &Subject) -> bool {
    name == subject.tool
        || (subject.duplicate && !name.is_empty() && (name.ends_with(&subject.tool) || subject.tool.ends_with(name)))
}

/// Some emitters put the tool's name before the id: `ls__c1` is the call `c1`.
fn short<'a>(id: &'a str, tool: &str) -> &'a str {
    id.strip_prefix(tool).and_then(|rest| rest.strip_prefix("__")).filter(|rest| !rest.is_empty()).unwrap_or(id)
}
