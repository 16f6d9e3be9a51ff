//! Content encodings of bodies: gzip and zstd, with a cap on what comes out and a charge for every block of it.
//!
//! A few kilobytes can decompress to gigabytes, so output is produced block by block: first the cap and the budget
//! are asked, then the block is kept.

use crate::{Meter, ReceiveError};
use bytes::{Bytes, BytesMut};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, Read, Write};
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
}

impl BodyEncoding {
    /// The encoding of a `content-encoding` or `grpc-encoding` header; `None` when it is not one of ours.
    pub fn from_header(value: Option<&http::HeaderValue>) -> Option<BodyEncoding> {
        match value.map_or(&b""[..], |value| value.as_bytes()) {
            b"" | b"identity" => Some(BodyEncoding::Identity),
            b"gzip" => Some(BodyEncoding::Gzip),
            b"zstd" => Some(BodyEncoding::Zstd),
            _ => None,
        }
    }

    /// The name in headers.
    pub fn name(self) -> &'static str {
        match self {
            BodyEncoding::Identity => "identity",
            BodyEncoding::Gzip => "gzip",
            BodyEncoding::Zstd => "zstd",
        }
    }
}

/// Growth step of the output.
const BLOCK: usize = 64 << 10;

/// The decoder's own window comes on top of what is charged: at most 32 MiB, what level 20 of the reference encoder uses.
const MAX_ZSTD_WINDOW_LOG: u32 = 25;

/// Bodies larger than this are worked off the threads that serve sockets.
const INLINE: usize = 256 << 10;

/// Threads that work on large bodies at a time.
static LANE: Semaphore = Semaphore::const_new(4);

/// Decompresses a whole body; more than `limit` bytes are refused.
pub fn decompress(body: &Bytes, encoding: BodyEncoding, limit: usize, meter: &mut dyn Meter) -> Result<Bytes, ReceiveError> {
    let corrupt = |error: std::io::Error| ReceiveError::Corrupt { encoding: encoding.name(), message: error.to_string() };
    match encoding {
        BodyEncoding::Identity => Ok(body.clone()),
        // Several gzip members in a row are one body, as RFC 1952 has it.
        BodyEncoding::Gzip => read_all(flate2::read::MultiGzDecoder::new(body.as_ref()), body.len(), encoding, limit, meter),
        BodyEncoding::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::new(body.as_ref()).map_err(corrupt)?;
            decoder.window_log_max(MAX_ZSTD_WINDOW_LOG).map_err(corrupt)?;
            read_all(decoder, body.len(), encoding, limit, meter)
        }
    }
}

/// Decompresses zstd while it is read; whoever reads holds the cap. The window has the same bound as elsewhere.
pub fn zstd_reader(source: impl BufRead) -> std::io::Result<impl Read> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(source)?;
    decoder.window_log_max(MAX_ZSTD_WINDOW_LOG)?;
    Ok(decoder)
}

fn read_all(
    mut reader: impl Read,
    compressed: usize,
    encoding: BodyEncoding,
    limit: usize,
    meter: &mut dyn Meter,
) -> Result<Bytes, ReceiveError> {
    let mut out = BytesMut::new();
    let mut block = vec![0_u8; BLOCK];
    let mut reserved = 0;
    loop {
        let read = match reader.read(&mut block) {
            Ok(0) => return Ok(out.freeze()),
            Ok(read) => read,
            Err(error) => return Err(ReceiveError::Corrupt { encoding: encoding.name(), message: error.to_string() }),
        };
        let total = out.len() + read;
        if total > limit {
            return Err(ReceiveError::TooLarge { limit });
        }
        if total > reserved {
            // What is charged is what the buffer will take: it doubles.
            let wanted = (reserved * 2).max(total).max((compressed * 4).min(limit)).min(limit);
            if !meter.grow(wanted - reserved) {
                return Err(ReceiveError::OverBudget);
            }
            out.reserve(wanted - out.len());
            reserved = wanted;
        }
        out.extend_from_slice(block.get(..read).expect("invariant: a reader returns at most the length of its buffer"));
    }
}

/// The same, away from the calling thread when the body is large; gives the meter back.
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

