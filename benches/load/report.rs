//! What was measured, as tables.

use crate::Measured;
use crate::bars;
use crate::cell::Round;
use crate::payload::Protocol;
use crate::shapes::{Both, Connected};
use crate::system::Kind;
use crate::table::{Spread, print, verdict, verdict_at_least};
use std::time::Duration;

/// Every collector at every work; bars only where the load is the one they were set for.
pub fn costs(measured: &[Measured], has_bars: bool) {
    let mut rows = Vec::new();
    for one in measured {
        let (Some(cpu), Some(memory)) = (spread(one, Round::cpu_per_million), spread(one, Round::peak_mib)) else {
            continue;
        };
        let own = one.system.kind == Kind::Chaperone;
        let rate = spread(one, Round::spans_per_second).map_or(0.0, |rate| rate.median / 1e6);
        let refused: u64 = one.rounds.iter().map(|round| round.sent.refused).sum();
        let clocks = if one.rounds.iter().all(|round| round.spent.agrees()) { "agree" } else { "DIFFER" };
        let ours = measured.iter().find(|other| other.system.kind == Kind::Chaperone && other.work == one.work);
        let (cost, room) = match ours {
            _ if own => (
                verdict(cpu.median, bars::cpu(one.work).filter(|_| has_bars)),
                verdict(memory.median, bars::memory(one.work).filter(|_| has_bars)),
            ),
            Some(ours) => (
                times(ours, one, Round::cpu_per_million, bars::ratio(one.system.kind, one.work).filter(|_| has_bars)),
                times(ours, one, Round::peak_mib, bars::memory_ratio(one.system.kind, one.work).filter(|_| has_bars)),
            ),
            None => ("-".to_owned(), "-".to_owned()),
        };
        rows.push(vec![
            one.work.route.name().to_owned(),
            one.work.protocol.name().to_owned(),
            one.work.payload.name().to_owned(),
            one.system.name().to_owned(),
            format!("{:.2}", cpu.median),
            format!("{:.2}-{:.2}", cpu.least, cpu.most),
            cost,
            format!("{rate:.2}"),
            format!("{:.0}", memory.median),
            room,
            arrival(&one.rounds),
            refused.to_string(),
            clocks.to_owned(),
        ]);
    }
    let header = [
        "path",
        "in",
        "payload",
        "collector",
        "CPU-s/M",
        "spread",
        "bar",
        "M/s",
        "RssAnon MiB",
        "bar",
        "sent == received",
        "refused",
        "clocks",
    ];
    println!("\nCPU seconds for a million spans, median of {} rounds\n", measured.first().map_or(0, |one| one.rounds.len()));
    print(&header, &rows);
}

fn arrival(rounds: &[Round]) -> String {
    match rounds.iter().map(|round| round.lost).sum::<Option<u64>>() {
        None => "acknowledged".to_owned(),
        Some(0) => "yes".to_owned(),
        Some(lost) => format!("NO: {lost}"),
    }
}

fn spread(one: &Measured, figure: impl Fn(&Round) -> f64) -> Option<Spread> {
    Spread::of(one.rounds.iter().map(figure))
}

/// How many times more a peer needs: the median of the ratios of rounds that stood beside each other.
fn times(ours: &Measured, peer: &Measured, figure: fn(&Round) -> f64, bar: Option<f64>) -> String {
    let pairs = ours.rounds.iter().zip(&peer.rounds);
    let Some(ratio) = Spread::of(pairs.map(|(ours, theirs)| figure(theirs) / figure(ours))) else {
        return "-".to_owned();
    };
    match bar {
        None => format!("{:.1} x ours", ratio.median),
        Some(_) => format!("{:.1} x ours ({})", ratio.median, verdict_at_least(ratio.median, bar)),
    }
}

