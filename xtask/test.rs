//! `cargo xtask test`: prepares and runs every test of the workspace.

use crate::prepare;
use anyhow::Result;

/// `rest` goes to `cargo test`.
pub fn run(rest: &[&str]) -> Result<()> {
    prepare::all()?;
    // The end-to-end tests start the real binary, so it is built first.
    crate::run("cargo", &["build", "--package", "chaperone"])?;
    let mut args = vec!["test", "--workspace"];
    args.extend(rest);
    crate::run("cargo", &args)
}
