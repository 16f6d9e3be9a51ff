//! Counts items in an OTLP/JSON request without decoding it: what `count` does for protobuf.
//!
//! Walks down the five levels at which items can lie and steps over everything else without recursion, so that no text
//! can cost more than its length. Nothing is checked: a malformed text gives what was found so far.

use chaperone_proto::Signal;

/// The members that lead from a request to its items, level by level, in both spellings.
fn way(signal: Signal) -> &'static [&'static [&'static [u8]]] {
    match signal {
        Signal::Traces => &[&[b"resourceSpans", b"resource_spans"], &[b"scopeSpans", b"scope_spans"], &[b"spans"]],
        Signal::Logs => &[&[b"resourceLogs", b"resource_logs"], &[b"scopeLogs", b"scope_logs"], &[b"logRecords", b"log_records"]],
        Signal::Metrics => &[
            &[b"resourceMetrics", b"resource_metrics"],
            &[b"scopeMetrics", b"scope_metrics"],
            &[b"metrics"],
            &[b"gauge", b"sum", b"histogram", b"exponentialHistogram", b"exponential_histogram", b"summary"],
            &[b"dataPoints", b"data_points"],
        ],
    }
}

/// Spans, data points or log records of a request.
pub(crate) fn items(signal: Signal, json: &[u8]) -> usize {
    let mut walk = Walk { rest: json, items: 0 };
    // A text that ends too early ends the walk, wherever it is.
    let _ = walk.object(way(signal));
    walk.items
}

struct Walk<'a> {
    rest: &'a [u8],
    items: usize,
}

impl<'a> Walk<'a> {
    /// Follows an object's members that are on the way.
    fn object(&mut self, way: &[&[&[u8]]]) -> Option<()> {
        let Some((names, further)) = way.split_first() else { return self.skip() };
        if self.peek()? != b'{' {
            return self.skip();
        }
        self.next()?;
        loop {
            match self.peek()? {
                b'"' => {
                    let name = self.text()?;
                    self.colon()?;
                    if names.contains(&name) { self.list_or_object(further)? } else { self.skip()? }
                }
                b'}' => return self.next().map(drop),
                b',' => drop(self.next()?),
                _ => return None,
            }
        }
    }

    /// The elements of a list are objects further down, and items at the end; of all levels only the data of a metric are
    /// no list.
    fn list_or_object(&mut self, further: &[&[&[u8]]]) -> Option<()> {
        if self.peek()? != b'[' {
            return self.object(further);
        }
        self.next()?;
        loop {
            match self.peek()? {
                b']' => return self.next().map(drop),
                b',' => drop(self.next()?),
                _ => {
                    self.items += usize::from(further.is_empty());
                    self.object(further)?;
                }
            }
        }
    }

    /// Steps over one value.
    fn skip(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => drop(self.text()?),
                b'{' | b'[' => {
                    depth += 1;
                    self.next()?;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.next()?;
                }
                b',' | b':' if depth > 0 => drop(self.next()?),
                _ => {
                    let word = self.rest.iter().position(|byte| b",:]}[{\" \t\r\n".contains(byte));
                    self.rest = self.rest.get(word.filter(|length| *length > 0)?..)?;
                }
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    /// The text of a string as it stands there: names on the way have no escapes.
    fn text(&mut self) -> Option<&'a [u8]> {
        let begin = self.rest.get(1..)?;
        let mut from = 0;
        loop {
            let found = from + begin.get(from..)?.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
            if begin.get(found) == Some(&b'"') {
                self.rest = begin.get(found + 1..)?;
                return begin.get(..found);
            }
            from = found + 2;
        }
    }

    fn colon(&mut self) -> Option<()> {
        (self.peek()? == b':').then_some(())?;
        self.next().map(drop)
    }

    /// The next byte that is no blank.
    fn peek(&mut self) -> Option<u8> {
        let blanks = self.rest.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))?;
        self.rest = self.rest.get(blanks..)?;
        self.rest.first().copied()
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaperone_proto::{Data, Limits};
    use chaperone_testkit::corpus;

    #[test]
    fn requests_of_all_captures_have_as_many_items_as_their_index() {
        let mut counted = 0;
        for name in corpus::names() {
            for request in corpus::load(&name).expect("a capture").requests.into_iter().filter(|request| request.json) {
                let signal = Signal::ALL.into_iter().find(|signal| signal.name() == request.signal).expect("a signal");
                let indexed = Data::decode_json(signal, &request.body, &Limits::default()).expect("a capture is OTLP");
                assert_eq!(items(signal, &request.body), indexed.items(), "{name}/{}", request.file);
                counted += indexed.items();
            }
        }
        assert!(counted > 100, "{counted}");
    }

    #[test]
    fn both_spellings_and_odd_texts_are_counted() {
        for (signal, json, expected) in [
            (Signal::Traces, r#"{"x":"}\"{","resource_spans":[{"scope_spans":[{"spans":[{},{"a":[{}]},null]}]},{}]} rest"#, 3),
            (
                Signal::Traces,
                r#"{"resourceSpans":[{"resource":{"spans":[1,2]},"scopeSpans":[{"spans":[{}]},{"spans":null}]}]}"#,
                1,
            ),
            (Signal::Logs, r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"\\"}},{}]}]}]}"#, 2),
            (
                Signal::Metrics,
                r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{},{}]}},{"sum":{"data_points":[{}]}}]}]}]}"#,
                3,
            ),
            (Signal::Traces, "{}", 0),
            (Signal::Traces, "null", 0),
            (Signal::Traces, "", 0),
            (Signal::Traces, "[[[", 0),
            (Signal::Traces, r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{},{"#, 2),
            (Signal::Traces, r#"{"resourceSpans" 5"#, 0),
            (Signal::Traces, "{\"a\":\u{1}}", 0),
        ] {
            assert_eq!(items(signal, json.as_bytes()), expected, "{json}");
        }
    }

    #[test]
    fn deep_and_broken_texts_end() {
        let deep = format!("{{\"a\":{}", "[".repeat(1_000_000));
        assert_eq!(items(Signal::Traces, deep.as_bytes()), 0);
        let whole =
            br#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"a\"b"}},{"x":[1,-2.5e3,true]}]}]}]}"#;
        for end in 0..whole.len() {
            assert!(items(Signal::Logs, &whole[..end]) <= 2);
        }
        for place in 0..whole.len() {
            for byte in b"\"\\{}[],:x " {
                let mut broken = whole.to_vec();
                broken[place] = *byte;
                let _ = items(Signal::Logs, &broken);
            }
        }
    }
}
