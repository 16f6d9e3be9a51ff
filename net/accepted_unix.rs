//! A Unix connection that was accepted, with `:authority` made legal on the way in.
//!
//! gRPC's C core (Python, Ruby, PHP, C++) sends the percent-encoded path of the socket as `:authority` of its requests.
//! That is no authority, and our HTTP/2 library resets such streams before anybody sees them, so no agent in Python could
//! speak over a Unix socket. The value means nothing here: every `%` in it becomes `-`, which changes no length, so that the
//! client's compression of headers and our decompression stay in step.
//! Only what is written plainly is looked at; frames of data pass without a look.

use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;

/// The connection.
#[derive(Debug)]
pub(crate) struct AcceptedUnix {
    stream: UnixStream,
    incoming: LegalAuthority,
}

impl AcceptedUnix {
    pub(crate) fn new(stream: UnixStream) -> AcceptedUnix {
        AcceptedUnix { stream, incoming: LegalAuthority::default() }
    }

    pub(crate) async fn readable(&self) -> Result<()> {
        self.stream.readable().await
    }
}

impl AsyncRead for AcceptedUnix {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        this.incoming.pass(buf.filled_mut().get_mut(before..).unwrap_or_default());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for AcceptedUnix {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }
    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, bufs)
    }
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

/// How every HTTP/2 connection begins.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const FRAME_HEADER: usize = 9;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;
const AUTHORITY: &[u8] = b":authority";
/// Place of `:authority` in the table that both sides know from the start.
const AUTHORITY_INDEX: usize = 1;

/// Follows the frames of one connection, in pieces of any size.
#[derive(Debug, Default)]
struct LegalAuthority {
    at: At,
    field: Field,
}

#[derive(Debug, Clone, Copy)]
enum At {
    /// So many bytes of the preface were there.
    Preface(usize),
    /// The header of a frame, as far as it came.
    Frame([u8; FRAME_HEADER], usize),
    /// The byte that tells how many bytes of padding end a frame of this rest.
    PadLength { rest: usize, priority: usize, ends: bool },
    /// Bytes before a block of headers, then the block, then padding.
    Block { skip: usize, block: usize, padding: usize, ends: bool },
    /// Bytes nobody looks at.
    Other(usize),
    /// Not HTTP/2, or not as it should be: whoever reads it will say so.
    Off,
}

impl Default for At {
    fn default() -> At {
        At::Preface(0)
    }
}

/// Where in a block of headers.
#[derive(Debug, Clone, Copy, Default)]
enum Field {
    #[default]
    Start,
    /// A number that goes on, and what it is.
    Number { value: usize, shift: u32, of: Of },
    /// The length of a text begins.
    Length { of: Of },
    /// A name of which so many bytes are left and so many were those of `:authority`.
    Name { left: usize, same: usize, plain: bool },
    /// A value, and whether it is a plain authority.
    Value { left: usize, authority: bool },
}

#[derive(Debug, Clone, Copy)]
enum Of {
    /// A whole field, or a size: nothing follows.
    Nothing,
    /// A field whose name has this index.
    NameIndex,
    NameLength {
        plain: bool,
    },
    ValueLength {
        authority: bool,
    },
}

