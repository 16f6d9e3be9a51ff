//! Which tool calls were told about already, by call id: each is told once as requested and once as executed.
//!
//! A conversation is sent whole with each request, so a result stands in every later one; two instrumentations show the same answer.
//! The first record that tells of a call owns the telling. When that record is sent again it tells again, and carries the mark of
//! a resent record.

use super::Digests;
use std::collections::{HashMap, VecDeque};

/// What an answer said about a call: its result in a later request says neither name nor arguments.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// Tool's name.
    pub name: String,
    /// Digests of the arguments.
    pub arguments: Option<Digests>,
    /// What it touches.
    pub resource: Option<String>,
}

/// What telling a tool call comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Nobody told of it before, or this very record did.
    First,
    /// Another record told of it, in the same way: there is nothing to add.
    Again,
    /// A tool span or log, or messages, told of its execution before: this one is a duplicate.
    ByAnother,
}

/// Where a call was seen to be executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Execution {
    record: u64,
    emitter: u64,
    in_messages: bool,
}

#[derive(Debug, Default)]
struct Known {
    asked: Option<Asked>,
    requested_by: Option<u64>,
    executed: Option<Execution>,
    /// The record whose messages told of the result, when a tool span had told before.
    repeated_by: Option<u64>,
}

/// Call ids of recent runs.
#[derive(Debug, Default)]
pub struct CallMemory {
    calls: HashMap<(u64, u64), Known>,
    order: VecDeque<(u64, u64)>,
}

impl CallMemory {
    /// A model's answer asks for a call. `run`, `call`, `record`: hashes of trace or sender, call id, and the record's identity.
    pub fn requested(&mut self, run: u64, call: u64, record: u64, asked: impl FnOnce() -> Asked) -> Told {
        let known = self.known(run, call);
        if known.asked.is_none() {
            known.asked = Some(asked());
        }
        match known.requested_by {
            None => {
                known.requested_by = Some(record);
                Told::First
            }
            Some(first) if first == record => Told::First,
            Some(_) => Told::Again,
        }
    }

    /// A tool span or log tells of an execution. `emitter`: hash of its scope and signal.
    ///
    /// Two records of one emitter are two executions, though they share the call id: the tool was run again.
    pub fn executed(&mut self, run: u64, call: u64, record: u64, emitter: u64) -> Told {
        let known = self.known(run, call);
        match known.executed {
            None => {
                known.executed = Some(Execution { record, emitter, in_messages: false });
                Told::First
            }
            Some(first) if first.record == record || (first.emitter == emitter && !first.in_messages) => Told::First,
            Some(_) => Told::ByAnother,
        }
    }

    /// A request's messages hold the result of a call.
    pub fn result_in_messages(&mut self, run: u64, call: u64, record: u64) -> Told {
        let known = self.known(run, call);
        match known.executed {
            None => {
                known.executed = Some(Execution { record, emitter: 0, in_messages: true });
                Told::First
            }
            Some(first) if first.record == record => Told::First,
            Some(first) if first.in_messages => Told::Again,
            Some(_) if known.repeated_by.is_none_or(|by| by == record) => {
                known.repeated_by = Some(record);
                Told::ByAnother
            }
            Some(_) => Told::Again,
        }
    }

    /// What an answer said about the call, if one asked for it.
    pub fn asked(&self, run: u64, call: u64) -> Option<&Asked> {
        self.calls.get(&(run, call))?.asked.as_ref()
    }

    /// Forgets the oldest calls until at most `max` are kept; returns how many went.
    pub fn evict(&mut self, max: usize) -> u64 {
        let mut evicted = 0;
        while self.order.len() > max {
            if let Some(oldest) = self.order.pop_front() {
                self.calls.remove(&oldest);
                evicted += 1;
            }
        }
        evicted
    }

    /// Calls kept.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    fn known(&mut self, run: u64, call: u64) -> &mut Known {
        let order = &mut self.order;
        self.calls.entry((run, call)).or_insert_with(|| {
            order.push_back((run, call));
            Known::default()
        })
    }
}
