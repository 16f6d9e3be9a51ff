//! Which tool calls were told about already: each is told once as requested and once as executed.
//!
//! A conversation is sent whole with each request, so a result stands in every later one; two instrumentations show the same answer.
//! The first record that tells of a call owns the telling. When that record is sent again it tells again, and carries the mark of
//! a resent record.
//!
//! Calls go by their id. Many tool spans carry none, while the messages do: then a run of a tool is matched by the tool's name within
//! its trace, one to one, with records of other sources (another scope, a log, messages). So a tool ran as often as the source that
//! tells of most runs says, whatever arrives first. Arguments that are surely others keep two runs apart.

use super::{Digests, HandOvers};
use crate::fast_hash::Map;
use crate::usage::text_hash;
use std::collections::VecDeque;

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

/// A call id in its scope: hashes of run or sender, and of the id.
pub type CallKey = (u64, u64);

/// Arguments as far as matching needs them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArgumentsKey {
    /// Hash of their names, of an object.
    pub names: Option<u64>,
    /// Hash of their shape.
    pub shape: u64,
}

/// Hashes of trace and of run, each with that of the tool's name: not every record of a run carries both. Empty when nothing names the tool.
pub type Named = [Option<(u64, u64)>; 2];

/// A record that tells of a tool's run.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// The call's id, if it has one.
    pub id: Option<CallKey>,
    /// Where records without id are looked for.
    pub named: Named,
    /// Arguments, if known.
    pub arguments: Option<ArgumentsKey>,
    /// The record's identity.
    pub record: u64,
    /// Who tells: hash of scope and signal, or [`IN_MESSAGES`].
    pub source: u64,
}

/// A result in messages whose tool nobody has named yet: whether it is a framework's own cannot be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Digests of the result.
    pub result: Option<Digests>,
    /// A flag beside the result says that the tool failed.
    pub failed: bool,
    /// How it failed.
    pub code: Option<&'static str>,
}

/// The source of results in messages.
pub const IN_MESSAGES: u64 = 0;

/// Recent runs of one tool in one trace among which a record without id looks for its match.
const MOST_OF_ONE_NAME: usize = 64;
/// Records of one call that are remembered.
const MOST_SIGHTINGS: usize = 16;

#[derive(Debug, Clone, Copy)]
struct Sighting {
    source: u64,
    record: u64,
    owns: bool,
}

#[derive(Debug, Default)]
struct Known {
    ids: Vec<CallKey>,
    /// A real call id; requests without one are kept under their place.
    has_id: bool,
    named: Named,
    asked: Option<Asked>,
    requested_by: Option<u64>,
    arguments: Option<ArgumentsKey>,
    sightings: Vec<Sighting>,
    held: Option<Box<Held>>,
}

/// Tool calls of recent runs.
#[derive(Debug, Default)]
pub struct CallMemory {
    /// In the order in which they were first told; the number of a call is its place plus `forgotten`.
    calls: VecDeque<Known>,
    forgotten: u64,
    by_id: Map<CallKey, u64>,
    by_name: Map<(u64, u64), VecDeque<u64>>,
    /// Hand-overs between agents.
    pub hand_overs: HandOvers,
    /// What definitions say about tools.
    pub risks: Risks,
}

/// Tools whose definitions are remembered.
const MOST_RISKS: usize = 4096;

/// The risks that definitions of tools state, by sender and tool; the first ones are kept.
#[derive(Debug, Default)]
pub struct Risks(Map<(u64, u64), &'static str>);

impl Risks {
    pub(super) fn insert(&mut self, sender: u64, tool: &str, risk: &'static str) {
        let key = (sender, text_hash(tool));
        if self.0.len() < MOST_RISKS || self.0.contains_key(&key) {
            self.0.insert(key, risk);
        }
    }

    pub(super) fn get(&self, sender: u64, tool: &str) -> Option<&'static str> {
        if self.0.is_empty() { None } else { self.0.get(&(sender, text_hash(tool))).copied() }
    }
}

