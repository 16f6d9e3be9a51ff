//! The part of an input that chooses what is done with a request: edits, limits, records.

use crate::ops::{AttrOp, KEYS, Of, Op};
use chaperone_proto::{SplitLimits, Value};

/// Bytes that are used up choice by choice; zeros when there are none left.
pub struct Plan<'a> {
    bytes: &'a [u8],
}

/// Splits an input: two bytes of length, that many bytes of plan, and the request.
pub fn split(input: &[u8]) -> (Plan<'_>, &[u8]) {
    let Some(([low, high], rest)) = input.split_first_chunk::<2>() else { return (Plan { bytes: &[] }, input) };
    let len = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
    let (bytes, body) = rest.split_at(len);
    (Plan { bytes }, body)
}

impl Plan<'_> {
    pub fn is_done(&self) -> bool {
        self.bytes.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        *first
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end.max(1)
    }

    fn key(&mut self) -> u16 {
        self.below(KEYS.len()) as u16
    }

    fn number(&mut self) -> u64 {
        let byte = u64::from(self.byte());
        byte.wrapping_mul(0x0101_0101_0101_0101) >> (byte & 0x38)
    }

    fn text(&mut self) -> String {
        let len = self.below(40);
        let letter = if len % 7 == 0 { "\u{e9}" } else { "x" };
        letter.repeat(if len == 39 { 5000 } else { len })
    }

    fn name(&mut self) -> String {
        match self.below(10) {
            at if at < KEYS.len() => KEYS[at].to_owned(),
            at => ["a", "k0", "", "unknown"][at - KEYS.len()].to_owned(),
        }
    }

    fn value(&mut self) -> Value {
        match self.below(9) {
            0 => Value::Empty,
            1 => Value::Int(self.number() as i64),
            2 => Value::Double(self.number() as f64 / 3.0),
            3 => Value::Bool(self.byte() & 1 == 0),
            4 => Value::Bytes(vec![self.byte(); 3]),
            5 => Value::Array(vec![Value::Str(self.text()), Value::Empty]),
            6 => Value::Map(vec![(self.text(), Value::Int(1)), (String::new(), Value::Empty)]),
            _ => Value::Str(self.text()),
        }
    }

    fn attr_op(&mut self) -> AttrOp {
        match self.below(8) {
            0 => AttrOp::Set(self.key(), self.value()),
            1 => AttrOp::SetNamed(self.name(), self.value()),
            2 => AttrOp::Append(self.key(), self.value()),
            3 => AttrOp::AppendNamed(self.name(), self.value()),
            4 => AttrOp::Rename(self.key(), self.key()),
            5 => AttrOp::Remove(self.key()),
            6 => AttrOp::RemoveNamed(self.name()),
            _ => AttrOp::Map(self.below(3)),
        }
    }

    fn of(&mut self) -> Of {
        match self.below(8) {
            0 => Of::Scope,
            1 => Of::Resource,
            2 | 3 => Of::Event(self.below(3)),
            4 => Of::Link(self.below(3)),
            _ => Of::Record,
        }
    }

    pub fn op(&mut self) -> Op {
        let id = |byte: u8| (byte > 9).then_some(byte);
        match self.below(48) {
            0 => Op::AddEvent(self.number(), self.text(), vec![(self.key(), self.value())]),
            1 => Op::MapEvents(self.below(3)),
            2 => Op::MapLinks(self.below(3)),
            3 => Op::RetainEvents(self.below(3)),
            4 => Op::RetainLinks(self.below(3)),
            5 => Op::NameOfEvent(self.below(3), self.text()),
            6 => Op::TimeOfEvent(self.below(3), self.number()),
            7 => Op::Name(self.text()),
            8 => Op::TraceState(self.text()),
            9 => Op::Kind(self.number() as i32),
            10 => Op::Start(self.number()),
            11 => Op::End(self.number()),
            12 => Op::StatusMessage(self.text()),
            13 => Op::StatusCode(self.number() as i32),
            14 => Op::TraceId(id(self.byte()).map(|byte| [byte; 16])),
            15 => Op::SpanId(id(self.byte()).map(|byte| [byte; 8])),
            16 => Op::ParentSpanId(id(self.byte()).map(|byte| [byte; 8])),
            17 => Op::Flags(self.number() as u32),
            18 => Op::DroppedAttributes(self.number() as u32),
            19 => Op::DroppedEvents(self.number() as u32),
            20 => Op::DroppedLinks(self.number() as u32),
            21 => Op::Time(self.number()),
            22 => Op::ObservedTime(self.number()),
            23 => Op::SeverityNumber(self.number() as i32),
            24 => Op::SeverityText(self.text()),
            25 => Op::EventName(self.text()),
            26 => Op::Body(self.value()),
            27 => Op::ScopeName(self.text()),
            28 => Op::ScopeVersion(self.text()),
            29 => Op::ScopeSchemaUrl(self.text()),
            30 => Op::ResourceSchemaUrl(self.text()),
            _ => Op::Attrs(self.of(), self.attr_op()),
        }
    }

    pub fn limits(&mut self) -> SplitLimits {
        let items = [usize::MAX, 1, 2, 3][self.below(4)];
        let bytes = [usize::MAX, 0, 50, 200, 1000][self.below(5)];
        SplitLimits { items, bytes }
    }
}
