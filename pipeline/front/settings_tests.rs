//! The keys of the front: defaults, states of blocks, messages with their places.

use super::*;
use chaperone_config::{Duration, Optional};

fn take(yaml: &str, front: Front) -> (Option<FrontSettings>, Node, Vec<String>) {
    let mut node = Node::parse(yaml, "collector.yaml").expect("YAML");
    let mut problems = Problems::new();
    let settings = FrontSettings::take(&mut node, "exporters.x", front, &mut problems);
    let line = |problem: &chaperone_config::Problem| {
        let place = problem.location.as_ref().map_or("-".to_owned(), |place| format!("{}:{}", place.line, place.column));
        format!("{place} {}: {}", problem.path, problem.message)
    };
    (settings, node, problems.iter().map(line).collect())
}

fn good(yaml: &str, front: Front) -> FrontSettings {
    let (settings, _, problems) = take(yaml, front);
    settings.unwrap_or_else(|| panic!("{problems:?}"))
}

#[test]
fn defaults_are_those_of_the_front_and_the_collector() {
    let network = good("{}", Front::NETWORK);
    assert_eq!(network.timeout, std::time::Duration::from_secs(5));
    assert_eq!(network.retry, RetryConfig::default());
    assert_eq!(network.queue, QueueConfig { batch: Optional::Present(BatchConfig::default()), ..QueueConfig::default() });
    assert!(!network.waits && !network.in_order);

    let direct = good("", Front::DIRECT);
    assert!(direct.waits && direct.in_order && !direct.retry.enabled && !direct.queue.enabled);
}

#[test]
fn a_written_block_is_on_unless_it_says_otherwise() {
    for text in ["sending_queue:", "sending_queue: {}", "sending_queue: {queue_size: 5}"] {
        assert!(good(text, Front::DIRECT).queue.enabled, "{text}");
    }
    for text in ["sending_queue: {batch: }", "sending_queue: {batch: {}}"] {
        assert_eq!(good(text, Front::DIRECT).queue.batch, Optional::Present(BatchConfig::default()), "{text}");
    }
    assert!(good("retry_on_failure: {max_interval: 10s}", Front::DIRECT).retry.enabled);
    let off = good("sending_queue: {enabled: false, queue_size: 0}", Front::NETWORK);
    assert!(off.waits && !off.in_order);
    assert_eq!(good("sending_queue: {batch: {enabled: false}}", Front::NETWORK).queue.batch, Optional::Absent);
    let batch = good("sending_queue: {batch: {min_size: 5}}", Front::NETWORK).queue.batch;
    assert_eq!(batch.get().map(|batch| (batch.min_size, batch.flush_timeout)), Some((5, Duration::from_millis(200))));
    assert!(good("sending_queue: {wait_for_result: true}", Front::NETWORK).waits);
}

#[test]
fn the_default_batch_does_not_clash_with_a_queue_measured_in_items() {
    assert!(good("sending_queue: {sizer: items, queue_size: 1000}", Front::NETWORK).queue.batch.is_present());
}

#[test]
fn the_exporter_does_not_see_the_keys_of_the_front() {
    let (settings, node, problems) = take("{timeout: 1s, endpoint: x, sending_queue: , retry_on_failure: }", Front::NETWORK);
    assert_eq!(settings.map(|settings| settings.timeout), Some(std::time::Duration::from_secs(1)), "{problems:?}");
    assert_eq!(node.entries().map(|(key, _, _)| key).collect::<Vec<_>>(), ["endpoint"]);
}

#[test]
fn mistakes_are_reported_with_their_places() {
    let (settings, _, problems) = take(
        "timeout: soon
retry_on_failure: {randomization_factor: 2, max_elapsed_time: 1s, tries: 3}
sending_queue: {num_consumers: 0, queue_size: 0, storage: disk, max_bytes: 1KiB, colour: red}
",
        Front::NETWORK,
    );
    assert!(settings.is_none());
    let text = problems.join("\n");
    for expected in
        ["1:10 exporters.x.timeout: ", "2:67 exporters.x.retry_on_failure.tries: ", "3:82 exporters.x.sending_queue.colour: "]
    {
        assert!(text.contains(expected), "{expected}\nnot in\n{text}");
    }
    let (_, _, problems) = take(
        "retry_on_failure: {randomization_factor: 2, max_elapsed_time: 1s}
sending_queue: {num_consumers: 0, queue_size: 0, storage: disk, max_bytes: 1KiB}
",
        Front::NETWORK,
    );
    let text = problems.join("\n");
    for expected in [
        "1:42 exporters.x.retry_on_failure.randomization_factor: `randomization_factor` must be within [0, 1], found 2",
        "`max_elapsed_time` must not be less than `initial_interval` (5s)",
        "2:32 exporters.x.sending_queue.num_consumers: `num_consumers` must be positive",
        "`queue_size` must be positive",
        "no storage extension `disk`",
        "`max_bytes` is too small",
    ] {
        assert!(text.contains(expected), "{expected}\nnot in\n{text}");
    }
}

#[test]
fn a_batch_is_checked_like_the_collectors() {
    for (batch, message) in [
        ("{flush_timeout: 0s}", "`flush_timeout` must be positive, found 0"),
        ("{max_size: 5}", "`max_size` (5) must be greater or equal to `min_size` (8192)"),
        ("{sizer: requests}", "`batch` supports only `items` or `bytes` sizer, found `requests`"),
    ] {
        let (_, _, problems) = take(&format!("sending_queue: {{batch: {batch}}}"), Front::NETWORK);
        assert!(problems.join("\n").contains(message), "{problems:?}");
    }
    let (_, _, problems) = take("sending_queue: {sizer: items, batch: {min_size: 2000}}", Front::NETWORK);
    assert!(problems.join("\n").contains("`min_size` must be less than or equal to `queue_size`"), "{problems:?}");
}
