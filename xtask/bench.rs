//! `cargo xtask bench gate`: instruction counts, which are the same on any machine, against their limits.

use crate::run;
use anyhow::Result;
use std::process::{Command, Stdio};

/// Builds the benches and runs the gate; where valgrind cannot be had, says so and succeeds.
pub fn gate() -> Result<()> {
    if !has_valgrind() && !install_valgrind() {
        eprintln!("bench gate skipped: valgrind is not installed and cannot be had from Debian's packages here");
        return Ok(());
    }
    run("cargo", &["build", "--profile", "bench", "--package", "chaperone-benches"])?;
    run("cargo", &["run", "--quiet", "--profile", "bench", "--package", "chaperone-benches", "--bin", "bench-gate"])
}

fn has_valgrind() -> bool {
    succeeds(Command::new("valgrind").arg("--version"))
}

fn install_valgrind() -> bool {
    eprintln!("valgrind is not installed: trying Debian's package");
    succeeds(Command::new("apt-get").args(["install", "--yes", "--quiet", "valgrind"])) && has_valgrind()
}

fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
