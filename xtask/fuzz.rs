//! `cargo xtask fuzz`: builds the fuzz targets with coverage feedback and runs them, one after the other.
//!
//! Needs neither a nightly toolchain nor `cargo-fuzz`: the flags that make the compiler count coverage are stable.
//! What was found interesting stays in `fuzz/corpus/`, what failed lies in `fuzz/artifacts/`; neither is kept in git.

use crate::{root, run};
use anyhow::{Context, Result, bail};
use std::fs::{create_dir_all, read_dir};
use std::process::Command;

const TARGETS: [&str; 6] = ["traces", "logs", "metrics", "json", "yaml", "decompress"];

/// Longest input that libFuzzer makes, and how much memory one process may take: amplification shows there.
const MAX_INPUT: &str = "-max_len=8192";
const MAX_MEMORY_MIB: &str = "-rss_limit_mb=1024";
const MAX_SECONDS_AN_INPUT: &str = "-timeout=10";

/// Coverage as libFuzzer wants it: edges counted in line, comparisons traced.
const FLAGS: &[&str] = &[
    "--cfg fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
];

/// `[TARGET]... [--seconds N]`; all targets and a minute each when nothing is said.
pub fn fuzz(arguments: &[&str]) -> Result<()> {
    let mut targets = Vec::new();
    let mut seconds = 60u64;
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match *argument {
            "--seconds" => {
                let number = arguments.next().context("`--seconds` needs a number")?;
                seconds = number.parse().with_context(|| format!("`{number}` is not a number of seconds"))?;
            }
            target if TARGETS.contains(&target) => targets.push(target),
            other => bail!("no fuzz target `{other}`; there are {}", TARGETS.join(", ")),
        }
    }
    if targets.is_empty() {
        targets = TARGETS.to_vec();
    }
    run("python3", &["fuzz/make_seeds.py"])?;
    let host = host()?;
    build(&host)?;
    let mut failed = Vec::new();
    for target in targets {
        if !run_target(target, &host, seconds)? {
            failed.push(target);
        }
    }
    if !failed.is_empty() {
        bail!("inputs that fail were found for {}; they lie in `fuzz/artifacts/`", failed.join(", "));
    }
    Ok(())
}

/// The name of this machine's platform: with it named, build scripts are built without coverage.
fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("cannot run `rustc`")?;
    let text = String::from_utf8(output.stdout)?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("`rustc -vV` names no host")
}

fn build(host: &str) -> Result<()> {
    let mut command = Command::new("cargo");
    command.args(["build", "--release", "--bins", "--target", host]);
    let status = command.current_dir(root().join("fuzz")).env("RUSTFLAGS", FLAGS.join(" ")).status()?;
    if !status.success() {
        bail!("the fuzz targets do not build");
    }
    Ok(())
}

/// Whether the target ran without finding anything.
fn run_target(target: &str, host: &str, seconds: u64) -> Result<bool> {
    let folder = root().join("fuzz");
    let (corpus, artifacts) = (format!("corpus/{target}"), format!("artifacts/{target}/"));
    create_dir_all(folder.join(&corpus))?;
    create_dir_all(folder.join(&artifacts))?;
    let inputs = read_dir(folder.join(&corpus))?.count();
    println!("fuzz {target}: {seconds} s from {inputs} inputs");
    let mut command = Command::new(folder.join(format!("target/{host}/release/{target}")));
    command.args([MAX_INPUT, MAX_MEMORY_MIB, MAX_SECONDS_AN_INPUT, "-print_final_stats=1", "-verbosity=1"]);
    command.arg(format!("-max_total_time={seconds}")).arg(format!("-artifact_prefix={artifacts}"));
    let dictionary = format!("dictionaries/{target}.dict");
    if folder.join(&dictionary).exists() {
        command.arg(format!("-dict={dictionary}"));
    }
    let status = command.arg(corpus).current_dir(folder).status().with_context(|| format!("cannot run `{target}`"))?;
    Ok(status.success())
}
