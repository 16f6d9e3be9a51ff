//! Puts the SDK clients of the end-to-end tests into the ignored `.cache/clients/`, each from its lock file.
//!
//! Node comes with the set-up and is needed; Go and Java are optional: where the toolchain is missing it is said, and the tests
//! of that language say that they were skipped.
//! Nothing is done when what is there was made from the same sources, so that a warm tree pays nothing.

use crate::{root, run};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// The generator of the Go collector's own load tests.
const TELEMETRYGEN: &str = "github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen@v0.157.0";
/// Copies the jars that a `pom.xml` names, and theirs.
const COPY_JARS: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";

/// All clients whose toolchain is there.
pub fn all() -> Result<()> {
    made("node", &["package.json", "package-lock.json", "client.js"], "node", node)?;
    if has("go", "version") {
        made("go", &["go.mod", "go.sum", "main.go"], TELEMETRYGEN, go)?;
    } else {
        eprintln!("Go is not installed: the tests of its SDK and of telemetrygen will be skipped");
    }
    if has("javac", "-version") && has("mvn", "-v") {
        made("java", &["pom.xml", "Client.java"], COPY_JARS, java)?;
    } else {
        eprintln!("Java or Maven is not installed: the tests of Java's SDK will be skipped");
    }
    Ok(())
}

/// Runs `make` for a folder of `.cache/clients` unless it was made from the same sources by the same `recipe`.
fn made(name: &str, sources: &[&str], recipe: &str, make: fn(&Path, &Path) -> Result<()>) -> Result<()> {
    let from = root().join("tests/e2e/clients").join(name);
    let home = root().join(".cache/clients").join(name);
    let stamp = home.join("made-from.txt");
    let mut wanted = format!("{recipe}\n");
    for source in sources {
        wanted += &fs::read_to_string(from.join(source)).with_context(|| format!("cannot read the client's `{source}`"))?;
    }
    if fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) {
        return Ok(());
    }
    eprintln!("making the {name} client in .cache/clients/{name}");
    #[expect(clippy::disallowed_methods, reason = "how long a build really took is told to whoever waits for it")]
    let start = Instant::now();
    fs::create_dir_all(&home).with_context(|| format!("cannot create `{}`", home.display()))?;
    make(&from, &home)?;
    eprintln!("made in {} s", start.elapsed().as_secs());
    fs::write(stamp, wanted).context("cannot write the client's stamp")
}

/// The packages of the lock file, beside a copy of the program, which is where Node looks for them.
fn node(from: &Path, home: &Path) -> Result<()> {
    for file in ["package.json", "package-lock.json", "client.js"] {
        fs::copy(from.join(file), home.join(file)).with_context(|| format!("cannot copy `{file}`"))?;
    }
    let arguments = ["ci", "--prefix", &text(home), "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"];
    run("npm", &arguments).context("Node with npm is needed for the tests of SDK clients")
}

/// The client and telemetrygen, compiled.
fn go(from: &Path, home: &Path) -> Result<()> {
    let install = Command::new("go").args(["install", TELEMETRYGEN]).env("GOBIN", home).env("GOFLAGS", "").status();
    ended(install.context("cannot run `go`")?.success(), "go install telemetrygen")?;
    let mut build = Command::new("go");
    build.args(["build", "-mod=readonly", "-buildvcs=false", "-o"]).arg(home.join("client")).arg(".");
    let build = build.current_dir(from).env("GOFLAGS", "").status();
    ended(build.context("cannot run `go`")?.success(), "go build")
}

/// The jars and the compiled class.
fn java(from: &Path, home: &Path) -> Result<()> {
    let jars = home.join("jars");
    let quiet = ["-q", "-B", "-f"];
    let options = [text(&from.join("pom.xml")), COPY_JARS.to_owned(), format!("-DoutputDirectory={}", text(&jars))];
    run("mvn", &[&quiet[..], &options.each_ref().map(String::as_str)[..]].concat())?;
    let classes = format!("{}/*", text(&jars));
    run("javac", &["-encoding", "UTF-8", "-d", &text(home), "-cp", &classes, &text(&from.join("Client.java"))])
}

fn ended(well: bool, what: &str) -> Result<()> {
    if well { Ok(()) } else { bail!("`{what}` failed") }
}

fn has(program: &str, ask: &str) -> bool {
    let asked = Command::new(program).arg(ask).stdout(Stdio::null()).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_there_is_not_taken_for_one() {
        assert!(has("cargo", "--version"));
        assert!(!has("no-such-program-on-any-machine", "--version"));
    }
}