impl CallMemory {
    /// A model's answer asks for a call. `id`: its id, or what stands for it when it `has_id` not.
    /// `named`, `arguments`, `record`: as of a [`Run`].
    pub fn requested(
        &mut self,
        id: CallKey,
        has_id: bool,
        record: u64,
        asked: impl FnOnce() -> (Asked, Named, Option<ArgumentsKey>),
    ) -> Told {
        let number = self.by_id.get(&id).copied().unwrap_or_else(|| self.remember(Some(id)));
        let Some(known) = self.known_mut(number) else { return Told::First };
        if known.asked.is_none() {
            let (asked, named, arguments) = asked();
            known.asked = Some(asked);
            known.has_id |= has_id;
            known.arguments = known.arguments.or(arguments);
            self.name(number, named);
        }
        let Some(known) = self.known_mut(number) else { return Told::First };
        match known.requested_by {
            None => {
                known.requested_by = Some(record);
                Told::First
            }
            Some(first) if first == record => Told::First,
            Some(_) => Told::Again,
        }
    }

    /// Whether messages of another record told of this call's result before: then they have nothing to add.
    pub fn is_old_result(&self, id: CallKey, record: u64) -> bool {
        let known = self.by_id.get(&id).and_then(|number| self.known(*number));
        known.is_some_and(|known| known.sightings.iter().any(|seen| seen.source == IN_MESSAGES && seen.record != record))
    }

    /// Whether anything told that this call ran.
    pub fn has_run(&self, id: CallKey) -> bool {
        let known = self.by_id.get(&id).and_then(|number| self.known(*number));
        known.is_some_and(|known| !known.sightings.is_empty())
    }

    /// Keeps a result until an answer is seen that asks for the call.
    pub fn hold(&mut self, id: CallKey, held: Held) {
        let number = self.by_id.get(&id).copied().unwrap_or_else(|| self.remember(Some(id)));
        if let Some(known) = self.known_mut(number) {
            known.has_id = true;
            known.held.get_or_insert_with(|| Box::new(held));
        }
    }

    /// The result that waited for its tool's name.
    pub fn held(&self, id: CallKey) -> Option<&Held> {
        self.known(*self.by_id.get(&id)?)?.held.as_deref()
    }

    /// A tool span or log, or the messages of a request, tell that a tool ran.
    ///
    /// Two records of one source with one call id are two runs: the tool was run again.
    pub fn executed(&mut self, run: &Run) -> Told {
        let by_id = run.id.and_then(|id| self.by_id.get(&id).copied());
        let seen = by_id.and_then(|number| self.known(number)).is_some_and(|known| !known.sightings.is_empty());
        let number = match by_id {
            Some(number) if seen => number,
            _ => match self.like(run, by_id) {
                Some(like) => by_id.map_or(like, |number| self.merge(like, number)),
                None => by_id.unwrap_or_else(|| self.remember(run.id)),
            },
        };
        if let Some(id) = run.id {
            self.by_id.insert(id, number);
        }
        self.name(number, run.named);
        let Some(known) = self.known_mut(number) else { return Told::First };
        if let Some(id) = run.id {
            known.has_id = true;
            if !known.ids.contains(&id) {
                known.ids.push(id);
            }
        }
        known.arguments = known.arguments.or(run.arguments);
        known.sighted(run)
    }

    /// What an answer said about the call, if one asked for it.
    pub fn asked(&self, id: CallKey) -> Option<&Asked> {
        self.known(*self.by_id.get(&id)?)?.asked.as_ref()
    }

    /// Forgets the oldest calls until at most `max` are kept; returns how many went.
    pub fn evict(&mut self, max: usize) -> u64 {
        let mut evicted = 0;
        while self.calls.len() > max {
            let Some(oldest) = self.calls.pop_front() else { break };
            let number = self.forgotten;
            self.forgotten += 1;
            evicted += 1;
            for id in oldest.ids {
                if self.by_id.get(&id) == Some(&number) {
                    self.by_id.remove(&id);
                }
            }
            for named in oldest.named.into_iter().flatten() {
                self.unname(number, named);
            }
        }
        evicted
    }

