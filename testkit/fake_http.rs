//! A tiny HTTP server for tests of exporters: records what it is asked, answers what it is told to.
//!
//! It listens on a free port of the loopback interface, inside the test's own runtime.

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, not decompressed.
    pub body: Bytes,
}

impl Recorded {
    /// A header's text; empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body with its content encoding taken off.
    pub fn decompressed(&self) -> anyhow::Result<Bytes> {
        use std::io::Read;
        let mut out = Vec::new();
        match self.header("content-encoding") {
            "" | "identity" => return Ok(self.body.clone()),
            "gzip" => flate2::read::GzDecoder::new(self.body.as_ref()).read_to_end(&mut out)?,
            "zstd" => zstd::stream::read::Decoder::new(self.body.as_ref())?.read_to_end(&mut out)?,
            other => anyhow::bail!("unknown content encoding `{other}`"),
        };
        Ok(out.into())
    }
}

/// What is answered to one request.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(&'static str, String)>,
    /// Body.
    pub body: Bytes,
    /// Closes nothing and says nothing: the client's time-out is what ends the request.
    pub hang: bool,
}

impl Answer {
    /// A status without headers and body.
    pub fn status(status: u16) -> Answer {
        Answer { status, headers: Vec::new(), body: Bytes::new(), hang: false }
    }

    /// No answer at all.
    pub fn never() -> Answer {
        Answer { hang: true, ..Answer::status(200) }
    }

    /// With a header.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Answer {
        self.headers.push((name, value.into()));
        self
    }

    /// With a body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Answer {
        self.body = body.into();
        self
    }
}

/// The server. It ends with the test's runtime.
pub struct FakeHttp {
    address: SocketAddr,
    // Shared with the tasks that serve connections.
    state: Arc<Mutex<State>>,
    count: watch::Receiver<usize>,
}

#[derive(Default)]
struct State {
    requests: Vec<Recorded>,
    answers: VecDeque<Answer>,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FakeHttp {
    /// Starts it; it answers 200 with nothing unless it is told otherwise.
    #[expect(clippy::disallowed_methods, reason = "a server of a test lives as long as the test's runtime")]
    pub async fn start() -> FakeHttp {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port of the loopback interface");
        let address = listener.local_addr().expect("invariant: it is bound");
        let state = Arc::new(Mutex::new(State::default()));
        let (counted, count) = watch::channel(0);
        let (shared, counted) = (Arc::clone(&state), Arc::new(counted));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (state, counted) = (Arc::clone(&shared), Arc::clone(&counted));
                let service = service_fn(move |request| answer(Arc::clone(&state), Arc::clone(&counted), request));
                tokio::spawn(async move {
                    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        FakeHttp { address, state, count }
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers the next request for which nothing was said yet.
    pub fn answer(&self, answer: Answer) {
        lock(&self.state).answers.push_back(answer);
    }

    /// Requests so far.
    pub fn requests(&self) -> Vec<Recorded> {
        lock(&self.state).requests.clone()
    }

    /// Waits until `count` requests came and returns all.
    pub async fn wait_for(&self, count: usize) -> Vec<Recorded> {
        let mut counted = self.count.clone();
        counted.wait_for(|seen| *seen >= count).await.expect("invariant: the server lives as long as the test");
        self.requests()
    }
}

async fn answer(
    state: Arc<Mutex<State>>,
    counted: Arc<watch::Sender<usize>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|collected| collected.to_bytes()).unwrap_or_default();
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str()).to_owned();
    let recorded = Recorded { method: parts.method.to_string(), path, headers: parts.headers, body };
    let answer = {
        let mut state = lock(&state);
        state.requests.push(recorded);
        state.answers.pop_front().unwrap_or_else(|| Answer::status(200))
    };
    counted.send_modify(|seen| *seen += 1);
    if answer.hang {
        std::future::pending::<()>().await;
    }
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    Ok(response.body(Full::new(answer.body)).expect("invariant: tests write valid headers"))
}
