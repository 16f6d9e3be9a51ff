//! Decompresses bodies of strangers: capped, charged, and complete or refused.
//!
//! What is said of data that are not what their encoding says are the Collector's own words, since people search for them.
//! Two decoders end quietly when their input is cut short (those of zlib and LZ4); here that is an error, because half a
//! body that happens to parse would be data lost without a trace.

use super::BodyEncoding;
use crate::{Meter, ReceiveError};
use bytes::{Bytes, BytesMut};
use flate2::{Decompress, FlushDecompress, Status};
use std::io::{self, BufRead, Read};

/// Growth step of the output.
const BLOCK: usize = 64 << 10;

/// The decoder's own window comes on top of what is charged: at most 32 MiB, what level 20 of the reference encoder uses.
const MAX_ZSTD_WINDOW_LOG: u32 = 25;

const CUT_SHORT: &str = "unexpected EOF";

/// First bytes of a body in Snappy's framing format.
const SNAPPY_FRAME: &[u8] = b"\xff\x06\x00\x00sNaPpY";

/// The most that a byte of a Snappy block can stand for: three of them copy at most 64.
const SNAPPY_RATIO: usize = 22;

/// Decompresses a whole body; more than `limit` bytes are refused.
pub fn decompress(body: &Bytes, encoding: BodyEncoding, limit: usize, meter: &mut dyn Meter) -> Result<Bytes, ReceiveError> {
    let out = Out { encoding, limit, compressed: body.len(), meter };
    match encoding {
        BodyEncoding::Identity => Ok(body.clone()),
        // Several gzip members in a row are one body, as RFC 1952 has it.
        BodyEncoding::Gzip if body.is_empty() => Err(out.corrupt("EOF")),
        BodyEncoding::Gzip => out.read_all(flate2::read::MultiGzDecoder::new(body.as_ref())),
        BodyEncoding::Zlib | BodyEncoding::Deflate => match zlib_header(body) {
            Ok(()) => out.read_all(Zlib { state: Decompress::new(true), rest: body, ended: false }),
            Err(message) => Err(out.corrupt(message)),
        },
        BodyEncoding::Zstd if body.is_empty() => Ok(Bytes::new()),
        BodyEncoding::Zstd if (1..4).contains(&body.len()) => Err(out.corrupt(CUT_SHORT)),
        BodyEncoding::Zstd => {
            let mut decoder = match zstd::stream::read::Decoder::with_buffer(body.as_ref()) {
                Ok(decoder) => decoder,
                Err(error) => return Err(out.corrupt(&error.to_string())),
            };
            if let Err(error) = decoder.window_log_max(MAX_ZSTD_WINDOW_LOG) {
                return Err(out.corrupt(&error.to_string()));
            }
            out.read_all(decoder)
        }
        BodyEncoding::Snappy if !body.starts_with(SNAPPY_FRAME) => out.snappy_block(body),
        BodyEncoding::Snappy | BodyEncoding::SnappyFramed => out.read_all(snap::read::FrameDecoder::new(body.as_ref())),
        BodyEncoding::Lz4 => out.read_all(Lz4::new(body)),
    }
}

/// Decompresses zstd while it is read; whoever reads holds the cap. The window has the same bound as elsewhere.
pub fn zstd_reader(source: impl BufRead) -> io::Result<impl Read> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(source)?;
    decoder.window_log_max(MAX_ZSTD_WINDOW_LOG)?;
    Ok(decoder)
}

/// Where a body is decompressed to.
struct Out<'a> {
    encoding: BodyEncoding,
    limit: usize,
    /// Length of the body as it came.
    compressed: usize,
    meter: &'a mut dyn Meter,
}

impl Out<'_> {
    fn corrupt(&self, message: &str) -> ReceiveError {
        ReceiveError::Corrupt { encoding: self.encoding.name(), message: message.to_owned() }
    }

    fn read_all(self, mut reader: impl Read) -> Result<Bytes, ReceiveError> {
        let mut out = BytesMut::new();
        let mut block = vec![0_u8; BLOCK];
        let mut reserved = 0;
        loop {
            let read = match reader.read(&mut block) {
                Ok(0) => return Ok(out.freeze()),
                Ok(read) => read,
                Err(error) => return Err(self.corrupt(&told(self.encoding, &error))),
            };
            let total = out.len() + read;
            if total > self.limit {
                return Err(ReceiveError::TooLarge { limit: self.limit });
            }
            if total > reserved {
                // What is charged is what the buffer will take: it doubles.
                let wanted = (reserved * 2).max(total).max((self.compressed * 4).min(self.limit)).min(self.limit);
                if !self.meter.grow(wanted - reserved) {
                    return Err(ReceiveError::OverBudget);
                }
                out.reserve(wanted - out.len());
                reserved = wanted;
            }
            out.extend_from_slice(block.get(..read).expect("invariant: a reader returns at most the length of its buffer"));
        }
    }

    /// A block says first how long it is: that is checked, and charged, before anything is made of it.
    fn snappy_block(self, body: &[u8]) -> Result<Bytes, ReceiveError> {
        let length = match snap::raw::decompress_len(body) {
            Ok(length) if !body.is_empty() => length,
            _ => return Err(self.corrupt(SNAPPY)),
        };
        if length > self.limit {
            return Err(ReceiveError::TooLarge { limit: self.limit });
        }
        if length > body.len().saturating_mul(SNAPPY_RATIO) {
            return Err(self.corrupt(SNAPPY));
        }
        if !self.meter.grow(length) {
            return Err(ReceiveError::OverBudget);
        }
        match snap::raw::Decoder::new().decompress_vec(body) {
            Ok(out) => Ok(out.into()),
            Err(_) => Err(self.corrupt(SNAPPY)),
        }
    }
}

