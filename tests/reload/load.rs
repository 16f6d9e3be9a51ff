//! Several clients that send numbered spans until they are told to stop, and what arrived of them.

use crate::senders::{Outcome, Sender};
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Spans of one request.
const SPANS: u64 = 20;

/// Between two requests of a client: the machine is shared with what is being tested.
const PAUSE: Duration = Duration::from_millis(2);

/// What one client saw.
#[derive(Debug, Default)]
pub struct Seen {
    pub acknowledged: BTreeSet<u64>,
    /// Answers to come again.
    pub later: u64,
    pub no_listener: u64,
    pub cut_off: Vec<String>,
    pub never: Vec<String>,
}

/// Clients at work.
pub struct Load {
    clients: Vec<(&'static str, JoinHandle<Seen>)>,
    // Shared with the clients.
    stop: Arc<AtomicBool>,
    next: Arc<AtomicU64>,
}

impl Load {
    pub fn new() -> Load {
        Load { clients: Vec::new(), stop: Arc::default(), next: Arc::new(AtomicU64::new(1)) }
    }

    /// One more client; `name` says what it sends to.
    pub fn client(&mut self, name: &'static str, sender: impl FnOnce() -> Box<dyn Sender> + Send + 'static) {
        let (stop, next) = (Arc::clone(&self.stop), Arc::clone(&self.next));
        self.clients.push((name, std::thread::spawn(move || send_until(sender(), &stop, &next))));
    }

    /// Spans that clients have begun to send.
    pub fn begun(&self) -> u64 {
        self.next.load(Ordering::Acquire) - 1
    }

    /// Lets every client end the request it is at.
    pub fn finish(self) -> Vec<(&'static str, Seen)> {
        self.stop.store(true, Ordering::Release);
        self.clients.into_iter().map(|(name, client)| (name, client.join().expect("a client does not panic"))).collect()
    }
}

fn send_until(mut sender: Box<dyn Sender>, stop: &AtomicBool, next: &AtomicU64) -> Seen {
    let mut seen = Seen::default();
    while !stop.load(Ordering::Acquire) {
        let first = next.fetch_add(SPANS, Ordering::AcqRel);
        let body = request(first);
        loop {
            match sender.send(&body) {
                Outcome::Accepted => {
                    seen.acknowledged.extend(first..first + SPANS);
                    break;
                }
                Outcome::Never(said) => {
                    seen.never.push(said);
                    break;
                }
                Outcome::Later(_) => seen.later += 1,
                Outcome::NoListener => seen.no_listener += 1,
                Outcome::CutOff(how) => seen.cut_off.push(how),
            }
            if stop.load(Ordering::Acquire) {
                return seen;
            }
            std::thread::park_timeout(PAUSE);
        }
        std::thread::park_timeout(PAUSE);
    }
    seen
}

/// A request of [`SPANS`] spans, numbered from `first`.
pub fn request(first: u64) -> Vec<u8> {
    let span = |id: u64| Span {
        trace_id: u128::from(first).to_be_bytes().to_vec(),
        span_id: id.to_be_bytes().to_vec(),
        name: "step of a run".to_owned(),
        start_time_unix_nano: 1_700_000_000_000_000_000 + id,
        end_time_unix_nano: 1_700_000_001_000_000_000 + id,
        ..Span::default()
    };
    let scope_spans = vec![ScopeSpans { spans: (first..first + SPANS).map(span).collect(), ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

/// The numbers of the spans in a request.
pub fn ids_of_request(body: &Bytes) -> Vec<u64> {
    let request = ExportTraceServiceRequest::decode(body.clone()).expect("an OTLP request");
    let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    scopes.flat_map(|scope| scope.spans).map(|span| u64::from_be_bytes(span.span_id.try_into().expect("eight bytes"))).collect()
}

/// The numbers of the spans in lines of OTLP/JSON.
pub fn ids_of_json(text: &str) -> BTreeSet<u64> {
    let ids = text.split("\"spanId\":\"").skip(1).filter_map(|rest| rest.get(..16));
    ids.map(|id| u64::from_str_radix(id, 16).expect("a span id")).collect()
}

/// Fails with the first numbers that one set has and the other has not.
pub fn assert_all(acknowledged: &BTreeSet<u64>, arrived: &BTreeSet<u64>, place: &str) {
    let missing: Vec<u64> = acknowledged.difference(arrived).copied().collect();
    let first: Vec<u64> = missing.iter().take(10).copied().collect();
    assert!(
        missing.is_empty(),
        "{} of {} acknowledged spans did not arrive in {place}: {first:?} ...",
        missing.len(),
        acknowledged.len()
    );
}
