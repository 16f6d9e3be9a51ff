//! `pprof`: a CPU profile of the running collector, in the form that `go tool pprof` reads.
//!
//! Samples come from a timer signal of the kernel, 99 a second of CPU time, and cost nothing while no profile is taken.
//! Naming what was sampled, which takes longest, is done on a thread that serves no data. One profile at a time.
//! Left out: memory, locks and what waits, which this process keeps no records of; and the command line, which may hold
//! secrets.

mod config;
mod encode;
#[cfg(test)]
mod tests;

pub use config::Config;

use crate::serve::{self, Ask, PageServer, Pages, Place};
use chaperone_config::{Optional, Transport};
use chaperone_net::Body;
use chaperone_pipeline::{
    BoxFuture, BuildContext, Clock, ConfigError, Extension, ExtensionFactory, Host, Meta, Now, Stability, StartError,
};
use encode::{Function, Stack, Timing};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CONTENT_DISPOSITION, HeaderValue};
use http::{Method, Response, StatusCode};
use pprof::{Frames, ProfilerGuard, ProfilerGuardBuilder};
use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Samples a second of CPU time: not a round number, so that it does not keep step with what happens every 10 ms.
const FREQUENCY: i32 = 99;
/// Length of a profile for which none is asked, as in Go.
const DEFAULT_SECONDS: u64 = 30;
/// Longest profile.
const MAX_SECONDS: u64 = 300;
/// Code in which the unwinder must not be asked anything, since it may be interrupted while it holds a lock.
const BLOCKED: [&str; 4] = ["libc", "libgcc", "pthread", "vdso"];

/// The function of the crate that the timer signal calls.
const HANDLER: &str = "perf_signal_handler";

/// The one profile that may be taken at a time: the timer signal is the process's own.
static PLACE: Semaphore = Semaphore::const_new(1);

/// The extension.
pub struct Pprof {
    config: Config,
    clock: Clock,
    server: PageServer,
    /// The profile from the start to the end, for `save_to_file`.
    whole: Mutex<Option<Profiling>>,
}

struct Answers {
    clock: Clock,
    host: OnceLock<Host>,
}

/// A profile being taken.
struct Profiling {
    guard: ProfilerGuard<'static>,
    since: Now,
    _place: SemaphorePermit<'static>,
}

impl ExtensionFactory for Pprof {
    type Config = Config;
    const META: Meta = Meta::extension("pprof", "Takes CPU profiles of the running collector for `go tool pprof`")
        .stability(Stability::Alpha)
        .readme(include_str!("README.md"));

    fn build(config: Config, ctx: &BuildContext) -> Result<Arc<dyn Extension>, ConfigError> {
        let clock = ctx.clock().clone();
        Ok(Arc::new(Pprof { config, clock, server: PageServer::default(), whole: Mutex::default() }))
    }
}

impl Extension for Pprof {
    fn start<'a>(&'a self, host: &'a Host) -> BoxFuture<'a, Result<(), StartError>> {
        Box::pin(async move {
            if !self.config.save_to_file.is_empty() {
                let begun = Profiling::begin(&self.clock);
                let begun = begun.map_err(|refused| StartError::new(format!("cannot profile: {}", refused.message)))?;
                *self.whole.lock().unwrap_or_else(PoisonError::into_inner) = Some(begun);
            }
            if self.config.endpoint.as_str().is_empty() {
                return Ok(());
            }
            let answers = Answers { clock: self.clock.clone(), host: OnceLock::from(host.clone()) };
            let place = Place { endpoint: &self.config.endpoint, transport: Transport::Tcp, tls: &Optional::Absent };
            let address = self.server.start(host, place, Arc::new(answers)).await?;
            host.announce(&format!("profiles at http://{address}/debug/pprof/"));
            Ok(())
        })
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.server.stop().await;
            let whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner).take();
            let Some(whole) = whole else { return };
            let file = &self.config.save_to_file;
            let written = whole.end(self.clock.now()).and_then(|bytes| std::fs::write(file, bytes).map_err(|e| e.to_string()));
            match written {
                Ok(()) => tracing::info!(file, "wrote the CPU profile of the whole run"),
                Err(error) => tracing::error!(error, file, "the CPU profile was not written"),
            }
        })
    }
}

/// Why no profile is taken.
struct Refused {
    status: StatusCode,
    message: String,
}

impl Profiling {
    fn begin(clock: &Clock) -> Result<Profiling, Refused> {
        let busy = |_| Refused { status: StatusCode::CONFLICT, message: "another CPU profile is being taken".to_owned() };
        let place = PLACE.try_acquire().map_err(busy)?;
        let failed = |error: pprof::Error| Refused { status: StatusCode::INTERNAL_SERVER_ERROR, message: error.to_string() };
        let guard = ProfilerGuardBuilder::default().frequency(FREQUENCY).blocklist(&BLOCKED).build().map_err(failed)?;
        Ok(Profiling { guard, since: clock.now(), _place: place })
    }

