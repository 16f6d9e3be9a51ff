//! The window of what was counted: which record owns a call's tokens, decided when the record arrives and never revised.
//!
//! A record is first looked up by its own identity (it is sent again), then matched with what was counted before it:
//! (a) by request or response id, (b) by trace and span id in another signal, (c) by equal tokens, model and time in another scope
//! or signal, one to one. The first counted owns.
//! A call without usage owns nothing that could be counted twice: it hides no later record that has usage.
//!
//! One window serves the senders of one shard. It is bounded; what leaves it is forgotten, and the caller counts that.

use super::{Call, Identity, Role};
use crate::fast_hash::Map;
use chaperone_proto::Signal;
use std::collections::VecDeque;
use std::collections::hash_map::Entry;

/// What was decided about a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It owns its call: its tokens count.
    Owner,
    /// Another record owns the call; `None` when none does yet and this one may not.
    Duplicate(Option<Identity>),
    /// It repeats what is below it.
    Aggregate,
    /// It has no tokens to own: tools and other records.
    Plain,
}

/// A decision, and whether the record was here before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// What the record is.
    pub decision: Decision,
    /// It came before under the same identity: what it says was counted then.
    pub resent: bool,
}

/// By what two records are known to tell of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchRule {
    /// The same request or response id.
    Ids,
    /// The same trace and span id, in another signal.
    Place,
    /// Equal tokens, no different model, overlapping times, from another scope or signal.
    Look,
}

/// Remembered calls and identities.
#[derive(Debug, Default)]
pub struct Window {
    seen: Map<Identity, Decision>,
    order: VecDeque<Identity>,
    owners: Map<Identity, Owner>,
    by_id: Map<(u64, u64), Identity>,
    by_span: Map<([u8; 16], [u8; 8]), Identity>,
    by_tokens: Map<(u64, (u64, u64)), Owners>,
    /// Ids of calls without usage: they hide only each other.
    unmeasured: Map<(u64, u64), Identity>,
    /// Keys that a record that owns nothing added, to be removed with it.
    links: Map<Identity, Vec<Link>>,
}

/// Owners with the same tokens: nearly always one, which needs no list.
#[derive(Debug)]
enum Owners {
    One(Identity),
    Many(Vec<Identity>),
}

impl Owners {
    fn as_slice(&self) -> &[Identity] {
        match self {
            Owners::One(one) => std::slice::from_ref(one),
            Owners::Many(many) => many,
        }
    }
    fn push(&mut self, identity: Identity) {
        match self {
            Owners::One(one) => *self = Owners::Many(vec![*one, identity]),
            Owners::Many(many) => many.push(identity),
        }
    }
    /// Removes one; whether anybody is left.
    fn remove(&mut self, identity: &Identity) -> bool {
        match self {
            Owners::One(one) => one != identity,
            Owners::Many(many) => {
                many.retain(|owner| owner != identity);
                !many.is_empty()
            }
        }
    }
}

#[derive(Debug)]
struct Owner {
    call: Call,
    /// Emitters that gave their record of this call.
    matched: Vec<(u64, Signal)>,
}

#[derive(Debug, Clone, Copy)]
enum Link {
    Id(u64, u64),
    Span([u8; 16], [u8; 8]),
    Unmeasured(u64, u64),
}

impl Window {
    /// Decides about a record that stands for no call.
    pub fn plain(&mut self, identity: Option<Identity>, role: Role) -> Verdict {
        let decision = if role == Role::Aggregate { Decision::Aggregate } else { Decision::Plain };
        let Some(identity) = identity else { return Verdict { decision, resent: false } };
        if let Some(before) = self.seen.get(&identity) {
            return Verdict { decision: *before, resent: true };
        }
        self.remember(identity, decision);
        Verdict { decision, resent: false }
    }

    /// Decides about a record that stands for a call. `elsewhere`: who owns it among other senders ([`super::TraceLinks`]).
    pub fn call(&mut self, call: Call, elsewhere: Option<Identity>) -> Verdict {
        let before = call.identity.and_then(|identity| self.seen.get(&identity));
        if let Some(before) = before {
            return Verdict { decision: *before, resent: true };
        }
        let owner = self.match_in_window(&call).or(elsewhere);
        let decision = match owner {
            Some(owner) => Decision::Duplicate(Some(owner)),
            None if call.may_own => Decision::Owner,
            None => Decision::Duplicate(None),
        };
        if let Some(identity) = call.identity {
            self.remember(identity, decision);
            match decision {
                Decision::Owner if call.tokens.is_some() => self.own(identity, call),
                Decision::Owner => self.link_unmeasured(identity, &call),
                Decision::Duplicate(Some(owner)) => self.link(identity, owner, &call),
                _ => {}
            }
        }
        Verdict { decision, resent: false }
    }

    /// Forgets the oldest records until at most `max` are kept; returns how many went.
    pub fn evict(&mut self, max: usize) -> u64 {
        let mut evicted = 0;
        while self.order.len() > max {
            let Some(oldest) = self.order.pop_front() else { break };
            self.forget(&oldest);
            evicted += 1;
        }
        evicted
    }

    /// Records kept.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    #[cfg(test)]
    pub(super) fn holds_nothing(&self) -> bool {
        let maps = [self.by_id.len(), self.by_span.len(), self.by_tokens.len(), self.unmeasured.len(), self.links.len()];
        self.seen.is_empty() && self.owners.is_empty() && maps.iter().all(|len| *len == 0)
    }

