//! The requests of one recording, one after the other: a file may be far larger than the memory.
//!
//! What a file is, its name says; whether it is a sequence of records behind lengths (as the `file` exporter writes
//! protobuf and compressed requests), its first byte: lengths begin with a byte with which neither JSON nor a protobuf
//! message can begin.

use super::{Format, Recording, RecordingError, signal_of_name};
use bytes::Bytes;
use chaperone_net::compression::zstd_reader;
use chaperone_net::{BodyEncoding, ReceiveError, decompress};
use chaperone_pipeline::Encoding;
use chaperone_proto::{Data, DecodeError, Limits, Signal};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};

/// One request may be this large.
const MAX_REQUEST: usize = 256 << 20;
/// A protobuf tag names a field from 1 on, and field 1 begins with 8; a length of up to 128 MiB begins below.
const FIRST_OF_A_TAG: u8 = 8;
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const BUFFER: usize = 128 << 10;

/// One recorded request, not decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its signal.
    pub signal: Signal,
    /// How it is serialized.
    pub encoding: Encoding,
    /// The request, uncompressed.
    pub body: Bytes,
}

impl Recorded {
    /// Indexes it.
    pub fn decode(&self) -> Result<Data, DecodeError> {
        match self.encoding {
            Encoding::Protobuf => Data::decode(self.signal, self.body.clone(), &Limits::default()),
            Encoding::Json => Data::decode_json(self.signal, &self.body, &Limits::default()),
        }
    }
}

/// How requests follow each other in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// The whole file is one.
    One(Encoding),
    Lines,
    /// Each behind its length in four bytes, big endian; perhaps a zstd frame each.
    Records,
}

/// The requests of one recording. An error of one line or record does not end it; an error of the file does.
pub struct Requests {
    source: Box<dyn BufRead + Send>,
    layout: Layout,
    signal: Option<Signal>,
    /// Whether everything in it must be OTLP: it was named, or something in it is.
    must_be_otlp: bool,
    number: usize,
    ended: bool,
}

impl Requests {
    pub(super) fn open(recording: &Recording) -> Result<Requests, RecordingError> {
        let file = File::open(&recording.path).map_err(RecordingError::Unreadable)?;
        let mut file = BufReader::with_capacity(BUFFER, file);
        let start = file.fill_buf().map_err(RecordingError::Unreadable)?;
        let is_records = |start: &[u8]| start.first().is_some_and(|first| *first < FIRST_OF_A_TAG);
        // Records may be compressed one by one in a file that is called `.zst` for it.
        let called_packed = recording.path.extension().is_some_and(|extension| extension == "zst");
        let packed = start.starts_with(&ZSTD_MAGIC) || (called_packed && !is_records(start));
        let mut source: Box<dyn BufRead + Send> = match packed {
            true => Box::new(BufReader::with_capacity(BUFFER, zstd_reader(file).map_err(RecordingError::Unreadable)?)),
            false => Box::new(file),
        };
        let layout = match recording.format {
            _ if is_records(source.fill_buf().map_err(RecordingError::Unreadable)?) => Layout::Records,
            Format::Protobuf => Layout::One(Encoding::Protobuf),
            Format::Json => Layout::One(Encoding::Json),
            Format::Lines => Layout::Lines,
        };
        let signal = signal_of_name(&recording.path);
        Ok(Requests { source, layout, signal, must_be_otlp: recording.named, number: 0, ended: false })
    }

    /// The same without a file: everything there is to read. JSON may be one document or a line each; what is neither JSON nor
    /// records behind lengths is protobuf, which does not say its signal: spans.
    pub fn of_bytes(mut source: impl Read) -> Result<Requests, RecordingError> {
        let mut whole = Vec::new();
        (&mut source).take(MAX_REQUEST as u64 + 1).read_to_end(&mut whole).map_err(RecordingError::Unreadable)?;
        too_large(whole.len())?;
        if whole.starts_with(&ZSTD_MAGIC) {
            whole = unpacked(&whole.into())?.to_vec();
        }
        let layout = match whole.trim_ascii_start().first() {
            Some(b'{') if serde_json::from_slice::<IgnoredAny>(&whole).is_ok() => Layout::One(Encoding::Json),
            Some(b'{') => Layout::Lines,
            _ if whole.first().is_some_and(|first| *first < FIRST_OF_A_TAG) => Layout::Records,
            _ => Layout::One(Encoding::Protobuf),
        };
        let source: Box<dyn BufRead + Send> = Box::new(std::io::Cursor::new(whole));
        Ok(Requests { source, layout, signal: Some(Signal::Traces), must_be_otlp: true, number: 0, ended: false })
    }

