//! The Collector's rules for what stands in front of an exporter, numbered: a test a rule, named by section and number.
//!
//! `r2_3_04` is the fourth rule of 2.3. Sections: 2.1 time-out, 2.2 retry, 2.3 queue, 2.4 batch, 2.5 own metrics; rules for what may be
//! written are in `tests/config/contract_front.rs` with the same numbers. Where we depart on purpose the name says so, and
//! the decision stands in `docs/adr/0003-departures-from-the-collector.md`. `breaker` tests what is ours alone.

mod batch;
mod breaker;
mod counts;
mod lines;
mod queue;
mod retry;

use crate::engine::tests::House;
use crate::engine::tests::script::{Answer, Script, Seen};
use std::cell::RefCell;
use std::sync::{Arc, Once};
use std::time::Duration;

/// One delivery at a time, each request by itself.
const SINGLE: &str = "sending_queue: {num_consumers: 1, batch: {enabled: false}}";

/// A graph with one exporter over a network.
async fn with(front: &str) -> House {
    House::of(&format!(
        "
receivers: {{taps: }}
exporters: {{net: {{{front}}}}}
service: {{pipelines: {{logs: {{receivers: [taps], exporters: [net]}}, metrics: {{receivers: [taps], exporters: [net]}}}}}}
"
    ))
    .await
}

fn later(count: usize) -> Vec<Answer> {
    vec![Answer::Later(None); count]
}

/// Items by delivery.
fn items(script: &Script) -> Vec<usize> {
    script.seen().iter().map(|seen| seen.chunks.iter().sum()).collect()
}

/// Seconds between deliveries.
fn gaps(seen: &[Seen]) -> Vec<f64> {
    seen.windows(2).map(|pair| (pair[1].at - pair[0].at).as_secs_f64()).collect()
}

/// Lets everything run that need not wait for time to pass.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

/// Waits, while time flies, until a figure is there.
async fn until(house: &House, name: &str, parts: &[&str], value: f64) {
    for _ in 0..10_000 {
        if house.figure(name, parts) >= value {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{name} {parts:?} did not reach {value}\n{}", house.scrape());
}

thread_local! {
    /// The log of the test that runs on this thread.
    static LOG: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// What is written to the log of this test, a line an event.
struct LogBook;

impl LogBook {
    fn open() -> LogBook {
        // One subscriber for the process: scoped ones lose lines when tests of other threads meet a call site first.
        static ONCE: Once = Once::new();
        ONCE.call_once(|| drop(tracing::subscriber::set_global_default(Scribe)));
        LOG.with_borrow_mut(Vec::clear);
        LogBook
    }
    fn with(&self, text: &str) -> Vec<String> {
        LOG.with_borrow(|log| log.iter().filter(|line| line.contains(text)).cloned().collect())
    }
}

struct Scribe;

impl tracing::Subscriber for Scribe {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = Line(format!("{}", event.metadata().level()));
        event.record(&mut line);
        LOG.with_borrow_mut(|log| log.push(line.0));
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

struct Line(String);

impl tracing::field::Visit for Line {
    fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
        self.0.push_str(&format!(" {}={value}", field.name()));
    }
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        self.0.push_str(&format!(" {}={value:?}", field.name()));
    }
}
