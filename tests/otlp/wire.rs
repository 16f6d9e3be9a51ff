//! One HTTP/1.1 request as bytes on a socket, and its answer as it came.
//!
//! No client library: nothing is added, put right or followed.

use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long an answer may take before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub const PROTOBUF: (&str, &str) = ("Content-Type", "application/x-protobuf");
pub const JSON: (&str, &str) = ("Content-Type", "application/json");

/// A request.
#[derive(Clone)]
pub struct Ask<'a> {
    pub method: &'a str,
    pub target: &'a str,
    pub headers: Vec<(&'a str, &'a str)>,
    pub body: Vec<u8>,
}

/// Posts to a path.
pub fn post<'a>(target: &'a str, headers: &[(&'a str, &'a str)], body: impl Into<Vec<u8>>) -> Ask<'a> {
    Ask { method: "POST", target, headers: headers.to_vec(), body: body.into() }
}

/// A request without a body.
pub fn bare<'a>(method: &'a str, target: &'a str, headers: &[(&'a str, &'a str)]) -> Ask<'a> {
    Ask { method, target, headers: headers.to_vec(), body: Vec::new() }
}

impl Ask<'_> {
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n", self.method, self.target).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        bytes.extend_from_slice(format!("Content-Length: {}\r\n\r\n", self.body.len()).as_bytes());
        bytes.extend_from_slice(&self.body);
        bytes
    }

    pub async fn send(&self, address: &str) -> Answer {
        exchange_on(TcpStream::connect(address).await.unwrap(), &self.bytes()).await
    }
}

/// Writes everything and reads to the end.
pub async fn exchange_on(stream: impl AsyncRead + AsyncWrite, bytes: &[u8]) -> Answer {
    let (mut read, mut write) = tokio::io::split(stream);
    let mut answer = Vec::new();
    let both = async {
        // A server may answer, and close, before it has read everything.
        let sending = async {
            let _ = write.write_all(bytes).await;
            let _ = write.flush().await;
        };
        let reading = async {
            let _ = read.read_to_end(&mut answer).await;
        };
        tokio::join!(sending, reading);
    };
    tokio::time::timeout(PATIENCE, both).await.expect("an answer in time");
    Answer::parse(&answer)
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case, in the order they came.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Answer {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(bytes)));
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let header = |line: &str| line.split_once(':').map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
        Answer { status, headers: lines.filter_map(header).collect(), body: bytes[end + 4..].to_vec() }
    }

    /// A header's value; empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    pub fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(known, _)| known == name)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Code and message of a `google.rpc.Status` in the answer's own content type.
    #[track_caller]
    pub fn status_body(&self) -> (i32, String) {
        let status = match self.header("content-type") {
            "application/x-protobuf" => chaperone_net::RpcStatus::from_protobuf(&self.body),
            "application/json" => chaperone_net::RpcStatus::from_json(&self.body),
            other => panic!("`{other}` is no content type of a status: {self:?}"),
        };
        let status = status.unwrap_or_else(|| panic!("no status: {self:?}"));
        (status.code, status.message)
    }

    /// Checks status, content type and body at once.
    #[track_caller]
    pub fn is(&self, status: u16, content_type: &str, body: &[u8]) {
        let got = (self.status, self.header("content-type"), self.text());
        assert_eq!(got, (status, content_type, String::from_utf8_lossy(body).into_owned()));
    }

    /// Checks that it is a 400 whose status says this.
    #[track_caller]
    pub fn is_bad(&self, message: &str) {
        assert_eq!((self.status, self.status_body()), (400, (3, message.to_owned())));
    }
}
