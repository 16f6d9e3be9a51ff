//! The most anonymous memory of a process, as the kernel counts it.

use anyhow::{Context, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Looks all the time, so that a peak between two requests is seen.
pub struct Memory {
    // Shared with the thread that looks.
    seen: Arc<Seen>,
    thread: Option<JoinHandle<()>>,
    before: u64,
}

struct Seen {
    process: u32,
    peak: AtomicU64,
    end: AtomicBool,
}

impl Memory {
    /// Begins to look; what there is now is what growth is measured from.
    pub fn watch(process: u32) -> Result<Memory> {
        let before = used(process)?;
        let seen = Arc::new(Seen { process, peak: AtomicU64::new(before), end: AtomicBool::new(false) });
        let looking = Arc::clone(&seen);
        let thread = std::thread::spawn(move || {
            while !looking.end.load(Ordering::Acquire) {
                let now = used(looking.process).unwrap_or_default();
                looking.peak.fetch_max(now, Ordering::AcqRel);
                std::thread::park_timeout(Duration::from_millis(2));
            }
        });
        Ok(Memory { seen, thread: Some(thread), before })
    }

    /// Fails when more than `limit` bytes were added at any time.
    pub fn grew_less_than(&self, limit: u64) {
        let (before, peak) = (self.before, self.seen.peak.load(Ordering::Acquire));
        println!("memory: {before} before, {peak} at the peak");
        assert!(peak < before + limit, "memory grew from {before} to {peak} bytes, by more than {limit}");
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.seen.end.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has already said so.
            let _ = thread.join();
        }
    }
}

/// Anonymous memory of a process in bytes.
fn used(process: u32) -> Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:")).context("no RssAnon")?;
    let kib: u64 = line.split_whitespace().next().context("no figure")?.parse()?;
    Ok(kib * 1024)
}
