//! The collectors that are measured, and the configuration of each for the same work.

use crate::child::{Running, free_ports};
use crate::payload::Protocol;
use anyhow::{Context, Result, bail};
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// What is done with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Received, given three attributes (peers: none) and dropped.
    Receive,
    /// Received, given three attributes (peers: batched) and sent on over OTLP/HTTP, uncompressed.
    Pass,
    /// Received and sent on with default settings, as the Collector's own load tests do.
    Testbed,
}

impl Route {
    pub fn name(self) -> &'static str {
        match self {
            Route::Receive => "receive",
            Route::Pass => "pass on",
            Route::Testbed => "testbed",
        }
    }
}

/// Which collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Chaperone,
    /// Another build of this collector, to see what a change does.
    Other,
    Rotel,
    Go,
}

/// A collector's program.
#[derive(Debug, Clone)]
pub struct System {
    pub kind: Kind,
    program: PathBuf,
    /// Whether this build has the `attributes` processor.
    attributes: bool,
}

/// A collector at work.
pub struct Started {
    pub running: Running,
    pub http: SocketAddr,
    pub grpc: SocketAddr,
    own: Option<SocketAddr>,
}

impl Started {
    /// Spans that it says it took, by its own metrics; `None` where it has none.
    pub fn accepted(&self) -> Option<u64> {
        let mut stream = TcpStream::connect(self.own?).ok()?;
        // The old version of HTTP has no chunks that could cut a line.
        stream.write_all(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let lines = text.lines().filter(|line| line.starts_with("otelcol_receiver_accepted_spans"));
        let values = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        values.map(|value| value as u64).reduce(|sum, value| sum + value)
    }

    pub fn address(&self, protocol: Protocol) -> SocketAddr {
        match protocol {
            Protocol::Http => self.http,
            Protocol::Grpc => self.grpc,
        }
    }
}

impl System {
    /// Our own program.
    pub fn chaperone(program: PathBuf) -> Result<System> {
        let output = Command::new(&program).arg("components").output();
        let output = output.with_context(|| format!("cannot run `{}`; build it first", program.display()))?;
        let listed = String::from_utf8_lossy(&output.stdout);
        let attributes = listed.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "attributes");
        Ok(System { kind: Kind::Chaperone, program, attributes })
    }

    /// A peer as `--peer NAME=PROGRAM` gives it.
    pub fn peer(text: &str) -> Result<System> {
        let (name, program) = text.split_once('=').context("a peer is given as NAME=PROGRAM")?;
        if name == "chaperone" {
            return Ok(System { kind: Kind::Other, ..System::chaperone(fs::canonicalize(program)?)? });
        }
        let kind = match name {
            "rotel" => Kind::Rotel,
            "go" => Kind::Go,
            _ => bail!("no peer is called `{name}`: there are `rotel`, `go` and `chaperone`"),
        };
        let program = fs::canonicalize(program).with_context(|| format!("`{program}` is not there"))?;
        Ok(System { kind, program, attributes: false })
    }

    pub fn name(&self) -> &'static str {
        match self.kind {
            Kind::Chaperone if self.attributes => "chaperone",
            Kind::Chaperone => "chaperone (without attributes)",
            Kind::Other => "another build",
            Kind::Rotel => "rotel",
            Kind::Go => "Go collector",
        }
    }

    /// Whether it can do the work in a way that compares.
    pub fn takes(&self, route: Route) -> bool {
        // Rotel packs what it sends, whatever it is told.
        self.kind != Kind::Rotel || route == Route::Receive
    }

    pub fn start(&self, route: Route, sink: SocketAddr) -> Result<Started> {
        let [http, grpc, own] = free_ports()?;
        let folder = TempDir::new()?;
        let mut command = Command::new(&self.program);
        if self.kind == Kind::Rotel {
            command.args(["start", "--exporter", "blackhole"]);
            command.args(["--otlp-http-endpoint", &http.to_string(), "--otlp-grpc-endpoint", &grpc.to_string()]);
        } else {
            fs::write(folder.path().join("collector.yaml"), self.config(route, http, grpc, own, sink))?;
            command.args(["--config", "collector.yaml"]);
        }
        let own = (self.kind != Kind::Rotel).then_some(own);
        Ok(Started { running: Running::start(command, folder, &[http, grpc])?, http, grpc, own })
    }

    fn config(&self, route: Route, http: SocketAddr, grpc: SocketAddr, own: SocketAddr, sink: SocketAddr) -> String {
        let processor = match (self.kind, route) {
            (Kind::Go, Route::Pass) | (_, Route::Testbed) => "batch",
            (Kind::Chaperone | Kind::Other, _) if self.attributes => "attributes",
            _ => "",
        };
        let settings = match processor {
            "batch" => "batch: {}",
            "attributes" => {
                "attributes: {actions: [{key: bench.one, action: insert, value: one}, \
                 {key: bench.two, action: insert, value: 2}, {key: bench.three, action: insert, value: 0.5}]}"
            }
            _ => "",
        };
        let (exporter, compression) = match route {
            Route::Receive => ("nop", String::new()),
            Route::Pass => ("otlphttp", ", compression: none".to_owned()),
            Route::Testbed => ("otlphttp", String::new()),
        };
        let exporter_settings = match route {
            Route::Receive => "nop: {}".to_owned(),
            Route::Pass | Route::Testbed => {
                format!("otlphttp: {{endpoint: 'http://{sink}'{compression}, sending_queue: {{block_on_overflow: true}}}}")
            }
        };
        format!(
            "receivers: {{otlp: {{protocols: {{grpc: {{endpoint: '{grpc}'}}, http: {{endpoint: '{http}'}}}}}}}}\n\
             processors: {{{settings}}}\n\
             exporters: {{{exporter_settings}}}\n\
             service:\n  \
             telemetry: {{metrics: {{readers: [{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: {}}}}}}}}}]}}}}\n  \
             pipelines: {{traces: {{receivers: [otlp], processors: [{processor}], exporters: [{exporter}]}}}}\n",
            own.port()
        )
    }

    /// Starts our own program with its default configuration, on free ports.
    pub fn start_default(&self) -> Result<Started> {
        let [http, grpc, own, metrics] = free_ports()?;
        let mut command = Command::new(&self.program);
        let sets = [
            format!("receivers.otlp.protocols.http.endpoint={http}"),
            format!("receivers.otlp.protocols.grpc.endpoint={grpc}"),
            format!("exporters.prometheus.endpoint={metrics}"),
            format!(
                "service.telemetry.metrics.readers=[{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: {}}}}}}}}}]",
                own.port()
            ),
        ];
        command.args(sets.iter().flat_map(|set| ["--set", set]));
        Ok(Started { running: Running::start(command, TempDir::new()?, &[http, grpc])?, http, grpc, own: Some(own) })
    }
}

/// A program that lies beside this one.
pub fn sibling(name: &str) -> Option<PathBuf> {
    let path = std::env::current_exe().ok()?.with_file_name(name);
    Path::exists(&path).then_some(path)
}
