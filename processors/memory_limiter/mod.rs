//! The `memory_limiter` processor: refuses requests while the process holds more than its limit.
//!
//! What is compared is what the engine accounts for: bodies being received, requests in flight, queues, component
//! state. It says no at admission, before anything was changed, so that a sender's retry loses nothing.

mod config;
mod counters;
#[cfg(test)]
mod tests;
mod total;

pub use config::Config;

use chaperone_pipeline::{
    Batch, BuildContext, ConfigError, Host, Meta, Next, Now, Outbox, ProcessError, Processor, ProcessorFactory, Refusal,
    RequestSize, Signals, Stability, StartError,
};
use chaperone_proto::Signal;
use config::Limits;
use counters::Counters;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Factory of the processor.
pub struct MemoryLimiter;

impl ProcessorFactory for MemoryLimiter {
    type Config = Config;
    const META: Meta =
        Meta::processor("memory_limiter", "Refuses requests while the process holds more memory than its limit.", Signals::ALL)
            .stability(Stability::Alpha)
            .readme(include_str!("README.md"));

    fn build(config: Config, ctx: &BuildContext) -> Result<Arc<dyn Processor>, ConfigError> {
        let said = ctx.shared(AtomicBool::default);
        let counters = Counters::new(ctx.telemetry(), ctx.id());
        Ok(Arc::new(Limiter { config, said, counters, running: OnceLock::new(), refusing: AtomicBool::new(false) }))
    }
}

struct Limiter {
    config: Config,
    // Shared by the instances of this id in all pipelines: the limits are told once.
    said: Arc<AtomicBool>,
    counters: Counters,
    running: OnceLock<Running>,
    /// Whether the last look found too much, so that only changes are logged.
    refusing: AtomicBool,
}

struct Running {
    host: Host,
    limits: Limits,
}

impl Running {
    /// The request that asks is part of what is accounted for: its body was charged while it arrived.
    fn is_over(&self) -> bool {
        self.host.accounted_bytes() as u64 > self.limits.soft
    }
}

impl Processor for Limiter {
    fn start(&self, host: &Host) -> Result<(), StartError> {
        let unknown = || StartError::new("cannot read how much memory there is; set `limit_mib` instead of `limit_percentage`");
        let limits = self.config.limits(|| total::total_memory(Path::new("/")).ok_or_else(unknown))?;
        if !self.said.swap(true, Ordering::Relaxed) {
            tracing::info!(limit_mib = limits.hard >> 20, soft_limit_mib = limits.soft >> 20, "memory limiter configured");
        }
        let _ = self.running.set(Running { host: host.clone(), limits });
        Ok(())
    }

    fn admit(&self, _size: &RequestSize) -> Result<(), Refusal> {
        match self.running.get() {
            Some(running) if running.is_over() => {
                Err(Refusal { reason: "memory_limit", message: "data refused due to high memory usage".to_owned(), after: None })
            }
            _ => Ok(()),
        }
    }

    fn refused(&self, signal: Signal, items: usize) {
        self.counters.refused(signal, items);
    }

    fn process(&self, batch: Batch, out: &mut Outbox) -> Result<(), ProcessError> {
        self.counters.accepted(batch.signal(), batch.items());
        out.pass(batch);
        Ok(())
    }

    fn tick(&self, _now: Now, _out: &mut Outbox) -> Next {
        let Some(running) = self.running.get() else { return Next::Done };
        let over = running.is_over();
        let was_over = self.refusing.swap(over, Ordering::Relaxed);
        let used_mib = running.host.accounted_bytes() >> 20;
        match (was_over, over) {
            (false, true) => tracing::warn!(used_mib, "memory usage is above the soft limit, refusing data"),
            (true, false) => tracing::info!(used_mib, "memory usage is below the soft limit again"),
            _ => {}
        }
        // Below the limit there is nothing to watch until the next request.
        if over { Next::After(self.config.check_interval.get().max(Duration::from_millis(10))) } else { Next::Done }
    }
}
