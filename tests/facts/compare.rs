//! Facts of the wire against what was found, a check a kind.

use crate::found::Found;
use crate::price::cost;
use crate::wire::{self, Counts, Facts, Usage};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Debug};

/// One kind of fact of one capture.
#[derive(Debug)]
pub struct Check {
    pub kind: &'static str,
    /// Whether the capture has something of this kind: on the wire, or found.
    pub is_there: bool,
    pub difference: Option<Difference>,
}

/// What differs.
#[derive(Debug)]
pub struct Difference {
    pub kind: &'static str,
    wire: String,
    ours: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} -> {}", self.kind, self.wire, self.ours)
    }
}

/// All kinds, in the order of the table.
pub const KINDS: [&str; 18] = [
    "dialects",
    "calls",
    "failed",
    "failure codes",
    "failure types",
    "tokens",
    "cost",
    "finish",
    "first response times",
    "embeddings",
    "retrievals",
    "retries",
    "requested",
    "executed",
    "tool errors",
    "handoffs",
    "approvals",
    "runs",
];

pub fn checks(facts: &Facts, found: &Found) -> Vec<Check> {
    let (failed, ok) = found.totals.calls();
    let ok = found.aggregated.unwrap_or(ok);
    let failures: u64 = facts.calls_failed.values().sum();
    let cost = cost(facts, found.unix_ns);
    let alias = |counts: &Counts| {
        let mut renamed = Counts::new();
        for (name, count) in counts {
            *renamed.entry(facts.aliases.get(name).unwrap_or(name).clone()).or_default() += count;
        }
        renamed
    };
    let mut checks = vec![
        check("dialects", &dialects(facts), &found.dialects),
        check("calls", &facts.calls_ok, &ok),
        check("failed", &failures, &failed),
        check("failure codes", &codes(facts, found), &found.failure_codes),
        check("failure types", &types(facts, found), &found.failure_types),
        check("tokens", &by_model(facts), &tokens(&found.models)),
        check_cost(cost, found.cost_nanos, facts.calls_ok),
        check("finish", &finish(facts), &found.finish),
        check("first response times", &facts.first_response_times, &found.first_response_times),
        check("embeddings", &facts.embeddings, &found.embeddings),
        check("retrievals", &facts.retrievals, &found.retrievals),
        check("retries", &facts.retries, &found.runs.retries),
        check("requested", &facts.requested, &found.totals.requested),
        check("executed", &facts.executed, &alias(&found.totals.executed)),
        check("tool errors", &facts.tool_errors, &alias(&found.tool_errors)),
        check_handoffs(facts, &found.events.handoffs),
        check("approvals", &approvals(facts), &found.events.approvals),
    ];
    checks.push(check_runs(facts, found, cost));
    assert!(checks.iter().map(|check| check.kind).eq(KINDS), "the list of kinds is that of the checks");
    checks
}

/// Whether nothing of a kind is there.
trait Nothing {
    fn is_nothing(&self) -> bool;
}

impl Nothing for u64 {
    fn is_nothing(&self) -> bool {
        *self == 0
    }
}

impl<K, V> Nothing for BTreeMap<K, V> {
    fn is_nothing(&self) -> bool {
        self.is_empty()
    }
}

impl<T> Nothing for BTreeSet<T> {
    fn is_nothing(&self) -> bool {
        self.is_empty()
    }
}

fn check<T: PartialEq + Debug + Nothing>(kind: &'static str, wire: &T, ours: &T) -> Check {
    let difference = (wire != ours).then(|| Difference { kind, wire: format!("{wire:?}"), ours: format!("{ours:?}") });
    Check { kind, is_there: !wire.is_nothing() || !ours.is_nothing(), difference }
}

fn dialects(facts: &Facts) -> BTreeMap<String, BTreeSet<String>> {
    facts.dialects.iter().map(|(scope, dialect)| (scope.clone(), BTreeSet::from([dialect.clone()]))).collect()
}

