//! Configuration: any text loads or is explained, with places that exist; what is read can be written and read again.

use chaperone_config::{
    ByteSize, ClientTls, Document, Duration, Endpoint, Gates, Headers, Node, Optional, Problems, Secret, ServerTls, Source,
    Surroundings, UserConfig, load_what_is_there, read_settings, written,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings with one of everything that components use.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    timeout: Duration,
    size: ByteSize,
    endpoint: Endpoint,
    secret: Secret,
    headers: Headers,
    tls: ClientTls,
    server: Optional<ServerTls>,
    block: Optional<Block>,
    list: Vec<String>,
    on: bool,
    share: f64,
    count: u32,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Block {
    deeper: Vec<Block>,
    name: String,
    number: i64,
}

impl UserConfig for Settings {
    fn check(&self, problems: &mut Problems) {
        if self.count > 7 {
            problems.error("count", "count must be at most 7");
        }
    }
}

fn variable(name: &str) -> Option<String> {
    match name {
        "X" => Some("[${env:X}, $${, {a: b".to_owned()),
        "PORT" => Some("4317".to_owned()),
        "MAP" => Some("{timeout: 5s, list: [a, b]}".to_owned()),
        _ => None,
    }
}

fn file(path: &str) -> Result<String, String> {
    match path {
        "a" => Ok("{count: 1, name: ${file:a}}".to_owned()),
        _ => Err("no such file".to_owned()),
    }
}

/// A document, then a line `---set` and a `--set` value, where there is one.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let mut parts = text.splitn(2, "\n---set ");
    let mut sources = vec![Source::Text { name: "f.yaml".to_owned(), text: parts.next().unwrap_or_default().to_owned() }];
    sources.extend(parts.next().map(|set| Source::Set(set.to_owned())));
    for append_lists in [false, true] {
        let gates = Gates { append_lists, allow_no_pipelines: append_lists };
        let around = Surroundings { env: &variable, file: &file, gates };
        let (document, problems) = load_what_is_there(&sources, &around);
        told(&problems);
        match document {
            Some(document) => settings_of(&document),
            None => assert!(problems.has_errors(), "what is not loaded is explained"),
        }
    }
}

fn told(problems: &Problems) {
    for problem in problems.iter() {
        assert!(!problem.message.is_empty());
        if let Some(place) = &problem.location {
            assert!(place.line > 0 && place.column > 0);
        }
    }
}

fn settings_of(document: &Document) {
    let sections = [&document.receivers, &document.processors, &document.exporters, &document.connectors, &document.extensions];
    for (id, node) in sections.into_iter().flatten() {
        let mut problems = Problems::new();
        let settings = read_settings::<Settings>(node, &id.to_string(), &mut problems);
        told(&problems);
        let Some(settings) = settings else {
            assert!(problems.has_errors(), "settings that are not read are explained");
            continue;
        };
        // Not every double has a text in JSON.
        if !settings.share.is_finite() {
            continue;
        }
        let shown = written(&settings, true).expect("settings can be written");
        let again = Node::parse(&shown.to_string(), "again.json").expect("JSON is YAML");
        let again = read_settings::<Settings>(&again, "again", &mut Problems::new()).expect("what was written reads back");
        assert_eq!(again, settings);
        let hidden = written(&settings, false).expect("settings can be written").to_string();
        assert!(!hidden.contains("s3cr3t-"), "secrets never print");
    }
}
