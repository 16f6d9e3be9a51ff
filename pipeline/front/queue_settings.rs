//! `sending_queue` and the `batch` in it: the Collector's keys, defaults and rules, and `max_bytes`, which is ours.

use crate::front::budget::Measure;
use chaperone_config::{ByteSize, Duration, Optional, Problems, UserConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// Bytes the queue holds at most, whatever `queue_size` says. A tenth of them is open to derived records only. A
    /// `queue_size` in bytes raises it unless it is written itself.
    pub max_bytes: ByteSize,
    /// Whether a request waits for room, as long as its client does, instead of being refused at once.
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
        if self.storage.is_some() && self.wait_for_result {
            let message = "`wait_for_result` is not supported with a persistent queue configured with `storage`";
            problems.error("wait_for_result", message);
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
            let comparable = batch.sizer == self.sizer && batch.sizer != Sizer::Requests;
            if comparable && batch.min_size > self.queue_size {
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
    /// Larger batches are split; 0 never splits. A single item that is larger is sent alone.
    pub max_size: u64,
    /// Unit of the sizes: items or bytes.
    pub sizer: Sizer,
    /// What must be equal in all requests of a batch.
    pub partition: PartitionConfig,
}

impl Default for BatchConfig {
    fn default() -> Self {
        BatchConfig {
            flush_timeout: Duration::from_millis(200),
            min_size: 8192,
            max_size: 0,
            sizer: Sizer::Items,
            partition: PartitionConfig::default(),
        }
    }
}

/// `sending_queue::batch::partition`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PartitionConfig {
    /// Names of request metadata; requests that differ in a value do not share a batch. The receiver has to keep them
    /// (`include_metadata`).
    pub metadata_keys: Vec<String>,
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
            problems.error("sizer", "`batch` supports only `items` or `bytes` sizer, found `requests`");
        }
        for (index, key) in self.partition.metadata_keys.iter().enumerate() {
            if self.partition.metadata_keys[..index].iter().any(|before| before.eq_ignore_ascii_case(key)) {
                let message = format!("duplicate entry in metadata_keys: `{}` (case-insensitive)", key.escape_debug());
                problems.error(&format!("partition.metadata_keys[{index}]"), message);
            }
        }
    }
}
