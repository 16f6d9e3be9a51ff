//! A rule file: from YAML with positions to typed rules. All faults of a file are told at once.
//!
//! The whole format is read, also what is not evaluated yet (`let`), so that a file written for later is understood;
//! only `when` refuses what it cannot evaluate.

use super::fields::Reader;
use chaperone_config::{Node, Problems};
use chaperone_genai::detect::Severity;
use chaperone_genai::rules::model::{AGGREGATES, CATEGORIES, KEYS};
use chaperone_genai::rules::{Aggregate, Enabled, Expression, Group, Let, NoData, Rule, Template, TestFile};
use std::time::Duration;

const GROUP_KEYS: &[&str] = &["name", "interval", "rules"];
const RULE_KEYS: &[&str] = &[
    "id",
    "category",
    "severity",
    "by",
    "let",
    "when",
    "for",
    "keep_firing_for",
    "no_data",
    "tags",
    "message",
    "description",
    "runbook",
    "tests",
    "enabled",
];
const LET_KEYS: &[&str] = &["agg", "of", "over", "by", "where", "half_life", "min_n"];
/// What a message can show beside keys and values of findings.
const SHOWN: &[&str] = &["cycle", "snippet", "value", "threshold", "severity", "occurrences", "rule"];
const DEFAULT_INTERVAL: Duration = Duration::from_secs(10);

/// Reads a rule file. `taken`: ids of rules of earlier files; the file's own are added.
pub fn parse(text: &str, file: &str, taken: &mut Vec<String>) -> Result<Vec<Group>, Problems> {
    let root = Node::parse(text, file)?;
    let mut reader = Reader::new(text);
    reader.known_keys(&root, "", &["groups"]);
    let mut groups: Vec<Group> = Vec::new();
    for (i, node) in reader.list(&root, "", "groups").enumerate() {
        let group = group(&mut reader, node, &format!("groups[{i}]"), taken);
        if groups.iter().any(|earlier| earlier.name == group.name) {
            reader.error(node, &format!("groups[{i}].name"), format!("the group `{}` stands twice in this file", group.name));
        }
        groups.push(group);
    }
    reader.finish(groups)
}

fn group(reader: &mut Reader<'_>, node: &Node, path: &str, taken: &mut Vec<String>) -> Group {
    reader.known_keys(node, path, GROUP_KEYS);
    let name = reader.required_text(node, path, "name");
    let interval = reader.duration(node, path, "interval").unwrap_or(DEFAULT_INTERVAL);
    let mut rules = Vec::new();
    for (i, rule_node) in reader.list(node, path, "rules").enumerate() {
        let path = format!("{path}.rules[{i}]");
        let rule = rule(reader, rule_node, &path);
        if taken.contains(&rule.id) {
            reader.error(rule_node, &format!("{path}.id"), format!("the rule `{}` stands twice", rule.id));
        }
        taken.push(rule.id.clone());
        rules.push(rule);
    }
    Group { name, interval, rules }
}

fn rule(reader: &mut Reader<'_>, node: &Node, path: &str) -> Rule {
    reader.known_keys(node, path, RULE_KEYS);
    let id = reader.required_text(node, path, "id");
    if !id.is_empty() && !id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
        reader.error_at(node, path, "id", "an id has letters, digits, `-` and `_`".to_owned(), None);
    }
    let severities = Severity::ALL.map(Severity::name);
    let severity = reader.word(node, path, "severity", &severities).and_then(|word| Severity::parse(&word));
    let lets = lets(reader, node, path);
    let when = condition(reader, node, path);
    let message = template(reader, node, path, "message", &when);
    if message.is_none() && node.get("message").is_none() {
        reader.error(node, path, "`message` is missing".to_owned());
    }
    Rule {
        id,
        category: reader.word(node, path, "category", &CATEGORIES).unwrap_or_else(|| "anomaly".to_owned()),
        severity: severity.unwrap_or(Severity::Medium),
        by: reader.words(node, path, "by", &KEYS),
        lets,
        for_: reader.duration(node, path, "for").unwrap_or_default(),
        keep_firing_for: reader.duration(node, path, "keep_firing_for").unwrap_or_default(),
        no_data: no_data(reader, node, path),
        tags: reader.texts(node, path, "tags"),
        message: message.unwrap_or_default(),
        description: template(reader, node, path, "description", &when),
        runbook: reader.text(node, path, "runbook").unwrap_or_default(),
        tests: tests(reader, node, path),
        enabled: enabled(reader, node, path),
        when: when.unwrap_or(Expression::Or(Vec::new())),
    }
}

