//! `timeout`, `retry_on_failure` and `sending_queue`: the keys that every exporter has.
//!
//! They are taken out of the exporter's node, with defaults from its `META.front`. The keys, defaults and rules are the
//! Collector's; `max_bytes` is ours. Writing a block turns it on unless it says `enabled: false`.

use crate::Front;
use crate::front::budget::Measure;
use chaperone_config::{ByteSize, Duration, Node, Optional, Problems, UserConfig, read_settings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What `timeout` is read into, so that it gets the same checks as everything else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TimeoutConfig {
    /// Time for one attempt; 0 waits without end. An attempt that takes longer counts as failed and is retried.
    pub timeout: Duration,
}

impl Default for TimeoutConfig {
    fn default() -> Self {
        TimeoutConfig { timeout: Duration::from_secs(5) }
    }
}

impl UserConfig for TimeoutConfig {}

/// `retry_on_failure`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RetryConfig {
    /// Whether deliveries that may succeed later are tried again.
    pub enabled: bool,
    /// Pause after the first failure.
    pub initial_interval: Duration,
    /// Each pause is changed by up to this part, at random, so that many senders do not come at once.
    pub randomization_factor: f64,
    /// Each pause is this many times the one before.
    pub multiplier: f64,
    /// No pause is longer.
    pub max_interval: Duration,
    /// When this time has passed since the first attempt the data are dropped; 0 tries for ever.
    pub max_elapsed_time: Duration,
}

impl Default for RetryConfig {
    fn default() -> Self {
        RetryConfig {
            enabled: true,
            initial_interval: Duration::from_secs(5),
            randomization_factor: 0.5,
            multiplier: 1.5,
            max_interval: Duration::from_secs(30),
            max_elapsed_time: Duration::from_secs(300),
        }
    }
}

impl UserConfig for RetryConfig {
    fn check(&self, problems: &mut Problems) {
        if !(0.0..=1.0).contains(&self.randomization_factor) {
            problems.error("randomization_factor", format!("`{}` is not within 0 and 1", self.randomization_factor));
        }
        if self.multiplier.is_nan() || self.multiplier < 0.0 {
            problems.error("multiplier", format!("`{}` is negative", self.multiplier));
        }
        let limit = self.max_elapsed_time.get();
        if !limit.is_zero() && limit < self.initial_interval.get() {
            problems.error("max_elapsed_time", "`max_elapsed_time` is less than `initial_interval`");
        } else if !limit.is_zero() && limit < self.max_interval.get() {
            problems.error("max_elapsed_time", "`max_elapsed_time` is less than `max_interval`");
        }
    }
}

/// How a queue or a batch is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sizer {
    /// Requests as they came.
    Requests,
    /// Spans, data points, log records.
    Items,
    /// Bytes of the encoded protobuf.
    Bytes,
}

impl Sizer {
    pub(crate) fn measure(self) -> Measure {
        match self {
            Sizer::Requests => Measure::Requests,
            Sizer::Items => Measure::Items,
            Sizer::Bytes => Measure::Bytes,
        }
    }
}

/// `sending_queue`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct QueueConfig {
    /// Whether requests are acknowledged when they are queued; without a queue they wait for the delivery.
    pub enabled: bool,
    /// Deliveries at a time.
    pub num_consumers: u32,
    /// What the queue holds at most, deliveries in flight included, in the unit of `sizer`.
    pub queue_size: u64,
    /// Unit of `queue_size`.
    pub sizer: Sizer,
    /// Bytes the queue holds at most, whatever `queue_size` says. A tenth of them is open to derived records only.
    pub max_bytes: ByteSize,
    /// Whether a request waits for room (at most 4 s) instead of being refused at once.
    pub block_on_overflow: bool,
    /// Whether requests wait for the delivery in spite of the queue.
    pub wait_for_result: bool,
    /// Storage extension for a queue that survives a restart. Not part of this version.
    pub storage: Option<String>,
    /// Several requests in one delivery.
    pub batch: Optional<BatchConfig>,
}

