//! One measurement: a collector is started, warmed up, loaded, drained, and its cost divided by its spans.

use crate::clock;
use crate::payload::{Compression, Payload, Protocol};
use crate::process::Spent;
use crate::sender::{Load, Sent, send};
use crate::sink::Sink;
use crate::system::{Route, System};
use anyhow::{Context, Result, ensure};
use std::time::Duration;

/// How long a collector may take to send on what it has.
const DRAIN: Duration = Duration::from_secs(30);

/// What all cells share.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    pub compression: Compression,
    pub connections: u64,
    /// The most requests of a round; unset, each payload has its own number.
    pub requests: Option<u64>,
    /// Half of each payload's own number.
    pub halved: bool,
    /// The longest time of a round.
    pub time: Duration,
    /// Spans a second; `None` is the closed loop.
    pub rate: Option<f64>,
    pub frame: Option<usize>,
    /// What the first connection sends instead.
    pub first: Option<Payload>,
}

/// Which work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    pub route: Route,
    pub protocol: Protocol,
    pub payload: Payload,
}

/// What one round of one collector came to.
#[derive(Debug, Clone, Copy)]
pub struct Round {
    pub spent: Spent,
    pub sent: Sent,
    /// Spans that were acknowledged and did not arrive, or arrived unacknowledged: at the sink, or by the collector's
    /// own count where nothing is sent on; `None` where it has no such count.
    pub lost: Option<u64>,
    pub peak_rss: u64,
}

impl Round {
    /// CPU seconds for a million spans.
    pub fn cpu_per_million(&self) -> f64 {
        self.spent.cpu.as_secs_f64() / (self.sent.spans as f64 / 1e6)
    }

    /// Share of one core.
    pub fn of_a_core(&self) -> f64 {
        self.spent.cpu.as_secs_f64() / self.sent.elapsed.as_secs_f64()
    }

    pub fn spans_per_second(&self) -> f64 {
        self.sent.spans as f64 / self.sent.elapsed.as_secs_f64()
    }

    pub fn peak_mib(&self) -> f64 {
        self.peak_rss as f64 / f64::from(1 << 20)
    }
}

/// Measures one round.
pub fn measure(system: &System, work: Work, terms: &Terms, sink: &Sink) -> Result<Round> {
    let Work { route, protocol, payload } = work;
    let arrived_before = sink.spans();
    let started = system.start(route, sink.address).with_context(|| format!("cannot start {}", system.name()))?;
    let measured = loaded(&started, work, terms);
    let (warm, sent, before) = measured.with_context(|| {
        format!(
            "{} failed to {} {} over {}; it said:\n{}",
            system.name(),
            route.name(),
            payload.name(),
            protocol.name(),
            started.running.output()
        )
    })?;
    let acknowledged = warm.spans + sent.spans;
    let arrived = if route == Route::Receive {
        started.accepted()
    } else {
        clock::wait_for(DRAIN, || (sink.spans() - arrived_before >= acknowledged).then_some(()));
        Some(sink.spans() - arrived_before)
    };
    ensure!(sent.spans > 0, "{} accepted nothing", system.name());
    let spent = started.running.watch.spent().since(before);
    let lost = arrived.map(|arrived| arrived.abs_diff(acknowledged));
    Ok(Round { spent, sent, lost, peak_rss: started.running.watch.peak_rss() })
}

/// Warms up, then loads; gives both results and what was spent before the load.
fn loaded(started: &crate::system::Started, work: Work, terms: &Terms) -> Result<(Sent, Sent, Spent)> {
    let requests = terms.requests.unwrap_or(work.payload.requests() / if terms.halved { 2 } else { 1 });
    let load = Load {
        address: started.address(work.protocol),
        protocol: work.protocol,
        compression: terms.compression,
        payload: work.payload,
        connections: terms.connections,
        requests,
        time: terms.time,
        rate: terms.rate.map(|spans| spans / work.payload.spans() as f64),
        frame: terms.frame,
        first: terms.first,
    };
    let warm = send(&Load { requests: (requests / 20).max(terms.connections), ..load })?;
    let before = started.running.watch.spent();
    let sent = send(&load)?;
    Ok((warm, sent, before))
}
