//! `chaperone explain`: what each record of recorded OTLP was taken for, and why.
//!
//! The recordings go through `gen_ai_normalizer`, `gen_ai_steps` and `gen_ai_cost` as they would in the collector (`stages`); what came
//! out of each is read, and the functions that decided are asked for their reasons (`account`).
//! Nothing is decided here.

mod account;
mod cost;
mod stages;
mod text;
mod usage;

use crate::cli::{ConfigArgs, Done};
use crate::recorded::{self, Recording};
use crate::{app, telemetry};
use account::{Account, Reader, Wanted};
use anyhow::{Result, bail};
use chaperone_genai::usage::Totals;
use chaperone_pipeline::Registry;
use chaperone_proto::Data;
use chaperone_receivers::otlp_file::recording::Requests;
use clap::{Args, ValueEnum};
use stages::Stages;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// What is explained, and how.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// For people, or one JSON object a line
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Only records whose trace id, span id or record id begins so; the others are counted all the same
    #[arg(long, value_name = "ID")]
    only: Option<String>,
    /// Records of other telemetry too
    #[arg(long)]
    all: bool,
    /// Files (.pb, .json, .jsonl, plain or .zst) and folders of them; `-` is standard input (protobuf there: spans)
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Lines with a label
    Text,
    /// One object a record
    Json,
}

pub(crate) fn explain(args: &ExplainArgs, registry: &Registry) -> Done {
    telemetry::start_logs(&telemetry::LogsConfig::of_level("warn"));
    let loaded = app::load(&args.config, registry)?;
    let mut stages = Stages::build(&loaded.document, registry)?;
    let mut explaining =
        Explaining { args, reader: Reader::default(), out: BufWriter::new(io::stdout()), counts: Counts::default() };
    let mut failed = 0;
    for (name, requests) in sources(&args.paths)? {
        let requests = match requests() {
            Ok(requests) => requests,
            Err(error) => {
                eprintln!("error: cannot read `{name}`: {error:#}");
                failed += 1;
                continue;
            }
        };
        for data in requests {
            match explaining.request(&name, data, &mut stages) {
                // Whoever reads may stop reading (`| head`): that is no error.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                done => done?,
            }
        }
    }
    match explaining.finish() {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error.into()),
        _ => {}
    }
    match failed {
        0 => Ok(()),
        1 => bail!("1 recording could not be read"),
        failed => bail!("{failed} recordings could not be read"),
    }
}

type Read = Box<dyn FnOnce() -> Result<Vec<Data>>>;

/// Recordings by the names that are shown.
fn sources(paths: &[PathBuf]) -> Result<Vec<(String, Read)>> {
    let mut sources: Vec<(String, Read)> = Vec::new();
    for path in paths {
        if path == Path::new("-") {
            sources.push(("standard input".to_owned(), Box::new(standard_input)));
            continue;
        }
        for recording in recorded::find(std::slice::from_ref(path))? {
            let shown = shown(path, &recording);
            sources.push((shown, Box::new(move || recording.read())));
        }
    }
    Ok(sources)
}

/// A recording's path below the folder that was named, so that output does not depend on where that lies.
fn shown(named: &Path, recording: &Recording) -> String {
    let below = recording.path.strip_prefix(named).ok().filter(|below| !below.as_os_str().is_empty());
    let name = below.or(recording.path.file_name().map(Path::new)).unwrap_or(&recording.path);
    name.display().to_string()
}

fn standard_input() -> Result<Vec<Data>> {
    let mut requests = Vec::new();
    for recorded in Requests::of_bytes(io::stdin().lock())? {
        requests.push(recorded?.decode()?);
    }
    Ok(requests)
}

/// How many records there were.
#[derive(Default)]
struct Counts {
    records: usize,
    refused: usize,
}

struct Explaining<'a> {
    args: &'a ExplainArgs,
    reader: Reader,
    out: BufWriter<io::Stdout>,
    counts: Counts,
}

impl Explaining<'_> {
    fn request(&mut self, name: &str, data: Data, stages: &mut Stages) -> io::Result<()> {
        if matches!(data, Data::Metrics(_)) {
            return Ok(());
        }
        self.counts.records += data.records();
        let Some(staged) = stages.run(data) else {
            self.counts.refused += 1;
            return Ok(());
        };
        let wanted = Wanted { id: self.args.only.as_deref(), all: self.args.all };
        for account in self.reader.accounts(name, &staged, stages.settings(), &wanted) {
            self.write(&account)?;
        }
        Ok(())
    }

    fn write(&mut self, account: &Account) -> io::Result<()> {
        match self.args.format {
            Format::Text => self.out.write_all(text::of(account).as_bytes()),
            Format::Json => {
                serde_json::to_writer(&mut self.out, account)?;
                self.out.write_all(b"\n")
            }
        }
    }

    fn finish(mut self) -> io::Result<()> {
        self.out.flush()?;
        let Counts { records, refused } = self.counts;
        eprintln!("{records} records, {} of agents{}", self.reader.gen_ai, sums(&self.reader.totals));
        if refused > 0 {
            eprintln!("not taken: {refused} requests");
        }
        Ok(())
    }
}

/// What was counted, in one line.
fn sums(totals: &Totals) -> String {
    let (failed, ok) = totals.calls();
    let count = |tools: &std::collections::BTreeMap<String, u64>| tools.values().sum::<u64>();
    let mut line = format!("; counted: {ok} calls, {} input and {} output tokens", totals.input_tokens, totals.output_tokens);
    if failed > 0 {
        line += &format!(", {failed} failed calls");
    }
    line += &format!(", {} tool calls requested, {} executed", count(&totals.requested), count(&totals.executed));
    line += &format!(", {:.9} USD", totals.cost_nanos as f64 / 1e9);
    if totals.unpriced_calls > 0 {
        line += &format!(" ({} calls without a price)", totals.unpriced_calls);
    }
    line
}
