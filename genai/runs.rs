//! A run: everything one agent task did, added up from its spans, logs, findings and alerts.
//!
//! Records are added in any order, each once; tokens and cost are those the counting window decided on.
//! What needs the whole run (wrappers, outermost aggregates, order, repeats, delegation) is worked out by [`Run::summary`].
//! Steps are kept up to a limit; beyond it, counters still count and the summary says that steps are missing.

mod approved;
mod join;
mod record;
mod retries;
mod step;
mod summary;
mod tree;

pub use step::{Kind, Step, Usage};
pub use summary::{Edge, Status, StepFact, Summary};

use crate::usage::Totals;
use std::collections::{BTreeSet, HashMap, HashSet};

/// Most records of one run that are added up; a sender that never ends a trace must not fill the memory.
pub const MOST_RECORDS: usize = 100_000;
/// Most distinct models, tools, agents, tags, findings or aliases that one run names.
const MOST_NAMES: usize = 64;

/// A run being added up.
#[derive(Debug, Default)]
pub struct Run {
    /// `chaperone.run.id` of its records.
    pub id: String,
    /// Event time of the first record that arrived; never changes.
    pub first_seen_ns: u64,
    /// Earliest start.
    pub start_ns: u64,
    /// Latest end.
    pub end_ns: u64,
    /// Trace of the first record that had one.
    pub trace_id: Option<[u8; 16]>,
    /// What its records say about who ran it.
    pub about: About,
    /// Tokens, cost, calls and tool calls.
    pub totals: Totals,
    /// Approvals, each once.
    pub approvals: u64,
    /// Spans, GenAI or not derived: those the normaliser recognised.
    pub spans: u64,
    /// Steps that ended with a time-out.
    pub timeouts: u64,
    /// Spans that arrived after the run had been closed.
    pub late_spans: u64,
    /// Finish reason of the latest call.
    pub finish_reason: (u64, String),
    /// Whether steps were left out, here or in what was added up.
    pub steps_truncated: bool,
    steps: Vec<Step>,
    by_span: HashMap<[u8; 8], usize>,
    seen: HashSet<u128>,
    names: Names,
    approved: approved::Approved,
}

/// Who ran it, where, for whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// `gen_ai.conversation.id`.
    pub session_id: String,
    /// Pseudonym of `user.id`.
    pub user_hash: String,
    /// Agent of the outermost agent step, else of the first record that names one.
    pub agent_name: String,
    /// `gen_ai.agent.version`, else `service.version`.
    pub agent_version: String,
    /// `service.name`.
    pub service: String,
    /// `chaperone.agent.environment`, else `deployment.environment.name`.
    pub environment: String,
    /// `chaperone.team`.
    pub team: String,
    /// `chaperone.tenant`.
    pub tenant: String,
}

#[derive(Debug, Default)]
struct Names {
    models: BTreeSet<String>,
    tools: BTreeSet<String>,
    agents: BTreeSet<String>,
    findings: BTreeSet<String>,
    tags: BTreeSet<String>,
    aliases: BTreeSet<String>,
    /// From, to, and whether the work comes back: delegated, not handed over.
    handoffs: Vec<(String, String, bool)>,
}

impl About {
    /// Takes over what this one does not know.
    fn fill_from(&mut self, other: About) {
        let pairs = [
            (&mut self.session_id, other.session_id),
            (&mut self.user_hash, other.user_hash),
            (&mut self.agent_name, other.agent_name),
            (&mut self.agent_version, other.agent_version),
            (&mut self.service, other.service),
            (&mut self.environment, other.environment),
            (&mut self.team, other.team),
            (&mut self.tenant, other.tenant),
        ];
        for (own, other) in pairs {
            if own.is_empty() {
                *own = other;
            }
        }
    }
}

impl Names {
    fn absorb(&mut self, other: Names) {
        let Names { models, tools, agents, findings, tags, aliases, handoffs } = other;
        let pairs = [
            (&mut self.models, models),
            (&mut self.tools, tools),
            (&mut self.agents, agents),
            (&mut self.findings, findings),
            (&mut self.tags, tags),
            (&mut self.aliases, aliases),
        ];
        for (own, other) in pairs {
            other.iter().for_each(|name| remember(own, name));
        }
        let room = MOST_NAMES.saturating_sub(self.handoffs.len());
        self.handoffs.extend(handoffs.into_iter().take(room));
    }
}

impl Run {
    /// An empty run.
    pub fn new(id: &str) -> Run {
        Run { id: id.to_owned(), ..Run::default() }
    }

    /// Number of steps kept, for a budget over all runs.
    pub fn steps_kept(&self) -> usize {
        self.steps.len()
    }

    /// A detector found something in this run.
    pub fn add_finding(&mut self, detector: &str) {
        remember(&mut self.names.findings, detector);
    }

    /// A rule or a sender tagged this run.
    pub fn add_tag(&mut self, tag: &str) {
        remember(&mut self.names.tags, tag);
    }

    /// Whether a span without parent, or with a parent in another process, ended: nothing more is to be expected.
    pub fn has_ended(&self) -> bool {
        self.steps.iter().any(|step| step.is_span && step.parent.is_none())
    }
}

fn remember(names: &mut BTreeSet<String>, name: &str) {
    if !name.is_empty() && names.len() < MOST_NAMES && !names.contains(name) {
        names.insert(name.to_owned());
    }
}
