//! Which conversation a trace belongs to: many frameworks name it on model calls and not on tool calls.

use chaperone_genai::detect::Observed;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

/// Traces remembered; beyond it the first one seen is forgotten.
const TRACES: usize = 50_000;

/// Conversations by trace, bounded.
#[derive(Debug, Default)]
pub struct Conversations {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    by_trace: HashMap<[u8; 16], String>,
    order: VecDeque<[u8; 16]>,
}

impl Conversations {
    /// Learns from the steps that name a conversation, and gives it to those of the same trace that do not.
    pub fn join(&self, steps: &mut [Observed]) {
        if steps.is_empty() {
            return;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for step in steps.iter() {
            if let (Some(trace), Some(conversation)) = (step.step.trace, &step.conversation) {
                known.learn(trace, conversation);
            }
        }
        for step in steps.iter_mut().filter(|step| step.conversation.is_none()) {
            if let Some(conversation) = step.step.trace.and_then(|trace| known.by_trace.get(&trace)) {
                step.key.session.clone_from(conversation);
                step.conversation = Some(conversation.clone());
            }
        }
    }
}

impl Known {
    fn learn(&mut self, trace: [u8; 16], conversation: &str) {
        if self.by_trace.contains_key(&trace) {
            return;
        }
        if self.order.len() >= TRACES
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_trace.remove(&oldest);
        }
        self.order.push_back(trace);
        self.by_trace.insert(trace, conversation.to_owned());
    }
}
