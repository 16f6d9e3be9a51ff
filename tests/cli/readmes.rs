//! The settings tables of READMEs against the schema: every key exists, and a default in code style is the real one.
//!
//! A default written in words (`required`, `none`, `by mode`) is the author's to get right.

use crate::schema::{json, schema};
use chaperone::config::ByteSize;
use serde_json::Value;

const MARKS: (&str, &str) = ("<!-- settings -->", "<!-- /settings -->");

/// Every way to fill a schema: references followed, alternatives side by side, `${...}` left out.
fn shapes<'s>(schema: &'s Value, root: &'s Value) -> Vec<&'s Value> {
    if let Some(pointer) = schema.get("$ref").and_then(Value::as_str) {
        let is_expansion = pointer.ends_with("/expansion");
        return if is_expansion {
            Vec::new()
        } else {
            root.pointer(&pointer[1..]).map(|to| shapes(to, root)).unwrap_or_default()
        };
    }
    let lists = ["anyOf", "allOf"].into_iter().filter_map(|key| schema.get(key)?.as_array());
    let below = lists.flatten().flat_map(|way| shapes(way, root));
    std::iter::once(schema).chain(below).collect()
}

/// The schema of a key such as `loop.repeats`, `prices[].model` or `sources.<id>.overwrite`, with its default.
fn find<'s>(component: &'s Value, root: &'s Value, key: &str) -> Option<(&'s Value, Option<&'s Value>)> {
    let mut here = (component, None);
    for segment in key.split('.') {
        let (name, in_list) = segment.strip_suffix("[]").map_or((segment, false), |name| (name, true));
        let ways = shapes(here.0, root);
        let named = ways.iter().find_map(|way| way.get("properties")?.get(name));
        let below =
            named.or_else(|| ways.iter().find_map(|way| way.get("additionalProperties").filter(|below| below.is_object())))?;
        // The component's default of a block wins over the defaults of its fields.
        let default = here.1.and_then(|block: &Value| block.get(name)).or_else(|| below.get("default"));
        here = (below, default);
        if in_list {
            here = (shapes(below, root).into_iter().find_map(|way| way.get("items"))?, None);
        }
    }
    Some(here)
}

fn is_the_same(written: &str, default: &Value) -> bool {
    let Some(value) = json(written) else {
        return false;
    };
    let size = || ByteSize::parse(written).ok().is_some_and(|size| Some(size.get() as u64) == default.as_u64());
    let number = || value.as_f64().is_some_and(|number| Some(number) == default.as_f64());
    value == *default || number() || size()
}

/// Key and default of each row.
fn rows(readme: &str) -> Vec<(&str, &str)> {
    let table = readme.split(MARKS.0).nth(1).and_then(|rest| rest.split(MARKS.1).next()).unwrap_or_default();
    let cells = table.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        Some((cells.next()?.trim_end_matches('`'), cells.next()?.trim()))
    });
    cells.collect()
}

#[test]
fn settings_tables_name_real_keys_with_their_real_defaults() {
    let schema = schema();
    let registry = chaperone::built_in();
    let (mut checked, mut wrong) = (0, Vec::new());
    for meta in registry.metas() {
        let section = format!("{:?}s", meta.kind).to_lowercase();
        let name = format!("{section}.{}", meta.name);
        let component = &schema["$defs"][&name];
        for (key, default) in rows(meta.readme) {
            let Some((_, real)) = find(component, &schema, key) else {
                wrong.push(format!("{name}: there is no setting `{key}`"));
                continue;
            };
            let written = default.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
            if let Some((written, real)) = written.zip(real) {
                checked += 1;
                if !is_the_same(written, real) {
                    wrong.push(format!("{name}: the default of `{key}` is {real}, not `{written}`"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 50, "only {checked} defaults were checked");
}

#[test]
fn a_wrong_default_would_be_noticed() {
    for (written, real) in
        [("5s", "\"5s\""), ("64MiB", "67108864"), ("0", "0.0"), ("false", "false"), ("[a, b]", "[\"a\",\"b\"]")]
    {
        let real: Value = serde_json::from_str(real).unwrap();
        assert!(is_the_same(written, &real), "{written}");
        assert!(!is_the_same("other", &real) && !is_the_same("7", &real), "{written}");
    }
}
