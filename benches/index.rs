//! Runs one task of the index on one payload, a number of times: what `bench-gate` counts instructions of.
//!
//! Usage: `bench-index <lean|chat> <task> <iterations>`.
//! The payload is made once, so the difference between N and 2N iterations is the task alone.

use bytes::Bytes;
use chaperone_genai::keys as genai;
use chaperone_proto::{KeyId, Limits, Traces, keys};
use chaperone_scenarios::payloads;
use std::hint::black_box;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let parsed = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [payload, task, iterations] => payload_of(payload).zip(task_of(task)).zip(iterations.parse::<usize>().ok()),
        _ => None,
    };
    let Some(((body, task), iterations)) = parsed else {
        eprintln!("usage: bench-index <lean|chat> <copy|index|enrich|rename> <iterations>");
        return ExitCode::FAILURE;
    };
    keys::install(genai::ALL);
    if matches!(task, Task::Rename) {
        for name in payloads::unknown_keys() {
            keys::intern(name);
        }
    }
    let names = renames();
    for _ in 0..iterations {
        black_box(run(task, black_box(&body), &names));
    }
    ExitCode::SUCCESS
}

#[derive(Clone, Copy)]
enum Task {
    /// Copies the body once: the floor.
    Copy,
    /// Indexes and drops.
    Index,
    /// Indexes, reads three attributes of each span, appends three, encodes.
    Enrich,
    /// Indexes, renames every attribute of each span, appends three, encodes.
    Rename,
}

fn task_of(name: &str) -> Option<Task> {
    Some(match name {
        "copy" => Task::Copy,
        "index" => Task::Index,
        "enrich" => Task::Enrich,
        "rename" => Task::Rename,
        _ => return None,
    })
}

fn payload_of(name: &str) -> Option<Bytes> {
    Some(match name {
        "lean" => payloads::lean(1).into(),
        "chat" => payloads::chat(1).into(),
        _ => return None,
    })
}

/// Another constant key for every key, as dialects are brought to the conventions: position is the old id.
fn renames() -> Vec<KeyId> {
    let all = genai::ALL.len();
    (0..all + payloads::unknown_keys().len()).map(|old| KeyId(((old + 7) % all) as u16)).collect()
}

/// The number of bytes that would be sent.
fn run(task: Task, body: &Bytes, names: &[KeyId]) -> usize {
    if let Task::Copy = task {
        return black_box(body.to_vec()).len();
    }
    let mut traces = Traces::decode(body.clone(), &Limits::default()).expect("invariant: payloads are valid requests");
    match task {
        Task::Copy | Task::Index => return traces.len(),
        Task::Enrich => enrich(&mut traces),
        Task::Rename => rename(&mut traces, names),
    }
    black_box(traces.encode()).iter().map(Bytes::len).sum()
}

fn enrich(traces: &mut Traces) {
    for at in 0..traces.len() {
        let attrs = traces.span(at).attrs();
        let model = attrs.str(genai::GEN_AI_REQUEST_MODEL).map_or(0, str::len);
        let input = attrs.int(genai::GEN_AI_USAGE_INPUT_TOKENS).unwrap_or(0);
        let output = attrs.int(genai::GEN_AI_USAGE_OUTPUT_TOKENS).unwrap_or(0);
        black_box(model);
        append(traces, at, input + output);
    }
}

fn append(traces: &mut Traces, at: usize, tokens: i64) {
    let mut span = traces.edit(at);
    span.append(genai::CHAPERONE_STEP_KIND, "llm_call");
    span.append(genai::GEN_AI_USAGE_TOTAL_TOKENS, tokens);
    span.append(genai::CHAPERONE_COST_TOTAL, 0.001_25 * tokens as f64);
}

fn rename(traces: &mut Traces, names: &[KeyId]) {
    for at in 0..traces.len() {
        traces.edit(at).rename_all(|key| names.get(usize::from(key.0)).copied());
        append(traces, at, 1);
    }
}
