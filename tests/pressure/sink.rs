//! An OTLP/HTTP backend that can be taken away and brought back on the same port.
//!
//! It keeps the ids of the spans it took, each with how often it came.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

type Taken = Arc<Mutex<HashMap<u64, u32>>>;

/// The backend's address and what it took, whether it is there or not.
pub struct Sink {
    address: SocketAddr,
    // Shared with the threads that serve.
    taken: Taken,
    serving: Option<Serving>,
}

struct Serving {
    gone: Arc<AtomicBool>,
    accepting: JoinHandle<()>,
}

impl Sink {
    /// Chooses a port and leaves it closed.
    pub fn away() -> Sink {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port of the loopback interface");
        let address = listener.local_addr().expect("invariant: it is bound");
        Sink { address, taken: Taken::default(), serving: None }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Opens the port.
    pub fn come_back(&mut self) {
        let listener = TcpListener::bind(self.address).expect("the port is still free");
        let gone = Arc::new(AtomicBool::new(false));
        let (stop, taken) = (Arc::clone(&gone), Arc::clone(&self.taken));
        let accepting = std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stop.load(Ordering::Acquire) {
                    return;
                }
                let (stop, taken) = (Arc::clone(&stop), Arc::clone(&taken));
                std::thread::spawn(move || serve(stream, &stop, &taken));
            }
        });
        self.serving = Some(Serving { gone, accepting });
    }

    /// Closes the port; connections that are open answer nothing any more.
    pub fn go_away(&mut self) {
        let Some(serving) = self.serving.take() else { return };
        serving.gone.store(true, Ordering::Release);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
        serving.accepting.join().expect("the sink's thread panicked");
    }

    /// How often each span came.
    pub fn taken(&self) -> HashMap<u64, u32> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Answers the requests of one connection until the sink goes away.
fn serve(stream: TcpStream, gone: &AtomicBool, taken: &Taken) {
    let mut reader = BufReader::new(stream);
    while let Some(body) = read_request(&mut reader) {
        // A backend that dies takes with it what it had not confirmed.
        if gone.load(Ordering::Acquire) {
            return;
        }
        let request = ExportTraceServiceRequest::decode(body.as_slice()).expect("the collector sends OTLP");
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
        for span in scopes.flat_map(|scope| &scope.spans) {
            let id = span.span_id.as_slice().try_into().expect("a span id has eight bytes");
            *taken.entry(u64::from_be_bytes(id)).or_default() += 1;
        }
        drop(taken);
        if reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").is_err() {
            return;
        }
    }
}

/// `None` at the end of the connection.
fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let (mut line, mut length) = (String::new(), 0);
    loop {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or_default();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(body)
}