    fn match_in_window(&self, call: &Call) -> Option<Identity> {
        self.matching(call).map(|(owner, _)| owner)
    }

    /// Who owns the call among what was counted, and by which rule they are one call.
    pub fn matching(&self, call: &Call) -> Option<(Identity, MatchRule)> {
        let by = |rule: MatchRule| move |owner: Identity| (owner, rule);
        let ids = || self.by_ids(call).map(by(MatchRule::Ids));
        let place = || self.by_place(call).map(by(MatchRule::Place));
        let look = || self.by_look(call).map(by(MatchRule::Look));
        ids().or_else(place).or_else(look).or_else(|| self.by_unmeasured(call).map(by(MatchRule::Ids)))
    }

    /// Rule (a).
    fn by_ids(&self, call: &Call) -> Option<Identity> {
        let mut owners = call.ids().filter_map(|id| self.by_id.get(&(call.resource, id)));
        owners.find(|owner| !self.is_a_sibling(owner, call)).copied()
    }

    /// An id may lead, through another emitter's record that was matched by rule (c), to the twin of this call: same emitter,
    /// another id. That is another call.
    fn is_a_sibling(&self, owner: &Identity, call: &Call) -> bool {
        self.owners.get(owner).is_some_and(|owner| owner.call.is_same_emitter(call) && owner.call.names_another(call))
    }

    /// Rule (b).
    fn by_place(&self, call: &Call) -> Option<Identity> {
        let owner = self.by_span.get(&(call.trace?, call.span?))?;
        let held = self.owners.get(owner)?;
        (held.call.signal != call.signal && !held.call.names_another(call)).then_some(*owner)
    }

    /// Rule (c).
    fn by_look(&self, call: &Call) -> Option<Identity> {
        let tokens = call.tokens.filter(|tokens| *tokens != (0, 0))?;
        let candidates = self.by_tokens.get(&(call.resource, tokens))?;
        let emitter = (call.scope, call.signal);
        let fits = |owner: &&Identity| {
            self.owners.get(*owner).is_some_and(|held| held.call.looks_like(call) && !held.matched.contains(&emitter))
        };
        candidates.as_slice().iter().find(fits).copied()
    }

    fn by_unmeasured(&self, call: &Call) -> Option<Identity> {
        if call.tokens.is_some() {
            return None;
        }
        call.ids().find_map(|id| self.unmeasured.get(&(call.resource, id))).copied()
    }

    fn remember(&mut self, identity: Identity, decision: Decision) {
        self.seen.insert(identity, decision);
        self.order.push_back(identity);
    }

    fn own(&mut self, identity: Identity, call: Call) {
        for id in call.ids() {
            self.by_id.insert((call.resource, id), identity);
        }
        if let (Some(trace), Some(span)) = (call.trace, call.span) {
            self.by_span.insert((trace, span), identity);
        }
        if let Some(tokens) = call.tokens {
            match self.by_tokens.entry((call.resource, tokens)) {
                Entry::Occupied(mut held) => held.get_mut().push(identity),
                Entry::Vacant(free) => drop(free.insert(Owners::One(identity))),
            }
        }
        self.owners.insert(identity, Owner { call, matched: Vec::new() });
    }

    /// A duplicate's own ids and place lead to its owner from now on.
    fn link(&mut self, identity: Identity, owner: Identity, call: &Call) {
        if let Some(held) = self.owners.get_mut(&owner) {
            held.matched.push((call.scope, call.signal));
        }
        let mut links = Vec::new();
        for id in call.ids() {
            self.by_id.entry((call.resource, id)).or_insert_with(|| {
                links.push(Link::Id(call.resource, id));
                owner
            });
        }
        if let (Some(trace), Some(span)) = (call.trace, call.span) {
            self.by_span.entry((trace, span)).or_insert_with(|| {
                links.push(Link::Span(trace, span));
                owner
            });
        }
        if !links.is_empty() {
            self.links.insert(identity, links);
        }
    }

    fn link_unmeasured(&mut self, identity: Identity, call: &Call) {
        let mut links = Vec::new();
        for id in call.ids() {
            self.unmeasured.entry((call.resource, id)).or_insert_with(|| {
                links.push(Link::Unmeasured(call.resource, id));
                identity
            });
        }
        if !links.is_empty() {
            self.links.insert(identity, links);
        }
    }

    fn forget(&mut self, identity: &Identity) {
        self.seen.remove(identity);
        for link in self.links.remove(identity).unwrap_or_default() {
            match link {
                Link::Id(resource, id) => drop(self.by_id.remove(&(resource, id))),
                Link::Span(trace, span) => drop(self.by_span.remove(&(trace, span))),
                Link::Unmeasured(resource, id) => drop(self.unmeasured.remove(&(resource, id))),
            }
        }
        let Some(Owner { call, .. }) = self.owners.remove(identity) else { return };
        for id in call.ids() {
            remove_if(&mut self.by_id, &(call.resource, id), identity);
        }
        if let (Some(trace), Some(span)) = (call.trace, call.span) {
            remove_if(&mut self.by_span, &(trace, span), identity);
        }
        if let Some(tokens) = call.tokens {
            let key = (call.resource, tokens);
            if let Entry::Occupied(mut held) = self.by_tokens.entry(key)
                && !held.get_mut().remove(identity)
            {
                held.remove();
            }
        }
    }
}

fn remove_if<K: std::hash::Hash + Eq>(map: &mut Map<K, Identity>, key: &K, value: &Identity) {
    if map.get(key) == Some(value) {
        map.remove(key);
    }
}