    /// Calls kept.
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    fn place(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.forgotten)?).ok()
    }

    fn known(&self, number: u64) -> Option<&Known> {
        self.calls.get(self.place(number)?)
    }

    fn known_mut(&mut self, number: u64) -> Option<&mut Known> {
        let place = self.place(number)?;
        self.calls.get_mut(place)
    }

    fn remember(&mut self, id: Option<CallKey>) -> u64 {
        let number = self.forgotten + self.calls.len() as u64;
        self.calls.push_back(Known { ids: id.into_iter().collect(), ..Known::default() });
        if let Some(id) = id {
            self.by_id.insert(id, number);
        }
        number
    }

    /// Puts a call under the name of its tool, where it does not stand under one.
    fn name(&mut self, number: u64, named: Named) {
        let Some(place) = self.place(number) else { return };
        let Some(known) = self.calls.get_mut(place) else { return };
        for (held, named) in known.named.iter_mut().zip(named) {
            let (None, Some(key)) = (&held, named) else { continue };
            *held = Some(key);
            let numbers = self.by_name.entry(key).or_default();
            if numbers.len() == MOST_OF_ONE_NAME {
                numbers.pop_front();
            }
            numbers.push_back(number);
        }
    }

    fn unname(&mut self, number: u64, named: (u64, u64)) {
        if let Some(numbers) = self.by_name.get_mut(&named) {
            numbers.retain(|kept| *kept != number);
            if numbers.is_empty() {
                self.by_name.remove(&named);
            }
        }
    }

    /// The call of which this record is one more sighting, by the tool's name.
    ///
    /// The record itself, sent again; else a run that other sources told of and this one did not; else one that was only asked for.
    fn like(&self, run: &Run, by_id: Option<u64>) -> Option<u64> {
        let numbers = || run.named.iter().flatten().filter_map(|named| self.by_name.get(named)).flatten();
        let candidates = || numbers().filter_map(|number| Some((*number, self.known(*number)?)));
        let is_same = |known: &Known| known.sightings.iter().any(|seen| seen.source == run.source && seen.record == run.record);
        if run.id.is_none()
            && let Some((number, _)) = candidates().find(|(_, known)| is_same(known))
        {
            return Some(number);
        }
        let arguments = run.arguments.or_else(|| by_id.and_then(|number| self.known(number)?.arguments));
        let mut best: Option<(u64, u32)> = None;
        for (number, known) in candidates().filter(|(number, _)| Some(*number) != by_id) {
            let was_seen = !known.sightings.is_empty();
            let is_free = known.has_room_for(run.source) && (run.id.is_none() || (!known.has_id && was_seen));
            let Some(likeness) = likeness(known.arguments, arguments).filter(|_| is_free) else { continue };
            let score = likeness * 2 + u32::from(was_seen);
            if best.is_none_or(|(_, most)| score > most) {
                best = Some((number, score));
            }
        }
        best.map(|(number, _)| number)
    }

    /// Two calls turned out to be one: what was seen of `from` is `into`'s. Returns `into`.
    fn merge(&mut self, from: u64, into: u64) -> u64 {
        let Some(other) = self.known_mut(from) else { return into };
        let (sightings, ids, arguments) = (std::mem::take(&mut other.sightings), std::mem::take(&mut other.ids), other.arguments);
        let named = std::mem::take(&mut other.named);
        for id in &ids {
            self.by_id.insert(*id, into);
        }
        for named in named.into_iter().flatten() {
            self.unname(from, named);
        }
        self.name(into, named);
        if let Some(known) = self.known_mut(into) {
            known.sightings = sightings;
            known.arguments = known.arguments.or(arguments);
            known.ids.extend(ids);
        }
        into
    }
}

impl Known {
    /// Whether a source may tell of a run that others told of, or nobody yet.
    fn has_room_for(&self, source: u64) -> bool {
        let owned = self.sightings.iter().filter(|seen| seen.owns).count();
        self.sightings.iter().filter(|seen| seen.source == source).count() < owned.max(1)
    }

    /// Adds a sighting. A source owns as many runs as it tells of beyond those that were owned before.
    fn sighted(&mut self, run: &Run) -> Told {
        let told = |owns: bool| if owns { Told::First } else { Told::ByAnother };
        let in_messages = run.source == IN_MESSAGES;
        if let Some(seen) =
            self.sightings.iter().find(|seen| seen.source == run.source && (in_messages || seen.record == run.record))
        {
            return if in_messages && seen.record != run.record { Told::Again } else { told(seen.owns) };
        }
        let owned = self.sightings.iter().filter(|seen| seen.owns).count();
        let of_source = self.sightings.iter().filter(|seen| seen.source == run.source).count();
        let owns = of_source >= owned;
        if self.sightings.len() < MOST_SIGHTINGS {
            self.sightings.push(Sighting { source: run.source, record: run.record, owns });
        }
        told(owns)
    }
}

/// How well arguments agree: `None` when they are surely others.
fn likeness(known: Option<ArgumentsKey>, told: Option<ArgumentsKey>) -> Option<u32> {
    match (known, told) {
        (Some(known), Some(told)) if known.shape == told.shape => Some(2),
        // The same names with other values: another call. Else it may be the spelling that differs.
        (Some(known), Some(told)) if known.names.is_some() && known.names == told.names => None,
        (Some(_), Some(_)) => Some(0),
        _ => Some(1),
    }
}
