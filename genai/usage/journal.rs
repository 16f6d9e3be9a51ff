//! Decisions of the window as bytes, so that a later process can decide as this one would have.
//!
//! An entry holds what was asked and what the answer depended on; asked again in the same order, the window answers the same.
//! The bytes begin with a version and with the hash of a known text: hashes of another build may differ, and entries of such
//! a build are of no use.

use super::{Call, Identity, Role, text_hash};
use chaperone_proto::Signal;

/// Version of the format.
pub const VERSION: u32 = 1;

/// One record as it was asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Hash of its sender.
    pub sender: u64,
    /// Which record.
    pub identity: Identity,
    /// What it says of its call, if it stands for one.
    pub call: Option<Call>,
    /// Whether it repeats what is below it; of records that stand for no call.
    pub is_aggregate: bool,
    /// Who owns its call among other senders.
    pub elsewhere: Option<Identity>,
}

impl Entry {
    /// The role to ask with, for a record that stands for no call.
    pub fn plain_role(&self) -> Role {
        if self.is_aggregate { Role::Aggregate } else { Role::Other }
    }
}

/// The beginning of a block of entries.
pub fn begin() -> Vec<u8> {
    text_hash("chaperone").to_le_bytes().to_vec()
}

/// Appends an entry to a block.
pub fn write(entry: &Entry, out: &mut Vec<u8>) {
    let shape = u8::from(entry.is_aggregate) | u8::from(entry.call.is_some()) << 1 | u8::from(entry.elsewhere.is_some()) << 2;
    out.push(shape);
    out.extend_from_slice(&entry.sender.to_le_bytes());
    put_identity(entry.identity, out);
    if let Some(elsewhere) = entry.elsewhere {
        put_identity(elsewhere, out);
    }
    let Some(call) = &entry.call else { return };
    out.extend_from_slice(&call.resource.to_le_bytes());
    out.extend_from_slice(&call.scope.to_le_bytes());
    let signal = Signal::ALL.iter().position(|signal| *signal == call.signal).unwrap_or_default();
    out.push(signal as u8 | u8::from(call.may_own) << 7);
    put(call.trace, out, |trace, out| out.extend_from_slice(&trace));
    put(call.span, out, |span, out| out.extend_from_slice(&span));
    let number = |number: u64, out: &mut Vec<u8>| out.extend_from_slice(&number.to_le_bytes());
    put(call.request_id, out, number);
    put(call.response_id, out, number);
    put(call.tokens, out, |(input, output), out| {
        number(input, out);
        number(output, out);
    });
    put(call.model, out, number);
    number(call.interval.0, out);
    number(call.interval.1, out);
}

/// The entries of a block, up to the first that cannot be read; `None` for a block of another build.
pub fn read(block: &[u8]) -> Option<Vec<Entry>> {
    let mut rest = Rest(block.strip_prefix(text_hash("chaperone").to_le_bytes().as_slice())?);
    let mut entries = Vec::new();
    while let Some(entry) = entry(&mut rest) {
        entries.push(entry);
    }
    Some(entries)
}

fn put<T>(value: Option<T>, out: &mut Vec<u8>, write: impl Fn(T, &mut Vec<u8>)) {
    out.push(u8::from(value.is_some()));
    if let Some(value) = value {
        write(value, out);
    }
}

fn put_identity(identity: Identity, out: &mut Vec<u8>) {
    match identity {
        Identity::Span { trace, span } => {
            out.push(0);
            out.extend_from_slice(&trace);
            out.extend_from_slice(&span);
        }
        Identity::Log(id) => {
            out.push(1);
            out.extend_from_slice(&id);
        }
    }
}

fn entry(rest: &mut Rest<'_>) -> Option<Entry> {
    let shape = rest.byte()?;
    let sender = rest.number()?;
    let identity = rest.identity()?;
    let elsewhere = if shape & 4 != 0 { Some(rest.identity()?) } else { None };
    let call = if shape & 2 != 0 { Some(rest.call(identity)?) } else { None };
    Some(Entry { sender, identity, call, is_aggregate: shape & 1 != 0, elsewhere })
}

struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk::<N>()?;
        self.0 = tail;
        Some(*head)
    }
    fn byte(&mut self) -> Option<u8> {
        self.bytes::<1>().map(|[byte]| byte)
    }
    fn number(&mut self) -> Option<u64> {
        self.bytes().map(u64::from_le_bytes)
    }
    fn identity(&mut self) -> Option<Identity> {
        match self.byte()? {
            0 => Some(Identity::Span { trace: self.bytes()?, span: self.bytes()? }),
            1 => Some(Identity::Log(self.bytes()?)),
            _ => None,
        }
    }
    /// The outer `None`: it cannot be read.
    fn maybe<T>(&mut self, read: impl Fn(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.byte()? {
            0 => Some(None),
            1 => Some(Some(read(self)?)),
            _ => None,
        }
    }
    fn call(&mut self, identity: Identity) -> Option<Call> {
        let (resource, scope, flags) = (self.number()?, self.number()?, self.byte()?);
        Some(Call {
            identity: Some(identity),
            resource,
            scope,
            signal: *Signal::ALL.get(usize::from(flags & 0x7F))?,
            trace: self.maybe(Self::bytes)?,
            span: self.maybe(Self::bytes)?,
            request_id: self.maybe(Self::number)?,
            response_id: self.maybe(Self::number)?,
            tokens: self.maybe(|rest| Some((rest.number()?, rest.number()?)))?,
            model: self.maybe(Self::number)?,
            interval: (self.number()?, self.number()?),
            may_own: flags & 0x80 != 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries() -> Vec<Entry> {
        let span = Identity::Span { trace: [1; 16], span: [2; 8] };
        let call = Call {
            identity: Some(span),
            resource: 7,
            scope: u64::MAX,
            signal: Signal::Logs,
            trace: Some([1; 16]),
            span: None,
            request_id: None,
            response_id: Some(9),
            tokens: Some((1, u64::MAX)),
            model: None,
            interval: (3, 4),
            may_own: true,
        };
        let full = Call { span: Some([2; 8]), request_id: Some(1), model: Some(5), may_own: false, ..call.clone() };
        let of = |call, is_aggregate, elsewhere| Entry { sender: 7, identity: span, call, is_aggregate, elsewhere };
        let log = Identity::Log([8; 16]);
        vec![
            of(Some(call), false, None),
            of(Some(full), false, Some(log)),
            of(None, true, None),
            Entry { sender: 0, identity: log, call: None, is_aggregate: false, elsewhere: None },
        ]
    }

    #[test]
    fn what_was_written_is_read_and_a_cut_block_gives_what_is_whole() {
        let mut block = begin();
        let mut ends = vec![block.len()];
        for entry in entries() {
            write(&entry, &mut block);
            ends.push(block.len());
        }
        for length in ends[0]..=block.len() {
            let whole = ends.iter().filter(|end| **end <= length).count() - 1;
            assert_eq!(read(&block[..length]).unwrap(), entries()[..whole], "{length}");
        }
    }

    #[test]
    fn a_block_of_another_build_is_refused_and_nonsense_gives_nothing() {
        let mut block = begin();
        write(&entries()[0], &mut block);
        block[0] ^= 1;
        assert_eq!(read(&block), None);
        assert_eq!(read(&[]), None);
        let mut nonsense = begin();
        nonsense.extend([0xFF; 100]);
        assert_eq!(read(&nonsense), Some(vec![]));
    }
}
