//! `run`: what is said at start, how signals end it.

use crate::{chaperone, config, outcome};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Stdio};
use std::time::{Duration, Instant};

/// A started collector and what it says on standard error; killed when a test fails.
struct Started {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStderr>>,
}

impl Started {
    fn start(folder: &Path, text: &str) -> Started {
        fs::write(folder.join("collector.yaml"), text).unwrap();
        let mut child = chaperone(folder, &[]).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        Started { child, lines }
    }
    /// Reads until a line contains `text`.
    fn line(&mut self, text: &str) -> String {
        let mut said = String::new();
        for line in self.lines.by_ref() {
            let line = line.unwrap();
            if line.contains(text) {
                return line;
            }
            said += &format!("{line}\n");
        }
        panic!("it ended without saying `{text}`:\n{said}")
    }
    fn signal(&self, name: &str) {
        let status = std::process::Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }
    fn exit_code(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn address(line: &str) -> String {
    line.rsplit([' ', '/']).next().unwrap().to_owned()
}

#[test]
fn it_says_where_it_listens_and_ends_well_on_a_signal() {
    for signal in ["-TERM", "-INT"] {
        let folder = tempfile::tempdir().unwrap();
        let mut collector = Started::start(folder.path(), &config("nop: {}"));
        let address = address(&collector.line("listening for OTLP/HTTP on"));
        assert!(address.starts_with("127.0.0.1:") && !address.ends_with(":0"), "{address}");
        collector.line("everything is ready");
        collector.signal(signal);
        collector.line("shutdown complete");
        assert_eq!(collector.exit_code(), Some(0));
    }
}

#[test]
fn own_metrics_are_where_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let reader = "metrics: {readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0}}}}]}";
    let mut collector = Started::start(folder.path(), &config("nop: {}").replace("metrics: {level: none}", reader));
    let line = collector.line("own metrics: exposed at http://");
    let address = line.split("http://").nth(1).unwrap().trim_end_matches("/metrics");
    collector.line("everything is ready");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("otelcol_process_uptime"), "{answer}");
    collector.signal("-TERM");
    assert_eq!(collector.exit_code(), Some(0));
}

#[test]
fn a_taken_port_of_own_metrics_stops_the_start() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let reader = format!("metrics: {{readers: [{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: {port}}}}}}}}}]}}");
    fs::write(folder.path().join("collector.yaml"), config("nop: {}").replace("metrics: {level: none}", &reader)).unwrap();
    let (code, _, err) = outcome(folder.path(), &[]);
    assert_eq!(code, 1);
    assert!(err.contains("error: cannot expose own metrics") && err.contains(&format!("127.0.0.1:{port}")), "{err}");
}

#[test]
fn a_taken_port_of_a_receiver_stops_the_start() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("collector.yaml"), config("nop: {}").replace("127.0.0.1:0", &address)).unwrap();
    let (code, _, err) = outcome(folder.path(), &[]);
    assert_eq!(code, 1);
    assert!(err.contains("error: cannot start") && err.contains(&address), "{err}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test measures how long the process took")]
fn a_second_signal_ends_it_while_it_waits_for_a_backend() {
    // A backend that takes the connection and never answers.
    let backend = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let exporter = format!("otlp_http: {{endpoint: \"http://{}\", timeout: 60s}}", backend.local_addr().unwrap());
    let mut collector = Started::start(folder.path(), &config(&exporter));
    let address = address(&collector.line("listening for OTLP/HTTP on"));
    collector.line("everything is ready");

    let body = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"a"}]}]}]}"#;
    let mut client = TcpStream::connect(&address).unwrap();
    write!(client, "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let (_delivery, _) = backend.accept().unwrap();

    let asked = Instant::now();
    collector.signal("-TERM");
    collector.line("shutting down");
    collector.signal("-TERM");
    assert_eq!(collector.exit_code(), Some(1));
    assert!(asked.elapsed() < Duration::from_secs(15), "it waited for the backend");
}

#[test]
fn logs_are_json_lines_where_they_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let logs = "logs: {encoding: json, initial_fields: {site: lab}}, metrics: {level: none}";
    let mut collector = Started::start(folder.path(), &config("nop: {}").replace("metrics: {level: none}", logs));
    let line: serde_json::Value = serde_json::from_str(&collector.line("everything is ready")).unwrap();
    assert_eq!((&line["level"], &line["site"]), (&"info".into(), &"lab".into()));
    collector.signal("-TERM");
    assert_eq!(collector.exit_code(), Some(0));
}

#[test]
fn an_old_name_of_a_component_is_told_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut collector = Started::start(folder.path(), &config("otlphttp: {endpoint: 'http://127.0.0.1:1'}"));
    let line = collector.line("is an old name");
    assert!(line.contains("`otlphttp` is an old name, use `otlp_http`"), "{line}");
    collector.line("everything is ready");
    collector.signal("-TERM");
    assert_eq!(collector.exit_code(), Some(0));
}

#[test]
fn the_number_of_workers_can_be_set() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("c.yaml"), config("nop: {}")).unwrap();
    let mut child = chaperone(folder.path(), &["run", "--config", "c.yaml", "--workers", "20"])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut collector = Started { child, lines };
    collector.line("everything is ready");
    // More than any machine that runs the tests would start by itself.
    let tasks = fs::read_dir(format!("/proc/{}/task", collector.child.id()));
    if let Ok(tasks) = tasks {
        let name = |task: std::io::Result<fs::DirEntry>| fs::read_to_string(task.ok()?.path().join("comm")).ok();
        let names: Vec<String> = tasks.filter_map(name).collect();
        assert!(names.len() > 20, "{names:?}");
    }
    collector.signal("-TERM");
    assert_eq!(collector.exit_code(), Some(0));
}