impl LegalAuthority {
    /// Changes what has to be changed in the next bytes.
    fn pass(&mut self, mut bytes: &mut [u8]) {
        while let Some(first) = bytes.first().copied() {
            let taken = match self.at {
                At::Off => return,
                At::Other(0) => self.next(At::Frame([0; FRAME_HEADER], 0)),
                At::Other(left) => {
                    let taken = left.min(bytes.len());
                    self.at = At::Other(left - taken);
                    taken
                }
                At::Preface(seen) if PREFACE.get(seen) != Some(&first) => return self.at = At::Off,
                At::Preface(seen) if seen + 1 == PREFACE.len() => {
                    self.at = At::Other(0);
                    1
                }
                At::Preface(seen) => {
                    self.at = At::Preface(seen + 1);
                    1
                }
                At::Frame(mut header, seen) => {
                    if let Some(place) = header.get_mut(seen) {
                        *place = first;
                    }
                    self.at = if seen + 1 == FRAME_HEADER { payload(header) } else { At::Frame(header, seen + 1) };
                    1
                }
                At::PadLength { rest, priority, ends } => {
                    self.at = match rest.checked_sub(1 + usize::from(first) + priority) {
                        Some(block) => At::Block { skip: priority, block, padding: first.into(), ends },
                        None => At::Off,
                    };
                    1
                }
                At::Block { skip: 0, block: 0, padding, ends } => {
                    if ends {
                        self.field = Field::Start;
                    }
                    self.next(At::Other(padding))
                }
                At::Block { skip: 0, block, padding, ends } => {
                    let taken = block.min(bytes.len());
                    let (now, _) = bytes.split_at_mut(taken);
                    if !self.field.read(now) {
                        return self.at = At::Off;
                    }
                    self.at = At::Block { skip: 0, block: block - taken, padding, ends };
                    taken
                }
                At::Block { skip, block, padding, ends } => {
                    let taken = skip.min(bytes.len());
                    self.at = At::Block { skip: skip - taken, block, padding, ends };
                    taken
                }
            };
            bytes = bytes.get_mut(taken..).unwrap_or_default();
        }
    }

    /// Goes on without taking a byte.
    fn next(&mut self, at: At) -> usize {
        self.at = at;
        0
    }
}

/// What follows the header of a frame.
fn payload(header: [u8; FRAME_HEADER]) -> At {
    let [high, middle, low, kind, flags, ..] = header;
    let rest = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
    let ends = flags & END_HEADERS != 0;
    let priority = if kind == HEADERS && flags & PRIORITY != 0 { 5 } else { 0 };
    match kind {
        HEADERS if flags & PADDED != 0 => At::PadLength { rest, priority, ends },
        HEADERS | CONTINUATION => match rest.checked_sub(priority) {
            Some(block) => At::Block { skip: priority, block, padding: 0, ends },
            None => At::Off,
        },
        _ => At::Other(rest),
    }
}

impl Field {
    /// Reads a piece of a block; false if it makes no sense.
    fn read(&mut self, bytes: &mut [u8]) -> bool {
        for byte in bytes {
            *self = match *self {
                // Every field begins with what kind it is.
                Field::Start if *byte & 0x80 != 0 => number(*byte, 7, Of::Nothing),
                Field::Start if *byte & 0x40 != 0 => number(*byte, 6, Of::NameIndex),
                Field::Start if *byte & 0x20 != 0 => number(*byte, 5, Of::Nothing),
                Field::Start => number(*byte, 4, Of::NameIndex),
                Field::Number { value, shift, of } => {
                    let Some(more) = usize::from(*byte & 0x7f).checked_shl(shift).filter(|_| shift <= 21) else { return false };
                    let value = value + more;
                    if *byte & 0x80 == 0 { known(value, of) } else { Field::Number { value, shift: shift + 7, of } }
                }
                Field::Length { of } => {
                    let plain = *byte & 0x80 == 0;
                    let of = match of {
                        Of::ValueLength { authority } => Of::ValueLength { authority: authority && plain },
                        _ => Of::NameLength { plain },
                    };
                    number(*byte, 7, of)
                }
                Field::Name { left, same, plain } => {
                    let same = if AUTHORITY.get(same) == Some(byte) { same + 1 } else { usize::MAX };
                    let left = left - 1;
                    let authority = plain && left == 0 && same == AUTHORITY.len();
                    if left == 0 {
                        Field::Length { of: Of::ValueLength { authority } }
                    } else {
                        Field::Name { left, same, plain }
                    }
                }
                Field::Value { left, authority } => {
                    if authority && *byte == b'%' {
                        *byte = b'-';
                    }
                    if left == 1 { Field::Start } else { Field::Value { left: left - 1, authority } }
                }
            };
        }
        true
    }
}

/// A number of which the first byte holds so many bits.
fn number(byte: u8, bits: u32, of: Of) -> Field {
    let most = (1_usize << bits) - 1;
    let value = usize::from(byte) & most;
    if value == most { Field::Number { value, shift: 0, of } } else { known(value, of) }
}

