//! Calls components when they asked for it: first after a second, never more often than every 10 ms.
//!
//! A component that says `Done` has nothing open; it is called again a second after its next batch.

use crate::Next;
use crate::engine::flow::{Flow, Node, Piece};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch;

/// First call, and call after a pause without anything open.
pub(crate) const FIRST: Duration = Duration::from_secs(1);
/// No component is called more often.
pub(crate) const FLOOR: Duration = Duration::from_millis(10);

/// Ticks one node until the collector stops.
pub(crate) async fn tick(flow: Arc<Flow>, node: usize, mut stopping: watch::Receiver<bool>) {
    let node: &Node = &flow.nodes[node];
    let mut pause = FIRST;
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
        pause = loop {
            match flow.work(node, &Piece::Tick) {
                Next::After(pause) => break pause.max(FLOOR),
                // Others get a turn between two pieces of work; and a stop is not kept waiting.
                Next::Again => tokio::task::yield_now().await,
                Next::Done => {
                    node.asleep.store(true, Ordering::Release);
                    tokio::select! {
                        () = node.woken.notified() => {}
                        _ = stopping.wait_for(|stop| *stop) => return,
                    }
                    break FIRST;
                }
            }
            if *stopping.borrow() {
                return;
            }
        };
    }
}