    /// The bytes of the next request, and how they are serialized; `None` at the end.
    fn read(&mut self) -> Result<Option<(Encoding, Bytes)>, RecordingError> {
        match self.layout {
            Layout::One(encoding) => {
                self.ended = true;
                let mut whole = Vec::new();
                self.take(MAX_REQUEST + 1).read_to_end(&mut whole).map_err(RecordingError::Unreadable)?;
                too_large(whole.len())?;
                Ok(Some((encoding, whole.into())))
            }
            Layout::Lines => {
                let mut line = Vec::new();
                while line.trim_ascii().is_empty() {
                    line.clear();
                    self.number += 1;
                    let read = self.take(MAX_REQUEST + 1).read_until(b'\n', &mut line).map_err(RecordingError::Unreadable)?;
                    if read == 0 {
                        return Ok(None);
                    }
                    too_large(read)?;
                }
                Ok(Some((Encoding::Json, line.into())))
            }
            Layout::Records => {
                self.number += 1;
                let mut length = Vec::new();
                self.take(4).read_to_end(&mut length).map_err(RecordingError::Unreadable)?;
                let length = match <[u8; 4]>::try_from(length.as_slice()) {
                    Ok(length) => u32::from_be_bytes(length) as usize,
                    Err(_) if length.is_empty() => return Ok(None),
                    Err(_) => return Err(RecordingError::Truncated),
                };
                too_large(length)?;
                let mut record = Vec::new();
                let read = self.take(length).read_to_end(&mut record).map_err(RecordingError::Unreadable)?;
                if read < length {
                    return Err(RecordingError::Truncated);
                }
                Ok(Some((Encoding::Protobuf, record.into())))
            }
        }
    }

    fn take(&mut self, limit: usize) -> std::io::Take<&mut Box<dyn BufRead + Send>> {
        (&mut self.source).take(limit as u64)
    }

    /// Tells what a request is; `None` when it is passed over.
    fn judge(&mut self, mut encoding: Encoding, mut body: Bytes) -> Result<Option<Recorded>, RecordingError> {
        if self.layout == Layout::Records {
            if body.starts_with(&ZSTD_MAGIC) {
                body = unpacked(&body)?;
            }
            // A protobuf message cannot begin with a brace, which would open a group.
            if body.first() == Some(&b'{') {
                encoding = Encoding::Json;
            }
        }
        let signal = match encoding {
            Encoding::Protobuf => self.signal.ok_or(RecordingError::NoSignal),
            Encoding::Json => match signal_of_json(&body) {
                Ok(Some(signal)) => Ok(signal),
                Ok(None) => Err(RecordingError::NotOtlp),
                Err(error) => Err(RecordingError::NotJson(error)),
            },
        };
        match signal {
            Ok(signal) => {
                self.must_be_otlp = true;
                Ok(Some(Recorded { signal, encoding, body }))
            }
            // Records behind lengths are no accident: only a recorder writes them.
            Err(_) if !self.must_be_otlp && self.layout != Layout::Records => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn placed(&self, error: RecordingError) -> RecordingError {
        let word = match self.layout {
            Layout::One(_) => return error,
            Layout::Lines => "line",
            Layout::Records => "record",
        };
        RecordingError::At { word, number: self.number, source: Box::new(error) }
    }
}

impl Iterator for Requests {
    type Item = Result<Recorded, RecordingError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            let (encoding, body) = match self.read() {
                Ok(Some(read)) => read,
                Ok(None) => break,
                Err(error) => {
                    self.ended = true;
                    return Some(Err(self.placed(error)));
                }
            };
            match self.judge(encoding, body) {
                Ok(Some(recorded)) => return Some(Ok(recorded)),
                Ok(None) => {}
                Err(error) => return Some(Err(self.placed(error))),
            }
        }
        self.ended = true;
        None
    }
}

fn too_large(length: usize) -> Result<(), RecordingError> {
    if length > MAX_REQUEST { Err(RecordingError::TooLarge { limit: MAX_REQUEST }) } else { Ok(()) }
}

fn unpacked(record: &Bytes) -> Result<Bytes, RecordingError> {
    decompress(record, BodyEncoding::Zstd, MAX_REQUEST, &mut ()).map_err(|error| match error {
        ReceiveError::TooLarge { limit } => RecordingError::TooLarge { limit },
        error => RecordingError::Corrupt { message: error.to_string() },
    })
}

/// The members that tell the signal of a request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members {
    #[serde(alias = "resource_spans")]
    resource_spans: Option<IgnoredAny>,
    #[serde(alias = "resource_logs")]
    resource_logs: Option<IgnoredAny>,
    #[serde(alias = "resource_metrics")]
    resource_metrics: Option<IgnoredAny>,
}

fn signal_of_json(text: &[u8]) -> Result<Option<Signal>, serde_json::Error> {
    let members: Members = serde_json::from_slice(text)?;
    let signals = [
        (members.resource_spans, Signal::Traces),
        (members.resource_logs, Signal::Logs),
        (members.resource_metrics, Signal::Metrics),
    ];
    Ok(signals.into_iter().find(|(member, _)| member.is_some()).map(|(_, signal)| signal))
}
