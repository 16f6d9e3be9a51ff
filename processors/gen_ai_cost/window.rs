//! The window of counted calls, behind locks: one map of ids a trace, one window a sender.
//!
//! The bound holds for all shards together: a shard gives up its oldest records when the whole is too large and it holds more than
//! its share, so that one busy sender may use what others do not.
//! What is decided is noted down for a checkpoint, if there is one, in the order in which it was decided.

use chaperone_genai::usage::journal::Entry;
use chaperone_genai::usage::{Call, Decision, Identity, Role, TraceLinks, Usage, Verdict, Window};
use chaperone_pipeline::Shards;
use chaperone_proto::RecordRef;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// What a record is before the window was asked.
pub(super) const UNDECIDED: Verdict = Verdict { decision: Decision::Plain, resent: false };

/// Counted calls of all senders.
#[derive(Debug, Default)]
pub(super) struct SharedWindow {
    senders: Shards<Decided>,
    traces: Shards<TraceLinks>,
    kept: AtomicUsize,
    /// Whether decisions are noted down.
    has_notes: AtomicBool,
}

/// The window of a shard, and what was decided in it since the last checkpoint.
#[derive(Debug, Default)]
struct Decided {
    window: Window,
    notes: Vec<Entry>,
}

/// What is asked about one record.
pub(super) struct Question {
    sender: u64,
    role: Role,
    identity: Option<Identity>,
    call: Option<Call>,
    elsewhere: Option<Identity>,
}

impl Question {
    /// `senders`: hashes of resource and scope; `model`: hash of the model.
    pub(super) fn of(
        record: RecordRef<'_>,
        senders: (u64, u64),
        model: Option<u64>,
        role: Role,
        usage: Option<&Usage>,
    ) -> Question {
        let call = match role {
            Role::Call { may_own } => Some(Call::known(record, senders, model, usage, may_own)),
            _ => None,
        };
        Question { sender: senders.0, role, identity: Identity::of(record), call, elsewhere: None }
    }
}

impl Question {
    /// What an earlier process asked.
    fn again(entry: Entry) -> Question {
        let role = entry.plain_role();
        let Entry { sender, identity, call, elsewhere, .. } = entry;
        Question { sender, role, identity: Some(identity), call, elsewhere }
    }

    /// What a later process has to ask; `None` for a record that is not remembered.
    fn note(&self) -> Option<Entry> {
        let Question { sender, role, identity, call, elsewhere } = self;
        let is_aggregate = call.is_none() && *role == Role::Aggregate;
        Some(Entry { sender: *sender, identity: (*identity)?, call: call.clone(), is_aggregate, elsewhere: *elsewhere })
    }
}

impl SharedWindow {
    /// From now on decisions are noted down.
    pub(super) fn begin_notes(&self) {
        self.has_notes.store(true, Ordering::Release);
    }

    /// What was decided since the last call, in an order that gives the same decisions again.
    pub(super) fn take_notes(&self) -> Vec<Entry> {
        let shards = 0..self.senders.count();
        shards.flat_map(|shard| std::mem::take(&mut self.senders.lock(shard).notes)).collect()
    }

    /// Asks what an earlier process asked. Returns how many records were forgotten to make room for them.
    pub(super) fn restore(&self, entries: Vec<Entry>, max: usize) -> u64 {
        let mut asked: Vec<Question> = entries.into_iter().map(Question::again).collect();
        let elsewhere: Vec<Option<Identity>> = asked.iter().map(|question| question.elsewhere).collect();
        let evicted = self.claim(&mut asked, max);
        // Senders were noted down one after the other: who came first among them is what was found then.
        for (question, elsewhere) in asked.iter_mut().zip(elsewhere) {
            question.elsewhere = elsewhere;
        }
        evicted + self.settle(asked, max, |_, _| {})
    }

