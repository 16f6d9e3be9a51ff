//! The real binary as a child process, for end-to-end tests: started on free ports, asked, and ended.
//!
//! It runs in a temporary folder of its own and is killed when dropped.
//! What it says on standard output and standard error is kept; addresses are read from what it announces.

use crate::conservation;
use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take before a test gives up. Generous: machines are shared.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Own metrics on a port that the system chooses.
const OWN_METRICS: &str = "service.telemetry.metrics.readers=[{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0}}}}]";

/// A running collector.
pub struct Collector {
    child: Child,
    folder: TempDir,
    // Shared with the threads that read the child's output.
    lines: Arc<Mutex<Vec<String>>>,
    readers: Vec<JoinHandle<()>>,
}

impl Collector {
    /// Starts `binary` with a configuration and `--set` options, and waits until it says that it runs.
    ///
    /// Own metrics are served on a free port.
    pub fn start(binary: &str, config: &str, sets: &[&str]) -> Result<Collector> {
        let folder = TempDir::new()?;
        std::fs::write(folder.path().join("collector.yaml"), config)?;
        let mut child = Command::new(binary)
            .args(["run", "--config", "collector.yaml", "--set", OWN_METRICS])
            .args(free_health_port(config, sets))
            .args(sets.iter().flat_map(|set| ["--set", set]))
            .current_dir(folder.path())
            .env_remove("RUST_LOG")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start `{binary}`"))?;
        let lines = Arc::new(Mutex::new(Vec::new()));
        let readers = [keep_lines(child.stdout.take(), &lines), keep_lines(child.stderr.take(), &lines)];
        let readers = readers.into_iter().flatten().collect();
        let mut collector = Collector { child, folder, lines, readers };
        collector.wait_for_line("everything is ready")?;
        Ok(collector)
    }

    /// The temporary folder it runs in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its process id, to ask the kernel what it uses.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// A file in its folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Everything it said so far.
    pub fn output(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until a line contains `text` and returns it.
    pub fn wait_for_line(&mut self, text: &str) -> Result<String> {
        let start = Instant::now();
        loop {
            if let Some(line) = self.output().into_iter().find(|line| line.contains(text)) {
                return Ok(line);
            }
            if let Some(status) = self.ended()? {
                bail!("the collector ended with {status} before it said `{text}`:\n{}", self.output().join("\n"));
            }
            if start.elapsed() > PATIENCE {
                bail!("the collector did not say `{text}`:\n{}", self.output().join("\n"));
            }
            pause();
        }
    }

    /// The `host:port` at which it announced what `text` says.
    pub fn address(&mut self, text: &str) -> Result<String> {
        let line = self.wait_for_line(text)?;
        let rest = line.split(text).nth(1).unwrap_or_default();
        let words = rest.split(|c: char| c.is_whitespace() || c == '/' || c == ',' || c == '"');
        let found = words.into_iter().find(|word| word.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()));
        found.map(str::to_owned).with_context(|| format!("no address in `{line}`"))
    }

    /// Where OTLP/HTTP is received.
    pub fn otlp_http(&mut self) -> Result<String> {
        self.address("listening for OTLP/HTTP on")
    }

    /// Where OTLP/gRPC is received.
    pub fn otlp_grpc(&mut self) -> Result<String> {
        self.address("listening for OTLP/gRPC on")
    }

    /// Its own metrics.
    pub fn own_metrics(&mut self) -> Result<String> {
        let address = self.address("own metrics: exposed at")?;
        get(&address, "/metrics")
    }

    /// Waits until the conservation equations hold: what came in went on, was dropped with a reason, or is held.
    pub fn check_conservation(&mut self) -> Result<()> {
        let mut broken = Vec::new();
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            match conservation::check(&self.own_metrics()?) {
                Ok(()) => return Ok(()),
                Err(found) => broken = found,
            }
            pause();
        }
        bail!("items were lost or made up:\n{}", broken.join("\n"))
    }

    /// Its exit status once it has ended; then everything it said has been read.
    fn ended(&mut self) -> Result<Option<ExitStatus>> {
        let status = self.child.try_wait()?;
        if status.is_some() {
            for reader in self.readers.drain(..) {
                reader.join().expect("invariant: reading lines does not panic");
            }
        }
        Ok(status)
    }

    /// Asks it to end as a service manager does, and waits.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        let killed = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        if !killed.success() {
            bail!("cannot signal the collector");
        }
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            pause();
        }
        bail!("the collector did not end:\n{}", self.output().join("\n"))
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Health on a port that the system chooses, for a configuration that answers it and a test that does not say where.
fn free_health_port(config: &str, sets: &[&str]) -> Vec<&'static str> {
    let answers = config.lines().any(|line| line.trim() == "health_check: {}");
    let is_said = sets.iter().any(|set| set.starts_with("extensions.health_check"));
    if answers && !is_said { vec!["--set", "extensions.health_check.endpoint=127.0.0.1:0"] } else { Vec::new() }
}

/// Repeats a question until it has an answer; fails with the last reason.
pub fn until<T>(mut ask: impl FnMut() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    loop {
        match ask() {
            Ok(answer) => return Ok(answer),
            Err(error) if start.elapsed() > PATIENCE => return Err(error),
            Err(_) => pause(),
        }
    }
}

/// The body of `GET http://address/path`; an error unless the status is 200.
pub fn get(address: &str, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address).with_context(|| format!("cannot connect to `{address}`"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    let (head, body) = response.split_once("\r\n\r\n").context("the answer has no head")?;
    if !head.starts_with("HTTP/1.0 200") && !head.starts_with("HTTP/1.1 200") {
        bail!("`{path}` answered `{}`", head.lines().next().unwrap_or_default());
    }
    Ok(body.to_owned())
}

/// A short wait between two questions to another process.
fn pause() {
    std::thread::park_timeout(Duration::from_millis(20));
}

fn keep_lines(output: Option<impl Read + Send + 'static>, lines: &Arc<Mutex<Vec<String>>>) -> Option<JoinHandle<()>> {
    let output = output?;
    let lines = Arc::clone(lines);
    Some(std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(std::io::Result::ok) {
            lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    }))
}
