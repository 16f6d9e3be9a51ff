//! Content encodings of bodies, with a cap on what comes out and a charge for every block of it.
//!
//! A few kilobytes can decompress to gigabytes, so output is produced block by block: first the cap and the budget
//! are asked, then the block is kept. What a decoder needs for itself comes on top and is bounded by its format.

mod decode;
mod encode;
mod setting;
#[cfg(test)]
mod tests;

use crate::{Meter, ReceiveError};
use bytes::Bytes;
pub use decode::{decompress, zstd_reader};
pub use encode::{compress, compress_at};
pub use setting::{Compression, CompressionParams};
use tokio::sync::Semaphore;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BodyEncoding {
    /// Not at all.
    #[default]
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// RFC 1950.
    Zlib,
    /// RFC 1950 too: what HTTP calls `deflate` has the frame of zlib.
    Deflate,
    /// One block of Snappy. Bodies in its framing format are understood too, since collectors once sent those by this name.
    Snappy,
    /// Snappy's framing format.
    SnappyFramed,
    /// LZ4 frames.
    Lz4,
}

impl BodyEncoding {
    /// All that compress, in the order of the Collector's default of `compression_algorithms`.
    pub const ALL: [BodyEncoding; 7] = [
        BodyEncoding::Gzip,
        BodyEncoding::Zstd,
        BodyEncoding::Zlib,
        BodyEncoding::Snappy,
        BodyEncoding::Deflate,
        BodyEncoding::Lz4,
        BodyEncoding::SnappyFramed,
    ];

    /// The encoding of a name in lower case; `None` when it is not one of ours.
    pub fn from_name(name: &[u8]) -> Option<BodyEncoding> {
        BodyEncoding::ALL.into_iter().find(|encoding| encoding.name().as_bytes() == name)
    }

    /// The encoding of a `content-encoding` header; `None` when it is not one of ours.
    pub fn from_header(value: Option<&http::HeaderValue>) -> Option<BodyEncoding> {
        match value.map_or(&b""[..], |value| value.as_bytes()) {
            b"" | b"identity" => Some(BodyEncoding::Identity),
            name => BodyEncoding::from_name(name),
        }
    }

    /// The encoding of a `grpc-encoding` header: what gRPC calls `snappy` is the framing format.
    pub fn from_grpc_header(value: Option<&http::HeaderValue>) -> Option<BodyEncoding> {
        match value.map_or(&b""[..], |value| value.as_bytes()) {
            b"" | b"identity" => Some(BodyEncoding::Identity),
            b"gzip" => Some(BodyEncoding::Gzip),
            b"zstd" => Some(BodyEncoding::Zstd),
            b"snappy" => Some(BodyEncoding::SnappyFramed),
            _ => None,
        }
    }

    /// The name in headers of HTTP.
    pub fn name(self) -> &'static str {
        match self {
            BodyEncoding::Identity => "identity",
            BodyEncoding::Gzip => "gzip",
            BodyEncoding::Zstd => "zstd",
            BodyEncoding::Zlib => "zlib",
            BodyEncoding::Deflate => "deflate",
            BodyEncoding::Snappy => "snappy",
            BodyEncoding::SnappyFramed => "x-snappy-framed",
            BodyEncoding::Lz4 => "lz4",
        }
    }

    /// The name in headers of gRPC, where `snappy` is the framing format.
    pub fn grpc_name(self) -> &'static str {
        if self == BodyEncoding::SnappyFramed { "snappy" } else { self.name() }
    }
}

/// Bodies larger than this are worked off the threads that serve sockets.
const INLINE: usize = 256 << 10;

/// Threads that work on large bodies at a time.
static LANE: Semaphore = Semaphore::const_new(4);

/// The same as [`decompress`], away from the calling thread when the body is large; gives the meter back.
pub async fn decompress_off_thread<M: Meter + 'static>(
    body: Bytes,
    encoding: BodyEncoding,
    limit: usize,
    mut meter: M,
) -> Result<(Bytes, M), ReceiveError> {
    if encoding == BodyEncoding::Identity {
        return Ok((body, meter));
    }
    if body.len() <= INLINE {
        return decompress(&body, encoding, limit, &mut meter).map(|out| (out, meter));
    }
    let _turn = LANE.acquire().await.expect("invariant: the lane is never closed");
    let work = tokio::task::spawn_blocking(move || decompress(&body, encoding, limit, &mut meter).map(|out| (out, meter)));
    match work.await {
        Ok(result) => result,
        Err(error) => Err(ReceiveError::Corrupt { encoding: encoding.name(), message: error.to_string() }),
    }
}

/// The same as [`compress_at`], away from the calling thread when there is much of it.
pub async fn compress_off_thread(pieces: Vec<Bytes>, encoding: BodyEncoding, level: i32) -> std::io::Result<Bytes> {
    if pieces.iter().map(Bytes::len).sum::<usize>() <= INLINE {
        return compress_at(&pieces, encoding, level);
    }
    let _turn = LANE.acquire().await.expect("invariant: the lane is never closed");
    let work = tokio::task::spawn_blocking(move || compress_at(&pieces, encoding, level));
    work.await.unwrap_or_else(|error| Err(std::io::Error::other(error)))
}
