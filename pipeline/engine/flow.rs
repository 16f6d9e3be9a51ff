//! Run to completion: one batch walks the graph depth first on the thread that brought it.
//!
//! The runner keeps the acknowledgement. A component works under `catch_unwind`; when it fails, its outbox is thrown away
//! and its share is resolved with the failure. No lock of a component is held while something downstream runs.

use crate::engine::accounted::Accounted;
use crate::engine::counters::{Place, SignalCounters};
use crate::engine::in_flight::InFlight;
use crate::engine::instance::Instance;
use crate::front::Lane;
use crate::outbox::Given;
use crate::{Ack, Batch, Clock, Counter, Kind, Next, Outbox, Outcome, ProcessError, Processor, RequestSize, Signals};
use chaperone_config::{ComponentId, PipelineId};
use chaperone_proto::{Data, Signal};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

/// Takes what would have gone to an exporter: `replay`.
pub(crate) type Sink = Box<dyn FnMut(&PipelineId, &ComponentId, &Data) + Send>;

/// What a node does with a batch.
pub(crate) enum Work {
    // Shared with the graphs before and after a reload that keeps it.
    Process(Arc<Instance<dyn Processor>>),
    // Shared by the nodes of one exporter in several pipelines.
    Export(Arc<Lane>),
    Sink(PipelineId),
}

/// One component at one place of the graph.
pub(crate) struct Node {
    pub place: Place,
    pub work: Work,
    pub passes: Signals,
    /// By signal; none where the component has nothing to do with it.
    pub counters: [Option<SignalCounters>; 3],
    /// By signal; acknowledging ones first, then in the order of the file.
    pub next: [Vec<Edge>; 3],
}

/// To the next node.
pub(crate) struct Edge {
    pub to: usize,
    pub items: Counter,
}

/// Where a receiver's requests of one signal go, and whom admission asks.
#[derive(Default)]
pub(crate) struct Route {
    pub heads: Vec<Edge>,
    /// Processors and connectors that the acknowledged data reach, in order.
    pub admit: Vec<usize>,
    /// Queues that the acknowledged data reach; one that is reached twice is named twice.
    pub queues: Vec<Arc<Lane>>,
    pub counters: Option<SignalCounters>,
}

impl Route {
    /// Over how many ways a request reaches a queue.
    pub(crate) fn times(&self, queue: &Arc<Lane>) -> usize {
        self.queues.iter().filter(|other| Arc::ptr_eq(other, queue)).count()
    }
}

/// The running graph.
pub(crate) struct Flow {
    pub nodes: Vec<Node>,
    /// Processors and connectors, upstream first.
    pub order: Vec<usize>,
    /// By receiver and signal; doors keep the places of theirs.
    pub routes: Vec<((ComponentId, Signal), Route)>,
    pub clock: Clock,
    pub accounted: Arc<Accounted>,
    pub lost_shares: Counter,
    pub panics: Counter,
    pub sink: Mutex<Option<Sink>>,
    // Shared with the runs of this graph's requests.
    pub in_flight: Arc<InFlight>,
}

pub(crate) fn slot(signal: Signal) -> usize {
    signal as usize
}

/// What a component said to one piece of its own work.
pub(crate) enum Piece {
    Tick,
    Drain,
    /// The drain of a component whose successor has its id.
    HandOver,
}

impl Flow {
    /// The place of a receiver's route.
    pub(crate) fn route(&self, receiver: &ComponentId, signal: Signal) -> Option<usize> {
        self.routes.iter().position(|((id, of), _)| id == receiver && *of == signal)
    }

    /// The component at a node, unless that is an exporter.
    pub(crate) fn instance(&self, node: usize) -> Option<&Arc<Instance<dyn Processor>>> {
        match &self.nodes[node].work {
            Work::Process(instance) => Some(instance),
            Work::Export(_) | Work::Sink(_) => None,
        }
    }

