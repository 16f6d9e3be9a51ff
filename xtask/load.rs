//! `cargo xtask bench load`: fetches the peers that are asked for into the ignored `.cache/peers/`, then runs `bench-load`.
//!
//! A peer that cannot be had is skipped with the reason; it never fails the run. Nothing here is part of CI.

use crate::{root, run};
use anyhow::{Context, Result, bail};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The release of the Go collector's builder and parts that is known to be whole.
const GO_COLLECTOR: &str = "v0.157.0";

/// `args` may name peers (`--peer rotel`, `--peer go`), or say where one lies (`--peer chaperone=PROGRAM` is another build);
/// the rest goes to `bench-load`.
pub fn load(args: &[&str]) -> Result<()> {
    let (names, rest) = split(args)?;
    let mut passed: Vec<String> = rest.iter().map(|arg| (*arg).to_owned()).collect();
    for name in names {
        if name.contains('=') {
            passed.extend(["--peer".to_owned(), name.to_owned()]);
            continue;
        }
        let fetched = match name {
            "rotel" => rotel(),
            "go" => go_collector(),
            _ => bail!("no peer is called `{name}`: there are `rotel` and `go`"),
        };
        match fetched {
            Ok(program) => passed.extend(["--peer".to_owned(), format!("{name}={}", program.display())]),
            Err(reason) => println!("peer `{name}` skipped: {reason:#}"),
        }
    }
    run("cargo", &["build", "--release", "--package", "chaperone", "--package", "chaperone-benches"])?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let passed: Vec<&str> = passed.iter().map(String::as_str).collect();
    run(&target.join("release/bench-load").to_string_lossy(), &passed)
}

/// Names of peers, and everything else.
fn split<'a>(args: &[&'a str]) -> Result<(Vec<&'a str>, Vec<&'a str>)> {
    let (mut names, mut rest) = (Vec::new(), Vec::new());
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if *arg == "--peer" {
            names.push(*args.next().context("`--peer` needs a name: `rotel` or `go`")?);
        } else {
            rest.push(*arg);
        }
    }
    Ok((names, rest))
}

/// The newest wheel, which brings the program.
fn rotel() -> Result<PathBuf> {
    let program = root().join(".cache/peers/rotel/rotel/rotel-agent");
    if !program.exists() {
        eprintln!("fetching rotel into .cache/peers/rotel");
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--pre", "--target"];
        let wanted = [".cache/peers/rotel", "rotel"];
        run("python3", &[&install[..], &wanted[..]].concat()).context("its Python wheel cannot be had")?;
        let mut permissions = fs::metadata(&program).context("its Python wheel brings no program")?.permissions();
        permissions.set_mode(0o755);
        fs::set_permissions(&program, permissions)?;
    }
    Ok(program)
}

/// A collector of the parts that are compared, made by the Collector's own builder; takes minutes.
fn go_collector() -> Result<PathBuf> {
    let home = root().join(".cache/peers/go");
    let program = home.join("collector/otelcol-peer");
    if program.exists() {
        return Ok(program);
    }
    if Command::new("go").arg("version").output().is_err() {
        bail!("Go is not installed");
    }
    eprintln!("building the Go collector {GO_COLLECTOR} in .cache/peers/go");
    fs::create_dir_all(&home)?;
    fs::write(home.join("builder.yaml"), manifest()).context("cannot write the builder's manifest")?;
    in_folder(&home, "go", &["install", &format!("go.opentelemetry.io/collector/cmd/builder@{GO_COLLECTOR}")])?;
    in_folder(&home, &home.join("bin/builder").to_string_lossy(), &["--config", "builder.yaml"])?;
    Ok(program)
}

fn manifest() -> String {
    let part =
        |kind: &str, name: &str| format!("{kind}s: [{{gomod: go.opentelemetry.io/collector/{kind}/{name} {GO_COLLECTOR}}}]\n");
    let exporters = ["nopexporter", "otlphttpexporter", "otlpexporter"]
        .map(|name| format!("  - gomod: go.opentelemetry.io/collector/exporter/{name} {GO_COLLECTOR}\n"));
    let parts = [part("receiver", "otlpreceiver"), part("processor", "batchprocessor")].concat();
    format!("dist: {{name: otelcol-peer, output_path: ./collector}}\n{parts}exporters:\n{}", exporters.concat())
}

fn in_folder(folder: &Path, program: &str, args: &[&str]) -> Result<()> {
    let mut command = Command::new(program);
    let status = command.args(args).current_dir(folder).env("GOBIN", folder.join("bin")).status();
    let status = status.with_context(|| format!("cannot run `{program}`"))?;
    if status.success() { Ok(()) } else { bail!("`{program} {}` ended with {status}", args.join(" ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_are_taken_out_of_the_arguments() {
        let (names, rest) = split(&["--rounds", "5", "--peer", "rotel", "--peer", "go"]).unwrap();
        assert_eq!(names, ["rotel", "go"]);
        assert_eq!(rest, ["--rounds", "5"]);
        assert!(split(&["--peer"]).is_err());
    }
}
