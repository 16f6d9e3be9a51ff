//! Load of our own on collectors: what a span costs them, in rounds that take turns, beside the bars.
//!
//! Every round starts a fresh process. Between rounds a fixed piece of work is timed: its spread is the machine's noise.
//! What was acknowledged must have arrived; a round that lost anything fails the run.

mod bars;
mod cell;
mod child;
mod clock;
mod count;
mod payload;
mod process;
mod report;
mod sender;
mod shapes;
mod sink;
mod system;
mod table;

use anyhow::{Context, Result, ensure};
use cell::{Round, Terms, Work, measure};
use clap::{Parser, ValueEnum};
use payload::{Compression, Payload, Protocol};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use system::{Route, System};

/// Loads collectors and prints what a span costs them.
#[derive(Debug, Parser)]
struct Args {
    /// Another collector to compare with, as NAME=PROGRAM; names are rotel, go, and chaperone for another build
    #[arg(long = "peer")]
    peers: Vec<String>,
    /// Our own program; unset, the one that lies beside this one
    #[arg(long)]
    chaperone: Option<PathBuf>,
    /// What is measured
    #[arg(long, value_delimiter = ',', default_values = ["receive", "pass", "testbed", "skew", "connections", "idle"])]
    scenario: Vec<Scenario>,
    /// How requests come in
    #[arg(long, value_delimiter = ',', default_values = ["http", "grpc"])]
    protocol: Vec<Protocol>,
    /// What they carry
    #[arg(long, value_delimiter = ',', default_values = ["lean", "chat"])]
    payload: Vec<Payload>,
    /// How they are compressed
    #[arg(long, default_value = "none")]
    compression: Compression,
    /// Rounds of each measurement
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Three rounds of half the requests: a third of the time, and figures that vary more
    #[arg(long)]
    quick: bool,
    /// Connections, each with one request at a time
    #[arg(long, default_value_t = 4)]
    connections: u64,
    /// The most requests of a round; unset, a number for each payload
    #[arg(long)]
    requests: Option<u64>,
    /// The longest time of a round in seconds
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Open loop: spans a second of all connections together; unset, the closed loop
    #[arg(long)]
    rate: Option<f64>,
    /// Largest HTTP/2 data frame in bytes; unset, what the server allows. Many clients never send more than 16384
    #[arg(long)]
    frame: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// OTLP, three attributes, dropped
    Receive,
    /// OTLP, three attributes, OTLP/HTTP uncompressed
    Pass,
    /// 10,000 spans a second in requests of 100 for 15 seconds
    Testbed,
    /// Four senders of which one is ten times heavier, beside four equal ones
    Skew,
    /// Small requests over 1, 4, 64 and 1,000 connections
    Connections,
    /// Memory of the default configuration when nothing is sent
    Idle,
}

fn main() -> ExitCode {
    let mut args = Args::parse();
    if args.quick {
        args.rounds = args.rounds.min(3);
    }
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    let program = args.chaperone.clone().or_else(|| system::sibling("chaperone"));
    let program = program.context("`chaperone` does not lie beside this program; build it in the same profile")?;
    let own = System::chaperone(std::fs::canonicalize(&program).context("our own program is not there")?)?;
    let peers = args.peers.iter().map(|text| System::peer(text)).collect::<Result<Vec<_>>>()?;
    let sink = sink::Sink::start()?;
    let mut lost = 0;
    println!("load average at the start: {}", process::load_average());
    if args.scenario.contains(&Scenario::Idle) {
        report::idle(&idle(&own, args.rounds.min(3))?);
    }
    if args.scenario.contains(&Scenario::Testbed) {
        let rounds = testbed(&own, args, &sink)?;
        report::testbed(&rounds);
        lost += rounds.iter().filter_map(|(_, round)| round.lost).sum::<u64>();
    }
    if args.scenario.contains(&Scenario::Skew) {
        let rounds = shapes::skew(&own, args, &sink)?;
        report::skew(&rounds);
        lost += rounds.iter().flat_map(|both| both.even.lost.into_iter().chain(both.skewed.lost)).sum::<u64>();
    }
    if args.scenario.contains(&Scenario::Connections) {
        let rounds = shapes::connections(&own, args, &sink)?;
        report::connections(&rounds);
        lost += rounds.iter().flat_map(|one| &one.rounds).filter_map(|round| round.lost).sum::<u64>();
    }
    let works = works(args);
    if !works.is_empty() {
        let systems: Vec<System> = [own].into_iter().chain(peers).collect();
        let (measured, calibration) = take_turns(args, &systems, &works, &sink)?;
        report::costs(&measured, args.compression == Compression::None && args.rate.is_none());
        report::calibration(&calibration);
        lost += measured.iter().flat_map(|one| &one.rounds).filter_map(|round| round.lost).sum::<u64>();
    }
    println!("load average at the end: {}", process::load_average());
    ensure!(lost == 0, "{lost} spans are not what was acknowledged");
    Ok(())
}

