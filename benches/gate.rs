//! The gate: instructions and allocations a span, counted by valgrind, against their limits.
//!
//! Builds nothing: it runs the `bench-index` and `bench-agents` that lie beside it, twice a task, and takes the difference.
//! Counts hardly depend on the machine or its load, so a limit can stand close to the figure.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// What may be spent on one span.
struct Limit {
    payload: &'static str,
    task: &'static str,
    instructions: f64,
    allocations: Option<f64>,
}

/// From the acceptance list of the project; the `rename` task has no limit of allocations there.
const LIMITS: [Limit; 4] = [
    Limit { payload: "lean", task: "enrich", instructions: 5_500.0, allocations: Some(0.02) },
    Limit { payload: "chat", task: "enrich", instructions: 10_000.0, allocations: Some(0.15) },
    Limit { payload: "lean", task: "rename", instructions: 7_500.0, allocations: None },
    Limit { payload: "chat", task: "rename", instructions: 13_500.0, allocations: None },
];

/// What the four processors that understand agents may spend together on one span of a payload, without index and encoding.
///
/// A tenth above what was measured last, so that a change that costs is seen; where the project wants less, `docs/benchmarks.md`
/// says how far it is.
const AGENTS: [(&str, f64); 7] = [
    ("otel", 77_500.0),
    ("otel-tools", 252_000.0),
    ("openllmetry", 72_700.0),
    ("openllmetry-indexed", 189_500.0),
    ("openinference", 227_000.0),
    ("openinference-hidden", 113_400.0),
    ("web", 3_400.0),
];

fn main() -> ExitCode {
    let (Some(bench), Some(agents)) = (sibling("bench-index"), sibling("bench-agents")) else {
        eprintln!("bench gate: `bench-index` and `bench-agents` do not lie beside this program; build `chaperone-benches` first");
        return ExitCode::FAILURE;
    };
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("bench gate: SKIPPED, valgrind is not installed; nothing was counted");
        return ExitCode::SUCCESS;
    }
    println!("{:<8} {:<8} {:>14} {:>10} {:>12} {:>8}", "payload", "task", "instructions", "limit", "allocations", "limit");
    let mut over = 0;
    for limit in &LIMITS {
        match count(&bench, limit) {
            Ok((instructions, allocations)) => {
                let fits = instructions <= limit.instructions && limit.allocations.is_none_or(|most| allocations <= most);
                let verdict = if fits { "" } else { "  OVER" };
                let most = limit.allocations.map_or("-".to_owned(), |most| most.to_string());
                let (payload, task, allowed) = (limit.payload, limit.task, limit.instructions);
                println!("{payload:<8} {task:<8} {instructions:>14.0} {allowed:>10} {allocations:>12.3} {most:>8}{verdict}");
                over += usize::from(!fits);
            }
            Err(message) => {
                eprintln!("bench gate: {message}");
                return ExitCode::FAILURE;
            }
        }
    }
    println!("\n{:<22}{:>12}{:>8}{:>8}{:>9}{:>10}{:>9}", "agents", "normalizer", "steps", "cost", "content", "together", "limit");
    for (payload, limit) in AGENTS {
        match agents_of(&agents, payload) {
            Ok(parts) => {
                let together: f64 = parts.iter().sum();
                let [normalizer, steps, cost, content] = parts;
                let verdict = if together <= limit { "" } else { "  OVER" };
                println!(
                    "{payload:<22}{normalizer:>12.0}{steps:>8.0}{cost:>8.0}{content:>9.0}{together:>10.0}{limit:>9}{verdict}"
                );
                over += usize::from(together > limit);
            }
            Err(message) => {
                eprintln!("bench gate: {message}");
                return ExitCode::FAILURE;
            }
        }
    }
    if over > 0 {
        eprintln!("bench gate: {over} of {} limits exceeded", LIMITS.len() + AGENTS.len());
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn sibling(name: &str) -> Option<PathBuf> {
    let path = std::env::current_exe().ok()?.with_file_name(name);
    path.exists().then_some(path)
}

/// Instructions and allocations a span.
fn count(bench: &Path, limit: &Limit) -> Result<(f64, f64), String> {
    let (spans, iterations) = if limit.payload == "lean" { (512, 20) } else { (100, 40) };
    let mut spent = [(0.0, 0.0); 2];
    for (run, spent) in spent.iter_mut().enumerate() {
        let iterations = (iterations * (run + 1)).to_string();
        let arguments = [limit.payload, limit.task, &iterations];
        let callgrind = ["--tool=callgrind", "--callgrind-out-file=/dev/null"];
        spent.0 = figure(&valgrind(&callgrind, bench, &arguments)?, "Collected :")?;
        spent.1 = figure(&valgrind(&["--tool=memcheck", "--leak-check=no"], bench, &arguments)?, "total heap usage:")?;
    }
    let work = (spans * iterations) as f64;
    Ok(((spent[1].0 - spent[0].0) / work, (spent[1].1 - spent[0].1) / work))
}

/// Instructions a span of each of the four processors, in their order.
fn agents_of(bench: &Path, payload: &str) -> Result<[f64; 4], String> {
    const SPANS: f64 = 100.0;
    const ITERATIONS: usize = 4;
    let mut upto = [0.0; 5];
    for (processors, spent) in upto.iter_mut().enumerate() {
        let mut runs = [0.0; 2];
        for (run, spent) in runs.iter_mut().enumerate() {
            let arguments = [payload, &processors.to_string(), &(ITERATIONS * (run + 1)).to_string()];
            let callgrind = ["--tool=callgrind", "--callgrind-out-file=/dev/null"];
            *spent = figure(&valgrind(&callgrind, bench, &arguments)?, "Collected :")?;
        }
        *spent = (runs[1] - runs[0]) / (SPANS * ITERATIONS as f64);
    }
    Ok([upto[1] - upto[0], upto[2] - upto[1], upto[3] - upto[2], upto[4] - upto[3]])
}

fn valgrind(options: &[&str], bench: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("valgrind")
        .args(options)
        .arg(bench)
        .args(arguments)
        .output()
        .map_err(|error| format!("valgrind could not run: {error}"))?;
    let report = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(report) } else { Err(format!("valgrind failed:\n{report}")) }
}

/// The first number behind a label of valgrind's report; it writes thousands with commas.
fn figure(report: &str, label: &str) -> Result<f64, String> {
    let found = report.lines().find_map(|line| line.split_once(label)).and_then(|(_, rest)| {
        let digits = rest.split_whitespace().next()?.replace(',', "");
        digits.parse().ok()
    });
    found.ok_or_else(|| format!("valgrind did not say `{label}`:\n{report}"))
}
