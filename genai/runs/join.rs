//! Two runs that turn out to be one: a record carries the trace of one and the key of the other (contracts, section 1).

use super::{Run, remember};

impl Run {
    /// Takes over everything of another run, whose id becomes an alias of this one.
    ///
    /// No record is in both: each was added to the run that its id led to.
    pub fn absorb(&mut self, other: Run) {
        let earliest = |one: u64, another: u64| if one == 0 || (another != 0 && another < one) { another } else { one };
        if self.seen.is_empty() {
            self.first_seen_ns = other.first_seen_ns;
        }
        self.start_ns = earliest(self.start_ns, other.start_ns);
        self.end_ns = self.end_ns.max(other.end_ns);
        self.trace_id = self.trace_id.or(other.trace_id);
        self.about.fill_from(other.about);
        self.totals.absorb(other.totals);
        self.approved.absorb(other.approved);
        self.approvals = self.approved.count();
        self.spans += other.spans;
        self.timeouts += other.timeouts;
        self.late_spans += other.late_spans;
        if other.finish_reason.0 > self.finish_reason.0 {
            self.finish_reason = other.finish_reason;
        }
        self.steps_truncated |= other.steps_truncated;
        let before = self.steps.len();
        self.steps.extend(other.steps);
        self.by_span.extend(other.by_span.into_iter().map(|(span, at)| (span, at + before)));
        self.seen.extend(other.seen);
        self.names.absorb(other.names);
        self.add_alias(&other.id);
    }

    /// Another id under which records of this run arrive.
    pub fn add_alias(&mut self, id: &str) {
        if id != self.id {
            remember(&mut self.names.aliases, id);
        }
    }
}