/// Our word for a status. What has no status on the wire may have any code: its type says what we could know.
fn code(failure: &str) -> Option<&'static str> {
    match failure.split(' ').next() {
        // The scenario `fatal` is the only one that gives 400.
        Some("400") => Some("context_length_exceeded"),
        Some("429") => Some("rate_limit"),
        Some("500") => Some("server_error"),
        _ if failure.ends_with("RateLimitError") => Some("rate_limit"),
        _ if failure.ends_with("InternalServerError") => Some("server_error"),
        _ => None,
    }
}

fn codes(facts: &Facts, found: &Found) -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    for failure in facts.calls_failed.keys() {
        match code(failure) {
            Some(code) => {
                codes.insert(code.to_owned());
            }
            None => codes.extend(found.failure_codes.iter().cloned()),
        }
        // A record that names no more than the provider's own type passes that on as its code.
        let own = failure.split_once(' ').map_or("", |(_, kind)| kind);
        codes.extend(found.failure_codes.get(own).filter(|_| found.failure_codes.len() > 1).cloned());
    }
    codes
}

/// Types on the wire; where two instrumentations tell of a call, either's type is right.
fn types(facts: &Facts, found: &Found) -> BTreeSet<String> {
    let types = facts.calls_failed.keys().filter_map(|failure| failure.split_once(' ')).map(|(_, kind)| kind.to_owned());
    let types: BTreeSet<String> = types.filter(|kind| kind != "-").collect();
    let is_told = types.iter().all(|kind| found.failure_types.contains(kind));
    if is_told && !facts.calls_failed.is_empty() { found.failure_types.clone() } else { types }
}

fn by_model(facts: &Facts) -> BTreeMap<String, String> {
    let mut models: BTreeMap<String, Usage> = BTreeMap::new();
    for (model, usage) in &facts.models {
        let sum = models.entry(wire::base(model).to_owned()).or_default();
        sum.input += usage.input;
        sum.output += usage.output;
        sum.cache_read += usage.cache_read;
        // Where only the parts are told, they are the whole.
        sum.cache_write += usage.cache_write.max(usage.cache_write_5m + usage.cache_write_1h);
        sum.cache_write_1h += usage.cache_write_1h;
        sum.reasoning += usage.reasoning;
    }
    tokens(&models)
}

/// Buckets in words, of models that used anything.
fn tokens(models: &BTreeMap<String, Usage>) -> BTreeMap<String, String> {
    let words = |usage: &Usage| {
        let parts = [
            ("input", usage.input),
            ("output", usage.output),
            ("cache_read", usage.cache_read),
            ("cache_write", usage.cache_write),
            ("cache_write_1h", usage.cache_write_1h),
            ("reasoning", usage.reasoning),
        ];
        let told: Vec<String> = parts.iter().filter(|(_, n)| *n > 0).map(|(name, n)| format!("{name} {n}")).collect();
        told.join(" ")
    };
    models.iter().map(|(model, usage)| (model.clone(), words(usage))).filter(|(_, words)| !words.is_empty()).collect()
}

fn finish(facts: &Facts) -> Counts {
    let mut reasons = Counts::new();
    for (reason, count) in &facts.finish {
        *reasons.entry(wire::finish(reason)).or_default() += count;
    }
    reasons
}

fn approvals(facts: &Facts) -> Counts {
    let mut approvals = Counts::new();
    for (approval, count) in &facts.approvals {
        let mut words = approval.split(' ');
        let tool = words.next().unwrap_or_default();
        let outcome = match words.next().unwrap_or_default() {
            "accept" | "approved" | "auto_accept" | "approved_for_session" => "granted",
            "reject" | "denied" => "denied",
            other => other,
        };
        *approvals.entry(format!("{tool} {outcome}")).or_default() += count;
    }
    approvals
}