    /// Names what was sampled, which may take a second: never on a data thread.
    fn end(self, now: Now) -> Result<Vec<u8>, String> {
        let report = self.guard.report().build().map_err(|error| error.to_string())?;
        let timing = Timing {
            start_unix_ns: i64::try_from(self.since.unix_ns).unwrap_or(i64::MAX),
            duration_ns: i64::try_from(now.mono.saturating_sub(self.since.mono).as_nanos()).unwrap_or(i64::MAX),
            period_ns: 1_000_000_000 / i64::from(FREQUENCY),
        };
        let mut stacks: Vec<Stack> = report.data.iter().map(|(frames, count)| stack(frames, *count)).collect();
        // The report has no order; two profiles of the same samples are the same bytes.
        stacks.sort_by(|a, b| (b.count, &a.thread, a.places.len()).cmp(&(a.count, &b.thread, b.places.len())));
        let mut zip = GzEncoder::new(Vec::new(), Compression::fast());
        let zipped = zip.write_all(&encode::profile(&stacks, timing)).and_then(|()| zip.finish());
        zipped.map_err(|error| error.to_string())
    }
}

fn stack(frames: &Frames, count: isize) -> Stack {
    let function = |symbol: &pprof::Symbol| Function {
        name: symbol.name(),
        system_name: symbol.sys_name().into_owned(),
        file: symbol.filename().into_owned(),
        line: symbol.lineno(),
    };
    let mut places: Vec<Vec<Function>> = frames.frames.iter().map(|place| place.iter().map(function).collect()).collect();
    // The sampler interrupted what is of interest: its own frames go, with the kernel's way back into what it interrupted.
    let is_sampler = |place: &Vec<Function>| place.iter().any(|function| function.name.contains(HANDLER));
    if let Some(at) = places.iter().position(is_sampler) {
        places.drain(..places.len().min(at + 2));
    }
    Stack { places, thread: frames.thread_name_or_id(), count: count as i64 }
}

/// The length that is asked for.
fn seconds(ask: &Ask) -> Result<u64, Refused> {
    let Some(text) = ask.parameter("seconds").filter(|text| !text.is_empty()) else { return Ok(DEFAULT_SECONDS) };
    let refused = || Refused {
        status: StatusCode::BAD_REQUEST,
        message: format!("`seconds` must be a whole number from 1 to {MAX_SECONDS}"),
    };
    text.parse().ok().filter(|seconds| (1..=MAX_SECONDS).contains(seconds)).ok_or_else(refused)
}

impl Answers {
    async fn profile(&self, ask: &Ask) -> Result<Response<Body>, Refused> {
        let seconds = seconds(ask)?;
        let profiling = Profiling::begin(&self.clock)?;
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let host = self.host.get().expect("invariant: set before the server started");
        let now = self.clock.now();
        let bytes = host.blocking(move || profiling.end(now)).await;
        let bytes = bytes.map_err(|message| Refused { status: StatusCode::INTERNAL_SERVER_ERROR, message })?;
        let mut answer = serve::answer(StatusCode::OK, "application/octet-stream", bytes);
        answer.headers_mut().insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"profile\""));
        Ok(answer)
    }

    async fn of(&self, ask: &Ask) -> Response<Body> {
        if ask.method != Method::GET && ask.method != Method::HEAD {
            return serve::refusal(StatusCode::METHOD_NOT_ALLOWED);
        }
        match ask.path.as_str() {
            "/debug/pprof/" | "/debug/pprof" => serve::answer(StatusCode::OK, "text/html; charset=utf-8", INDEX),
            "/debug/pprof/profile" => match self.profile(ask).await {
                Ok(answer) => answer,
                Err(refused) => serve::answer(refused.status, "text/plain; charset=utf-8", format!("{}\n", refused.message)),
            },
            _ => serve::refusal(StatusCode::NOT_FOUND),
        }
    }
}

impl Pages for Answers {
    fn answer(self: Arc<Self>, ask: Ask) -> BoxFuture<'static, Response<Body>> {
        Box::pin(async move { self.of(&ask).await })
    }
}

const INDEX: &str = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>pprof - chaperone</title></head>\
<body><h1>Profiles</h1><ul><li><a href=\"/debug/pprof/profile?seconds=30\">profile</a>: CPU time; \
<code>?seconds=N</code>, 1 to 300</li></ul></body></html>\n";
