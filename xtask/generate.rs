//! `cargo xtask gen`: documents that are made from tables, so that they cannot tell something else.
//!
//! `docs/semantic-conventions.md` comes from `genai/keys.rs` and `genai/data/keys.tsv`, with the names of events and metrics;
//! `docs/dialects.md` from the tables of dialects, their test cases and the captures.
//! A test of this crate fails when a document is not what `gen` would write.

use crate::root;
use anyhow::{Context, Result, bail};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

type Document = (&'static str, fn(&Path) -> Result<String>);

const DOCUMENTS: [Document; 2] = [("docs/semantic-conventions.md", conventions), ("docs/dialects.md", dialects)];

/// Writes every generated document.
pub fn run() -> Result<()> {
    let root = root();
    for (path, make) in DOCUMENTS {
        fs::write(root.join(path), make(&root)?).with_context(|| format!("cannot write `{path}`"))?;
        println!("wrote {path}");
    }
    Ok(())
}

fn read(root: &Path, path: &str) -> Result<String> {
    fs::read_to_string(root.join(path)).with_context(|| format!("cannot read `{path}`"))
}

/// Rows of a table of the repository: what is neither empty nor a comment.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| line.split('\t').collect())
}

/// Keys with their classes, in the order of the code.
fn keys(source: &str) -> Vec<(&str, &str)> {
    let listed = source.split_once("\nkeys! {").map_or("", |(_, list)| list);
    listed
        .lines()
        .take_while(|line| !line.starts_with('}'))
        .filter_map(|line| {
            let (_, rest) = line.split_once("= \"")?;
            let (key, class) = rest.split_once("\",")?;
            Some((key, class.trim().trim_end_matches(';')))
        })
        .collect()
}

/// Constants of text with the comment above them.
fn names(source: &str) -> Vec<(&str, &str)> {
    let lines: Vec<&str> = source.lines().collect();
    let named = lines.windows(2).filter_map(|pair| {
        let [above, line] = pair else { return None };
        let (_, rest) = line.strip_prefix("pub const ")?.split_once("&str = \"")?;
        Some((rest.split('"').next()?, above.trim_start_matches("///").trim()))
    });
    named.collect()
}

const SECTIONS: [(&str, &str); 16] = [
    ("gen_ai.", "The GenAI conventions"),
    ("chaperone.dialect.", "Dialect and framework"),
    ("chaperone.usage.", "Usage"),
    ("chaperone.cost.", "Cost"),
    ("chaperone.tool.", "Tools"),
    ("chaperone.llm.", "Model calls"),
    ("chaperone.content.", "Content"),
    ("chaperone.failure.", "Failures"),
    ("chaperone.handoff.", "Hand-overs"),
    ("chaperone.decision.", "Decisions"),
    ("chaperone.approval.", "Approvals"),
    ("chaperone.quality_signal.", "Signs of quality"),
    ("chaperone.run.", "Runs"),
    ("chaperone.finding.", "Findings"),
    ("chaperone.alert.", "Alerts"),
    ("chaperone.", "Steps, agents and other keys of ours"),
];
const OTHERS: &str = "Other conventions and dialects";

fn section(key: &str) -> &'static str {
    match key {
        "chaperone.framework.name" => "Dialect and framework",
        // The run's id stands on every record.
        "chaperone.run.id" => "Steps, agents and other keys of ours",
        _ => SECTIONS.iter().find(|(prefix, _)| key.starts_with(prefix)).map_or(OTHERS, |(_, title)| title),
    }
}

fn conventions(root: &Path) -> Result<String> {
    let (source, table) = (read(root, "genai/keys.rs")?, read(root, "genai/data/keys.tsv")?);
    let known = keys(&source);
    let mut described: BTreeMap<&str, Vec<&str>> = rows(&table).filter_map(|row| Some((*row.first()?, row))).collect();
    let mut sections: BTreeMap<&str, String> = BTreeMap::new();
    let mut lacking = Vec::new();
    for (key, class) in &known {
        let Some(row) = described.remove(key) else {
            lacking.push(*key);
            continue;
        };
        let [_, kind, unit, from, status, meaning] = row[..] else { bail!("genai/data/keys.tsv: `{key}` needs six cells") };
        if meaning.is_empty() {
            bail!("genai/data/keys.tsv: `{key}` has no meaning");
        }
        let class = class.to_lowercase();
        let text = sections.entry(section(key)).or_default();
        writeln!(text, "| `{key}` | {kind} | {unit} | {class} | {from} | {status} | {meaning} |")?;
    }
    if !lacking.is_empty() || !described.is_empty() {
        let gone: Vec<&&str> = described.keys().collect();
        bail!("genai/data/keys.tsv lacks {lacking:?} and has {gone:?}, which genai/keys.rs does not name");
    }
    let mut text = String::from(CONVENTIONS);
    let titles = SECTIONS.iter().map(|(_, title)| *title).chain([OTHERS]);
    for title in titles {
        if let Some(rows) = sections.remove(title) {
            write!(
                text,
                "\n### {title}\n\n| key | type | unit | class | source | status | meaning |\n|---|---|---|---|---|---|---|\n{rows}"
            )?;
        }
    }
    text += "\n## Events\n\nSpan events where they are reported on or derived from a span, log records with this event name where they came as, or are derived from, a log.\n\n| event | what it tells |\n|---|---|\n";
    for (name, meaning) in names(&read(root, "genai/event_names.rs")?) {
        writeln!(text, "| `{name}` | {meaning} |")?;
    }
    text += "\n## Metrics\n\n`gen_ai_metrics` makes them from spans and logs.\n\n| metric | what it measures |\n|---|---|\n";
    for (name, meaning) in names(&read(root, "genai/metric_names.rs")?) {
        if !name.ends_with('.') {
            writeln!(text, "| `{name}` | {meaning} |")?;
        }
    }
    Ok(text)
}