fn lets(reader: &mut Reader<'_>, node: &Node, path: &str) -> Vec<(String, Let)> {
    let Some(block) = node.get("let") else { return Vec::new() };
    if !block.is_map() && !block.is_null() {
        reader.error(block, &format!("{path}.let"), "expected a map of names to aggregates".to_owned());
    }
    let mut lets = Vec::new();
    for (name, _, value) in block.entries() {
        let path = format!("{path}.let.{name}");
        reader.known_keys(value, &path, LET_KEYS);
        lets.push((name.to_owned(), aggregate(reader, value, &path)));
    }
    lets
}

fn aggregate(reader: &mut Reader<'_>, node: &Node, path: &str) -> Let {
    let aggregate = reader.word(node, path, "agg", &AGGREGATES);
    if aggregate.is_none() && node.get("agg").is_none() {
        reader.error(node, path, "`agg` is missing".to_owned());
    }
    let of = reader.text(node, path, "of").unwrap_or_default();
    if of.is_empty() && aggregate.as_deref().is_some_and(|word| word != "count") {
        reader.error(node, path, "`of` is missing: only `count` does without".to_owned());
    }
    Let {
        aggregate: Aggregate(aggregate.unwrap_or_default()),
        of,
        over: reader.duration(node, path, "over"),
        by: reader.words(node, path, "by", &KEYS),
        where_: reader.text(node, path, "where").unwrap_or_default(),
        half_life: reader.duration(node, path, "half_life"),
        min_n: reader.whole(node, path, "min_n"),
    }
}

fn condition(reader: &mut Reader<'_>, node: &Node, path: &str) -> Option<Expression> {
    let Some(value) = node.get("when") else {
        reader.error(node, path, "`when` is missing".to_owned());
        return None;
    };
    let text = reader.text(node, path, "when")?;
    match Expression::parse(&text) {
        Ok(expression) => Some(expression),
        Err(error) => {
            reader.error_inside(value, &format!("{path}.when"), error.at, error.message, error.hint);
            None
        }
    }
}

fn template(reader: &mut Reader<'_>, node: &Node, path: &str, key: &str, when: &Option<Expression>) -> Option<Template> {
    let value = node.get(key)?;
    let text = reader.text(node, path, key)?;
    let comparisons = when.as_ref().map(Expression::comparisons).unwrap_or_default();
    let field_of = |detector: &str, field: &str| {
        chaperone_genai::rules::expression::fields(detector).is_some_and(|mut fields| fields.any(|known| known == field))
    };
    let is_known = |name: &str| {
        // Without a condition nothing can be said about the values of its detectors.
        when.is_none()
            || KEYS.contains(&name)
            || SHOWN.contains(&name)
            || comparisons.iter().any(|comparison| field_of(&comparison.detector, name))
            || name.split_once('.').is_some_and(|(detector, field)| field_of(detector, field))
    };
    match Template::parse(&text, &is_known) {
        Ok(template) => Some(template),
        Err(error) => {
            reader.error_inside(value, &format!("{path}.{key}"), error.at, error.message, None);
            None
        }
    }
}

fn no_data(reader: &mut Reader<'_>, node: &Node, path: &str) -> NoData {
    match reader.word(node, path, "no_data", &["hold", "resolve", "fire"]).as_deref() {
        Some("resolve") => NoData::Resolve,
        Some("fire") => NoData::Fire,
        _ => NoData::Hold,
    }
}

fn enabled(reader: &mut Reader<'_>, node: &Node, path: &str) -> Enabled {
    match reader.word(node, path, "enabled", &["true", "false", "shadow"]).as_deref() {
        Some("false") => Enabled::No,
        Some("shadow") => Enabled::Shadow,
        _ => Enabled::Yes,
    }
}

fn tests(reader: &mut Reader<'_>, node: &Node, path: &str) -> Vec<TestFile> {
    let mut tests = Vec::new();
    for (i, test) in reader.list(node, path, "tests").enumerate() {
        let path = format!("{path}.tests[{i}]");
        reader.known_keys(test, &path, &["file"]);
        tests.push(TestFile { file: reader.required_text(test, &path, "file") });
    }
    tests
}
