//! Reloads: what is kept, what is replaced, what happens to requests under way, and that errors change nothing.

use super::*;
use crate::engine::{ReloadError, Reloaded};
use script::Answer;

const BASE: &str = "
receivers: {taps: , own_events: }
processors: {act: {limit: 1}, act/two: {limit: 1}}
connectors: {count: }
exporters: {net: , local: }
service:
  pipelines:
    logs: {receivers: [taps], processors: [act, act/two], exporters: [net, count]}
    logs/counted: {receivers: [count], exporters: [local]}
    logs/own: {receivers: [own_events], exporters: [local]}
";

impl House {
    async fn reload(&mut self, text: &str) -> Result<Reloaded, ReloadError> {
        self.running.reload(&document(text), &REGISTRY, Duration::from_secs(20)).await
    }
    async fn reloaded(&mut self, text: &str) -> Reloaded {
        self.reload(text).await.unwrap_or_else(|error| panic!("{error}: {error:?}"))
    }
    /// Addresses of all components by place: equal ones are the same instances.
    fn instances(&self) -> Vec<(String, usize)> {
        let now = &self.running.current;
        let of = |place: &crate::engine::counters::Place, address: usize| (format!("{} {}", place.id, place.pipeline), address);
        let receivers = now.receivers.iter().map(|one| of(&one.place, Arc::as_ptr(&one.component).addr()));
        let processors = now.processors.iter().map(|one| of(&one.place, Arc::as_ptr(&one.component).addr()));
        let exporters = now.exporters.iter().map(|one| of(&one.place, Arc::as_ptr(&one.component).addr()));
        let lanes = now.lanes.iter().map(|lane| (format!("{} {}", lane.id, lane.signal.name()), Arc::as_ptr(lane).addr()));
        receivers.chain(processors).chain(exporters).chain(lanes).collect()
    }
}

