//! The keys that every exporter has: `timeout`, `retry_on_failure`, `sending_queue` and `circuit_breaker`.
//!
//! They are taken out of the exporter's node, with defaults from its `META.front`. Writing a block turns it on unless it
//! says `enabled: false`.

pub use crate::front::queue_settings::{BatchConfig, PartitionConfig, QueueConfig, Sizer};
pub use crate::front::retry_settings::{CircuitBreakerConfig, RetryConfig, TimeoutConfig};

use crate::Front;
use chaperone_config::{ByteSize, Node, Problems, read_settings};

/// Everything the front of one exporter goes by.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FrontSettings {
    pub timeout: std::time::Duration,
    pub retry: RetryConfig,
    pub queue: QueueConfig,
    pub breaker: CircuitBreakerConfig,
    /// Whether requests wait for the delivery: no queue, or `wait_for_result`.
    pub waits: bool,
    /// Local destinations without a queue: one delivery at a time, with all that waits, in order.
    pub in_order: bool,
}

impl FrontSettings {
    /// Takes the front's keys out of an exporter's node; `None` if there are errors.
    pub(crate) fn take(node: &mut Node, path: &str, front: Front, problems: &mut Problems) -> Option<FrontSettings> {
        let default = format!("timeout: {}ms", front.timeout_ms);
        let timeout = over(node.get("timeout").is_some().then(|| only(node, "timeout")), default);
        node.take("timeout");
        let timeout: Option<TimeoutConfig> = read_settings(&timeout, path, problems);

        let user = node.take("retry_on_failure");
        let on = front.retry || user.is_some();
        let retry = over(user, format!("enabled: {on}"));
        let retry: Option<RetryConfig> = read_settings(&retry, &format!("{path}.retry_on_failure"), problems);

        let user = node.take("circuit_breaker");
        let on = user.is_some();
        let breaker = over(user, format!("enabled: {on}"));
        let breaker: Option<CircuitBreakerConfig> = read_settings(&breaker, &format!("{path}.circuit_breaker"), problems);

        let queue = queue(node.take("sending_queue"), path, front, problems);
        let (timeout, retry, breaker, queue) = (timeout?, retry?, breaker?, queue?);
        Some(FrontSettings {
            timeout: timeout.timeout.get(),
            waits: !queue.enabled || queue.wait_for_result,
            in_order: !queue.enabled && !front.queue,
            retry,
            queue,
            breaker,
        })
    }
}

fn queue(user: Option<Node>, path: &str, front: Front, problems: &mut Problems) -> Option<QueueConfig> {
    let on = front.queue || user.is_some();
    let written = |key: &str| user.as_ref().is_some_and(|user| user.get(key).is_some_and(|value| !value.is_null()));
    let (batch_is_written, bytes_are_written) = (written("batch"), written("max_bytes"));
    let mut defaults = format!("enabled: {on}");
    if on && front.flush_ms > 0 {
        // A queue measured in items or with a small batch of its own must not clash with a batch nobody wrote.
        let in_items = user.as_ref().and_then(|user| user.get("sizer")).is_some_and(|sizer| sizer.text() == Some("items"));
        let min_size = if in_items && !batch_is_written { "\n  min_size: 1" } else { "" };
        defaults.push_str(&format!("\nbatch:\n  flush_timeout: {}ms{min_size}", front.flush_ms));
    }
    let mut queue: QueueConfig = read_settings(&over(user, defaults), &format!("{path}.sending_queue"), problems)?;
    if queue.sizer == Sizer::Bytes && !bytes_are_written {
        // Who says how many bytes the queue may hold has said it; the tenth on top is for derived records.
        let wanted = usize::try_from(queue.queue_size).unwrap_or(usize::MAX / 4).min(usize::MAX / 4);
        queue.max_bytes = ByteSize(queue.max_bytes.get().max(wanted + wanted / 9 + 1) as u64);
    }
    Some(queue)
}

/// Takes all keys but one out of a copy, so that what is left keeps its positions.
fn only(node: &Node, key: &str) -> Node {
    let others: Vec<String> = node.entries().map(|(other, _, _)| other.to_owned()).filter(|other| other != key).collect();
    let mut copy = node.clone();
    for other in &others {
        copy.take(other);
    }
    copy
}

/// A block of the user's laid over the front's defaults. Written with nothing, it is all defaults.
fn over(user: Option<Node>, defaults: String) -> Node {
    let defaults = parsed(&defaults);
    match user {
        Some(user) if !user.is_null() => defaults.merge(user),
        _ => defaults,
    }
}

fn parsed(text: &str) -> Node {
    Node::parse(text, "defaults").expect("invariant: the front writes its defaults as YAML")
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
