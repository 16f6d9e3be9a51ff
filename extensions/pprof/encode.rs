//! Stacks as the bytes that `go tool pprof` reads: `profile.proto`, as far as a CPU profile needs it.

use prost::Message;
use std::collections::HashMap;

/// How often one stack was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stack {
    /// Innermost first. Functions that were inlined into one place stand together, innermost first.
    pub places: Vec<Vec<Function>>,
    pub thread: String,
    pub count: i64,
}

/// A function and where in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Function {
    pub name: String,
    /// As the linker knows it. Where it differs from the name, readers leave the name as it is.
    pub system_name: String,
    pub file: String,
    pub line: u32,
}

/// When and how samples were taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    pub start_unix_ns: i64,
    pub duration_ns: i64,
    /// CPU time that one sample stands for.
    pub period_ns: i64,
}

/// The whole profile, not compressed.
pub(super) fn profile(stacks: &[Stack], timing: Timing) -> Vec<u8> {
    let mut tables = Tables::default();
    tables.text("");
    let value = |tables: &mut Tables, kind: &str, unit: &str| ValueType { kind: tables.text(kind), unit: tables.text(unit) };
    let sample_type = vec![value(&mut tables, "samples", "count"), value(&mut tables, "cpu", "nanoseconds")];
    let period_type = Some(value(&mut tables, "cpu", "nanoseconds"));
    let thread = tables.text("thread");
    let mut sample = Vec::with_capacity(stacks.len());
    for stack in stacks {
        let location_id = stack.places.iter().map(|place| tables.location(place)).collect();
        let label = vec![Label { key: thread, text: tables.text(&stack.thread) }];
        sample.push(Sample { location_id, value: vec![stack.count, stack.count.saturating_mul(timing.period_ns)], label });
    }
    let Tables { texts, locations, functions, .. } = tables;
    let whole = Profile {
        sample_type,
        sample,
        location: locations,
        function: functions,
        string_table: texts,
        time_nanos: timing.start_unix_ns,
        duration_nanos: timing.duration_ns,
        period_type,
        period: timing.period_ns,
    };
    whole.encode_to_vec()
}

/// What profiles name by number.
#[derive(Default)]
struct Tables {
    texts: Vec<String>,
    text_ids: HashMap<String, i64>,
    locations: Vec<Location>,
    location_ids: HashMap<Vec<Function>, u64>,
    functions: Vec<FunctionEntry>,
    function_ids: HashMap<(String, String), u64>,
}

impl Tables {
    fn text(&mut self, text: &str) -> i64 {
        if let Some(id) = self.text_ids.get(text) {
            return *id;
        }
        let id = self.texts.len() as i64;
        self.texts.push(text.to_owned());
        self.text_ids.insert(text.to_owned(), id);
        id
    }
    fn location(&mut self, place: &[Function]) -> u64 {
        if let Some(id) = self.location_ids.get(place) {
            return *id;
        }
        let line =
            place.iter().map(|function| Line { function_id: self.function(function), line: i64::from(function.line) }).collect();
        // 0 means none.
        let id = self.locations.len() as u64 + 1;
        self.locations.push(Location { id, line });
        self.location_ids.insert(place.to_vec(), id);
        id
    }
    fn function(&mut self, function: &Function) -> u64 {
        let key = (function.name.clone(), function.file.clone());
        if let Some(id) = self.function_ids.get(&key) {
            return *id;
        }
        let id = self.functions.len() as u64 + 1;
        let (name, filename) = (self.text(&function.name), self.text(&function.file));
        let system_name = self.text(&function.system_name);
        self.functions.push(FunctionEntry { id, name, system_name, filename });
        self.function_ids.insert(key, id);
        id
    }
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Profile {
    #[prost(message, repeated, tag = "1")]
    pub sample_type: Vec<ValueType>,
    #[prost(message, repeated, tag = "2")]
    pub sample: Vec<Sample>,
    #[prost(message, repeated, tag = "4")]
    pub location: Vec<Location>,
    #[prost(message, repeated, tag = "5")]
    pub function: Vec<FunctionEntry>,
    #[prost(string, repeated, tag = "6")]
    pub string_table: Vec<String>,
    #[prost(int64, tag = "9")]
    pub time_nanos: i64,
    #[prost(int64, tag = "10")]
    pub duration_nanos: i64,
    #[prost(message, optional, tag = "11")]
    pub period_type: Option<ValueType>,
    #[prost(int64, tag = "12")]
    pub period: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ValueType {
    #[prost(int64, tag = "1")]
    pub kind: i64,
    #[prost(int64, tag = "2")]
    pub unit: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Sample {
    #[prost(uint64, repeated, tag = "1")]
    pub location_id: Vec<u64>,
    #[prost(int64, repeated, tag = "2")]
    pub value: Vec<i64>,
    #[prost(message, repeated, tag = "3")]
    pub label: Vec<Label>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Label {
    #[prost(int64, tag = "1")]
    pub key: i64,
    #[prost(int64, tag = "2")]
    pub text: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Location {
    #[prost(uint64, tag = "1")]
    pub id: u64,
    #[prost(message, repeated, tag = "4")]
    pub line: Vec<Line>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Line {
    #[prost(uint64, tag = "1")]
    pub function_id: u64,
    #[prost(int64, tag = "2")]
    pub line: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct FunctionEntry {
    #[prost(uint64, tag = "1")]
    pub id: u64,
    #[prost(int64, tag = "2")]
    pub name: i64,
    #[prost(int64, tag = "3")]
    pub system_name: i64,
    #[prost(int64, tag = "4")]
    pub filename: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stack_is_there_with_its_names_and_each_name_once() {
        let function =
            |name: &str, line| Function { name: name.into(), system_name: format!("_{name}"), file: "f.rs".into(), line };
        let main = vec![function("main", 1)];
        let stack = |places, count| Stack { places, thread: "worker".into(), count };
        let inlined = vec![function("leaf", 7), function("middle", 9)];
        let stacks = [stack(vec![inlined, main.clone()], 3), stack(vec![vec![function("leaf", 8)], main], 2)];
        let bytes = profile(&stacks, Timing { start_unix_ns: 5, duration_ns: 6, period_ns: 10_000_000 });
        let read = Profile::decode(bytes.as_slice()).unwrap();
        let text = |id: i64| read.string_table[id as usize].as_str();
        assert_eq!(text(0), "", "the first text is empty, as readers expect");
        let types: Vec<_> = read.sample_type.iter().map(|of| (text(of.kind), text(of.unit))).collect();
        assert_eq!(types, [("samples", "count"), ("cpu", "nanoseconds")]);
        assert_eq!((read.time_nanos, read.duration_nanos, read.period), (5, 6, 10_000_000));
        let name = |id: u64| text(read.function[id as usize - 1].name);
        let names = |sample: &Sample| -> Vec<Vec<(&str, i64)>> {
            let of =
                |id: &u64| read.location[*id as usize - 1].line.iter().map(|line| (name(line.function_id), line.line)).collect();
            sample.location_id.iter().map(of).collect()
        };
        assert_eq!(names(&read.sample[0]), [vec![("leaf", 7), ("middle", 9)], vec![("main", 1)]]);
        assert_eq!(names(&read.sample[1]), [vec![("leaf", 8)], vec![("main", 1)]]);
        assert_eq!(read.sample[0].value, [3, 30_000_000]);
        let label = &read.sample[1].label[0];
        assert_eq!((text(label.key), text(label.text)), ("thread", "worker"));
        assert_eq!((read.function.len(), read.location.len()), (3, 3));
    }
}
