//! Requests of OTLP/HTTP in JSON, sent by hand.

use anyhow::{Context, Result};
use std::io::{Read, Write};
use std::net::TcpStream;

/// Paths of the three signals.
pub const SIGNALS: [&str; 3] = ["traces", "metrics", "logs"];

/// A request of a signal with so many items; `text` is in each of them.
pub fn body(signal: &str, items: usize, text: &str) -> String {
    let one = |index: usize| match signal {
        "traces" => format!(
            "{{\"traceId\":\"5b8efff798038103d269b633813fc6{:02x}\",\"spanId\":\"eee19b7ec3c1b1{:02x}\",\"name\":\"{text}\",\
             \"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":\"2\"}}",
            index % 256,
            index % 256
        ),
        "metrics" => format!("{{\"timeUnixNano\":\"{index}\",\"asInt\":\"1\",\"attributes\":[{{\"key\":\"{text}\"}}]}}"),
        // The sampler wants a trace id.
        _ => format!(
            "{{\"timeUnixNano\":\"1\",\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"body\":{{\"stringValue\":\"{text}\"}}}}"
        ),
    };
    let all = (0..items).map(one).collect::<Vec<_>>().join(",");
    match signal {
        "traces" => format!("{{\"resourceSpans\":[{{\"scopeSpans\":[{{\"spans\":[{all}]}}]}}]}}"),
        "metrics" => format!(
            "{{\"resourceMetrics\":[{{\"scopeMetrics\":[{{\"metrics\":[{{\"name\":\"m\",\"gauge\":{{\"dataPoints\":[{all}]}}}}]}}]}}]}}"
        ),
        _ => format!("{{\"resourceLogs\":[{{\"scopeLogs\":[{{\"logRecords\":[{all}]}}]}}]}}"),
    }
}

/// Sends a request without waiting for its answer.
pub fn begin(address: &str, path: &str, headers: &str, body: &str) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address).with_context(|| format!("cannot connect to `{address}`"))?;
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    Ok(stream)
}

/// The head of the answer to a request.
pub fn head(address: &str, signal: &str, body: &str) -> Result<String> {
    let mut stream = begin(address, &format!("/v1/{signal}"), "connection: close\r\n", body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    Ok(answer.split("\r\n\r\n").next().unwrap_or_default().to_lowercase())
}

/// The status that a request is answered with.
pub fn post(address: &str, signal: &str, headers: &str, body: &str) -> Result<u16> {
    let mut stream = begin(address, &format!("/v1/{signal}"), headers, body)?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).context("no answer")?;
    std::str::from_utf8(&head[9..])?.parse().context("no status")
}
