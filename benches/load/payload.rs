//! Prebuilt requests of which no two are equal: eight bytes of the first trace id are a number that goes up.
//!
//! A collector may join requests that are equal byte for byte, so equal ones would measure something else.
//! The number is written in place; nothing is copied or encoded again unless the request is compressed.

use crate::count;
use anyhow::{Context, Result};
use bytes::{Bytes, BytesMut};
use chaperone_scenarios::payloads;
use clap::ValueEnum;
use flate2::write::GzEncoder;
use std::io::Write;

/// What a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Payload {
    /// 512 spans of about 552 bytes
    Lean,
    /// 100 spans of about 6.9 KB, with messages
    Chat,
    /// 20 spans of about 107 KB, with long messages
    Huge,
    /// 100 spans of about 552 bytes, as the Collector's own load tests batch
    Small,
    /// 5,120 spans of about 552 bytes: ten times lean
    Heavy,
}

impl Payload {
    pub fn name(self) -> &'static str {
        match self {
            Payload::Lean => "lean",
            Payload::Chat => "chat",
            Payload::Huge => "huge",
            Payload::Small => "small",
            Payload::Heavy => "heavy",
        }
    }

    /// Spans of one request.
    pub fn spans(self) -> u64 {
        match self {
            Payload::Lean => 512,
            Payload::Chat | Payload::Small => 100,
            Payload::Huge => 20,
            Payload::Heavy => 5120,
        }
    }

    /// Requests of one round, so that rounds of all payloads cost about the same.
    pub fn requests(self) -> u64 {
        match self {
            Payload::Lean => 1000,
            Payload::Chat => 1000,
            Payload::Huge => 300,
            Payload::Small => 5000,
            Payload::Heavy => 100,
        }
    }

    fn message(self, seed: u64) -> Vec<u8> {
        match self {
            Payload::Lean => payloads::lean(seed),
            Payload::Chat => payloads::chat(seed),
            Payload::Huge => payloads::huge(seed),
            Payload::Small => payloads::lean_of(seed, 100),
            Payload::Heavy => payloads::lean_of(seed, 5120),
        }
    }
}

/// How OTLP travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// OTLP/HTTP over HTTP/1.1
    Http,
    /// OTLP/gRPC
    Grpc,
}

impl Protocol {
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Http => "HTTP",
            Protocol::Grpc => "gRPC",
        }
    }
}

/// How requests are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Compression {
    None,
    Gzip,
    Zstd,
}

impl Compression {
    /// The name on the wire.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Compression::None => None,
            Compression::Gzip => Some("gzip"),
            Compression::Zstd => Some("zstd"),
        }
    }

    /// Level 1, which is what a sender that cares for CPU chooses.
    fn pack(self, message: &[u8]) -> Result<Vec<u8>> {
        Ok(match self {
            Compression::None => message.to_vec(),
            Compression::Zstd => zstd::encode_all(message, 1)?,
            Compression::Gzip => {
                let mut packer = GzEncoder::new(Vec::new(), flate2::Compression::fast());
                packer.write_all(message)?;
                packer.finish()?
            }
        })
    }
}

/// Length of the prefix of a gRPC message; HTTP requests leave it out.
pub const PREFIX: usize = 5;

/// One request, to be sent again and again, each time with another number.
pub struct Template {
    /// The gRPC prefix and the message.
    framed: Bytes,
    number_at: usize,
    pub spans: u64,
}

impl Template {
    pub fn new(payload: Payload, seed: u64) -> Result<Template> {
        let message = payload.message(seed);
        let found = count::spans(&message).context("the payload is no protobuf")?;
        let trace_id = found.first_trace_id.context("the first span of the payload has no trace id")?;
        Ok(Template { framed: framed(0, &message), number_at: PREFIX + trace_id, spans: found.spans })
    }

    /// The body with `number` in it.
    pub fn body(&mut self, number: u64, protocol: Protocol, compression: Compression) -> Result<Bytes> {
        // The sender has let go of the last body when its answer is there, so this hardly ever copies.
        let unshared = std::mem::take(&mut self.framed).try_into_mut();
        let mut framed_message = unshared.unwrap_or_else(|shared| BytesMut::from(&shared[..]));
        // Never zero: an id of zero bytes is not valid.
        let number = number.wrapping_add(1 << 56).to_be_bytes();
        framed_message[self.number_at..self.number_at + number.len()].copy_from_slice(&number);
        self.framed = framed_message.freeze();
        let whole = match compression {
            Compression::None => self.framed.clone(),
            packed => framed(1, &packed.pack(&self.framed[PREFIX..])?),
        };
        Ok(match protocol {
            Protocol::Grpc => whole,
            Protocol::Http => whole.slice(PREFIX..),
        })
    }
}

fn framed(compressed: u8, message: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(PREFIX + message.len());
    framed.extend_from_slice(&[compressed]);
    framed.extend_from_slice(&(message.len() as u32).to_be_bytes());
    framed.extend_from_slice(message);
    framed.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_bodies_are_equal_and_all_have_the_same_spans() {
        let mut template = Template::new(Payload::Chat, 1).unwrap();
        let first = template.body(0, Protocol::Http, Compression::None).unwrap();
        let second = template.body(1, Protocol::Http, Compression::None).unwrap();
        assert_ne!(first, second);
        assert_eq!(count::spans(&first).unwrap(), count::spans(&second).unwrap());
    }

    #[test]
    fn a_grpc_message_is_prefixed_with_its_length() {
        let mut template = Template::new(Payload::Small, 1).unwrap();
        let plain = template.body(7, Protocol::Grpc, Compression::None).unwrap();
        assert_eq!(plain[0], 0);
        assert_eq!(u32::from_be_bytes(plain[1..5].try_into().unwrap()) as usize, plain.len() - PREFIX);
        let packed = template.body(7, Protocol::Grpc, Compression::Zstd).unwrap();
        assert_eq!(packed[0], 1);
        assert_eq!(zstd::decode_all(&packed[PREFIX..]).unwrap(), plain[PREFIX..]);
    }
}
