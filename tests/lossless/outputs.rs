//! What came out of a pass, read back from requests and files.

use crate::oracle::Resources;
use bytes::Bytes;
use chaperone_testkit::fake_http::Recorded;
use std::path::Path;

/// The signal of an OTLP/JSON request, by its first member.
pub fn signal_of(line: &str) -> &'static str {
    let members = [("{\"resourceSpans\"", "traces"), ("{\"resourceMetrics\"", "metrics"), ("{\"resourceLogs\"", "logs")];
    let found = members.iter().find(|(member, _)| line.starts_with(member));
    found.unwrap_or_else(|| panic!("no OTLP/JSON: {line}")).1
}

/// Everything that came out.
#[derive(Default)]
pub struct Outputs {
    pub http_protobuf: Resources,
    pub http_json: Resources,
    pub file_protobuf: Resources,
    pub file_json: Resources,
    /// What the next collector got by gRPC.
    pub relayed: Resources,
    /// Lines of the JSON file with their signal.
    pub json_lines: Vec<(&'static str, Bytes)>,
}

impl Outputs {
    pub fn add_http(&mut self, requests: &[Recorded]) {
        for request in requests {
            let signal = request.path.rsplit('/').next().unwrap();
            let body = request.decompressed().unwrap();
            match request.header("content-type") {
                "application/json" => self.http_json.add_json(signal, &body),
                _ => self.http_protobuf.add(signal, &body),
            }
        }
    }

    pub fn add_json_file(&mut self, path: &Path) {
        let text = std::fs::read_to_string(path).unwrap();
        for line in text.lines() {
            let signal = signal_of(line);
            self.file_json.add_json(signal, line.as_bytes());
            self.json_lines.push((signal, Bytes::copy_from_slice(line.as_bytes())));
        }
    }
}

impl Resources {
    /// Nothing in a record tells its signal: there is a file for each.
    pub fn add_protobuf_file(&mut self, signal: &str, path: &Path) {
        let bytes = std::fs::read(path).unwrap();
        let mut rest = bytes.as_slice();
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let (record, after) = after.split_at(u32::from_be_bytes(*length) as usize);
            self.add(signal, record);
            rest = after;
        }
        assert!(rest.is_empty(), "the file ends within a length");
    }
}