/// What follows a number.
fn known(value: usize, of: Of) -> Field {
    match of {
        Of::Nothing => Field::Start,
        Of::NameIndex if value == 0 => Field::Length { of: Of::NameLength { plain: true } },
        Of::NameIndex => Field::Length { of: Of::ValueLength { authority: value == AUTHORITY_INDEX } },
        Of::NameLength { .. } if value == 0 => Field::Length { of: Of::ValueLength { authority: false } },
        Of::NameLength { plain } => Field::Name { left: value, same: 0, plain },
        Of::ValueLength { .. } if value == 0 => Field::Start,
        Of::ValueLength { authority } => Field::Value { left: value, authority },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame of a kind, with flags, on stream 1.
    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, flags, 0, 0, 0, 1], payload].concat()
    }

    /// As the C core writes a field: new name, plain texts.
    fn literal(name: &str, value: &str) -> Vec<u8> {
        let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
        [vec![0x40], text(name), text(value)].concat()
    }

    /// What comes out, whole and byte by byte, which must be the same.
    fn passed(frames: &[Vec<u8>]) -> Vec<u8> {
        let bytes = [PREFACE.to_vec(), frames.concat()].concat();
        let mut whole = bytes.clone();
        LegalAuthority::default().pass(&mut whole);
        let (mut pieces, mut filter) = (bytes, LegalAuthority::default());
        pieces.iter_mut().for_each(|byte| filter.pass(std::slice::from_mut(byte)));
        assert_eq!(whole, pieces);
        whole
    }

    fn contains(bytes: &[u8], text: &str) -> bool {
        bytes.windows(text.len()).any(|part| part == text.as_bytes())
    }

    #[test]
    fn the_path_of_a_socket_becomes_a_legal_authority() {
        let block =
            [literal(":path", "/a%2Fb"), literal(":authority", "run%2Fx.sock"), vec![0x83], literal("te", "50%")].concat();
        let out = passed(&[frame(4, 0, &[]), frame(HEADERS, END_HEADERS, &block), frame(0, 1, b"data :authority %2F")]);
        assert!(contains(&out, "run-2Fx.sock") && contains(&out, "/a%2Fb") && contains(&out, "50%"));
        assert!(contains(&out, "data :authority %2F"), "data pass as they are");
    }

    #[test]
    fn a_known_name_padding_priority_and_continuations_are_understood() {
        let value = |prefix: u8| [&[prefix, 4][..], b"a%2F"].concat();
        let padded = [vec![3], vec![0; 5], value(0x41), b"%%%".to_vec()].concat();
        let out = passed(&[frame(HEADERS, END_HEADERS | PADDED | PRIORITY, &padded)]);
        assert!(contains(&out, "a-2F") && contains(&out, "%%%"));
        let whole = value(0x01);
        let (first, second) = whole.split_at(3);
        let out = passed(&[frame(HEADERS, 0, first), frame(CONTINUATION, END_HEADERS, second)]);
        assert!(contains(&out, "-2F"));
    }

    #[test]
    fn long_values_and_table_sizes_are_skipped_right() {
        let long = "x".repeat(300);
        // 300 = 127 + 173, in two bytes.
        let field = [&[0x40, 1][..], b"k", &[0x7f, 0xad, 0x01], long.as_bytes()].concat();
        let block = [vec![0x3f, 0xe1, 0x1f], field, vec![0xff, 0x00], literal(":authority", "%")].concat();
        assert!(passed(&[frame(HEADERS, END_HEADERS, &block)]).ends_with(b"-"));
    }

    #[test]
    fn what_is_not_http2_passes_as_it_is() {
        let request = b"POST /v1/traces HTTP/1.1\r\nHost: a%2Fb\r\n\r\n";
        let mut bytes = request.to_vec();
        LegalAuthority::default().pass(&mut bytes);
        assert_eq!(bytes, request);
        // A number that never ends: whoever reads the headers refuses it.
        let endless = [vec![0xff; 12], literal(":authority", "%")].concat();
        assert!(passed(&[frame(HEADERS, END_HEADERS, &endless)]).ends_with(b"%"));
    }
}
