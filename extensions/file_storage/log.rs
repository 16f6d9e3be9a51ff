//! The file of one store: a header, then one record a batch of changes, each with its length and a checksum.
//!
//! A checksum covers the one before it too, so a record counts only where it was written. Reading stops at the first
//! record that is cut short or wrong: what stands before it is the state, since every batch is a record of its own.
//! Nothing here knows what keys mean, keeps an index, or decides when to write a file anew.

use chaperone_pipeline::storage::Change;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

/// What a file begins with; the last byte is the version of the format.
pub(super) const HEADER: &[u8; 16] = b"chaperone-store\x01";
/// Length and checksum before every record.
const PREFIX: usize = 4 + 8;
/// Longest text of a namespace or key. A length beyond it in a file is a sign of damage.
const MAX_NAME: usize = 64 << 10;

/// The checksum of a record, which the next one begins with.
pub(super) type Sum = [u8; 8];

/// The sum that the first record follows.
pub(super) fn first_sum() -> Sum {
    sum_of(&Sum::default(), HEADER)
}

fn sum_of(before: &Sum, payload: &[u8]) -> Sum {
    let mut hasher = blake3::Hasher::new();
    hasher.update(before);
    hasher.update(payload);
    let mut sum = Sum::default();
    hasher.finalize_xof().fill(&mut sum);
    sum
}

/// Where a value stands in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub at: u64,
    pub length: u32,
    pub version: u32,
}

/// One change as it was read: a value by its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    Set(String, Place),
    Delete(String),
}

/// A record made for writing.
pub(super) struct Record {
    pub bytes: Vec<u8>,
    pub sum: Sum,
    /// The changes, with places as if the record began at 0.
    pub changes: Vec<Found>,
}

/// Encodes one batch. Refuses names that a reader would take for damage, and batches beyond 4 GiB.
pub(super) fn encode(before: &Sum, namespace: &str, changes: &[Change]) -> Result<Record, String> {
    let mut bytes = vec![0; PREFIX];
    let mut found = Vec::with_capacity(changes.len());
    put_name(&mut bytes, namespace)?;
    put_number(&mut bytes, changes.len())?;
    for change in changes {
        match change {
            Change::Set { key, stored } => {
                bytes.push(1);
                put_name(&mut bytes, key)?;
                bytes.extend_from_slice(&stored.version.to_le_bytes());
                put_number(&mut bytes, stored.value.len())?;
                let length = u32::try_from(stored.value.len()).map_err(|_| too_large())?;
                found.push(Found::Set(key.clone(), Place { at: bytes.len() as u64, length, version: stored.version }));
                bytes.extend_from_slice(&stored.value);
            }
            Change::Delete { key } => {
                bytes.push(2);
                put_name(&mut bytes, key)?;
                found.push(Found::Delete(key.clone()));
            }
        }
    }
    let (prefix, payload) = bytes.split_at_mut(PREFIX);
    let length = u32::try_from(payload.len()).map_err(|_| too_large())?;
    let sum = sum_of(before, payload);
    prefix[..4].copy_from_slice(&length.to_le_bytes());
    prefix[4..].copy_from_slice(&sum);
    Ok(Record { bytes, sum, changes: found })
}

fn too_large() -> String {
    "a batch of changes is larger than 4 GiB".to_owned()
}

fn put_number(out: &mut Vec<u8>, number: usize) -> Result<(), String> {
    let number = u32::try_from(number).map_err(|_| too_large())?;
    out.extend_from_slice(&number.to_le_bytes());
    Ok(())
}

fn put_name(out: &mut Vec<u8>, name: &str) -> Result<(), String> {
    if name.len() > MAX_NAME {
        return Err(format!("a key of {} bytes is longer than {MAX_NAME}", name.len()));
    }
    put_number(out, name.len())?;
    out.extend_from_slice(name.as_bytes());
    Ok(())
}

/// What reading a file to its end gave.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct End {
    /// Where the last good record ends.
    pub good: u64,
    /// The checksum of the last good record.
    pub sum: Sum,
    /// Length of the file: more than `good` if its end is damaged.
    pub length: u64,
}

/// The file is not one of ours.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Foreign;

/// Reads a file from its beginning and tells of every batch. A file cut within its header is as good as empty.
pub(super) fn read(file: &mut File, mut tell: impl FnMut(&str, Vec<Found>)) -> io::Result<Result<End, Foreign>> {
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::with_capacity(64 << 10, &mut *file);
    let mut header = vec![0; HEADER.len().min(usize::try_from(length).unwrap_or(usize::MAX))];
    reader.read_exact(&mut header)?;
    if !HEADER.starts_with(&header) {
        return Ok(Err(Foreign));
    }
    if header.len() < HEADER.len() {
        return Ok(Ok(End { good: 0, sum: first_sum(), length }));
    }
    let mut end = End { good: HEADER.len() as u64, sum: first_sum(), length };
    let mut payload = Vec::new();
    while length - end.good >= PREFIX as u64 {
        let mut prefix = [0; PREFIX];
        reader.read_exact(&mut prefix)?;
        let (size, sum) = prefix.split_at(4);
        let size = u32::from_le_bytes(size.try_into().expect("invariant: split at 4"));
        let begins = end.good + PREFIX as u64;
        if u64::from(size) > length - begins {
            break;
        }
        payload.resize(size as usize, 0);
        reader.read_exact(&mut payload)?;
        let found = sum_of(&end.sum, &payload);
        if found != sum {
            break;
        }
        let Some((namespace, changes)) = decode(&payload, begins) else { break };
        tell(&namespace, changes);
        end.sum = found;
        end.good = begins + u64::from(size);
    }
    Ok(Ok(end))
}

/// The changes of a record whose payload begins at `begins`.
fn decode(payload: &[u8], begins: u64) -> Option<(String, Vec<Found>)> {
    let mut rest = Rest { bytes: payload, at: 0 };
    let namespace = rest.name()?;
    let count = rest.number()?;
    let mut changes = Vec::new();
    for _ in 0..count {
        let change = match rest.take(1)? {
            [1] => {
                let key = rest.name()?;
                let version = rest.number()?;
                let length = rest.number()?;
                let at = begins + rest.at as u64;
                rest.take(length as usize)?;
                Found::Set(key, Place { at, length, version })
            }
            [2] => Found::Delete(rest.name()?),
            _ => return None,
        };
        changes.push(change);
    }
    (rest.at == payload.len()).then_some((namespace, changes))
}

struct Rest<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Rest<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        Some(taken)
    }
    fn number(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }
    fn name(&mut self) -> Option<String> {
        let length = self.number()? as usize;
        if length > MAX_NAME {
            return None;
        }
        String::from_utf8(self.take(length)?.to_vec()).ok()
    }
}
