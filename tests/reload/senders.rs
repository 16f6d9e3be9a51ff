//! One request over HTTP or gRPC, and what became of it, told apart as far as a reload matters.

use bytes::{Buf, BufMut, Bytes};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::Channel;
use tonic::{Code, Status};

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Accepted,
    /// The collector said that it should come again.
    Later(String),
    /// Nobody listened.
    NoListener,
    /// The connection ended before the answer.
    CutOff(String),
    /// It was told never to come again.
    Never(String),
}

/// How to send.
pub trait Sender {
    fn send(&mut self, body: &[u8]) -> Outcome;
}

/// OTLP/HTTP on one connection as long as it lasts.
pub struct Http {
    pub address: String,
    pub stream: Option<BufReader<TcpStream>>,
}

impl Sender for Http {
    fn send(&mut self, body: &[u8]) -> Outcome {
        if self.stream.is_none() {
            match TcpStream::connect(&self.address) {
                Ok(stream) => self.stream = Some(BufReader::new(stream)),
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => return Outcome::NoListener,
                Err(error) => return Outcome::CutOff(error.to_string()),
            }
        }
        match self.exchange(body) {
            Ok((200, _)) => Outcome::Accepted,
            Ok((429 | 502 | 503 | 504, text)) => Outcome::Later(text),
            Ok((status, text)) => Outcome::Never(format!("{status} {text}")),
            Err(error) => {
                self.stream = None;
                Outcome::CutOff(error.to_string())
            }
        }
    }
}

impl Http {
    fn exchange(&mut self, body: &[u8]) -> std::io::Result<(u16, String)> {
        let stream = self.stream.as_mut().expect("connected");
        stream.get_ref().set_read_timeout(Some(Duration::from_secs(60)))?;
        let head = format!(
            "POST /v1/traces HTTP/1.1\r\nHost: {}\r\nContent-Type: application/x-protobuf\r\nContent-Length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        stream.get_mut().write_all(&[head.as_bytes(), body].concat())?;
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let cut_off = || std::io::Error::new(ErrorKind::UnexpectedEof, "no answer");
        let status = line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).ok_or_else(cut_off)?;
        let (mut length, mut closes) = (0, false);
        loop {
            line.clear();
            if stream.read_line(&mut line)? == 0 {
                return Err(cut_off());
            }
            let lower = line.to_ascii_lowercase();
            match lower.trim_end().split_once(": ") {
                Some(("content-length", value)) => length = value.parse().unwrap_or(0),
                Some(("connection", value)) => closes = value == "close",
                None => break,
                Some(_) => {}
            }
        }
        let mut text = vec![0; length];
        stream.read_exact(&mut text)?;
        if closes {
            self.stream = None;
        }
        Ok((status, String::from_utf8_lossy(&text).into_owned()))
    }
}

/// OTLP/gRPC on a channel that connects again by itself.
pub struct Grpc {
    runtime: tokio::runtime::Runtime,
    channel: Channel,
}

impl Grpc {
    pub fn to(address: &str) -> Grpc {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let endpoint = Channel::from_shared(format!("http://{address}")).expect("an address");
        let channel = runtime.block_on(async { endpoint.timeout(Duration::from_secs(60)).connect_lazy() });
        Grpc { runtime, channel }
    }
}

impl Sender for Grpc {
    fn send(&mut self, body: &[u8]) -> Outcome {
        let mut client = tonic::client::Grpc::new(self.channel.clone());
        let path = http::uri::PathAndQuery::from_static("/opentelemetry.proto.collector.trace.v1.TraceService/Export");
        let body = Bytes::copy_from_slice(body);
        let answer = self.runtime.block_on(async {
            client.ready().await.map_err(|error| Status::from_error(Box::new(error)))?;
            client.unary(tonic::Request::new(body), path, Raw).await
        });
        let Err(status) = answer else { return Outcome::Accepted };
        // What the transport says has a cause, what the collector says has none.
        let of_transport = std::error::Error::source(&status).is_some();
        let text = format!("{status:?}");
        match status.code() {
            _ if text.contains("ConnectionRefused") => Outcome::NoListener,
            _ if of_transport => Outcome::CutOff(text),
            Code::Unavailable | Code::ResourceExhausted | Code::Cancelled => Outcome::Later(text),
            _ => Outcome::Never(text),
        }
    }
}

/// Bytes as they are.
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Raw;
    type Decoder = Raw;
    fn encoder(&mut self) -> Raw {
        Raw
    }
    fn decoder(&mut self) -> Raw {
        Raw
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;
    fn encode(&mut self, item: Bytes, target: &mut EncodeBuf<'_>) -> Result<(), Status> {
        target.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;
    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(source.copy_to_bytes(source.remaining())))
    }
}