/// Compresses slices into one piece, at the encoding's usual level.
pub fn compress(pieces: &[Bytes], encoding: BodyEncoding) -> std::io::Result<Bytes> {
    match encoding {
        BodyEncoding::Identity => Ok(pieces.concat().into()),
        BodyEncoding::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            pieces.iter().try_for_each(|piece| encoder.write_all(piece))?;
            encoder.finish().map(Bytes::from)
        }
        BodyEncoding::Zstd => {
            let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), zstd::DEFAULT_COMPRESSION_LEVEL)?;
            pieces.iter().try_for_each(|piece| encoder.write_all(piece))?;
            encoder.finish().map(Bytes::from)
        }
    }
}

/// The same, away from the calling thread when there is much of it.
pub async fn compress_off_thread(pieces: Vec<Bytes>, encoding: BodyEncoding) -> std::io::Result<Bytes> {
    if pieces.iter().map(Bytes::len).sum::<usize>() <= INLINE {
        return compress(&pieces, encoding);
    }
    let _turn = LANE.acquire().await.expect("invariant: the lane is never closed");
    let work = tokio::task::spawn_blocking(move || compress(&pieces, encoding));
    work.await.unwrap_or_else(|error| Err(std::io::Error::other(error)))
}

/// How a client packs what it sends: the setting `compression` of exporters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Understood everywhere.
    #[default]
    Gzip,
    /// Smaller and faster, where the receiver knows it.
    Zstd,
    /// Not at all.
    None,
}

impl Compression {
    /// The content encoding of it.
    pub fn encoding(self) -> BodyEncoding {
        match self {
            Compression::Gzip => BodyEncoding::Gzip,
            Compression::Zstd => BodyEncoding::Zstd,
            Compression::None => BodyEncoding::Identity,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Budget(usize);
    impl Meter for Budget {
        fn grow(&mut self, bytes: usize) -> bool {
            let fits = bytes <= self.0;
            self.0 = self.0.saturating_sub(bytes);
            fits
        }
    }

    const BOTH: [BodyEncoding; 2] = [BodyEncoding::Gzip, BodyEncoding::Zstd];

    fn sample() -> Bytes {
        (0..300_000_u32).flat_map(|i| (i.wrapping_mul(2_654_435_761) >> 24).to_le_bytes()).collect::<Vec<u8>>().into()
    }

    #[test]
    fn what_was_compressed_in_pieces_comes_back_whole() {
        let whole = sample();
        for encoding in BOTH {
            let packed = compress(&[whole.slice(..1000), Bytes::new(), whole.slice(1000..)], encoding).unwrap();
            assert!(packed.len() < whole.len());
            assert_eq!(decompress(&packed, encoding, whole.len(), &mut ()).unwrap(), whole);
        }
    }

    #[test]
    fn a_bomb_is_refused_at_the_limit() {
        let zeros = Bytes::from(vec![0; 50 << 20]);
        for encoding in BOTH {
            let bomb = compress(std::slice::from_ref(&zeros), encoding).unwrap();
            let error = decompress(&bomb, encoding, 1 << 20, &mut ()).unwrap_err();
            assert!(matches!(error, ReceiveError::TooLarge { limit: 1_048_576 }), "{error}");
        }
    }

    #[test]
    fn a_bomb_is_refused_when_the_budget_ends() {
        let zeros = Bytes::from(vec![0; 50 << 20]);
        for encoding in BOTH {
            let bomb = compress(std::slice::from_ref(&zeros), encoding).unwrap();
            let error = decompress(&bomb, encoding, 100 << 20, &mut Budget(1 << 20)).unwrap_err();
            assert!(matches!(error, ReceiveError::OverBudget), "{error}");
        }
    }

    #[test]
    fn data_that_are_not_compressed_or_cut_short_are_corrupt() {
        for encoding in BOTH {
            let packed = compress(&[sample()], encoding).unwrap();
            for bad in [Bytes::from_static(b"not compressed at all"), packed.slice(..packed.len() / 2)] {
                let error = decompress(&bad, encoding, 10 << 20, &mut ()).unwrap_err();
                assert!(matches!(error, ReceiveError::Corrupt { .. }), "{error}");
            }
        }
    }

    #[tokio::test]
    async fn a_large_body_comes_back_from_the_other_thread() {
        let mut state = 1_u32;
        let noise = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        });
        let whole: Bytes = noise.take(2 * INLINE).collect::<Vec<u8>>().into();
        for encoding in BOTH {
            let packed = compress(std::slice::from_ref(&whole), encoding).unwrap();
            assert!(packed.len() > INLINE, "{}", packed.len());
            let (out, ()) = decompress_off_thread(packed, encoding, whole.len(), ()).await.unwrap();
            assert_eq!(out, whole);
        }
    }
}
