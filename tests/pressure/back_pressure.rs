//! A backend that is away: memory stays bounded, refusals may be retried, and what was accepted arrives in the end.

use crate::client::{Client, SPANS, request};
use crate::memory::Memory;
use crate::sink::Sink;
use crate::{MIB, finish, start};
use anyhow::{Result, bail};
use chaperone_testkit::collector::until;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const SENDERS: usize = 4;
/// What the queue may hold, in bytes; the load is many times as much.
const QUEUE: u64 = 4 * MIB;

const CONFIG: &str = "
receivers: {otlp: {protocols: {http: {endpoint: 127.0.0.1:0}}}}
processors: {memory_limiter: {check_interval: 1s, limit_mib: 64, spike_limit_mib: 16}}
exporters:
  otlp_http:
    encoding: proto
    compression: none
    retry_on_failure: {initial_interval: 20ms, max_interval: 100ms, max_elapsed_time: 0s}
    sending_queue: {queue_size: 100000, max_bytes: 4MiB}
service:
  pipelines: {traces: {receivers: [otlp], processors: [memory_limiter], exporters: [otlp_http]}}
";

/// What senders were told.
#[derive(Default)]
struct Load {
    accepted: HashSet<u64>,
    refused: u64,
}

/// Sends requests of new spans from several connections for a while, and at least `requests` from each.
#[expect(clippy::disallowed_methods, reason = "a load lasts as long as the machine's clock says")]
fn load(address: &str, next: &AtomicU64, seconds: u64, requests: u64) -> Result<Load> {
    let end = Instant::now() + Duration::from_secs(seconds);
    let sender = || -> Result<Load> {
        let (mut client, mut seen, mut sent) = (Client::connect(address)?, Load::default(), 0);
        while sent < requests || Instant::now() < end {
            let first = next.fetch_add(SPANS, Ordering::Relaxed);
            let answer = client.spans(&request(first))?;
            sent += 1;
            match answer.status {
                200 => seen.accepted.extend(first..first + SPANS),
                _ if answer.is_retryable() => seen.refused += 1,
                status => bail!("answered {status}: {}", String::from_utf8_lossy(&answer.body)),
            }
        }
        Ok(seen)
    };
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS).map(|_| scope.spawn(sender)).collect();
        let mut all = Load::default();
        for sender in senders {
            let seen = sender.join().expect("a sender panicked")?;
            all.accepted.extend(seen.accepted);
            all.refused += seen.refused;
        }
        Ok(all)
    })
}

#[test]
fn what_was_accepted_while_the_backend_was_away_arrives_when_it_returns() -> Result<()> {
    let seconds = std::env::var("CHAPERONE_PRESSURE_SECONDS").map_or(Ok(1), |text| text.parse())?;
    let mut sink = Sink::away();
    let endpoint = format!("exporters.otlp_http.endpoint={}", sink.url());
    let mut collector = start(CONFIG, &[&endpoint])?;
    let address = collector.otlp_http()?;
    let next = AtomicU64::new(1);

    // Before the backend is missed everything flows; this also brings memory to where work has it.
    sink.come_back();
    let before = load(&address, &next, 0, 50)?;
    assert_eq!(before.refused, 0, "nothing is refused while the backend is there");
    sink.go_away();
    let memory = Memory::watch(collector.process())?;

    let during = load(&address, &next, seconds, 500)?;
    println!("accepted {} spans, refused {} requests", during.accepted.len(), during.refused);
    assert!(during.refused > 0, "the queue never was full");
    // The queue twice over (what waits, and what is being encoded for one more try), and room for fragments.
    memory.grew_less_than(2 * QUEUE + 8 * MIB);

    sink.come_back();
    let expected: HashSet<u64> = before.accepted.union(&during.accepted).copied().collect();
    until(|| {
        let taken = sink.taken();
        let missing = expected.iter().filter(|id| !taken.contains_key(id)).count();
        if missing > 0 { bail!("{missing} of {} accepted spans did not arrive", expected.len()) } else { Ok(()) }
    })?;
    let after = load(&address, &next, 0, 50)?;
    assert_eq!(after.refused, 0, "the way is free again");
    finish(collector)?;
    let taken = sink.taken();
    let all: HashSet<u64> = expected.union(&after.accepted).copied().collect();
    assert!(all.iter().all(|id| taken.contains_key(id)));
    let made_up = taken.keys().filter(|id| !all.contains(id)).count();
    assert_eq!(made_up, 0, "spans arrived that were refused");
    Ok(())
}

const DEAD_BRANCH: &str = "
receivers: {otlp: {protocols: {http: {endpoint: 127.0.0.1:0}}}}
connectors: {gen_ai_metrics: {}}
processors: {gen_ai_normalizer: {}, gen_ai_steps: {}, gen_ai_cost: {}}
exporters:
  nop: {}
  otlp_http:
    retry_on_failure: {initial_interval: 20ms, max_interval: 100ms}
    sending_queue: {queue_size: 1, batch: {enabled: false}}
service:
  pipelines:
    traces: {receivers: [otlp], processors: [gen_ai_normalizer, gen_ai_steps, gen_ai_cost], exporters: [nop, gen_ai_metrics]}
    metrics: {receivers: [gen_ai_metrics], exporters: [otlp_http]}
";

#[test]
fn a_dead_branch_of_derived_data_refuses_nobody() -> Result<()> {
    let sink = Sink::away();
    let endpoint = format!("exporters.otlp_http.endpoint={}", sink.url());
    let mut collector = start(DEAD_BRANCH, &[&endpoint, "connectors.gen_ai_metrics.flush_interval=100ms"])?;
    let address = collector.otlp_http()?;
    let mut client = Client::connect(&address)?;
    let is_dropped = |scrape: &str| {
        let dropped = |line: &str| line.starts_with("chaperone_component_dropped_items{") && line.contains("otlp_http");
        scrape.lines().any(|line| dropped(line) && !line.ends_with(" 0"))
    };
    // Until the branch has been seen to drop, so that the test cannot pass with a branch that is not in use.
    let mut seed = 0;
    until(|| {
        for _ in 0..20 {
            let answer = client.spans(&chaperone_scenarios::payloads::chat(seed))?;
            assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
            seed += 1;
        }
        if is_dropped(&collector.own_metrics()?) { Ok(()) } else { bail!("the dead branch has dropped nothing yet") }
    })?;
    for _ in 0..20 {
        assert_eq!(client.spans(&chaperone_scenarios::payloads::chat(seed))?.status, 200);
        seed += 1;
    }
    collector.check_conservation()?;
    Ok(())
}