const CONVENTIONS: &str = "# Semantic conventions

Every attribute that Chaperone names: those of OpenTelemetry that it reads and writes, and its own.
This page is made by `cargo xtask gen` from `genai/keys.rs` and `genai/data/keys.tsv`; change those.
What an agent can send itself is in [emitting](emitting.md).

## Attributes

*Class* is what `gen_ai_content` goes by: `meta` passes, `identity` is kept, pseudonymised or dropped by setting, `content` is removed, masked or kept by mode, `secret` never passes.
*Source* is `otel-genai` for the OpenTelemetry GenAI conventions, `otel` for other conventions of OpenTelemetry, `chaperone` for ours, else the dialect whose key it is.
*Status* is upstream's for upstream's keys; `proposed` is not merged there, `legacy` is read and never written, `ours` may change with notice until 1.0.
";

fn dialects(root: &Path) -> Result<String> {
    let detection = read(root, "genai/data/detection.tsv")?;
    let settings = read(root, "genai/data/dialect_settings.tsv")?;
    let corpus = read(root, "tests/corpus/DIALECTS.tsv")?;
    let mut captures: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in rows(&corpus).skip(1) {
        let [capture, _, _, dialect, _] = row[..] else { bail!("tests/corpus/DIALECTS.tsv: a row needs five cells") };
        captures.entry(dialect).or_default().insert(capture);
    }
    let mut text = String::from(DIALECTS);
    for row in rows(&detection) {
        let [id, scopes, _, markers] = row[..] else { bail!("genai/data/detection.tsv: `{row:?}` needs four cells") };
        let count = |folder: &str| read(root, &format!("{folder}/{id}.tsv")).map_or(0, |table| rows(&table).count());
        let (mapped, cases) = (count("genai/data/dialects"), count("genai/testdata/dialect_rows"));
        let counted: BTreeSet<&str> =
            rows(&settings).filter(|row| row.first() == Some(&id)).filter_map(|row| row.get(2).copied()).collect();
        let counted: Vec<&str> = counted.into_iter().collect();
        let list = |text: &str| {
            let parts = text.split_whitespace().map(|part| format!("`{}`", part.replace('|', "\\|")));
            parts.collect::<Vec<_>>().join(" ")
        };
        let scopes = if scopes.is_empty() { "-".to_owned() } else { list(scopes) };
        let markers = if markers.is_empty() { "-".to_owned() } else { list(markers) };
        let seen = captures.get(id).map_or(0, BTreeSet::len);
        writeln!(text, "| `{id}` | {scopes} | {markers} | {} | {mapped} | {cases} | {seen} |", counted.join("; "))?;
    }
    let common = rows(&read(root, "genai/data/dialects/common.tsv")?).count();
    writeln!(text, "\n{common} more rows hold for every dialect (`genai/data/dialects/common.tsv`).")?;
    Ok(text)
}

const DIALECTS: &str = "# Dialects

In which spellings agents may tell of themselves: each is recognised, and mapped to [one](semantic-conventions.md).
This page is made by `cargo xtask gen` from the tables under `genai/data/`, their test cases and the captures; change those.
`chaperone explain` [says](explain.md) what one record was taken for.

A record's scope decides, the rows in this order; only where no row's scope fits, markers do.
*Counted at* says which records may own tokens: spans of calls, spans of agents, or logs of an event.
*Rows* are source keys that the dialect's own table maps, *cases* tests of single rows, *captures* recordings of real emitters in `tests/corpus`.

| dialect | scopes | markers | counted at | rows | cases | captures |
|---|---|---|---|---|---|---|
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_documents_are_what_the_tables_say() {
        for (path, make) in DOCUMENTS {
            let made = make(&root()).unwrap();
            let written = fs::read_to_string(root().join(path)).unwrap_or_default();
            assert!(made == written, "{path} is stale: run `cargo xtask gen`");
        }
    }

    #[test]
    fn keys_and_names_are_read_from_the_code() {
        let code = "x\nkeys! {\n    A = \"a.b\", Meta;\n    B = \"c\", Content;\n}\n";
        assert_eq!(keys(code), [("a.b", "Meta"), ("c", "Content")]);
        assert_eq!(names("/// Told.\npub const X: &str = \"x.y\";\n"), [("x.y", "Told.")]);
    }
}