/// The Collector's own load test.
pub fn testbed(rounds: &[(Protocol, Round)]) {
    println!("\n10,000 spans a second in requests of 100 for 15 seconds, batched and sent on with default settings\n");
    let rows: Vec<Vec<String>> = rounds
        .iter()
        .map(|(protocol, round)| {
            vec![
                protocol.name().to_owned(),
                format!("{:.1} %", round.of_a_core() * 100.0),
                verdict(round.of_a_core() * 100.0, Some(bars::TESTBED_CORE * 100.0)),
                format!("{:.0}", round.peak_mib()),
                verdict(round.peak_mib(), Some(bars::TESTBED_MIB)),
                format!("{:.0}", round.spans_per_second()),
                arrival(&[*round]),
            ]
        })
        .collect();
    print(&["in", "of a core", "bar", "RssAnon MiB", "bar", "spans/s", "sent == received"], &rows);
}

/// What is left of the throughput when one sender is heavier than the others.
pub fn skew(rounds: &[Both]) {
    println!("\nThroughput of four senders of which one sends requests ten times larger, beside four equal ones\n");
    let mut protocols: Vec<Protocol> = rounds.iter().map(|both| both.protocol).collect();
    protocols.dedup();
    let mut rows: Vec<Vec<String>> = Vec::new();
    for protocol in [Protocol::Http, Protocol::Grpc].into_iter().filter(|protocol| protocols.contains(protocol)) {
        let of: Vec<&Both> = rounds.iter().filter(|both| both.protocol == protocol).collect();
        let median =
            |figure: fn(&Both) -> f64| Spread::of(of.iter().map(|both| figure(both))).map_or(0.0, |spread| spread.median);
        let left = median(|both| both.skewed.spans_per_second() / both.even.spans_per_second());
        rows.push(vec![
            protocol.name().to_owned(),
            format!("{:.2}", median(|both| both.even.spans_per_second() / 1e6)),
            format!("{:.2}", median(|both| both.skewed.spans_per_second() / 1e6)),
            format!("{:.0} %", left * 100.0),
            verdict_at_least(left * 100.0, Some(bars::SKEW * 100.0)),
        ]);
    }
    print(&["in", "even M/s", "skewed M/s", "left", "bar in %"], &rows);
}

/// Cost and speed by the number of connections.
pub fn connections(cells: &[Connected]) {
    println!("\nRequests of 100 spans of 552 bytes, received, closed loop\n");
    let row = |cell: &Connected| {
        let median = |figure: fn(&Round) -> f64| Spread::of(cell.rounds.iter().map(figure)).map_or(0.0, |spread| spread.median);
        vec![
            cell.protocol.name().to_owned(),
            cell.connections.to_string(),
            format!("{:.2}", median(Round::cpu_per_million)),
            format!("{:.2}", median(|round| round.spans_per_second() / 1e6)),
            format!("{:.0}", median(Round::peak_mib)),
            arrival(&cell.rounds),
        ]
    };
    let rows: Vec<Vec<String>> = cells.iter().map(row).collect();
    print(&["in", "connections", "CPU-s/M", "M/s", "RssAnon MiB", "sent == received"], &rows);
}

/// Memory of the default configuration.
pub fn idle(figures: &[f64]) {
    if let Some(spread) = Spread::of(figures.iter().copied()) {
        let bar = verdict(spread.median, Some(bars::IDLE_MIB));
        println!(
            "\nRssAnon idle, default configuration: {:.1} MiB ({:.1}-{:.1}); {bar}",
            spread.median, spread.least, spread.most
        );
    }
}

/// The machine's noise.
pub fn calibration(times: &[Duration]) {
    if let Some(spread) = Spread::of(times.iter().map(Duration::as_secs_f64)) {
        let percent = |figure: f64| (figure / spread.median - 1.0) * 100.0;
        println!(
            "\ncalibration: the same work took {:.1} ms of CPU, between {:+.0} % and {:+.0} %, over {} times",
            spread.median * 1e3,
            percent(spread.least),
            percent(spread.most),
            times.len()
        );
    }
}
