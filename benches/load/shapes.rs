//! Shapes of load that threads have to cope with: one heavy sender among light ones, and few or many connections.

use crate::cell::{Round, Terms, Work, measure};
use crate::payload::{Payload, Protocol};
use crate::sink::Sink;
use crate::system::{Route, System};
use crate::{Args, terms};
use anyhow::Result;

/// One round of each, beside each other.
pub struct Both {
    pub protocol: Protocol,
    pub even: Round,
    pub skewed: Round,
}

/// Four senders that send alike, then the same with ten times the spans in every request of the first.
pub fn skew(own: &System, args: &Args, sink: &Sink) -> Result<Vec<Both>> {
    let mut rounds = Vec::new();
    for round in 0..args.rounds {
        eprintln!("skew, round {} of {}", round + 1, args.rounds);
        for protocol in args.protocol.iter().copied() {
            let work = Work { route: Route::Receive, protocol, payload: Payload::Lean };
            // Throughput is a matter of time that passes, so a round is longer here than where CPU time is measured.
            let requests = args.requests.unwrap_or(work.payload.requests() * if args.quick { 1 } else { 3 });
            let even = Terms { connections: 4, requests: Some(requests), ..terms(args) };
            // Fewer requests, because those of the first are larger.
            let skewed = Terms { requests: Some(requests / 3), first: Some(Payload::Heavy), ..even };
            let even = measure(own, work, &even, sink)?;
            rounds.push(Both { protocol, even, skewed: measure(own, work, &skewed, sink)? });
        }
    }
    Ok(rounds)
}

/// All rounds with one number of connections.
pub struct Connected {
    pub connections: u64,
    pub protocol: Protocol,
    pub rounds: Vec<Round>,
}

/// Small requests over few and many connections, in turns.
pub fn connections(own: &System, args: &Args, sink: &Sink) -> Result<Vec<Connected>> {
    let numbers = [1, 4, 64, 1000];
    let pairs = args.protocol.iter().flat_map(|protocol| numbers.map(|connections| (*protocol, connections)));
    let mut cells: Vec<Connected> =
        pairs.map(|(protocol, connections)| Connected { connections, protocol, rounds: Vec::new() }).collect();
    // The first round of a thousand connections alone takes seconds.
    for round in 0..args.rounds.min(3) {
        eprintln!("connections, round {} of {}", round + 1, args.rounds.min(3));
        for cell in &mut cells {
            let work = Work { route: Route::Receive, protocol: cell.protocol, payload: Payload::Small };
            let terms = Terms { connections: cell.connections, ..terms(args) };
            cell.rounds.push(measure(own, work, &terms, sink)?);
        }
    }
    Ok(cells)
}