impl Default for QueueConfig {
    fn default() -> Self {
        QueueConfig {
            enabled: true,
            num_consumers: 10,
            queue_size: 1000,
            sizer: Sizer::Requests,
            max_bytes: ByteSize::mib(64),
            block_on_overflow: false,
            wait_for_result: false,
            storage: None,
            batch: Optional::Absent,
        }
    }
}

impl UserConfig for QueueConfig {
    fn check(&self, problems: &mut Problems) {
        if !self.enabled {
            return;
        }
        if self.num_consumers == 0 {
            problems.error("num_consumers", "`num_consumers` must be positive");
        }
        if self.queue_size == 0 {
            problems.error("queue_size", "`queue_size` must be positive");
        }
        if self.max_bytes.get() < MIN_MAX_BYTES {
            problems.error_hint("max_bytes", "`max_bytes` is too small for a request", "64KiB is the least, 64MiB the default");
        }
        if let Some(storage) = &self.storage {
            let hint = "leave `storage` out: the queue is then in memory, bounded by `max_bytes`";
            problems.error_hint(
                "storage",
                format!("no storage extension `{storage}`: queues on disk are not part of this version"),
                hint,
            );
        }
        if let Some(batch) = self.batch.get() {
            problems.within("batch", |problems| batch.check(problems));
            if batch.sizer == self.sizer && batch.min_size > self.queue_size {
                problems.error("batch.min_size", "`min_size` must be less than or equal to `queue_size`");
            }
        }
    }
}

const MIN_MAX_BYTES: usize = 64 << 10;

/// `sending_queue::batch`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BatchConfig {
    /// Longest time that data wait for others.
    pub flush_timeout: Duration,
    /// A batch goes out as soon as it has this size.
    pub min_size: u64,
    /// Larger batches are split; 0 never splits.
    pub max_size: u64,
    /// Unit of the sizes: items or bytes. Requests larger than `max_size` bytes are sent as they are.
    pub sizer: Sizer,
}

impl Default for BatchConfig {
    fn default() -> Self {
        BatchConfig { flush_timeout: Duration::from_millis(200), min_size: 8192, max_size: 0, sizer: Sizer::Items }
    }
}

impl BatchConfig {
    fn check(&self, problems: &mut Problems) {
        if self.flush_timeout.get().is_zero() {
            problems.error("flush_timeout", "`flush_timeout` must be positive, found 0");
        }
        if self.max_size != 0 && self.max_size < self.min_size {
            let message = format!("`max_size` ({}) must be greater or equal to `min_size` ({})", self.max_size, self.min_size);
            problems.error("max_size", message);
        }
        if self.sizer == Sizer::Requests {
            problems.error("sizer", "`batch` supports only the sizers `items` and `bytes`, found `requests`");
        }
    }
}

/// Everything the front of one exporter goes by.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FrontSettings {
    pub timeout: std::time::Duration,
    pub retry: RetryConfig,
    pub queue: QueueConfig,
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

        let user = node.take("sending_queue");
        let on = front.queue || user.is_some();
        let mut defaults = format!("enabled: {on}");
        if on && front.flush_ms > 0 {
            // A queue measured in items or with a small batch of its own must not clash with a batch nobody wrote.
            let written = user.as_ref().is_some_and(|user| user.get("batch").is_some_and(|batch| !batch.is_null()));
            let in_items = user.as_ref().and_then(|user| user.get("sizer")).is_some_and(|sizer| sizer.text() == Some("items"));
            let min_size = if in_items && !written { "\n  min_size: 1" } else { "" };
            defaults.push_str(&format!("\nbatch:\n  flush_timeout: {}ms{min_size}", front.flush_ms));
        }
        let queue = over(user, defaults);
        let queue: Option<QueueConfig> = read_settings(&queue, &format!("{path}.sending_queue"), problems);

        let (timeout, retry, queue) = (timeout?, retry?, queue?);
        Some(FrontSettings {
            timeout: timeout.timeout.get(),
            waits: !queue.enabled || queue.wait_for_result,
            in_order: !queue.enabled && !front.queue,
            retry,
            queue,
        })
    }
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
