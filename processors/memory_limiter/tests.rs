//! Settings, limits, and saying no.

use super::config::{Config, Limits};
use super::total::total_memory;
use super::*;
use chaperone_config::{Node, parse_settings};
use chaperone_pipeline::{Clock, MemoryStorage};
use chaperone_proto::Signal;

fn config(yaml: &str) -> Result<Config, String> {
    let node = Node::parse(yaml, "test.yaml").unwrap();
    parse_settings(&node, "processors.memory_limiter").map_err(|problems| problems.to_string())
}

fn limits(yaml: &str, total: u64) -> Limits {
    config(yaml).unwrap().limits(|| Ok::<_, ()>(total)).unwrap()
}

fn limiter(host: &Host, soft: u64) -> Limiter {
    let running = OnceLock::new();
    let _ = running.set(Running { host: host.clone(), limits: Limits { soft, hard: soft } });
    let ctx = BuildContext::for_tests("memory_limiter", Clock::manual(0));
    let counters = Counters::new(ctx.telemetry(), ctx.id());
    Limiter { config: Config::default(), said: Arc::default(), counters, running, refusing: AtomicBool::new(false) }
}

#[test]
fn the_example_is_valid() {
    config(include_str!("testdata/default.yaml")).unwrap();
}

#[test]
fn mistakes_are_told_in_the_collectors_words() {
    for (yaml, message) in [
        (include_str!("testdata/invalid_no_limit.yaml"), "'limit_mib' or 'limit_percentage' must be greater than zero"),
        (include_str!("testdata/invalid_no_interval.yaml"), "'check_interval' must be greater than zero"),
        (include_str!("testdata/invalid_spike.yaml"), "'spike_limit_mib' must be smaller than 'limit_mib'"),
        (include_str!("testdata/invalid_percentage.yaml"), "less than or equal to hundred"),
    ] {
        let problems = config(yaml).unwrap_err();
        assert!(problems.contains(message), "{problems}");
    }
}

#[test]
fn the_soft_limit_is_a_fifth_below_unless_told() {
    assert_eq!(limits("{check_interval: 1s, limit_mib: 100}", 0), Limits { soft: 80 << 20, hard: 100 << 20 });
    assert_eq!(limits("{check_interval: 1s, limit_mib: 100, spike_limit_mib: 1}", 0).soft, 99 << 20);
    assert_eq!(limits("{check_interval: 1s, limit_percentage: 50}", 1000), Limits { soft: 400, hard: 500 });
    assert_eq!(limits("{check_interval: 1s, limit_percentage: 50, limit_mib: 1}", 1000).hard, 1 << 20);
}

#[test]
fn requests_are_refused_while_usage_is_above_the_soft_limit() {
    let host = Host::for_tests(Clock::manual(0), Arc::new(MemoryStorage::default()));
    let limiter = limiter(&host, 1000);
    let size = RequestSize { signal: Signal::Traces, bytes: 1 };
    let mut held = host.account();
    held.set(1000);
    assert_eq!(limiter.admit(&size), Ok(()));
    held.set(1001);
    let refusal = limiter.admit(&size).unwrap_err();
    assert_eq!((refusal.reason, refusal.after), ("memory_limit", None));
    assert_eq!(refusal.message, "data refused due to high memory usage");
    drop(held);
    assert_eq!(limiter.admit(&size), Ok(()));
}

#[test]
fn a_group_limit_counts_when_it_is_lower_than_the_machine() {
    let root = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    assert_eq!(total_memory(root.path()), None);
    write("proc/meminfo", "MemTotal:        2048 kB\nMemFree:  1 kB\n");
    assert_eq!(total_memory(root.path()), Some(2 << 20));
    write("sys/fs/cgroup/memory.max", "max\n");
    assert_eq!(total_memory(root.path()), Some(2 << 20));
    write("sys/fs/cgroup/memory.max", "1048576\n");
    assert_eq!(total_memory(root.path()), Some(1 << 20));
}
