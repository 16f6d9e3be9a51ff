//! How many approvals a run had, when several signals tell of the same ones.
//!
//! A log names the call that was approved; the span of the wait beside it knows only the span it stands in.
//! So approvals of named calls count once a call, and spans that name none count only where there are more of them.

use std::collections::HashSet;

/// Approvals of a run.
#[derive(Debug, Default)]
pub(super) struct Approved {
    calls: HashSet<u64>,
    unnamed_logs: u64,
    unnamed_spans: u64,
}

impl Approved {
    /// An approval event. `subject`: what was approved.
    pub(super) fn add(&mut self, subject: Option<&str>, on_span: bool) {
        match subject {
            // A span id stands for a call whose id the span of the wait does not know.
            Some(id) if !(on_span && is_span_id(id)) => {
                self.calls.insert(crate::usage::text_hash(id));
            }
            _ if on_span => self.unnamed_spans += 1,
            _ => self.unnamed_logs += 1,
        }
    }

    pub(super) fn count(&self) -> u64 {
        (self.calls.len() as u64 + self.unnamed_logs).max(self.unnamed_spans)
    }

    pub(super) fn absorb(&mut self, other: Approved) {
        self.calls.extend(other.calls);
        self.unnamed_logs += other.unnamed_logs;
        self.unnamed_spans += other.unnamed_spans;
    }
}

fn is_span_id(id: &str) -> bool {
    id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_and_the_log_of_its_decision_are_one_approval() {
        let mut approved = Approved::default();
        approved.add(Some("00f067aa0ba902b7"), true);
        approved.add(Some("toolu_1"), false);
        approved.add(Some("toolu_1"), false);
        assert_eq!(approved.count(), 1);
        approved.add(Some("10f067aa0ba902b7"), true);
        assert_eq!(approved.count(), 2, "a wait without a log");
        approved.add(None, false);
        assert_eq!(approved.count(), 2);
    }
}
