//! What those who hold requests can know: how many are open, and whether they keep others out.

use super::*;
use crate::Host;
use crate::engine::bond::Bond;
use crate::host::{Room, Services};
use std::sync::atomic::Ordering;

const HOLDING: &str = "
receivers: {taps: }
processors: {act: {what: merge}}
exporters: {net: {sending_queue: {max_bytes: 64KiB, batch: {enabled: false}}}}
service: {pipelines: {logs: {receivers: [taps], processors: [act], exporters: [net]}}}
";

impl House {
    fn open_requests(&self) -> usize {
        self.entrance.door.accounted.open_requests.load(Ordering::Acquire)
    }
    /// What a component of this house is told.
    fn host(&self) -> Host {
        let (settings, accounted) = (&self.settings, &self.entrance.door.accounted);
        let services = Services::new(
            settings.clock.clone(),
            settings.telemetry.clone(),
            Arc::clone(&settings.storage),
            Arc::clone(accounted),
        );
        let queues = self.running.current.lanes.iter().map(|lane| Arc::clone(&lane.budget)).collect();
        services.watch_room(Room { queues, receive_limit: 1000 });
        Host::new(crate::Kind::Processor, id("act"), &Bond::default(), Arc::new(services))
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_is_open_until_what_was_held_of_it_is_acknowledged() {
    let house = House::of(HOLDING).await;
    assert_eq!(house.open_requests(), 0);
    let entrance = house.entrance.clone();
    let client = spawn(async move { entrance.submit_batch(Batch::new(logs(1))).await });
    while house.figure("chaperone_component_held_items", &["act"]) < 1.0 {
        tokio::task::yield_now().await;
    }
    assert_eq!((house.open_requests(), house.host().open_requests()), (1, 1));
    assert_eq!(client.await.expect("no panic"), Outcome::Ok);
    assert_eq!(house.open_requests(), 0);
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn four_fifths_of_a_queue_or_of_what_may_be_received_are_a_crowd() {
    let house = House::of(HOLDING).await;
    let host = house.host();
    assert!(!host.is_crowded());
    let budget = &house.running.current.lanes[0].budget;
    let rooms = [budget.reserve(50_000, || 1).expect("room"), budget.reserve(4_000, || 1).expect("room")];
    assert!(host.is_crowded());
    drop(rooms);
    assert!(!host.is_crowded());
    let charge = house.entrance.charge(800).expect("room");
    assert!(host.is_crowded());
    drop(charge);
    assert!(!host.is_crowded());
    house.shutdown(Duration::from_secs(1)).await;
}