const SNAPPY: &str = "snappy: corrupt input";

/// What the client is told of an error of a decoder.
fn told(encoding: BodyEncoding, error: &io::Error) -> String {
    if matches!(encoding, BodyEncoding::Snappy | BodyEncoding::SnappyFramed) {
        return SNAPPY.to_owned();
    }
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return CUT_SHORT.to_owned();
    }
    let text = error.to_string();
    let has = |word: &str| text.contains(word);
    let message = match encoding {
        BodyEncoding::Gzip if has("header") => "gzip: invalid header",
        BodyEncoding::Gzip if has("checksum") => "gzip: invalid checksum",
        BodyEncoding::Zlib | BodyEncoding::Deflate if has("data check") => "zlib: invalid checksum",
        BodyEncoding::Gzip | BodyEncoding::Zlib | BodyEncoding::Deflate => "flate: corrupt input",
        BodyEncoding::Lz4 if has("WrongMagicNumber") => "lz4: bad magic number",
        BodyEncoding::Lz4 => return format!("lz4: {text}"),
        BodyEncoding::Zstd if has("Unknown frame descriptor") => "invalid input: magic number mismatch",
        _ => return text,
    };
    message.to_owned()
}

/// Checks the two bytes before a zlib stream: raw deflate is told apart here.
fn zlib_header(body: &[u8]) -> Result<(), &'static str> {
    let [method, flags, ..] = *body else { return Err(CUT_SHORT) };
    let is_zlib = method & 0x0f == 8 && method >> 4 <= 7 && u16::from_be_bytes([method, flags]).is_multiple_of(31);
    if !is_zlib {
        return Err("zlib: invalid header");
    }
    if flags & 0x20 != 0 { Err("zlib: invalid dictionary") } else { Ok(()) }
}

/// A zlib stream; what follows it is skipped, as elsewhere.
struct Zlib<'a> {
    state: Decompress,
    rest: &'a [u8],
    ended: bool,
}

impl Read for Zlib<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.ended {
            return Ok(0);
        }
        loop {
            let (in_before, out_before) = (self.state.total_in(), self.state.total_out());
            let status = self.state.decompress(self.rest, out, FlushDecompress::None).map_err(io::Error::other)?;
            let (taken, made) = (self.state.total_in() - in_before, (self.state.total_out() - out_before) as usize);
            self.rest = self.rest.get(taken as usize..).unwrap_or_default();
            self.ended = status == Status::StreamEnd;
            if made > 0 || self.ended {
                return Ok(made);
            }
            if taken == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// LZ4 frames in a row.
struct Lz4<'a> {
    decoder: lz4_flex::frame::FrameDecoder<Asked<'a>>,
    /// Bytes left where the last frame ended.
    left_at_frame: usize,
}

/// A slice that knows whether more was asked for than it had: the decoder takes that for the end, wherever it was.
struct Asked<'a> {
    rest: &'a [u8],
    in_vain: bool,
}

impl Read for Asked<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.in_vain |= self.rest.is_empty() && !out.is_empty();
        self.rest.read(out)
    }
}

impl<'a> Lz4<'a> {
    fn new(body: &'a [u8]) -> Lz4<'a> {
        let source = Asked { rest: body, in_vain: false };
        Lz4 { decoder: lz4_flex::frame::FrameDecoder::new(source), left_at_frame: body.len() }
    }
}

impl Read for Lz4<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.decoder.read(out)?;
            if read > 0 || out.is_empty() {
                return Ok(read);
            }
            let source = self.decoder.get_ref();
            let left = source.rest.len();
            match source.in_vain {
                true if left == self.left_at_frame => return Ok(0),
                true => return Err(io::ErrorKind::UnexpectedEof.into()),
                false => self.left_at_frame = left,
            }
        }
    }
}
