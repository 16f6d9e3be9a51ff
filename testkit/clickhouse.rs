//! A real ClickHouse 26.7 for tests: one process a test binary, on a free port of loopback, with empty data.
//!
//! The engine is fetched by `cargo xtask test`; without it the error says so.
//! Tests take a database of their own, so they do not see each other's tables.
//! The process ends with the test binary: it watches its standard input, which closes then.

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A running server.
pub struct ClickHouse {
    port: u16,
    databases: AtomicUsize,
    process: Child,
}

impl ClickHouse {
    /// Name of a user with a password; `default` has none.
    pub const USER: &str = "writer";
    /// The password of [`ClickHouse::USER`].
    pub const PASSWORD: &str = "secret";

    /// The server of this test binary, started at the first call.
    pub fn shared() -> &'static ClickHouse {
        static SHARED: OnceLock<ClickHouse> = OnceLock::new();
        SHARED.get_or_init(|| ClickHouse::start().expect("the test ClickHouse starts"))
    }

    /// A server of one's own; it is gone when dropped.
    pub fn start() -> Result<ClickHouse> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clickhouse_up.py");
        let mut process = Command::new("python3")
            .arg(&script)
            .arg("run")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("the test ClickHouse needs Python 3")?;
        let mut line = String::new();
        let output = process.stdout.take().context("the output was piped")?;
        BufReader::new(output).read_line(&mut line)?;
        let Some(port) = line.trim().strip_prefix("listening on ") else {
            let mut said = String::new();
            process.stderr.take().context("the errors were piped")?.read_to_string(&mut said)?;
            bail!("the test ClickHouse did not start: {}", said.trim());
        };
        Ok(ClickHouse { port: port.parse()?, databases: AtomicUsize::new(0), process })
    }

    /// `http://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A name for a database that no other test of this binary has.
    pub fn fresh_database(&self) -> String {
        format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed))
    }

    /// Runs one statement and returns what the server answers.
    pub async fn query(&self, sql: &str) -> Result<String> {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let request = http::Request::post(self.url()).body(Full::new(Bytes::from(sql.to_owned())))?;
        let response = client.request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        let text = String::from_utf8(body.to_vec())?;
        if !status.is_success() {
            bail!("{status}: {text}");
        }
        Ok(text)
    }
}

impl Drop for ClickHouse {
    fn drop(&mut self) {
        // The process ends by itself when its input closes, and takes its data with it.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
