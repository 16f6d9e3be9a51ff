//! An account in lines for people: a label, and what is told under it.

use super::account::{Account, Event, From, Mapped};
use super::cost::Cost;
use super::usage::Usage;
use std::fmt::Write;

const WIDTH: usize = 10;
/// Longer values are cut: prompts are no explanation.
const LONGEST_VALUE: usize = 80;
/// Names in a list of attributes that gave nothing.
const MOST_NAMES: usize = 8;

/// The account as text, with an empty line behind it.
pub fn of(account: &Account) -> String {
    let mut lines = Lines::default();
    let Account { record, name, scope, file, .. } = account;
    let ids: Vec<&str> =
        [&account.trace_id, &account.span_id].into_iter().map(String::as_str).filter(|id| !id.is_empty()).collect();
    let _ = writeln!(lines.text, "{record} {name}  [{scope}]  {}  {file}", ids.join("/"));
    let Some(dialect) = &account.dialect else {
        lines.add("dialect", "none: not taken for an agent's");
        return lines.end();
    };
    let version = dialect.version.as_ref().map_or(String::new(), |version| format!(" ({version})"));
    lines.add("dialect", &format!("{}{version}: {}", dialect.id, dialect.because));
    if !dialect.also_present.is_empty() {
        lines.add("", &format!("also present: {}", dialect.also_present.join(", ")));
    }
    for mapped in &account.mapped {
        lines.add("mapped", &mapping(mapped));
    }
    for failed in &account.failed {
        lines.add("failed", &format!("{}: not of the expected shape", source(failed)));
    }
    if !account.kept.is_empty() {
        lines.add("kept", &names(&account.kept));
    }
    if !account.unknown.is_empty() {
        lines.add("unknown", &names(&account.unknown));
    }
    if let Some(step) = &account.step {
        let mut told = vec![step.kind.clone()];
        if let Some(agent) = &step.agent {
            told.push(format!("agent {agent} ({})", step.agent_source.as_deref().unwrap_or("?")));
        }
        told.extend(step.attempt.filter(|attempt| *attempt > 1).map(|attempt| format!("attempt {attempt}")));
        if let Some(tool) = &step.tool {
            told.push(format!("tool {tool} ({})", step.tool_scope.as_deref().unwrap_or("-")));
        }
        lines.add("step", &told.join(", "));
        if let Some(failure) = &step.failure {
            let retryable = match step.retryable {
                Some(true) => ", may be tried again",
                Some(false) => ", no use to try again",
                None => "",
            };
            lines.add("failure", &format!("{failure}{retryable}"));
        }
    }
    if let Some(usage) = &account.usage {
        tokens(usage, &mut lines);
    }
    if let Some(cost) = &account.cost {
        price(cost, &mut lines);
    }
    for event in &account.events {
        lines.add("event", &happened(event));
    }
    lines.end()
}

#[derive(Default)]
struct Lines {
    text: String,
    label: String,
}

impl Lines {
    /// A line; its label is written where it is not that of the line above.
    fn add(&mut self, label: &str, told: &str) {
        let shown = if self.label == label { "" } else { label };
        let _ = writeln!(self.text, "  {shown:WIDTH$}{told}");
        if !label.is_empty() {
            self.label = label.to_owned();
        }
    }

    fn end(mut self) -> String {
        self.text.push('\n');
        self.text
    }
}

fn mapping(mapped: &Mapped) -> String {
    let from: Vec<String> = mapped.from.iter().map(source).collect();
    match &mapped.value {
        Some(value) => format!("{} = {}  <- {}", mapped.key, cut(value.get()), from.join(" + ")),
        None => format!("{} removed  <- {}", mapped.key, from.join(" + ")),
    }
}

fn source(from: &From) -> String {
    let mut text = from.source.clone();
    if from.attributes > 1 {
        let _ = write!(text, " ({})", from.attributes);
    }
    if let (Some(transform), Some(table)) = (from.transform, from.table) {
        let _ = write!(text, " [{transform}, {table}.tsv]");
    }
    text
}

fn names(all: &[String]) -> String {
    let shown = all.iter().take(MOST_NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(MOST_NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn cut(value: &str) -> String {
    match value.char_indices().nth(LONGEST_VALUE) {
        Some((at, _)) => format!("{}... ({} bytes)", &value[..at], value.len()),
        None => value.to_owned(),
    }
}

fn tokens(usage: &Usage, lines: &mut Lines) {
    let told = |counts: &[(&str, u64)]| counts.iter().map(|(name, n)| format!("{name} {n}")).collect::<Vec<_>>().join(", ");
    lines.add("usage", &format!("{}; counted in this dialect: {}", usage.role, usage.usage_at));
    if usage.reported.is_empty() {
        lines.add("usage", "reported nothing");
    } else {
        lines.add("usage", &format!("reported {}", told(&usage.reported)));
        lines.add("usage", &format!("canonical {}", told(&usage.canonical)));
    }
    if let (Some(basis), Some(because)) = (&usage.basis, &usage.basis_because) {
        lines.add("usage", &format!("input is {basis}: {because}"));
    }
    if let Some(scope) = &usage.scope {
        let because = usage.scope_because.as_ref().map_or(String::new(), |because| format!(": {because}"));
        lines.add("usage", &format!("scope {scope}{because}"));
    }
    if usage.resent {
        lines.add("usage", "resent: it was counted when it came first");
    }
    if let Some(requests) = usage.requests.filter(|requests| *requests != 1) {
        lines.add("usage", &format!("stands for {requests} requests"));
    }
}

fn price(cost: &Cost, lines: &mut Lines) {
    if let Some(price) = &cost.price {
        let tier = cost.tier.as_ref().map_or(String::new(), |tier| format!(", tier {tier}"));
        let since = cost.in_force.as_ref().map_or(String::new(), |since| format!(", in force since {since}"));
        let guess = if cost.is_estimate { ", another provider's price" } else { "" };
        lines.add("price", &format!("{price}{tier}{since}{guess}"));
        for line in &cost.lines {
            let rate = line.rate_of.as_ref().map_or(String::new(), |rate_of| format!(" (rate of {rate_of})"));
            let per = if line.per == 1_000 { "1K" } else { "1M" };
            let product = format!("{:<14}{:>8} x {} / {per}{rate}", line.bucket, line.count, line.rate_usd);
            lines.add("price", &format!("{product:<40} = {:.9}", line.usd));
        }
    }
    let total = cost.total_usd.map_or("none".to_owned(), |total| format!("{total:.9} USD"));
    lines.add("price", &format!("{}: {total}", cost.source));
    if let Some(reported) = &cost.reported {
        lines.add("price", &format!("the sender said {reported}"));
    }
    if let Some(why_not) = &cost.why_not {
        lines.add("price", why_not);
    }
}

fn happened(event: &Event) -> String {
    let came = if event.received { " (as received)" } else { "" };
    format!("{}{came} {}", event.name, cut_object(event.attributes.get()))
}

/// Attributes of events are short words; only long ones are cut.
fn cut_object(json: &str) -> String {
    match json.char_indices().nth(6 * LONGEST_VALUE) {
        Some((at, _)) => format!("{}... ({} bytes)", &json[..at], json.len()),
        None => json.to_owned(),
    }
}
