//! `chaperone replay`: recorded OTLP through the pipelines, exporters replaced by standard output.
//!
//! Each request that an exporter would get is one line of OTLP/JSON with the extra member `exporter`.
//! Two replays of the same recordings give the same bytes.
//! Counts of what was read, sent and dropped go to standard error.

use crate::cli::{ConfigArgs, Done};
use crate::progress::Progress;
use crate::recorded::{self, Recording};
use crate::{app, hash_key, telemetry};
use anyhow::{Context, Result, bail};
use chaperone_config::{ComponentId, Document, PipelineId};
use chaperone_pipeline::engine::Replay;
use chaperone_pipeline::exposition::Family;
use chaperone_pipeline::{Clock, Outcome, Registry, Telemetry};
use chaperone_proto::{Data, Signal};
use clap::{Args, ValueEnum};
use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is replayed, and what is printed of it.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// What standard output gets
    #[arg(long, value_enum, default_value_t = Format::OtlpJson)]
    format: Format,
    /// Print this exporter alone: its id, or pipeline and id as in `traces/store/sqlite`
    #[arg(long, value_name = "ID")]
    exporter: Option<String>,
    /// Files (.pb, .json, .jsonl, plain or .zst) and folders of them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One request a line
    OtlpJson,
    /// One line an exporter: how many of what it would get
    Summary,
}

pub(crate) fn replay(args: &ReplayArgs, registry: &Registry) -> Done {
    telemetry::start_logs(&telemetry::LogsConfig::of_level("warn"));
    let recordings = recorded::find(&args.paths)?;
    let loaded = app::load(&args.config, registry)?;
    if let Some(wanted) = &args.exporter {
        check_exporter(wanted, &loaded.document)?;
    }
    let own = Telemetry::default();
    let settings = app::settings(Clock::manual(0), own.clone(), hash_key::of_replay()?);
    // Shared with the sink, which the engine owns.
    let output = Arc::new(Mutex::new(Output::new(args)));
    let sink = {
        let output = Arc::clone(&output);
        move |pipeline: &PipelineId, exporter: &ComponentId, data: &Data| lock(&output).take(pipeline, exporter, data)
    };
    let mut replay = Replay::build(&loaded.document, registry, settings, sink)?;
    let progress = Progress::on_terminal(recordings.len(), args.format == Format::Summary);
    let read = feed(&mut replay, &recordings, progress);
    replay.finish();
    lock(&output).finish().context("cannot write to standard output")?;
    report(&read, &lock(&output), &own.families());
    match read.failed {
        0 => Ok(()),
        1 => bail!("1 recording could not be read"),
        failed => bail!("{failed} recordings could not be read"),
    }
}

fn lock(output: &Mutex<Output>) -> MutexGuard<'_, Output> {
    output.lock().unwrap_or_else(PoisonError::into_inner)
}

fn check_exporter(wanted: &str, document: &Document) -> Result<()> {
    let pipelines = &document.service.pipelines;
    let mut known: Vec<String> = Vec::new();
    for pipeline in pipelines {
        for exporter in &pipeline.exporters {
            if document.exporters.iter().any(|(id, _)| *id == exporter.id) {
                known.push(exporter.id.to_string());
                known.push(label(&pipeline.id, &exporter.id));
            }
        }
    }
    if known.iter().any(|known| known == wanted) {
        return Ok(());
    }
    known.sort();
    known.dedup();
    bail!("no pipeline exports to `{wanted}`; known: {}", known.join(", "))
}

fn label(pipeline: &PipelineId, exporter: &ComponentId) -> String {
    format!("{pipeline}/{exporter}")
}

/// What was read.
#[derive(Default)]
struct ReadCounts {
    requests: usize,
    items: BTreeMap<Signal, usize>,
    refused: usize,
    failed: usize,
}

fn feed<W: Write>(replay: &mut Replay, recordings: &[Recording], mut progress: Progress<W>) -> ReadCounts {
    let mut counts = ReadCounts::default();
    for recording in recordings {
        progress.step();
        let requests = match recording.read() {
            Ok(requests) => requests,
            Err(error) => {
                progress.clear();
                eprintln!("error: cannot read `{}`: {error:#}", recording.path.display());
                counts.failed += 1;
                continue;
            }
        };
        for data in requests {
            counts.requests += 1;
            *counts.items.entry(data.signal()).or_default() += data.items();
            let outcome = replay.feed(data);
            if !matches!(outcome, Outcome::Ok) {
                progress.clear();
                eprintln!("warning: a request of `{}` was not taken: {outcome:?}", recording.path.display());
                counts.refused += 1;
            }
        }
    }
    progress.clear();
    counts
}

