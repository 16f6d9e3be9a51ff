//! 2.4 batch.

use super::*;
use crate::engine::tests::payload;
use crate::{ClientInfo, Encoding, Outcome, Payload};
use chaperone_proto::{Data, Limits, Signal};
use chaperone_testkit::corpus;

fn queue(batch: &str) -> String {
    format!("sending_queue: {{num_consumers: 1, batch: {{{batch}}}}}")
}

#[tokio::test(start_paused = true)]
async fn r2_4_01_what_comes_within_the_flush_timeout_goes_out_together() {
    let house = with(&queue("flush_timeout: 3s")).await;
    let script = house.script("net");
    let began = tokio::time::Instant::now();
    for items in [1, 2] {
        assert_eq!(house.send(items).await, Outcome::Ok);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    script.tried(1).await;
    assert_eq!((items(&script), (script.seen()[0].at - began).as_secs()), (vec![3], 3), "from the first one's arrival");
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn r2_4_02_a_batch_goes_out_at_min_size_and_is_split_at_max_size() {
    let house = with(&queue("min_size: 10, max_size: 12, flush_timeout: 5s")).await;
    let script = house.script("net");
    let began = tokio::time::Instant::now();
    for items in [4, 4, 4, 30] {
        assert_eq!(house.send(items).await, Outcome::Ok);
    }
    script.tried(4).await;
    assert_eq!(items(&script), [12, 12, 12, 6]);
    let at: Vec<u64> = script.seen().iter().map(|seen| (seen.at - began).as_secs()).collect();
    assert_eq!(at, [0, 0, 0, 5], "the rest waits for its time");
    settle().await;
    assert_eq!(house.figure("otelcol_exporter_queue_size", &["net"]), 0.0);
    assert_eq!(house.running.accounted_bytes(), 0, "parts give back what the whole had taken");
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn r2_4_03_a_batch_measured_in_bytes_never_passes_them() {
    let house = with(&queue("sizer: bytes, min_size: 900, max_size: 1000, flush_timeout: 1s")).await;
    let script = house.script("net");
    for salt in 0..5 {
        assert_eq!(house.entrance.submit(payload(100, &salt.to_string())).await, Ok(()));
    }
    for salt in 0..30 {
        assert_eq!(house.entrance.submit(payload(1, &format!("small {salt}"))).await, Ok(()));
    }
    let house_script = house.script("net");
    house.shutdown(Duration::from_secs(10)).await;
    assert_eq!(house_script.items(), 530, "every record once");
    let bytes: Vec<usize> = script.seen().iter().map(|seen| seen.bytes).collect();
    assert!(bytes.iter().all(|bytes| *bytes <= 1000), "{bytes:?}");
    let full = bytes.iter().filter(|bytes| **bytes > 900).count();
    assert!(full * 10 >= bytes.len() * 8, "they are filled: {bytes:?}");
}

/// Departure: the Collector drops an item that is larger than a batch may be.
#[tokio::test(start_paused = true)]
async fn r2_4_04_departure_an_item_larger_than_a_batch_is_sent_alone() {
    let house = with(&queue("sizer: bytes, min_size: 0, max_size: 20, flush_timeout: 1s")).await;
    let script = house.script("net");
    assert_eq!(house.entrance.submit(payload(3, "long enough")).await, Ok(()));
    script.tried(3).await;
    assert_eq!(items(&script), [1, 1, 1]);
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn r2_4_05_metrics_are_split_by_data_points() {
    let requests = corpus::names().into_iter().flat_map(|name| corpus::load(&name).expect("a capture").requests);
    let metrics = requests.filter(|request| request.signal == "metrics" && !request.json);
    let points = |request: &corpus::Request| {
        Data::decode(Signal::Metrics, request.body.clone(), &Limits::default()).expect("a capture is OTLP").items()
    };
    let request = metrics.into_iter().find(|request| points(request) > 7).expect("a request with several points");
    let all = points(&request);
    let house = with(&queue("min_size: 3, max_size: 3")).await;
    let script = house.script("net");
    let (signal, encoding) = (Signal::Metrics, Encoding::Protobuf);
    let payload = Payload { signal, encoding, body: request.body, transport: "http", client: None };
    assert_eq!(house.entrance.submit(payload).await, Ok(()));
    script.tried(all.div_ceil(3)).await;
    assert_eq!(items(&script).iter().sum::<usize>(), all);
    assert!(items(&script).iter().all(|points| *points <= 3));
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn r2_4_06_all_requests_of_a_batch_hear_of_its_failure() {
    let house = with("sending_queue: {wait_for_result: true, num_consumers: 1, batch: {min_size: 10, max_size: 10}}").await;
    let script = house.script("net");
    script.say([Answer::Never]);
    let (first, second, third) = tokio::join!(house.send(4), house.send(8), house.send(8));
    let failed = Outcome::permanent("not retryable error: Permanent error: bad data");
    assert_eq!((first, second, third), (failed.clone(), failed, Outcome::Ok), "the second has a part in both");
    assert_eq!(items(&script), [10, 10]);
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn r2_4_07_who_waits_for_the_result_waits_for_the_flush_timeout_too() {
    let house = with("sending_queue: {wait_for_result: true, batch: {flush_timeout: 700ms}}").await;
    let began = tokio::time::Instant::now();
    assert_eq!(house.send(1).await, Outcome::Ok);
    assert_eq!(began.elapsed().as_millis(), 700);
    house.shutdown(Duration::from_secs(1)).await;
}

fn from(tenant: &[&str], items: usize, salt: &str) -> Payload {
    let metadata = tenant.iter().map(|value| ("x-tenant".to_owned(), (*value).to_owned()));
    let metadata = metadata.chain([("x-other".to_owned(), salt.to_owned())]).collect();
    Payload { client: Some(Arc::new(ClientInfo { metadata, ..ClientInfo::default() })), ..payload(items, salt) }
}

#[tokio::test(start_paused = true)]
async fn r2_4_08_requests_that_differ_in_their_metadata_share_no_batch() {
    let house = with(&queue("min_size: 100, flush_timeout: 2s, partition: {metadata_keys: [X-Tenant]}")).await;
    let script = house.script("net");
    for (tenant, items) in [(&["a"][..], 1), (&["b"], 10), (&["a"], 2), (&[], 100), (&["b", "a"], 20), (&["b"], 5)] {
        assert_eq!(house.entrance.submit(from(tenant, items, &items.to_string())).await, Ok(()));
    }
    script.tried(1).await;
    assert_eq!(items(&script), [100], "who sends no such metadata is a partition too, and only it is full");
    script.tried(4).await;
    assert_eq!(items(&script), [100, 3, 15, 20]);
    settle().await;
    assert_eq!(house.figure("otelcol_exporter_queue_size", &["logs"]), 0.0);
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn r2_4_09_each_partition_has_its_own_time() {
    let house = with(&queue("flush_timeout: 2s, partition: {metadata_keys: [x-tenant]}")).await;
    let script = house.script("net");
    let began = tokio::time::Instant::now();
    assert_eq!(house.entrance.submit(from(&["a"], 1, "1")).await, Ok(()));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(house.entrance.submit(from(&["b"], 2, "2")).await, Ok(()));
    script.tried(2).await;
    let at: Vec<u64> = script.seen().iter().map(|seen| (seen.at - began).as_secs()).collect();
    assert_eq!((items(&script), at), (vec![1, 2], vec![2, 3]));
    house.shutdown(Duration::from_secs(1)).await;
}

/// Departure: the Collector waits for `min_size` or the time however full the queue is.
#[tokio::test(start_paused = true)]
async fn r2_4_10_departure_a_queue_that_is_half_full_waits_for_nobody() {
    let house = with("sending_queue: {queue_size: 6, num_consumers: 1, batch: {flush_timeout: 60s}}").await;
    let script = house.script("net");
    let began = tokio::time::Instant::now();
    for items in [1, 2, 4] {
        assert_eq!(house.send(items).await, Outcome::Ok);
    }
    script.tried(1).await;
    assert_eq!((items(&script), began.elapsed()), (vec![7], Duration::ZERO));
    house.shutdown(Duration::from_secs(1)).await;
}
