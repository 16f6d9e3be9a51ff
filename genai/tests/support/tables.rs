//! The mapping tables as a generator of records sees them: which keys, events, names and paths each dialect reads.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Leaves below a key that is a prefix.
const LEAVES: [&str; 7] = [
    "0.message.role",
    "1.message.content",
    "7.message.tool_calls.0.tool_call.id",
    "0.content",
    "x",
    "0.tool.json_schema",
    "3.role",
];

/// What one table reads.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// The scope by which the dialect is recognised; `app` where markers tell.
    pub scope: String,
    pub keys: Vec<String>,
    /// Event name and attribute.
    pub events: Vec<(String, String)>,
    pub span_names: Vec<String>,
    pub log_names: Vec<String>,
    /// A key and a path into its value.
    pub paths: Vec<(String, String)>,
    /// Keys that never stay, or how they begin.
    pub dropped: Vec<String>,
}

impl Table {
    fn take(&mut self, source: &str) {
        let star = |name: &str| name.replace("\\s", " ").replace('*', "x");
        if let Some((event, key)) = source.strip_prefix("event:").and_then(|rest| rest.split_once('#')) {
            // The time of an event is no attribute.
            if key != "@time" {
                self.events.push((star(event), key.to_owned()));
            }
        } else if let Some(name) = source.strip_prefix("name:") {
            self.span_names.push(star(name));
        } else if let Some(rest) = source.strip_prefix("log:").or_else(|| source.strip_prefix("span:")) {
            let (name, what) = rest.split_at(rest.find(['#', '?']).unwrap_or(rest.len()));
            let names = if source.starts_with("log:") { &mut self.log_names } else { &mut self.span_names };
            names.push(star(name));
            self.keys.extend(what.get(1..).map(|key| key.split('=').next().unwrap_or(key).to_owned()));
        } else if let Some((key, path)) = source.split_once('#') {
            self.paths.push((key.to_owned(), path.to_owned()));
            self.keys.push(key.to_owned());
        } else if let Some(prefix) = source.strip_suffix('*') {
            self.keys.extend(LEAVES.iter().map(|leaf| format!("{prefix}{leaf}")));
        } else {
            self.keys.push(source.to_owned());
        }
    }
}

fn lines(path: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(path).expect("a table");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// All tables by dialect; `common` among them.
pub fn tables() -> BTreeMap<String, Table> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    for row in lines(&data.join("detection.tsv")) {
        let first = row.get(1).and_then(|scopes| scopes.split_whitespace().next()).unwrap_or("app");
        tables.entry(row[0].clone()).or_default().scope = first.replace('*', "x");
    }
    tables.entry("common".to_owned()).or_default().scope = "app".to_owned();
    for file in fs::read_dir(data.join("dialects")).expect("the tables").map(|file| file.expect("a table").path()) {
        let dialect = file.file_stem().and_then(|stem| stem.to_str()).expect("a name of text").to_owned();
        let table = tables.get_mut(&dialect).unwrap_or_else(|| panic!("{dialect} is a dialect"));
        for row in lines(&file) {
            table.take(&row[0]);
            if row[2] == "drop" {
                table.dropped.push(row[0].rsplit('#').next().unwrap_or("").trim_end_matches('*').to_owned());
            }
        }
    }
    tables
}
