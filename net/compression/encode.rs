//! Compresses what clients send, at each encoding's usual level.

use super::BodyEncoding;
use bytes::Bytes;
use std::io::{self, Write};

/// Compresses slices into one piece, at the encoding's usual level.
pub fn compress(pieces: &[Bytes], encoding: BodyEncoding) -> io::Result<Bytes> {
    match encoding {
        BodyEncoding::Identity => Ok(pieces.concat().into()),
        BodyEncoding::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            write(pieces, &mut encoder)?;
            encoder.finish().map(Bytes::from)
        }
        BodyEncoding::Zlib | BodyEncoding::Deflate => {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
            write(pieces, &mut encoder)?;
            encoder.finish().map(Bytes::from)
        }
        BodyEncoding::Zstd => {
            let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), zstd::DEFAULT_COMPRESSION_LEVEL)?;
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