    /// Sends a batch over several edges; the last one gets the original, the others clones.
    pub(crate) fn fan_out(&self, edges: &[Edge], batch: Batch, ack: Option<Ack>) {
        if let Some((last, others)) = edges.split_last() {
            for edge in others {
                self.over(edge, batch.clone(), ack.as_ref().map(Ack::share));
            }
            self.over(last, batch, ack);
        } else if let Some(ack) = ack {
            ack.resolve(Outcome::Ok);
        }
    }

    fn over(&self, edge: &Edge, batch: Batch, ack: Option<Ack>) {
        edge.items.add(batch.items() as u64);
        self.visit(&self.nodes[edge.to], batch, ack);
    }

    fn visit(&self, node: &Node, batch: Batch, ack: Option<Ack>) {
        let (signal, items) = (batch.signal(), batch.items());
        let Some(counters) = &node.counters[slot(signal)] else {
            // The graph refuses such wiring; what a component makes against its own META has no edge.
            if let Some(ack) = ack {
                ack.resolve(Outcome::permanent(format!("`{}` does not take {}", node.place.id, signal.name())));
            }
            return;
        };
        counters.enter(items);
        match &node.work {
            Work::Process(instance) => self.process(node, instance, counters, batch, ack),
            Work::Export(lane) => match lane.offer(&batch, ack) {
                Ok(()) => counters.pass(items),
                Err(reason) => counters.drop_items(items, reason),
            },
            Work::Sink(pipeline) => {
                if let Some(sink) = self.sink.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
                    sink(pipeline, &node.place.id, &batch.data);
                }
                counters.pass(items);
                if let Some(ack) = ack {
                    ack.resolve(Outcome::Ok);
                }
            }
        }
    }

    fn process(
        &self,
        node: &Node,
        instance: &Instance<dyn Processor>,
        counters: &SignalCounters,
        batch: Batch,
        ack: Option<Ack>,
    ) {
        let (signal, items) = (batch.signal(), batch.items());
        let processor = &instance.component;
        if ack.is_none() {
            // Requests were asked for at the entrance; derived data are asked for here, and end here.
            let size = RequestSize { signal, bytes: batch.data.pinned_bytes() };
            let refusal = catch_unwind(AssertUnwindSafe(|| processor.admit(&size)));
            if let Ok(Err(refusal)) = refusal {
                counters.drop_items(items, refusal.reason);
                let _ = catch_unwind(AssertUnwindSafe(|| processor.refused(signal, items)));
                return;
            }
        }
        let now = self.clock.now();
        let mut out = Outbox::new(now, ack.as_ref().map(Ack::share));
        let result = catch_unwind(AssertUnwindSafe(|| processor.process(batch, &mut out)));
        counters.took(now, &self.clock);
        instance.pulse.wake();
        let (outcome, reason) = match result {
            Ok(Ok(())) => {
                if let Some(ack) = ack {
                    ack.resolve(Outcome::Ok);
                }
                return self.empty(node, out, Some((signal, items)));
            }
            Ok(Err(ProcessError::Retryable { message, after })) => (Outcome::Retryable { message, after }, "failed_retryable"),
            Ok(Err(ProcessError::Permanent { message })) => (Outcome::Permanent { message }, "failed_permanent"),
            Err(_) => {
                self.count_panic(node);
                (Outcome::permanent(format!("{} `{}` panicked", node.place.kind.word(), node.place.id)), "panicked")
            }
        };
        counters.drop_items(items, reason);
        self.throw_away(node, out, &outcome, reason);
        if let Some(ack) = ack {
            ack.resolve(outcome);
        }
    }

    /// Counts and gives on what a call put into its outbox; `incoming` is what the call was given.
    fn empty(&self, node: &Node, out: Outbox, incoming: Option<(Signal, usize)>) {
        let Given { passed, derived, dropped, held, released, to_resolve } = out.into_given();
        let mut ended = 0;
        for (signal, items, reason) in dropped {
            match (&node.counters[slot(signal)], incoming) {
                (Some(counters), Some((incoming, _))) if incoming == signal => {
                    counters.drop_items(items, reason);
                    ended += items;
                }
                (Some(counters), _) => counters.discard(items, reason),
                (None, _) => {}
            }
        }
        for (signal, items) in held {
            if let Some(counters) = &node.counters[slot(signal)] {
                counters.held.add(items as u64);
                ended += if incoming.is_some_and(|(incoming, _)| incoming == signal) { items } else { 0 };
            }
        }
        for (signal, items, reason) in released {
            if let Some(counters) = &node.counters[slot(signal)] {
                counters.held.sub(items as u64);
                counters.drop_items(items, reason);
            }
        }
        for ack in to_resolve {
            ack.resolve(Outcome::Ok);
        }
        if let Some((signal, items)) = incoming
            && let Some(counters) = &node.counters[slot(signal)]
            && !node.passes.has(signal)
        {
            counters.consumed.add(items.saturating_sub(ended) as u64);
        }
        for (batch, ack, was_held) in passed {
            let (signal, items) = (batch.signal(), batch.items());
            if let Some(counters) = &node.counters[slot(signal)] {
                counters.pass(items);
                if was_held {
                    counters.held.sub(items as u64);
                }
            }
            self.give_on(node, batch, ack);
        }
        for batch in derived {
            if let Some(counters) = &node.counters[slot(batch.signal())] {
                counters.made.add(batch.items() as u64);
            }
            self.give_on(node, batch, None);
        }
    }

    /// An empty batch goes nowhere: everything in it was dropped or held, and its share is fine.
    fn give_on(&self, node: &Node, batch: Batch, ack: Option<Ack>) {
        let edges = &node.next[slot(batch.signal())];
        if batch.items() > 0 && !edges.is_empty() {
            return self.fan_out(edges, batch, ack);
        }
        // Nobody listens to this signal of a connector: told apart from what was lost on the way.
        if let Some(counters) = &node.counters[slot(batch.signal())]
            && batch.items() > 0
        {
            counters.discard(batch.items(), "no_pipeline");
        }
        if let Some(ack) = ack {
            ack.resolve(Outcome::Ok);
        }
    }

    fn throw_away(&self, node: &Node, out: Outbox, outcome: &Outcome, reason: &str) {
        for (signal, items) in out.throw_away(outcome) {
            if let Some(counters) = &node.counters[slot(signal)] {
                counters.held.sub(items as u64);
                counters.drop_items(items, reason);
            }
        }
    }

    /// One piece of a component's own work; what it gives out carries no acknowledgement but that of held data.
    pub(crate) fn work(&self, node: &Node, piece: &Piece) -> Next {
        let Work::Process(instance) = &node.work else { return Next::Done };
        let processor = &instance.component;
        let now = self.clock.now();
        let mut out = Outbox::new(now, None);
        let said = catch_unwind(AssertUnwindSafe(|| match piece {
            Piece::Tick => processor.tick(now, &mut out),
            Piece::Drain => processor.drain(now, &mut out),
            Piece::HandOver => processor.hand_over(now, &mut out),
        }));
        match said {
            Ok(next) => {
                self.empty(node, out, None);
                next
            }
            Err(_) => {
                self.count_panic(node);
                self.throw_away(node, out, &Outcome::retryable("held data were lost to a panic"), "panicked");
                // A component that panics while it drains is not asked again; a ticking one may have got over it.
                if matches!(piece, Piece::Tick) { Next::After(std::time::Duration::from_secs(1)) } else { Next::Done }
            }
        }
    }

    fn count_panic(&self, node: &Node) {
        self.panics.add(1);
        tracing::error!(component = %node.place.id, kind = node.place.kind.word(), "a component panicked");
    }

    /// The nodes that tick and drain.
    pub(crate) fn processors(&self) -> impl Iterator<Item = &Node> {
        self.order.iter().map(|index| &self.nodes[*index]).filter(|node| node.place.kind != Kind::Exporter)
    }
}
