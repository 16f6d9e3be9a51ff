//! What the operating system says about this process, as own metrics.
//!
//! Read from `/proc` when scraped; elsewhere only the uptime is known.

use chaperone_pipeline::{Clock, Telemetry};

/// Registers the process's own figures.
pub(crate) fn register(telemetry: &Telemetry, clock: &Clock) {
    let clock = clock.clone();
    let started = clock.now().mono;
    telemetry.counter_fn("otelcol_process_uptime", "Seconds since the start of the process.", &[], move || {
        clock.now().mono.saturating_sub(started).as_secs_f64()
    });
    if resident_bytes().is_some() {
        telemetry.gauge_fn("otelcol_process_memory_rss", "Resident memory in bytes.", &[], || resident_bytes().unwrap_or(0.0));
    }
    if cpu_seconds().is_some() {
        telemetry.counter_fn("otelcol_process_cpu_seconds", "Processor time used, user and system, in seconds.", &[], || {
            cpu_seconds().unwrap_or(0.0)
        });
    }
}

fn resident_bytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0)
}

/// Linux counts in hundredths of a second, whatever the kernel's own tick.
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the process stands in parentheses and may hold spaces.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / 100.0)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn linux_tells_memory_and_processor_time() {
        assert!(resident_bytes().is_some_and(|bytes| bytes > 1e5));
        assert!(cpu_seconds().is_some_and(|seconds| (0.0..1e6).contains(&seconds)));
    }
}
