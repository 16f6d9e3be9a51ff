//! Settings of an invented component, read well and badly.

use crate::{ByteSize, Duration, Endpoint, Node, Optional, Problems, Secret, UserConfig, parse_settings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    endpoint: Endpoint,
    timeout: Duration,
    max_bytes: ByteSize,
    token: Secret,
    compression: Compression,
    retry: Retry,
    queue: Optional<Queue>,
    tls: Optional<Tls>,
    headers: BTreeMap<String, String>,
    metadata_keys: Vec<String>,
    ratio: f64,
    workers: u8,
    verbose: bool,
    note: Option<String>,
    storage: Storage,
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Compression {
    /// Smaller.
    Gzip,
    /// Faster.
    Zstd,
    None,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Retry {
    attempts: u32,
    wait: Duration,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Queue {
    size: u64,
    consumers: u64,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Tls {
    insecure: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "type", deny_unknown_fields)]
enum Storage {
    Memory {
        limit: ByteSize,
    },
    File {
        path: String,
        #[serde(default)]
        sync: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Rule {
    id: String,
    #[serde(default)]
    above: Option<i32>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            endpoint: Endpoint::new("localhost:4317"),
            timeout: Duration::from_secs(5),
            max_bytes: ByteSize::mib(64),
            token: Secret::from("built-in"),
            compression: Compression::Gzip,
            retry: Retry { attempts: 7, wait: Duration::from_millis(250) },
            queue: Optional::Present(Queue { size: 1000, consumers: 10 }),
            tls: Optional::Absent,
            headers: BTreeMap::new(),
            metadata_keys: Vec::new(),
            ratio: 0.5,
            workers: 4,
            verbose: true,
            note: Some("as it is".to_owned()),
            storage: Storage::Memory { limit: ByteSize(1) },
            rules: Vec::new(),
        }
    }
}

impl UserConfig for Config {
    fn check(&self, problems: &mut Problems) {
        if self.retry.attempts == 0 {
            problems.within("retry", |problems| problems.error("attempts", "`attempts` must be positive"));
        }
        if let Some(queue) = self.queue.get()
            && queue.consumers > queue.size
        {
            problems.error("queue", "more consumers than places");
        }
    }
}

fn read(text: &str) -> Result<Config, String> {
    let node = Node::parse(text, "c.yaml").map_err(|problems| problems.to_string())?;
    parse_settings::<Config>(&node, "exporters.x").map_err(|problems| problems.to_string())
}

fn good(text: &str) -> Config {
    read(text).unwrap_or_else(|problems| panic!("{problems}"))
}

fn bad(text: &str, expected: &str) {
    assert_eq!(read(text).unwrap_err(), expected, "{text}");
}

#[test]
fn nothing_written_gives_the_components_defaults_secret_included() {
    assert_eq!(good(""), Config::default());
    assert_eq!(good("{}").token.expose(), "built-in");
    assert_eq!(parse_settings::<Config>(&Node::null(), "x").map_err(|p| p.to_string()), Ok(Config::default()));
}

#[test]
fn what_is_written_lies_over_the_components_defaults_at_every_depth() {
    let config = good("retry: {wait: 1s}\nqueue: {size: 20}\ntoken: mine\nmax_bytes: 1MiB\nheaders: {a: b}\ncompression: zstd");
    assert_eq!(config.retry, Retry { attempts: 7, wait: Duration::from_secs(1) });
    assert_eq!(config.queue, Optional::Present(Queue { size: 20, consumers: 10 }));
    assert_eq!(config.token.expose(), "mine");
    assert_eq!(config.max_bytes, ByteSize::mib(1));
    assert_eq!(config.compression, Compression::Zstd);
    assert_eq!(config.headers.get("a").map(String::as_str), Some("b"));
}

#[test]
fn optional_blocks_are_absent_present_or_off() {
    assert_eq!(good("queue:").queue, Optional::Present(Queue { size: 1000, consumers: 10 }));
    assert_eq!(good("queue: {enabled: false, size: 5}").queue, Optional::Absent);
    assert_eq!(good("queue: {enabled: true}").queue, Config::default().queue);
    assert_eq!(good("tls:").tls, Optional::Present(Tls { insecure: false }));
    assert_eq!(good("tls: {}").tls, Optional::Present(Tls { insecure: false }));
    bad("queue: false", "error: expected a map, found `false`\n  --> c.yaml:1:8  exporters.x.queue");
    bad(
        "queue: {enabled: maybe}",
        "error: expected `true` or `false`, found the text `maybe`\n  --> c.yaml:1:18  exporters.x.queue.enabled",
    );
}

#[test]
fn null_keeps_blocks_and_is_the_zero_of_scalars() {
    let config = good("retry:\ntimeout:\nworkers: ~\nverbose:\nendpoint:\nmax_bytes:\nnote:\nratio:\nmetadata_keys:");
    assert_eq!(config.retry, Config::default().retry);
    assert!(config.timeout.is_zero() && config.endpoint.is_empty() && !config.verbose);
    assert_eq!((config.workers, config.max_bytes, config.note, config.ratio), (0, ByteSize(0), None, 0.0));
}

#[test]
fn text_is_split_where_a_list_of_text_is_wanted() {
    assert_eq!(good("metadata_keys: a, b").metadata_keys, ["a", "b"]);
    assert_eq!(good("metadata_keys: [a, b]").metadata_keys, ["a", "b"]);
    assert!(good("metadata_keys: \"\"").metadata_keys.is_empty());
}

#[test]
fn enums_with_settings_replace_the_default_whole() {
    let path = "x".to_owned();
    assert_eq!(good("storage: {type: file, path: x}").storage, Storage::File { path, sync: false });
    bad(
        "storage: {type: file, pth: x}",
        "error: unknown key `pth`\n  --> c.yaml:1:23  exporters.x.storage.pth\n  hint: did you mean `path`?\n\
         error: missing key `path`\n  --> c.yaml:1:1  exporters.x.storage",
    );
    bad(
        "compression: gizp",
        "error: expected `none`, `gzip` or `zstd`, found the text `gizp`\n  --> c.yaml:1:14  exporters.x.compression\n  \
         hint: did you mean `gzip`?",
    );
}

#[test]
fn everything_wrong_is_reported_at_once() {
    bad(
        "endpont: x\ntimeout: 5\nratio: high\nworkers: 300\nverbose: yes\nheaders: {a: 1}\nretry: {atempts: 1, wait: 1d}\nmetadata_keys: {a: b}\n\
         rules: [{above: 1.5}, x]\nendpoint: 4317\nmax_bytes: lots\ncompression: 5",
        "error: unknown key `endpont`\n  --> c.yaml:1:1  exporters.x.endpont\n  hint: did you mean `endpoint`?\n\
         error: expected a number, found the text `high`\n  --> c.yaml:3:8  exporters.x.ratio\n\
         error: `300` is too large: at most 255\n  --> c.yaml:4:10  exporters.x.workers\n\
         error: expected `true` or `false`, found the text `yes`\n  --> c.yaml:5:10  exporters.x.verbose\n  hint: write `true`\n\
         error: expected text, found the number `1`\n  --> c.yaml:6:14  exporters.x.headers.a\n  hint: put it in quotes: `\"1\"`\n\
         error: unknown key `atempts`\n  --> c.yaml:7:9  exporters.x.retry.atempts\n  hint: did you mean `attempts`?\n\
         error: unknown unit `d` in duration `1d`\n  --> c.yaml:7:27  exporters.x.retry.wait\n  \
         hint: write a number with a unit, such as `300ms`, `5s` or `1h30m`\n\
         error: expected a list, found a map\n  --> c.yaml:8:1  exporters.x.metadata_keys\n\
         error: expected a whole number, found the number `1.5`\n  --> c.yaml:9:17  exporters.x.rules[0].above\n\
         error: missing key `id`\n  --> c.yaml:9:9  exporters.x.rules[0]\n\
         error: expected a map, found the text `x`\n  --> c.yaml:9:23  exporters.x.rules[1]\n\
         error: expected text, found the number `4317`\n  --> c.yaml:10:11  exporters.x.endpoint\n  hint: put it in quotes: `\"4317\"`\n\
         error: unknown unit `lots` in size `lots`\n  --> c.yaml:11:12  exporters.x.max_bytes\n  \
         hint: write a number of bytes, or a number with a unit, such as `64MiB`\n\
         error: expected `none`, `gzip` or `zstd`, found the number `5`\n  --> c.yaml:12:14  exporters.x.compression",
    );
}

#[test]
fn what_check_finds_has_the_nearest_place() {
    bad(
        "retry:\n  attempts: 0\nqueue: {size: 5}",
        "error: `attempts` must be positive\n  --> c.yaml:2:13  exporters.x.retry.attempts\n\
         error: more consumers than places\n  --> c.yaml:3:1  exporters.x.queue",
    );
}

#[test]
fn the_whole_component_may_be_of_the_wrong_kind() {
    bad("[1, 2]", "error: expected a map, found a list\n  --> c.yaml:1:1  exporters.x");
}

#[test]
fn numbers_of_other_spellings_are_taken() {
    let config = good("workers: 0x10\nratio: 1\nretry: {attempts: 1e3}\ntimeout: 5");
    assert_eq!((config.workers, config.ratio, config.retry.attempts), (16, 1.0, 1000));
    assert_eq!(config.timeout.get().as_nanos(), 5);
}

#[test]
fn a_secret_is_never_in_a_message() {
    let message = read("token: 12345").unwrap_err();
    assert_eq!(
        message,
        "error: expected text, found a value that is not text\n  --> c.yaml:1:8  exporters.x.token\n  hint: put it in quotes"
    );
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Filter {
    any: Vec<Filter>,
    not: Option<Box<Filter>>,
    #[schemars(extend("x-aliases" = ["name"]))]
    key: String,
}

impl UserConfig for Filter {}

fn filter(text: &str) -> Result<Filter, String> {
    let node = Node::parse(text, "f.yaml").map_err(|problems| problems.to_string())?;
    parse_settings(&node, "f").map_err(|problems| problems.to_string())
}

#[test]
fn settings_that_contain_themselves_are_checked_at_every_depth() {
    let read = filter("any: [{key: a}, {not: {any: [{key: b}]}}]").unwrap();
    assert_eq!(read.any[1].not.as_ref().map(|not| not.any[0].key.as_str()), Some("b"));
    assert_eq!(
        filter("any: [{not: {any: [{kye: b}]}}]").unwrap_err(),
        "error: unknown key `kye`\n  --> f.yaml:1:21  f.any[0].not.any[0].kye\n  hint: did you mean `key`?"
    );
}

#[test]
fn a_key_of_another_name_is_known_where_the_schema_says_so() {
    assert_eq!(filter("name: a").map(|filter| filter.key), Ok("a".to_owned()));
    assert_eq!(filter("name: a\nkey: b").unwrap_err(), "error: duplicate field `key`\n  --> f.yaml:1:1  f");
}

#[test]
fn settings_in_force_read_back_as_the_same() {
    let node = Node::parse("queue: {enabled: false}\ntls: \nretry: {wait: 1s}\ntoken: hunter2\nnote: x\n", "t.yaml").unwrap();
    let mut problems = Problems::new();
    let json = crate::effective_settings::<Config>(&node, "x", true, &mut problems).unwrap();
    assert!(problems.is_empty(), "{problems}");
    assert_eq!(json["queue"], serde_json::json!({"enabled": false}), "null would turn it on");
    assert_eq!(json["retry"], serde_json::json!({"attempts": 7, "wait": "1s"}), "defaults are filled in");
    assert_eq!(json["token"], "hunter2");
    let again: Config = parse_settings(&Node::from_json(&json), "x").unwrap();
    assert_eq!(again, parse_settings(&node, "x").unwrap());
    let hidden = crate::effective_settings::<Config>(&node, "x", false, &mut problems).unwrap();
    assert_eq!(hidden["token"], "[REDACTED]");
    assert!(crate::effective_settings::<Config>(&Node::parse("nope: 1", "t").unwrap(), "x", false, &mut problems).is_none());
    assert!(problems.has_errors());
}
