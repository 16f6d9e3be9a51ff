//! Which path is which signal's.
//!
//! Paths are compared segment by segment after percent signs were read, so that `/v1/%74races` is `/v1/traces` and `%2F` is
//! no slash. Paths with empty segments or dots are answered with the clean path, as a client that joined a base and a path
//! badly needs it. A configured path that ends in a slash stands for everything below it.

use chaperone_proto::Signal;
use http::Uri;

/// Where a request goes.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) enum Way {
    To(Signal),
    /// The client is to ask here.
    Elsewhere(String),
    Nowhere,
}

/// The paths of one server.
pub(in super::super) struct Routes {
    paths: Vec<(String, Signal)>,
}

impl Routes {
    /// Settings that are not paths were refused before.
    pub(super) fn new<'a>(paths: impl Iterator<Item = (&'a str, Signal)>) -> Routes {
        Routes { paths: paths.filter_map(|(text, signal)| Some((Routes::path(text)?, signal))).collect() }
    }

    /// The path that a setting names; `None` if it is none. A URL stands for its path, and the first slash may be left out.
    pub(in super::super) fn path(setting: &str) -> Option<String> {
        let text = setting.split(['?', '#']).next().unwrap_or_default();
        let text = match text.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("/", |slash| rest.get(slash..).unwrap_or("/")),
            None => text,
        };
        if text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '{' || c == '}' || c == ':') {
            return None;
        }
        let path = if text.starts_with('/') { text.to_owned() } else { format!("/{text}") };
        let path = decoded(&path)?;
        (cleaned(&path) == path).then_some(path)
    }

    /// Where a request to `uri` goes.
    pub(super) fn way(&self, uri: &Uri) -> Way {
        let path = uri.path();
        if let Some((_, signal)) = self.paths.iter().find(|(known, _)| known == path) {
            return Way::To(*signal);
        }
        // `OPTIONS *` is about the server and not about a path.
        if !path.starts_with('/') {
            return Way::Nowhere;
        }
        let clean = cleaned(path);
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let below = format!("{clean}/");
        if self.signal(&clean).is_none() && self.paths.iter().any(|(known, _)| is_same(known, &below)) {
            return Way::Elsewhere(below + &query);
        }
        if clean != path {
            return Way::Elsewhere(clean + &query);
        }
        self.signal(&clean).map_or(Way::Nowhere, Way::To)
    }

    /// The signal of a path; the longest of several that stand for it wins.
    fn signal(&self, path: &str) -> Option<Signal> {
        let found = self.paths.iter().filter(|(known, _)| {
            let depth = known.matches('/').count();
            let covers = || path.matches('/').count() >= depth && is_same(known, &first_segments(path, depth));
            is_same(known, path) || (known.ends_with('/') && covers())
        });
        found.max_by_key(|(known, _)| known.len()).map(|(_, signal)| *signal)
    }
}

/// The first `count` segments of a path, with the slash that follows them.
fn first_segments(path: &str, count: usize) -> String {
    path.split_inclusive('/').take(count).collect()
}

/// Whether a request's path, in which percent signs stand, is a known one.
fn is_same(known: &str, path: &str) -> bool {
    let segments = |text: &str| text.matches('/').count();
    segments(known) == segments(path)
        && known.split('/').zip(path.split('/')).all(|(known, asked)| decoded(asked).as_deref() == Some(known))
}

/// A text with its percent signs read; `None` when what follows one is no number.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => (hex(bytes.next()?)? << 4) | hex(bytes.next()?)?,
            other => other,
        });
    }
    String::from_utf8(out).ok()
}

fn hex(digit: u8) -> Option<u8> {
    (digit as char).to_digit(16).map(|value| value as u8)
}

/// The path without empty segments and dots; a slash at its end stays.
fn cleaned(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            other => kept.push(other),
        }
    }
    let end = if path.ends_with('/') && !kept.is_empty() { "/" } else { "" };
    format!("/{}{end}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(paths: &[(&str, Signal)], uri: &str) -> Way {
        Routes::new(paths.iter().copied()).way(&uri.parse().unwrap())
    }

    #[test]
    fn settings_are_read_as_paths() {
        for (setting, path) in [
            ("/v1/traces", Some("/v1/traces")),
            ("in", Some("/in")),
            ("in/", Some("/in/")),
            ("", Some("/")),
            ("http://somewhere/y%2Ez?q=1#f", Some("/y.z")),
            ("http://somewhere", Some("/")),
            ("/a b", None),
            ("/a%zz", None),
            ("/a//b", None),
            ("/{signal}", None),
        ] {
            assert_eq!(Routes::path(setting).as_deref(), path, "{setting}");
        }
    }

    #[test]
    fn requests_find_their_signal() {
        let paths = [("/v1/traces", Signal::Traces), ("/in/", Signal::Logs), ("/in/metrics", Signal::Metrics)];
        let elsewhere = |to: &str| Way::Elsewhere(to.to_owned());
        for (uri, expected) in [
            ("/v1/traces", Way::To(Signal::Traces)),
            ("/v1/traces?a=b", Way::To(Signal::Traces)),
            ("/v1/%74races", Way::To(Signal::Traces)),
            ("/v1%2Ftraces", Way::Nowhere),
            ("/v1/traces/", Way::Nowhere),
            ("/v1/traces/x", Way::Nowhere),
            ("/V1/traces", Way::Nowhere),
            ("/", Way::Nowhere),
            ("*", Way::Nowhere),
            ("//v1/traces?a=b", elsewhere("/v1/traces?a=b")),
            ("/x/./../v1/traces", elsewhere("/v1/traces")),
            ("//nowhere/", elsewhere("/nowhere/")),
            ("/in", elsewhere("/in/")),
            ("/in/", Way::To(Signal::Logs)),
            ("/in/x/y", Way::To(Signal::Logs)),
            ("/in/metrics", Way::To(Signal::Metrics)),
            ("http://host/v1/traces", Way::To(Signal::Traces)),
        ] {
            assert_eq!(way(&paths, uri), expected, "{uri}");
        }
        assert_eq!(way(&[("", Signal::Logs)], "/any/thing"), Way::To(Signal::Logs));
    }
}
