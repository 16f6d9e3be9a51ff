//! Which session a step belongs to: many frameworks name the conversation on model calls and not on tool calls, some only at the end.
//!
//! A conversation that is named after steps of its trace were judged goes on in the session they began, the trace's own: one
//! sequence, one finding. Otherwise the session is the conversation.

use chaperone_genai::detect::{Observed, session_of_trace};
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// Traces and conversations remembered, each; beyond it the first one seen is forgotten.
const MOST: usize = 50_000;

/// Conversations by trace and sessions by conversation, bounded.
#[derive(Debug, Default)]
pub struct Conversations {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// The conversation of a trace; `None` as long as nothing named one.
    by_trace: Bounded<[u8; 16], Option<String>>,
    /// The session of a conversation (tenant, id), where it is not the conversation itself.
    sessions: Bounded<(String, String), String>,
}

impl Conversations {
    /// Learns from the steps that name a conversation, and gives it to those of the same trace that do not.
    pub fn join(&self, steps: &mut [Observed]) {
        if steps.is_empty() {
            return;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for step in steps.iter() {
            if let Some(conversation) = &step.conversation {
                known.learn(&step.key.tenant, step.step.trace, conversation);
            }
        }
        for step in steps.iter_mut() {
            if step.conversation.is_none() {
                step.conversation = step.step.trace.and_then(|trace| known.of_trace(trace));
            }
            if let Some(conversation) = &step.conversation {
                step.key.session = known.session(&step.key.tenant, conversation);
            }
        }
    }
}

impl Known {
    fn learn(&mut self, tenant: &str, trace: Option<[u8; 16]>, conversation: &str) {
        let conversation_key = || (tenant.to_owned(), conversation.to_owned());
        let began = trace.and_then(|trace| match self.by_trace.get_mut(&trace)? {
            Some(_) => None,
            unnamed => {
                *unnamed = Some(conversation.to_owned());
                Some(session_of_trace(trace))
            }
        });
        if let Some(trace) = trace {
            self.by_trace.add(trace, || Some(conversation.to_owned()));
        }
        // Only the first trace of a conversation may have begun its session.
        self.sessions.add(conversation_key(), || began.unwrap_or_else(|| conversation.to_owned()));
    }

    fn of_trace(&mut self, trace: [u8; 16]) -> Option<String> {
        self.by_trace.add(trace, || None).clone()
    }

    fn session(&self, tenant: &str, conversation: &str) -> String {
        let session = self.sessions.by_key.get(&(tenant.to_owned(), conversation.to_owned()));
        session.map_or_else(|| conversation.to_owned(), String::clone)
    }
}

/// A map that forgets what was added first.
#[derive(Debug)]
struct Bounded<K, V> {
    by_key: HashMap<K, V>,
    order: VecDeque<K>,
}

impl<K, V> Default for Bounded<K, V> {
    fn default() -> Self {
        Bounded { by_key: HashMap::new(), order: VecDeque::new() }
    }
}

impl<K: Eq + Hash + Clone, V> Bounded<K, V> {
    fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.by_key.get_mut(key)
    }

    /// The value of a key, which is made where there is none.
    fn add(&mut self, key: K, value: impl FnOnce() -> V) -> &mut V {
        if !self.by_key.contains_key(&key) {
            if self.order.len() >= MOST
                && let Some(oldest) = self.order.pop_front()
            {
                self.by_key.remove(&oldest);
            }
            self.order.push_back(key.clone());
        }
        self.by_key.entry(key).or_insert_with(value)
    }
}
