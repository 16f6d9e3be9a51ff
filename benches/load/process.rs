//! What a process costs: CPU time in nanoseconds from `schedstat` of its threads, and RssAnon, sampled all the time.
//!
//! Threads that end between two samples take at most one interval's time with them.
//! The kernel's own sum in `stat` has threads that ended too, but counts in hundredths of a second: a cross-check.

use crate::clock;
use std::collections::HashMap;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

const INTERVAL: Duration = Duration::from_millis(20);
/// A tick of `stat`, which Linux fixes at a hundredth of a second for programs.
const TICK: Duration = Duration::from_millis(10);

/// What was spent up to now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    pub cpu: Duration,
    /// The same by the coarse clock.
    pub coarse: Duration,
}

impl Spent {
    pub fn since(self, earlier: Spent) -> Spent {
        Spent { cpu: self.cpu.saturating_sub(earlier.cpu), coarse: self.coarse.saturating_sub(earlier.coarse) }
    }

    /// Whether the two clocks tell the same, within what their steps allow.
    pub fn agrees(self) -> bool {
        self.cpu.abs_diff(self.coarse) <= Duration::from_millis(50).max(self.coarse / 10)
    }
}

/// Watches one process until it is dropped.
pub struct Watch {
    // Shared with the thread that samples.
    seen: Arc<Seen>,
    thread: Option<JoinHandle<()>>,
}

struct Seen {
    process: u32,
    stop: AtomicBool,
    sums: Mutex<Sums>,
}

#[derive(Default)]
struct Sums {
    threads: HashMap<u32, u64>,
    /// Of threads whose id was used again.
    ended: u64,
    peak_rss: u64,
}

impl Watch {
    pub fn start(process: u32) -> Watch {
        let seen = Arc::new(Seen { process, stop: AtomicBool::new(false), sums: Mutex::default() });
        let sampled = Arc::clone(&seen);
        let thread = std::thread::spawn(move || {
            while !sampled.stop.load(Ordering::Relaxed) {
                drop(sampled.sample());
                std::thread::sleep(INTERVAL);
            }
        });
        Watch { seen, thread: Some(thread) }
    }

    pub fn spent(&self) -> Spent {
        let sums = self.seen.sample();
        let cpu = Duration::from_nanos(sums.threads.values().sum::<u64>() + sums.ended);
        Spent { cpu, coarse: coarse(self.seen.process).unwrap_or_default() }
    }

    /// The most anonymous memory that any sample saw, in bytes.
    pub fn peak_rss(&self) -> u64 {
        self.seen.sample().peak_rss
    }

    /// The anonymous memory now, in bytes.
    pub fn rss(&self) -> u64 {
        rss_anon(self.seen.process).unwrap_or_default()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.seen.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A sampler that panicked has already said so.
            let _ = thread.join();
        }
    }
}

impl Seen {
    fn sample(&self) -> MutexGuard<'_, Sums> {
        let mut sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        for (thread, nanos) in threads(self.process) {
            let before = sums.threads.insert(thread, nanos).unwrap_or_default();
            if nanos < before {
                sums.ended += before;
            }
        }
        sums.peak_rss = sums.peak_rss.max(rss_anon(self.process).unwrap_or_default());
        sums
    }
}

/// Nanoseconds on a CPU of every thread that is alive.
fn threads(process: u32) -> Vec<(u32, u64)> {
    let Ok(entries) = fs::read_dir(format!("/proc/{process}/task")) else {
        return Vec::new();
    };
    let read = |entry: fs::DirEntry| {
        let thread = entry.file_name().to_str()?.parse().ok()?;
        let text = fs::read_to_string(entry.path().join("schedstat")).ok()?;
        Some((thread, text.split_whitespace().next()?.parse().ok()?))
    };
    entries.flatten().filter_map(read).collect()
}

fn coarse(process: u32) -> Option<Duration> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program, in parentheses, may hold anything.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u32>().ok();
    Some(TICK * (ticks(11)? + ticks(12)?))
}

fn rss_anon(process: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// CPU time of a fixed piece of work on this thread: what differs between rounds is the machine's doing.
pub fn calibrate() -> Duration {
    let mut buffer = vec![1_u8; 1 << 20];
    let before = own_cpu();
    let start = clock::now();
    let mut state = 1_u64;
    for round in 0..200 {
        for chunk in buffer.chunks_exact_mut(8) {
            state = (state ^ (state >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb).wrapping_add(round);
            chunk.copy_from_slice(&state.to_le_bytes());
        }
    }
    std::hint::black_box(&buffer);
    match (before, own_cpu()) {
        (Some(before), Some(after)) => Duration::from_nanos(after - before),
        _ => start.elapsed(),
    }
}

fn own_cpu() -> Option<u64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// The load of the machine over one, five and fifteen minutes.
pub fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_of_all_threads_is_seen_by_both_clocks() {
        let watch = Watch::start(std::process::id());
        let before = watch.spent();
        let busy = Duration::from_millis(200);
        let seen = clock::wait_for(Duration::from_secs(60), || {
            calibrate();
            let spent = watch.spent().since(before);
            (spent.cpu > busy && spent.coarse > busy).then_some(spent)
        });
        assert!(seen.is_some(), "{:?}", watch.spent());
        assert!(watch.peak_rss() >= 1 << 20);
    }

    #[test]
    fn clocks_agree_within_their_steps() {
        let spent = |cpu, coarse| Spent { cpu: Duration::from_millis(cpu), coarse: Duration::from_millis(coarse) };
        assert!(spent(1000, 1040).agrees());
        assert!(spent(10, 50).agrees());
        assert!(!spent(1000, 1200).agrees());
    }
}
