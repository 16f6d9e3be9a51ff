//! Brings what components report about themselves into the graph, through the receiver `own_events`.
//!
//! Without that receiver nobody takes reports: they are refused, and counted, from the start.

use crate::engine::door::Door;
use crate::host::Services;
use crate::{Batch, Entrance, Outcome};
use chaperone_proto::{Data, Logs};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// How long reports that wait may take to enter the graph.
const PATIENCE: Duration = Duration::from_secs(1);

/// The task that brings reports in, if there is one.
#[derive(Default)]
pub(crate) struct Reports {
    // The door of the receiver, as long as reports go through it.
    door: Option<Arc<Door>>,
    task: JoinSet<()>,
}

impl Reports {
    /// Reports go through this door from now on; through none they are refused. What waits already goes through the former.
    pub(crate) async fn go_through(&mut self, door: Option<&Arc<Door>>, services: &Services) {
        let same = match (&self.door, door) {
            (None, None) => true,
            (Some(now), Some(next)) => Arc::ptr_eq(now, next),
            _ => false,
        };
        if same {
            return;
        }
        let Some(door) = door else { return self.stop(services).await };
        let (reports, entrance) = (services.take_reports(), Entrance { door: Arc::clone(door) });
        self.end().await;
        self.task.spawn(bring_in(reports, entrance));
        self.door = Some(Arc::clone(door));
    }
    /// Refuses further reports, and brings those in that wait.
    pub(crate) async fn stop(&mut self, services: &Services) {
        services.refuse_reports();
        self.door = None;
        self.end().await;
    }
    async fn end(&mut self) {
        let ended = async { while self.task.join_next().await.is_some() {} };
        if tokio::time::timeout(PATIENCE, ended).await.is_err() {
            tracing::warn!("reports of our own were still waiting when nobody took them any more");
            self.task.shutdown().await;
        }
    }
}

/// Brings reports into the graph, one after the other, until no further ones can come.
async fn bring_in(mut reports: mpsc::Receiver<Logs>, entrance: Entrance) {
    while let Some(logs) = reports.recv().await {
        let outcome = entrance.submit_batch(Batch::new(Data::Logs(logs))).await;
        if outcome != Outcome::Ok {
            tracing::warn!(?outcome, "a report of our own was refused");
        }
    }
}