/// Those whose instances differ.
fn differing(before: &[(String, usize)], after: &[(String, usize)]) -> Vec<String> {
    after.iter().filter(|one| !before.contains(one)).map(|(name, _)| name.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn only_what_changed_is_built_again() {
    let mut house = House::of(BASE).await;
    let before = house.instances();
    // The same in other words: a default written down, another order of keys.
    let same = BASE
        .replace("act: {limit: 1}", "act: {limit: 1, what: pass}")
        .replace("exporters: {net: , local: }", "exporters: {local: , net: {timeout: 5s}}");
    let reloaded = house.reloaded(&same).await;
    assert!(reloaded.is_nothing(), "{reloaded:?}");
    assert_eq!(differing(&before, &house.instances()), Vec::<String>::new());

    let reloaded = house.reloaded(&BASE.replace("act/two: {limit: 1}", "act/two: {limit: 2}")).await;
    assert_eq!(reloaded.replaced, ["processor act/two in logs"]);
    assert_eq!((reloaded.added.len(), reloaded.removed.len(), reloaded.pipelines.len(), reloaded.kept), (0, 0, 0, 6));
    assert_eq!(differing(&before, &house.instances()), ["act/two logs"]);
    assert_eq!(house.send(1).await, Outcome::Ok);
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn an_exporter_whose_front_changed_is_built_again_with_its_queue() {
    let mut house = House::of(BASE).await;
    let before = house.instances();
    let reloaded = house.reloaded(&BASE.replace("net: ,", "net: {sending_queue: {num_consumers: 3}},")).await;
    assert_eq!(reloaded.replaced, ["exporter net"]);
    assert_eq!(differing(&before, &house.instances()), ["net ", "net logs"]);
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn other_wiring_keeps_the_instances_and_leads_elsewhere() {
    let mut house = House::of(BASE).await;
    let before = house.instances();
    assert_eq!(house.send(2).await, Outcome::Ok);
    let text =
        BASE.replace("processors: [act, act/two], exporters: [net, count]", "processors: [act], exporters: [local, count]");
    let reloaded = house.reloaded(&text).await;
    assert_eq!(reloaded.removed, ["processor act/two in logs", "exporter net"]);
    assert_eq!(reloaded.pipelines, ["logs"]);
    assert_eq!(differing(&before, &house.instances()), Vec::<String>::new());
    // The entrance is the one from before: its receiver was kept.
    assert_eq!(house.send(3).await, Outcome::Ok);
    assert_eq!(house.script("local").items(), 3);
    assert!(
        house.settings.telemetry.families().iter().all(|family| family.name != "otelcol_exporter_queue_capacity"
            || family.samples.iter().all(|sample| !format!("{:?}", sample.labels).contains("net"))),
        "its capacity is no fact any more"
    );
    assert_eq!(house.figure("chaperone_queue_enqueued_items", &["net"]), 2.0, "what it counted stays");
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn problems_change_nothing_and_are_all_told() {
    let mut house = House::of(BASE).await;
    let before = house.instances();
    let text = BASE.replace("act: {limit: 1}", "act: {limit: 1000}").replace("act/two: {limit: 1}", "act/two: {colour: red}");
    let Err(ReloadError::Problems(problems)) = house.reload(&text).await else { panic!("it was taken") };
    assert_eq!(problems.len(), 2, "{problems}");
    let refused = BASE.replace("act/two: {limit: 1}", "act/two: {what: refuse_to_build}");
    assert!(matches!(house.reload(&refused).await, Err(ReloadError::Problems(_))));
    assert_eq!(differing(&before, &house.instances()), Vec::<String>::new());
    assert_eq!(house.send(1).await, Outcome::Ok);
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_component_that_does_not_start_undoes_the_reload() {
    let mut house = House::of(BASE).await;
    let before = house.instances();
    let text = BASE.replace("act/two: {limit: 1}", "act/two: {what: refuse_to_start}").replace("net: ,", "net: {reports: true},");
    let Err(ReloadError::Start(error)) = house.reload(&text).await else { panic!("it started") };
    assert_eq!(error.message, "processor `act/two` did not start: it was told so");
    assert_eq!(differing(&before, &house.instances()), Vec::<String>::new());
    assert_eq!(house.send(4).await, Outcome::Ok);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(house.script("net").items(), 4, "the queue of before still delivers");
    assert_eq!(house.figure("otelcol_exporter_queue_size", &["net"]), 0.0);
    // And the next good one is taken.
    let reloaded = house.reloaded(&BASE.replace("act: {limit: 1}", "act: {limit: 3}")).await;
    assert_eq!(reloaded.replaced, ["processor act in logs"]);
    house.shutdown(Duration::from_secs(1)).await;
}

const HOLDING: &str = "
receivers: {taps: }
processors: {act: {what: merge}}
exporters: {net: {sending_queue: {batch: {enabled: false}}}}
service: {pipelines: {logs: {receivers: [taps], processors: [act], exporters: [net]}}}
";

#[tokio::test(start_paused = true)]
async fn what_a_replaced_processor_holds_goes_out_and_its_sender_is_answered() {
    let mut house = House::of(HOLDING).await;
    let entrance = house.entrance.clone();
    let client = spawn(async move { entrance.submit_batch(Batch::new(logs(2))).await });
    while house.figure("chaperone_component_held_items", &["act"]) < 2.0 {
        tokio::task::yield_now().await;
    }
    house.reloaded(&HOLDING.replace("what: merge", "what: merge, limit: 5")).await;
    assert_eq!(client.await.expect("no panic"), Outcome::Ok);
    assert_eq!(house.figure("chaperone_component_held_items", &["act"]), 0.0);
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_kept_processor_keeps_what_it_holds_and_is_called_in_time() {
    let mut house = House::of(HOLDING).await;
    let entrance = house.entrance.clone();
    let client = spawn(async move { entrance.submit_batch(Batch::new(logs(2))).await });
    while house.figure("chaperone_component_held_items", &["act"]) < 2.0 {
        tokio::task::yield_now().await;
    }
    let began = tokio::time::Instant::now();
    // Reloads in quick succession must not put its call off again and again.
    for number in 0..8_u32 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        house.reloaded(&HOLDING.replace("net: {", &format!("net: {{timeout: {}s, ", number + 6))).await;
    }
    assert_eq!(client.await.expect("no panic"), Outcome::Ok);
    assert!(began.elapsed() <= Duration::from_millis(1300), "{:?}", began.elapsed());
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_in_the_queue_of_a_replaced_exporter_goes_out_with_the_new_settings() {
    let text = "
receivers: {taps: }
exporters: {net: {sending_queue: {num_consumers: 1, batch: {enabled: false}}}}
service: {pipelines: {logs: {receivers: [taps], exporters: [net]}}}
";
    let mut house = House::of(text).await;
    let script = house.script("net");
    script.say([Answer::Hang]);
    for items in 1..=4 {
        assert_eq!(house.send(items).await, Outcome::Ok);
    }
    script.tried(1).await;
    let began = tokio::time::Instant::now();
    house.reloaded(&text.replace("num_consumers: 1", "num_consumers: 2")).await;
    script.tried(4).await;
    assert!(began.elapsed() < Duration::from_secs(5), "three did not wait for the one that hangs");
    // The one that hung is tried again by the exporter that is gone, and counted as its queue's.
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert_eq!(house.figure("chaperone_queue_sent_items", &["net"]), 10.0);
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_cannot_empty_is_given_up_in_the_end_and_counted() {
    let mut house = House::of(BASE).await;
    let script = house.script("net");
    script.say((0..20).map(|_| Answer::Later(None)));
    assert_eq!(house.send(5).await, Outcome::Ok);
    let text = BASE.replace("exporters: [net, count]", "exporters: [count]");
    let began = tokio::time::Instant::now();
    house.reloaded(&text).await;
    assert!(began.elapsed() < Duration::from_secs(1), "nobody waits for it");
    tokio::time::sleep(Duration::from_secs(25)).await;
    assert_eq!(house.figure("chaperone_queue_dropped_items", &["net", "shutdown"]), 5.0);
    assert!(*script.stopped.lock().unwrap(), "and its exporter is stopped");
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn reports_go_where_the_new_graph_has_own_events() {
    let reporting = BASE.replace("net: ,", "net: {reports: true},");
    let without = reporting
        .replace("taps: , own_events: ", "taps: ")
        .replace("    logs/own: {receivers: [own_events], exporters: [local]}\n", "");
    let mut house = House::of(&without).await;
    let (net, local) = (house.script("net"), house.script("local"));
    assert_eq!(house.send(1).await, Outcome::Ok);
    net.tried(1).await;
    assert_eq!(house.figure("chaperone_reports_dropped_items", &["no_own_events"]), 1.0);
    house.reloaded(&reporting).await;
    assert_eq!(house.send(1).await, Outcome::Ok);
    local.tried(1).await;
    house.reloaded(&without).await;
    assert_eq!(house.send(1).await, Outcome::Ok);
    net.tried(3).await;
    assert_eq!(house.figure("chaperone_reports_dropped_items", &["no_own_events"]), 2.0);
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_while_queues_of_before_empty_does_not_wait_longer_than_its_deadline() {
    let mut house = House::of(BASE).await;
    house.script("net").say((0..20).map(|_| Answer::Later(None)));
    assert_eq!(house.send(5).await, Outcome::Ok);
    house.reloaded(&BASE.replace("exporters: [net, count]", "exporters: [count]")).await;
    let began = tokio::time::Instant::now();
    house.shutdown(Duration::from_secs(3)).await;
    assert!(began.elapsed() <= Duration::from_secs(4), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_gone_lets_nobody_in_and_a_new_one_does() {
    let mut house = House::of(BASE).await;
    let before = house.entrance.clone();
    house.reloaded(&BASE.replace("taps: ,", "taps/other: ,").replace("[taps]", "[taps/other]")).await;
    let other = house.settings.shared.get_or_init(&id("taps/other"), components::Taps::default);
    let entrance = other.lock().unwrap().clone().expect("started");
    assert_eq!(entrance.submit_batch(Batch::new(logs(2))).await, Outcome::Ok);
    drop(before);
    house.shutdown(Duration::from_secs(1)).await;
}
