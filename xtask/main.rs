//! Tasks of this repository.
//!
//! `cargo xtask test` fetches what tests need into `.cache/` and runs them all; `tidy` checks what no compiler checks;
//! `bench gate` counts instructions and compares with the limits; `bench load` measures CPU and memory under load;
//! `corpus` compares what the graph finds in every capture with what its wire carries;
//! `gen` writes the documents that are made from tables;
//! `prices` writes the embedded price list; `fuzz` searches for inputs that break what must hold for any input.

mod bench;
mod clients;
mod corpus;
mod fuzz;
mod generate;
mod imports;
mod load;
mod prepare;
mod prices;
mod test;
mod tidy;

use anyhow::{Result, bail};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask <test [ARGS for cargo test] | prepare | prices FILE NAME@VERSION | tidy | corpus [PREFIX] | gen | bench gate | bench load [--peer NAME]... | fuzz [TARGET]... [--seconds N]>";

fn main() -> ExitCode {
    match task() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn task() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["test", rest @ ..] => test::run(rest),
        ["prepare"] => prepare::all(),
        ["prices", file, name] => prices::prices(file, name),
        ["gen"] => generate::run(),
        ["corpus"] => corpus::run(""),
        ["corpus", prefix] => corpus::run(prefix),
        ["tidy"] => tidy::run(),
        ["bench", "gate"] => bench::gate(),
        ["fuzz", rest @ ..] => fuzz::fuzz(rest),
        ["bench", "load", rest @ ..] => load::load(rest),
        _ => bail!("{USAGE}"),
    }
}

/// The top folder of the checkout.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("invariant: xtask is a folder of the workspace").to_path_buf()
}

/// Runs a command in the top folder; an error names the command when it fails.
fn run(program: &str, args: &[&str]) -> Result<()> {
    let status = std::process::Command::new(program).args(args).current_dir(root()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => bail!("`{program} {}` ended with {status}", args.join(" ")),
        Err(error) => bail!("cannot run `{program}`: {error}"),
    }
}
