//! Fetches what tests need into the ignored `.cache/`, once: the ClickHouse engine (npm), Python's OTel SDK
//! (pip) and the SDK clients of other languages.
//!
//! Everything is pinned. Nothing is fetched when it is there already.

use crate::{clients, root, run};
use anyhow::{Context, Result};
use std::fs;

/// Python packages of the end-to-end tests, with the versions they were written against.
const PYTHON: &[&str] = &[
    "opentelemetry-sdk==1.45.2",
    "opentelemetry-exporter-otlp-proto-http==1.45.2",
    "opentelemetry-exporter-otlp-proto-grpc==1.45.2",
];

/// Everything.
pub fn all() -> Result<()> {
    fs::create_dir_all(root().join(".cache")).context("cannot create `.cache`")?;
    python()?;
    clients::all()?;
    clickhouse()
}

/// A virtual environment under `.cache/python` with the official SDK and its OTLP exporters.
fn python() -> Result<()> {
    let home = root().join(".cache/python");
    let stamp = home.join("installed.txt");
    let wanted = PYTHON.join("\n");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    eprintln!("fetching Python's OpenTelemetry SDK into .cache/python");
    run("python3", &["-m", "venv", ".cache/python"]).context("Python 3 with `venv` is needed for the tests of SDK clients")?;
    let mut pip = vec!["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    pip.extend(PYTHON);
    run(&home.join("bin/python").to_string_lossy(), &pip)?;
    fs::write(stamp, wanted).context("cannot write the stamp of `.cache/python`")
}

/// The engine under `.cache/clickhouse`.
fn clickhouse() -> Result<()> {
    run("python3", &["testkit/clickhouse_up.py", "install"])
        .context("the ClickHouse engine is fetched with npm, which comes with Node")
}