fn works(args: &Args) -> Vec<Work> {
    let routes = [(Scenario::Receive, Route::Receive), (Scenario::Pass, Route::Pass)];
    let mut works = Vec::new();
    for (_, route) in routes.into_iter().filter(|(scenario, _)| args.scenario.contains(scenario)) {
        for protocol in args.protocol.iter().copied() {
            works.extend(args.payload.iter().map(|payload| Work { route, protocol, payload: *payload }));
        }
    }
    works
}

/// All rounds of one collector doing one work.
struct Measured {
    system: System,
    work: Work,
    rounds: Vec<Round>,
}

/// What the command line says of every cell.
fn terms(args: &Args) -> Terms {
    Terms {
        compression: args.compression,
        connections: args.connections,
        requests: args.requests,
        halved: args.quick,
        time: Duration::from_secs(args.seconds),
        rate: args.rate,
        frame: args.frame,
        first: None,
    }
}

/// In each round every collector does every work, so that the machine's moods fall on all alike.
fn take_turns(args: &Args, systems: &[System], works: &[Work], sink: &sink::Sink) -> Result<(Vec<Measured>, Vec<Duration>)> {
    let terms = terms(args);
    let pairs = works.iter().flat_map(|work| systems.iter().map(move |system| (system, *work)));
    let mut measured: Vec<Measured> = pairs
        .filter(|(system, work)| system.takes(work.route))
        .map(|(system, work)| Measured { system: system.clone(), work, rounds: Vec::new() })
        .collect();
    let mut calibration = Vec::new();
    for round in 0..args.rounds {
        eprintln!("round {} of {}", round + 1, args.rounds);
        for one in &mut measured {
            calibration.push(process::calibrate());
            one.rounds.push(measure(&one.system, one.work, &terms, sink)?);
        }
    }
    Ok((measured, calibration))
}

/// 10,000 spans a second, as the Collector's own load tests send them.
fn testbed(own: &System, args: &Args, sink: &sink::Sink) -> Result<Vec<(Protocol, Round)>> {
    let time = Duration::from_secs(15);
    let terms = Terms { connections: 1, requests: Some(1500), halved: false, time, rate: Some(10_000.0), ..terms(args) };
    args.protocol
        .iter()
        .map(|protocol| {
            eprintln!("10,000 spans a second over {}", protocol.name());
            let work = Work { route: Route::Testbed, protocol: *protocol, payload: Payload::Small };
            Ok((*protocol, measure(own, work, &terms, sink)?))
        })
        .collect()
}

/// Anonymous memory in MiB, some seconds after the start.
fn idle(own: &System, rounds: usize) -> Result<Vec<f64>> {
    (0..rounds)
        .map(|_| {
            let started = own.start_default()?;
            std::thread::sleep(Duration::from_secs(3));
            Ok(started.running.watch.rss() as f64 / f64::from(1 << 20))
        })
        .collect()
}
