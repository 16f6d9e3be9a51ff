//! Compresses what clients send, at each encoding's usual level or another one.

use super::BodyEncoding;
use bytes::Bytes;
use std::io::{self, Write};

/// Compresses slices into one piece, at the encoding's usual level.
pub fn compress(pieces: &[Bytes], encoding: BodyEncoding) -> io::Result<Bytes> {
    compress_at(pieces, encoding, 0)
}

/// The levels of zstd that need no unusual amount of memory.
const ZSTD_LEVELS: std::ops::RangeInclusive<i32> = 1..=19;

/// The level of gzip and its like; 0 and -1 are the usual one, -2 is next to nothing.
fn deflate_level(level: i32) -> flate2::Compression {
    match level {
        0 | -1 => flate2::Compression::default(),
        level => flate2::Compression::new(level.clamp(1, 9).unsigned_abs()),
    }
}

/// Compresses slices into one piece; level 0 is the encoding's usual one, and encodings without levels have no other.
pub fn compress_at(pieces: &[Bytes], encoding: BodyEncoding, level: i32) -> io::Result<Bytes> {
    match encoding {
        BodyEncoding::Identity => Ok(pieces.concat().into()),
        BodyEncoding::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), deflate_level(level));
            write(pieces, &mut encoder)?;
            encoder.finish().map(Bytes::from)
        }
        BodyEncoding::Zlib | BodyEncoding::Deflate => {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), deflate_level(level));
            write(pieces, &mut encoder)?;
            encoder.finish().map(Bytes::from)
        }
        BodyEncoding::Zstd => {
            let level = if level == 0 { zstd::DEFAULT_COMPRESSION_LEVEL } else { level };
            let level = level.clamp(*ZSTD_LEVELS.start(), *ZSTD_LEVELS.end());
            let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), level)?;
            write(pieces, &mut encoder)?;
            encoder.finish().map(Bytes::from)
        }
        BodyEncoding::Snappy => {
            // A block says its length first, so it cannot be made of pieces.
            let block = match pieces {
                [one] => snap::raw::Encoder::new().compress_vec(one)?,
                several => snap::raw::Encoder::new().compress_vec(&several.concat())?,
            };
            Ok(block.into())
        }
        BodyEncoding::SnappyFramed => {
            let mut encoder = snap::write::FrameEncoder::new(Vec::new());
            write(pieces, &mut encoder)?;
            encoder.into_inner().map(Bytes::from).map_err(|error| io::Error::other(error.to_string()))
        }
        BodyEncoding::Lz4 => {
            let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
            write(pieces, &mut encoder)?;
            encoder.finish().map(Bytes::from).map_err(io::Error::from)
        }
    }
}

fn write(pieces: &[Bytes], encoder: &mut impl Write) -> io::Result<()> {
    pieces.iter().try_for_each(|piece| encoder.write_all(piece))
}
