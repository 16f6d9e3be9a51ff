//! Recorded OTLP through the same graph: exporters replaced by a sink, one worker, time from the data.
//!
//! Nothing asynchronous runs: every call works on the caller's thread, so that the same input gives the same output.
//! Reports of components (`Host::report`) go nowhere; there are no deliveries to report on.

use crate::engine::flow::{Flow, Node, Piece, Work};
use crate::engine::running::OWN_EVENTS;
use crate::engine::{EngineSettings, build, count, tick};
use crate::graph::Purpose;
use crate::host::Services;
use crate::{Ack, Batch, Clock, Host, Next, Outcome, Registry, StartError};
use chaperone_config::{ComponentId, Document, PipelineId, Problem, Problems, Severity};
use chaperone_proto::{Data, RecordRef, Signal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Simulated time after the last request in which components may close what is open.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Times after the year 2100 are mistakes: one such record must not move everybody's clock there.
const LATEST_NS: u64 = 4_102_444_800_000_000_000;

/// Recorded OTLP through the same graph: exporters replaced by a sink, one worker, time from the data.
pub struct Replay {
    flow: Arc<Flow>,
    clock: Clock,
    /// Receivers whose pipelines are fed; by signal the edges of all of them, each pipeline once.
    fed: Vec<(Signal, ComponentId)>,
    /// Told by the sink: whether anything but metrics came out since this was last looked at.
    emitted: Arc<AtomicBool>,
}

impl Replay {
    /// Builds the graph for replay. `settings.clock` must be manual.
    pub fn build(
        document: &Document,
        registry: &Registry,
        settings: EngineSettings,
        mut sink: impl FnMut(&PipelineId, &ComponentId, &Data) + Send + 'static,
    ) -> Result<Replay, Problems> {
        let mut problems = Problems::new();
        let Some(assembled) = build(document, registry, &settings, Purpose::Replay, &mut problems) else {
            return Err(problems);
        };
        let flow = assembled.flow;
        let emitted = Arc::new(AtomicBool::new(false));
        let tell = Arc::clone(&emitted);
        *flow.sink.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(move |pipeline, id, data| {
            // Metrics may be written at every interval for ever: they do not show that something was open.
            tell.fetch_or(data.signal() != Signal::Metrics, Ordering::Relaxed);
            sink(pipeline, id, data);
        }));
        let accounted = Arc::clone(&flow.accounted);
        let services = Services::new(settings.clock.clone(), settings.telemetry.clone(), settings.storage, accounted);
        let services = Arc::new(services.quiet());
        for index in flow.order.iter().rev() {
            let node = &flow.nodes[*index];
            let Work::Process(instance) = &node.work else { continue };
            let host = Host::new(node.place.kind, node.place.id.clone(), &instance.bond, Arc::clone(&services));
            if let Err(error) = instance.component.start(&host) {
                problems.push(not_started(node, &error));
            }
        }
        if problems.has_errors() {
            return Err(problems);
        }
        let fed = fed(document, registry);
        Ok(Replay { flow, clock: settings.clock, fed, emitted })
    }

    /// Whether a pipeline takes this signal from outside.
    pub fn serves(&self, signal: Signal) -> bool {
        self.fed.iter().any(|(of, _)| *of == signal)
    }

    /// One recorded request into every pipeline of its signal that has a receiver which is neither a connector nor
    /// `own_events`; then a tick.
    ///
    /// `Ok` also when a component still holds a share of the acknowledgement.
    pub fn feed(&mut self, data: Data) -> Outcome {
        if let Some(time) = latest_time(&data) {
            self.clock.advance_to(time);
        }
        // As at a receiver's door, a request without items goes nowhere.
        if data.items() == 0 {
            return Outcome::Ok;
        }
        let outcome = Arc::new(Mutex::new(Outcome::Ok));
        let told = Arc::clone(&outcome);
        let done = move |outcome| *told.lock().unwrap_or_else(PoisonError::into_inner) = outcome;
        let ack = Ack::with_reservations(done, self.flow.lost_shares.clone(), Vec::new());
        let batch = Batch::new(data);
        let mut entered: Vec<usize> = Vec::new();
        for (_, receiver) in self.fed.iter().filter(|(signal, _)| *signal == batch.signal()) {
            let Some(place) = self.flow.route(receiver, batch.signal()) else { continue };
            let (_, route) = &self.flow.routes[place];
            // Two receivers of one pipeline: the request enters it once.
            let edges: Vec<_> = route.heads.iter().filter(|edge| !entered.contains(&edge.to)).collect();
            if let Some(counters) = route.counters.as_ref().filter(|_| !edges.is_empty()) {
                counters.enter(batch.items());
                counters.pass(batch.items());
            }
            for edge in edges {
                entered.push(edge.to);
                self.flow.fan_out(std::slice::from_ref(edge), batch.clone(), Some(ack.share()));
            }
        }
        ack.resolve(Outcome::Ok);
        self.tick();
        outcome.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Advances time until nothing is open, then drains.
    ///
    /// Time moves in the steps that components ask for; the longer nothing comes out, the larger the steps, so that a day
    /// takes less than a thousand of them. It ends when every component says that it has nothing open, or after 24 hours.
    pub fn finish(&mut self) {
        let mut passed = Duration::ZERO;
        let mut quiet = Duration::ZERO;
        while let Some(asked) = self.tick() {
            if passed >= LONGEST {
                break;
            }
            if self.emitted.swap(false, Ordering::Relaxed) {
                quiet = Duration::ZERO;
            }
            let step = asked.max(quiet / 50).max(passed / 500).min(LONGEST);
            quiet += step;
            passed += step;
            self.clock.advance_to(self.clock.now().unix_ns.saturating_add(step.as_nanos() as u64));
        }
        for node in self.flow.processors() {
            while self.flow.work(node, &Piece::Drain) != Next::Done {}
        }
    }

    /// One tick of every component; gives the shortest pause that one of them asked for, none if nothing is open.
    fn tick(&self) -> Option<Duration> {
        let mut shortest: Option<Duration> = None;
        for node in self.flow.processors() {
            let pause = loop {
                match self.flow.work(node, &Piece::Tick) {
                    Next::Again => {}
                    Next::After(pause) => break Some(pause.max(tick::FLOOR)),
                    Next::Done => break None,
                }
            };
            shortest = match (shortest, pause) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
        shortest
    }
}

fn not_started(node: &Node, error: &StartError) -> Problem {
    let word = node.place.kind.word();
    Problem {
        severity: Severity::Error,
        message: format!("{word} `{}` did not start: {}", node.place.id, error.message),
        location: None,
        path: format!("{word}s.{}", node.place.id),
        hint: None,
    }
}

/// The receivers that stand for the world outside.
fn fed(document: &Document, registry: &Registry) -> Vec<(Signal, ComponentId)> {
    let mut fed = Vec::new();
    for (id, _) in &document.receivers {
        let entry = registry.receivers.iter().find(|entry| entry.is_called(&id.kind));
        if entry.is_some_and(|entry| entry.meta.name != OWN_EVENTS) {
            fed.extend(Signal::ALL.map(|signal| (signal, id.clone())));
        }
    }
    fed.retain(|(signal, id)| {
        document
            .service
            .pipelines
            .iter()
            .any(|pipeline| pipeline.id.signal == signal.name() && pipeline.receivers.iter().any(|reference| reference.id == *id))
    });
    fed
}

/// The greatest event time in a request.
fn latest_time(data: &Data) -> Option<u64> {
    let mut latest = 0;
    if let Data::Metrics(metrics) = data {
        count::leaves(Signal::Metrics, metrics.bytes(), &mut |point| {
            latest = latest.max(count::point_time(point).filter(|time| *time < LATEST_NS).unwrap_or(0));
        });
    }
    for i in 0..data.records() {
        let time = match data.record(i) {
            RecordRef::Span(span) => span.end_ns().max(span.start_ns()),
            RecordRef::Log(log) if log.time_ns() != 0 => log.time_ns(),
            RecordRef::Log(log) => log.observed_time_ns(),
        };
        latest = latest.max(if time < LATEST_NS { time } else { 0 });
    }
    (latest > 0).then_some(latest)
}