/// Standard output, and what went there.
struct Output {
    format: Format,
    only: Option<String>,
    out: BufWriter<io::Stdout>,
    line: Vec<u8>,
    sent: BTreeMap<(String, Signal), Sent>,
    /// The first error of writing; nothing is written after it.
    failed: Option<io::Error>,
}

#[derive(Default)]
struct Sent {
    requests: usize,
    items: usize,
}

impl Output {
    fn new(args: &ReplayArgs) -> Output {
        let out = BufWriter::new(io::stdout());
        Output { format: args.format, only: args.exporter.clone(), out, line: Vec::new(), sent: BTreeMap::new(), failed: None }
    }

    fn take(&mut self, pipeline: &PipelineId, exporter: &ComponentId, data: &Data) {
        let label = label(pipeline, exporter);
        let wanted = self.only.as_ref().is_none_or(|only| *only == label || *only == exporter.to_string());
        if !wanted {
            return;
        }
        if self.format == Format::OtlpJson && self.failed.is_none() {
            self.line.clear();
            data.write_json(&mut self.line);
            if with_member(&mut self.line, &label)
                && let Err(error) = self.out.write_all(&self.line)
            {
                self.failed = Some(error);
            }
        }
        let sent = self.sent.entry((label, data.signal())).or_default();
        sent.requests += 1;
        sent.items += data.items();
    }

    fn finish(&mut self) -> io::Result<()> {
        if let Some(error) = self.failed.take() {
            return unless_closed(Err(error));
        }
        if self.format == Format::Summary {
            for ((label, signal), sent) in &self.sent {
                writeln!(self.out, "{label}: {} {} in {} requests", sent.items, words(*signal), sent.requests)?;
            }
        }
        unless_closed(self.out.flush())
    }
}

/// Whoever reads may stop reading (`| head`): that is no error.
fn unless_closed(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Adds the member `exporter` to a JSON object and ends the line; false when there is no object, as for metrics now.
fn with_member(line: &mut Vec<u8>, label: &str) -> bool {
    if line.pop() != Some(b'}') {
        return false;
    }
    if line.last() != Some(&b'{') {
        line.push(b',');
    }
    // Ids hold no quote, backslash or control character.
    line.extend_from_slice(format!("\"exporter\":\"{label}\"}}\n").as_bytes());
    true
}

fn words(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "spans",
        Signal::Metrics => "data points",
        Signal::Logs => "log records",
    }
}

fn report(read: &ReadCounts, output: &Output, families: &[Family]) {
    let items: Vec<String> = read.items.iter().map(|(signal, items)| format!("{items} {}", words(*signal))).collect();
    eprintln!("read {} requests: {}", read.requests, if items.is_empty() { "nothing".to_owned() } else { items.join(", ") });
    if read.refused > 0 {
        eprintln!("not taken: {} requests", read.refused);
    }
    for ((label, signal), sent) in &output.sent {
        eprintln!("sent to {label}: {} {} in {} requests", sent.items, words(*signal), sent.requests);
    }
    for family in families.iter().filter(|family| family.name.contains("dropped")) {
        for sample in family.samples.iter().filter(|sample| sample.value > 0.0) {
            let labels: Vec<String> = sample.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
            eprintln!("dropped: {} ({} {})", sample.value, family.name, labels.join(" "));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exporter_becomes_a_member_of_the_request() {
        for (json, expected) in [
            ("{}", Some("{\"exporter\":\"traces/sqlite\"}\n")),
            ("{\"a\":[]}", Some("{\"a\":[],\"exporter\":\"traces/sqlite\"}\n")),
            ("", None),
        ] {
            let mut line = json.as_bytes().to_vec();
            let written = with_member(&mut line, "traces/sqlite");
            assert_eq!(written.then(|| String::from_utf8(line).unwrap()).as_deref(), expected);
        }
    }
}
