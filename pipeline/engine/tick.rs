//! Calls components when they asked for it: first after a second, never more often than every 10 ms.
//!
//! A component that says `Done` has nothing open; it is called again a second after its next batch. When it is due goes
//! with the instance: a reload that keeps it neither delays nor hastens its calls.

use crate::Next;
use crate::engine::flow::{Flow, Piece, Work};
use crate::engine::instance::Due;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// First call, and call after a pause without anything open.
pub(crate) const FIRST: Duration = Duration::from_secs(1);
/// No component is called more often.
pub(crate) const FLOOR: Duration = Duration::from_millis(10);

/// The task that calls one component.
pub(crate) struct Ticker {
    /// Place of the component in its flow.
    pub node: usize,
    stop: watch::Sender<bool>,
    task: JoinSet<()>,
}

impl Ticker {
    pub(crate) fn start(flow: &Arc<Flow>, node: usize) -> Ticker {
        let (stop, mut task) = (watch::Sender::new(false), JoinSet::new());
        task.spawn(tick(Arc::clone(flow), node, stop.subscribe()));
        Ticker { node, stop, task }
    }
    /// Lets the piece of work that is being done end, and no other begin.
    pub(crate) async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.task.join_next().await.is_some() {}
    }
}

/// Ticks one node until it is told to stop.
async fn tick(flow: Arc<Flow>, node: usize, mut stopping: watch::Receiver<bool>) {
    let node = &flow.nodes[node];
    let Work::Process(instance) = &node.work else { return };
    let pulse = &instance.pulse;
    if pulse.due() == Due::New {
        pulse.set_due(Due::At(Instant::now() + FIRST));
    }
    loop {
        let due = match pulse.due() {
            Due::At(due) => due,
            Due::New | Due::AfterABatch => {
                tokio::select! {
                    () = pulse.woken.notified() => {}
                    _ = stopping.wait_for(|stop| *stop) => return,
                }
                let due = Instant::now() + FIRST;
                pulse.set_due(Due::At(due));
                due
            }
        };
        tokio::select! {
            () = tokio::time::sleep_until(due) => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
        loop {
            // Before the call: what comes while it says that nothing is open must not be missed.
            pulse.listen(true);
            match flow.work(node, &Piece::Tick) {
                Next::After(pause) => {
                    pulse.listen(false);
                    pulse.set_due(Due::At(Instant::now() + pause.max(FLOOR)));
                    break;
                }
                // Others get a turn between two pieces of work; and a stop is not kept waiting.
                Next::Again => tokio::task::yield_now().await,
                Next::Done => {
                    pulse.set_due(Due::AfterABatch);
                    break;
                }
            }
            if *stopping.borrow() {
                return;
            }
        }
    }
}
