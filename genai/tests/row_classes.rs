//! The class that each row of `ROWS.tsv` names is the one the content policy goes by: what is planted under a content, identity or
//! secret key does not leave with metadata only, under a metadata key it does.

mod support;

use chaperone_genai::content::{Identity, Mode, Policy};
use chaperone_proto::RecordRef;
use serde_json::json;
use std::fs;
use std::path::Path;
use support::tables::tables;
use support::{normalized, shown, span_of};

/// Short enough to pass where nothing is known of a key, and no recogniser's business.
const PLANTED: &str = "zebra quartz";

/// Kept from leaving although emitters mean them as metadata: objects with schemas and descriptions in them, any text.
/// What is metadata in them stands under canonical keys.
const STRICTER: [&str; 4] =
    ["llm.invocation_parameters", "langfuse.observation.model.parameters", "name", "model_request_parameters"];

/// Rows of one plain key.
fn rows() -> Vec<(String, String, String)> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/dialect_rows/ROWS.tsv"));
    let text = text.expect("the rows");
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    let cells = rows.map(|line| line.split('\t').map(str::to_owned).collect::<Vec<_>>());
    let of_one_key = |key: &str| !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "._:-".contains(c));
    let of_one_key = cells.filter(|cells| cells[2] == "attr" && of_one_key(&cells[1]));
    of_one_key.map(|cells| (cells[0].clone(), cells[1].clone(), cells[3].clone())).collect()
}

/// All text that a record carries.
fn texts(record: RecordRef<'_>) -> String {
    let mut all = format!("{:?}", shown(record));
    if let RecordRef::Span(span) = record {
        for event in span.events() {
            event.attrs().iter().for_each(|(_, value)| value.write_json(&mut all));
        }
    }
    all
}

#[test]
fn what_is_no_metadata_does_not_leave_and_what_is_does() {
    let tables = tables();
    let rows = rows();
    assert!(rows.len() > 150, "rows are read");
    let policy = Policy::new(Mode::MetadataOnly, Identity::Hash, [7; 32]);
    let mut wrong = Vec::new();
    for (dialect, key, class) in &rows {
        let scope = (tables[dialect].scope.as_str(), "1.0");
        // An operation makes it GenAI where the dialect has no scope.
        let attrs = json!({"gen_ai.operation.name": "chat", (key.as_str()): PLANTED});
        let mut data = normalized(span_of(scope, json!({}), &attrs));
        policy.apply(&mut data);
        let leaves = texts(data.record(0)).contains(PLANTED);
        if leaves != (class == "meta" && !STRICTER.contains(&key.as_str())) {
            let what = if leaves { "leaves" } else { "does not leave" };
            wrong.push(format!("{dialect}: what stands under {class} key {key} {what}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}
