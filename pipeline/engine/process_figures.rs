//! What the process costs, under the Collector's names: processor time, resident memory, time since the start.
//!
//! Read from the system when scraped; 0 where the system does not tell.

use crate::engine::accounted::{Accounted, Bytes};
use crate::{Clock, Telemetry};
use std::sync::Arc;

/// Kernel ticks a second in `/proc`: fixed at 100 on every Linux that user space sees.
const TICKS: f64 = 100.0;
const PAGE: f64 = 4096.0;
const MIB: usize = 1 << 20;

pub(crate) fn register(telemetry: &Telemetry, clock: &Clock, accounted: &Arc<Accounted>) {
    let cpu = "Total CPU user and system time in seconds. [Alpha]";
    telemetry.counter_fn("otelcol_process_cpu_seconds", cpu, &[], || cpu_seconds().unwrap_or(0.0));
    let rss = "Total physical memory (resident set size). [Alpha]";
    telemetry.gauge_fn("otelcol_process_memory_rss", rss, &[], || statm(1).unwrap_or(0.0) * PAGE);
    // There is no garbage collector whose heap could be asked: what the allocator and the stacks have touched stands for
    // the heap, what they have mapped for writing stands for what was obtained. Reserved address space costs nothing.
    let heap = "Bytes of allocated heap objects: anonymous resident memory. [Alpha]";
    telemetry.gauge_fn("otelcol_process_runtime_heap_alloc_bytes", heap, &[], || anonymous().unwrap_or(0.0));
    let sys = "Total bytes of memory obtained from the OS: private memory mapped for writing. [Alpha]";
    telemetry.gauge_fn("otelcol_process_runtime_total_sys_memory_bytes", sys, &[], || statm(5).unwrap_or(0.0) * PAGE);
    register_accounted(telemetry, accounted);
    let (clock, started) = (clock.clone(), clock.now().mono);
    let uptime = "Uptime of the process. [Alpha]";
    telemetry.counter_fn("otelcol_process_uptime", uptime, &[], move || clock.now().mono.saturating_sub(started).as_secs_f64());
}

/// What the engine itself accounts for, by part.
fn register_accounted(telemetry: &Telemetry, accounted: &Arc<Accounted>) {
    type Part = fn(&Accounted) -> &Bytes;
    let parts: [(&str, Part); 4] = [
        ("receiving", |accounted| &accounted.receiving),
        ("running", |accounted| &accounted.running),
        ("queued", |accounted| &accounted.queued),
        ("state", |accounted| &accounted.state),
    ];
    for (name, part) in parts {
        let accounted = Arc::clone(accounted);
        let help = "Memory as the engine accounts it: what `memory_limiter` compares with its limit.";
        telemetry.gauge_fn("chaperone_process_accounted_bytes", help, &[("part", name)], move || part(&accounted).get() as f64);
    }
}

/// Resident memory that no file backs.
fn anonymous() -> Option<f64> {
    let (resident, shared) = (statm(1)?, statm(2)?);
    Some((resident - shared).max(0.0) * PAGE)
}

fn statm(column: usize) -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    text.split_whitespace().nth(column)?.parse().ok()
}

fn cpu_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name in parentheses may hold spaces; what follows does not. User and system time are fields 14 and 15.
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let (user, system): (f64, f64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((user + system) / TICKS)
}

/// Bytes of bodies that may be received at a time: a quarter of the memory, at least 64 MiB, at most 1 GiB.
pub(crate) fn receive_limit() -> usize {
    let machine = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
        line.split_whitespace().nth(1)?.parse::<usize>().ok().map(|kib| kib * 1024)
    });
    // A container's own limit, where there is one.
    let own = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse::<usize>().ok());
    let memory = [machine, own].into_iter().flatten().min().unwrap_or(1 << 30);
    (memory / 4).clamp(64 * MIB, 1024 * MIB)
}