/// Each call is rounded to a nano-dollar, so that sums may differ by one a call.
fn check_cost(wire: i64, ours: i64, calls: u64) -> Check {
    let kind = "cost";
    let is_equal = wire.abs_diff(ours) <= calls.max(1);
    let usd = |nanos: i64| format!("{:.9}", nanos as f64 / 1e9);
    let difference = (!is_equal).then(|| Difference { kind, wire: usd(wire), ours: usd(ours) });
    Check { kind, is_there: wire != 0 || ours != 0, difference }
}

/// Hand-overs on the wire: agents below agents and hand-over spans by name, else tools that hand over, by how often.
fn check_handoffs(facts: &Facts, ours: &Counts) -> Check {
    let kind = "handoffs";
    let mut wire = Counts::new();
    for (edge, count) in &facts.handoffs {
        let edge = edge.split(" (").next().unwrap_or_default();
        *wire.entry(edge.to_owned()).or_default() += count;
    }
    let tools: u64 = facts.handoff_tools.values().sum();
    let is_equal = if wire.is_empty() { ours.values().sum::<u64>() == tools } else { fits(&wire, ours) };
    let words = if wire.is_empty() { format!("{:?} (tools)", facts.handoff_tools) } else { format!("{wire:?}") };
    let difference = (!is_equal).then(|| Difference { kind, wire: words, ours: format!("{ours:?}") });
    Check { kind, is_there: !wire.is_empty() || tools > 0 || !ours.is_empty(), difference }
}

/// Whether each edge of the wire is ours as often, where `?` of the wire may be anybody, and ours has no other.
fn fits(wire: &Counts, ours: &Counts) -> bool {
    let agrees = |wire: &str, ours: &str| wire == "?" || wire == ours;
    let edge = |text: &str| text.split_once(" > ").map(|(from, to)| (from.to_owned(), to.to_owned())).unwrap_or_default();
    let mut left = ours.clone();
    for (name, count) in wire {
        let (from, to) = edge(name);
        let same = left.iter().find(|(ours, n)| {
            let (our_from, our_to) = edge(ours);
            *n == count && agrees(&from, &our_from) && agrees(&to, &our_to)
        });
        let Some(same) = same.map(|(name, _)| name.clone()) else { return false };
        left.remove(&same);
    }
    left.is_empty()
}

/// The sums of `agent_runs` are those of the facts.
fn check_runs(facts: &Facts, found: &Found, cost: i64) -> Check {
    let kind = "runs";
    let part = |of: fn(&Usage) -> u64| facts.models.values().map(of).sum::<u64>();
    let runs = &found.runs;
    let failed: u64 = facts.calls_failed.values().sum();
    let pairs = [
        ("input", part(|usage| usage.input), runs.input),
        ("output", part(|usage| usage.output), runs.output),
        ("cache_read", part(|usage| usage.cache_read), runs.cache_read),
        ("reasoning", part(|usage| usage.reasoning), runs.reasoning),
        ("requested", facts.requested.values().sum(), runs.requested),
        ("executed", facts.executed.values().sum(), runs.executed),
        ("llm_calls", facts.calls_ok + failed, runs.llm_calls),
    ];
    let mut wrong: Vec<(&str, String, String)> = Vec::new();
    for (name, wire, ours) in pairs.iter().filter(|(_, wire, ours)| wire != ours) {
        wrong.push((name, wire.to_string(), ours.to_string()));
    }
    if cost.abs_diff(runs.cost_nanos) > facts.calls_ok.max(1) {
        wrong.push(("cost", cost.to_string(), runs.cost_nanos.to_string()));
    }
    let side = |of: fn(&(&str, String, String)) -> String| wrong.iter().map(of).collect::<Vec<_>>().join(", ");
    let difference = (!wrong.is_empty()).then(|| Difference {
        kind,
        wire: side(|(name, wire, _)| format!("{name} {wire}")),
        ours: side(|(name, _, ours)| format!("{name} {ours}")),
    });
    Check { kind, is_there: true, difference }
}