    /// Decides about the records of one batch; `say` gets the position of each question and its verdict.
    /// Returns how many records were forgotten to make room for them.
    pub(super) fn decide(&self, mut asked: Vec<Question>, max: usize, say: impl FnMut(usize, Verdict)) -> u64 {
        self.claim(&mut asked, max) + self.settle(asked, max, say)
    }

    fn settle(&self, asked: Vec<Question>, max: usize, mut say: impl FnMut(usize, Verdict)) -> u64 {
        let Some(first) = asked.first().map(|question| self.senders.of(question.sender)) else { return 0 };
        // Most batches are of one sender.
        if asked.iter().all(|question| self.senders.of(question.sender) == first) {
            return self.settle_shard(first, asked.into_iter().enumerate(), max, &mut say);
        }
        let mut evicted = 0;
        let mut order: Vec<(usize, usize)> = asked.iter().enumerate().map(|(at, q)| (self.senders.of(q.sender), at)).collect();
        // Within a shard the order of the batch stays: the first counted owns.
        order.sort_unstable();
        let mut asked: Vec<Option<Question>> = asked.into_iter().map(Some).collect();
        for group in order.chunk_by(|left, right| left.0 == right.0) {
            let Some((shard, _)) = group.first() else { continue };
            let questions = group.iter().filter_map(|(_, at)| Some((*at, asked.get_mut(*at)?.take()?)));
            evicted += self.settle_shard(*shard, questions, max, &mut say);
        }
        evicted
    }

    fn settle_shard(
        &self,
        shard: usize,
        questions: impl Iterator<Item = (usize, Question)>,
        max: usize,
        say: &mut impl FnMut(usize, Verdict),
    ) -> u64 {
        let has_notes = self.has_notes.load(Ordering::Acquire);
        let mut decided = self.senders.lock(shard);
        let Decided { window, notes } = &mut *decided;
        let before = window.len();
        for (at, question) in questions {
            let note = if has_notes { question.note() } else { None };
            let verdict = match question.call {
                Some(call) => window.call(call, question.elsewhere),
                None => window.plain(question.identity, question.role),
            };
            notes.extend(note.filter(|_| !verdict.resent));
            say(at, verdict);
        }
        self.make_room(window, before, max)
    }

    /// Ids that another sender of the same trace named first.
    fn claim(&self, asked: &mut [Question], max: usize) -> u64 {
        let shard = |question: &Question| {
            // Asked again: whoever was a duplicate of another sender's record claimed nothing.
            if question.elsewhere.is_some() {
                return None;
            }
            let call = question.call.as_ref().filter(|call| call.response_id.is_some() || call.request_id.is_some())?;
            let trace = call.trace?;
            Some(self.traces.of(trace.iter().fold(0u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)))))
        };
        let mut order: Vec<(usize, usize)> = asked.iter().enumerate().filter_map(|(at, q)| Some((shard(q)?, at))).collect();
        order.sort_unstable();
        let per_shard = (max / 4).max(1);
        let mut evicted = 0;
        for group in order.chunk_by(|left, right| left.0 == right.0) {
            let Some((shard, _)) = group.first() else { continue };
            let mut links = self.traces.lock(*shard);
            for (_, at) in group {
                if let Some(question) = asked.get_mut(*at)
                    && let Some(call) = &question.call
                {
                    let (elsewhere, went) = links.claim(call, per_shard);
                    question.elsewhere = elsewhere;
                    evicted += went;
                }
            }
        }
        evicted
    }

    fn make_room(&self, window: &mut Window, before: usize, max: usize) -> u64 {
        let grown = window.len().saturating_sub(before);
        let kept = self.kept.fetch_add(grown, Ordering::Relaxed) + grown;
        let share = (max / self.senders.count()).max(1);
        let too_many = kept.saturating_sub(max);
        if too_many == 0 || window.len() <= share {
            return 0;
        }
        let evicted = window.evict(window.len().saturating_sub(too_many).max(share));
        self.kept.fetch_sub(evicted as usize, Ordering::Relaxed);
        evicted
    }
}
