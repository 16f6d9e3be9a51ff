//! A blocking client: requests of spans whose ids are known, and bytes as an attacker writes them.

use anyhow::{Context, Result, bail};
use chaperone_testkit::collector::PATIENCE;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// Spans of one request.
pub const SPANS: u64 = 100;

/// What was answered.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Answer {
    /// Whether the OTLP specification lets a client send the same again.
    pub fn is_retryable(&self) -> bool {
        matches!(self.status, 429 | 502 | 503 | 504)
    }
}

/// One connection, kept alive.
pub struct Client {
    stream: BufReader<TcpStream>,
    host: String,
}

impl Client {
    pub fn connect(address: &str) -> Result<Client> {
        let stream = TcpStream::connect(address).with_context(|| format!("cannot connect to `{address}`"))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Client { stream: BufReader::new(stream), host: address.to_owned() })
    }

    /// Posts a body and reads the whole answer.
    pub fn post(&mut self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer> {
        let mut head = format!("POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n", self.host, body.len());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        self.write(head.as_bytes())?;
        // A server may refuse before it has read everything; its answer says why.
        let _ = self.write(body);
        self.answer()
    }

    /// Posts spans as protobuf.
    pub fn spans(&mut self, body: &[u8]) -> Result<Answer> {
        self.post("/v1/traces", &[("Content-Type", "application/x-protobuf")], body)
    }

    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.stream.get_mut().write_all(bytes)?)
    }

    pub fn answer(&mut self) -> Result<Answer> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.split_whitespace().nth(1).and_then(|word| word.parse().ok());
        let status = status.with_context(|| format!("`{line}` is not a status line"))?;
        let mut length = 0;
        loop {
            line.clear();
            if self.stream.read_line(&mut line)? == 0 {
                bail!("the answer ends in its head");
            }
            if line == "\r\n" {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(Answer { status, body })
    }
}

/// A request of [`SPANS`] spans; the span ids count on from `first`, which is at least 1.
pub fn request(first: u64) -> Vec<u8> {
    let span = |id: u64| Span {
        trace_id: u128::from(first).to_be_bytes().to_vec(),
        span_id: id.to_be_bytes().to_vec(),
        name: format!("step {id} of a run under pressure"),
        start_time_unix_nano: 1_700_000_000_000_000_000 + id,
        end_time_unix_nano: 1_700_000_001_000_000_000 + id,
        ..Span::default()
    };
    let scope_spans = vec![ScopeSpans { spans: (first..first + SPANS).map(span).collect(), ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}
