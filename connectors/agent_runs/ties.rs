//! Which run ids lead to one run: a log that carries both a trace and its dialect's log key ties the two (contracts, section 1).
//!
//! The run that was there first keeps its id; the others become its aliases.
//! An id is forgotten with the run it leads to, so there are no more ties than ids of runs that are kept.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Ids, and the run each leads to.
#[derive(Debug, Default)]
pub(super) struct Ties {
    runs: Mutex<HashMap<Arc<str>, Arc<str>>>,
    /// Number of ties: most graphs have none, and then nothing is looked up.
    len: AtomicUsize,
}

/// What to do before a record is added.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tied {
    /// The run it belongs to.
    pub(super) run: Arc<str>,
    /// Ids whose runs, if there are any, are this one.
    pub(super) joins: Vec<Arc<str>>,
}

impl Ties {
    /// The run an id leads to, if it was tied.
    pub(super) fn of(&self, id: &str) -> Option<Arc<str>> {
        if self.len.load(Ordering::Relaxed) == 0 { None } else { self.held().get(id).cloned() }
    }

    /// A record carries both ids. `most`: ties kept.
    pub(super) fn tie(&self, own: &str, key: &str, most: usize) -> Option<Tied> {
        let mut runs = self.held();
        let (of_own, of_key) = (runs.get(own).cloned(), runs.get(key).cloned());
        let run = match (&of_own, &of_key) {
            (Some(one), Some(other)) if one == other => return None,
            (_, Some(run)) | (Some(run), None) => Arc::clone(run),
            (None, None) => Arc::from(own),
        };
        if runs.len() + 2 > most {
            return None;
        }
        let mut joins: Vec<Arc<str>> = Vec::new();
        for id in [own, key] {
            let before = runs.insert(Arc::from(id), Arc::clone(&run));
            // What led to another run leads to this one from now on.
            let other = before.unwrap_or_else(|| Arc::from(id));
            if other != run {
                joins.push(other);
            }
        }
        for joined in &joins {
            runs.values_mut().filter(|leads| *leads == joined).for_each(|leads| *leads = Arc::clone(&run));
        }
        self.len.store(runs.len(), Ordering::Relaxed);
        Some(Tied { run, joins })
    }

    /// Forgets the ids that lead to runs which are gone.
    pub(super) fn retain(&self, is_kept: impl Fn(&str) -> bool) {
        if self.len.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut runs = self.held();
        runs.retain(|_, run| is_kept(run));
        self.len.store(runs.len(), Ordering::Relaxed);
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<str>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tied(ties: &Ties, own: &str, key: &str) -> Option<(String, Vec<String>)> {
        let Tied { run, joins } = ties.tie(own, key, 100)?;
        Some((run.to_string(), joins.iter().map(ToString::to_string).collect()))
    }

    #[test]
    fn a_key_and_its_traces_lead_to_the_first_of_them() {
        let ties = Ties::default();
        assert_eq!(ties.of("t1"), None);
        assert_eq!(tied(&ties, "t1", "k"), Some(("t1".into(), vec!["k".into()])));
        assert_eq!(tied(&ties, "t1", "k"), None, "known");
        assert_eq!(tied(&ties, "t2", "k"), Some(("t1".into(), vec!["t2".into()])));
        assert_eq!(ties.of("t2").as_deref(), Some("t1"));
        assert_eq!(tied(&ties, "t3", "k3"), Some(("t3".into(), vec!["k3".into()])));
        assert_eq!(tied(&ties, "t3", "k"), Some(("t1".into(), vec!["t3".into()])));
        assert_eq!(ties.of("k3").as_deref(), Some("t1"), "what led to the joined run follows it");
    }

    #[test]
    fn ties_go_with_their_runs_and_are_bounded() {
        let ties = Ties::default();
        assert_eq!(ties.tie("t", "k", 1), None);
        ties.tie("t", "k", 2).unwrap();
        ties.retain(|run| run != "t");
        assert_eq!(ties.of("k"), None);
    }
}
