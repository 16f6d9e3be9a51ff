//! Walks a tree beside a schema and reports everything that does not fit: unknown keys, wrong types, missing keys.
//!
//! serde would stop at the first; here all are found at once, each with place, path and a hint.
//! Values of secrets are never shown.

use crate::problems::join;
use crate::scalar::{Scalar, Value};
use crate::schema::Schema;
use crate::settings::{BYTE_SIZE_FORMAT, DURATION_FORMAT, SECRET_FORMAT};
use crate::tree::{Kind, Pair, item_path};
use crate::{ByteSize, Duration, Location, Node, Problem, Problems, Severity, suggest};

/// A value with its path and the place to point at.
#[derive(Clone, Copy)]
struct Spot<'n> {
    node: &'n Node,
    path: &'n str,
    at: Option<&'n Location>,
}

/// Reports what of `node` does not fit `schema`; paths start at `path`.
pub(crate) fn walk(node: &Node, schema: Schema<'_>, path: &str, problems: &mut Problems) {
    visit(Spot { node, path, at: node.location() }, schema, problems);
}

fn visit(spot: Spot<'_>, schema: Schema<'_>, problems: &mut Problems) {
    if spot.node.is_null() && schema.allows_null() {
        return;
    }
    let schema = schema.without_null();
    if !schema.variants().is_empty() {
        return variants(spot, schema, problems);
    }
    if !schema.literals().is_empty() {
        return literal(spot, &schema.literals(), problems);
    }
    match schema.format() {
        Some(DURATION_FORMAT) => return duration(spot, problems),
        Some(BYTE_SIZE_FORMAT) => return byte_size(spot, problems),
        _ => {}
    }
    let types = schema.types();
    match &spot.node.kind {
        _ if types.is_empty() && !schema.is_struct() => {}
        Kind::Map(pairs) if types.is_empty() || types.contains(&"object") => map(spot, pairs, schema, problems),
        Kind::List(items) if types.contains(&"array") => list(spot, items, schema, problems),
        Kind::Scalar(scalar) if fits(scalar, &types) => range(spot, scalar, schema, problems),
        _ => mismatch(spot, schema, &types, problems),
    }
}

fn map(spot: Spot<'_>, pairs: &[Pair], schema: Schema<'_>, problems: &mut Problems) {
    for pair in pairs {
        let path = join(spot.path, &pair.key);
        let key_at = pair.location.as_ref().or(spot.at);
        let Some(below) = schema.key(&pair.key) else {
            let known: Vec<&str> = schema.properties().into_iter().flat_map(|known| known.keys()).map(String::as_str).collect();
            let hint = suggest::hint(&pair.key, &known);
            report(problems, format!("unknown key `{}`", pair.key), &path, key_at, hint);
            continue;
        };
        let own = pair.value.location();
        let at =
            if matches!(pair.value.kind, Kind::Scalar(_)) && !pair.value.is_null() { own.or(key_at) } else { key_at.or(own) };
        visit(Spot { node: &pair.value, path: &path, at }, below, problems);
    }
    for required in schema.required() {
        if !pairs.iter().any(|pair| pair.key == required) {
            report(problems, format!("missing key `{required}`"), spot.path, spot.at, None);
        }
    }
}

fn list(spot: Spot<'_>, items: &[Node], schema: Schema<'_>, problems: &mut Problems) {
    let Some(schema) = schema.item() else {
        return;
    };
    for (index, item) in items.iter().enumerate() {
        let path = item_path(spot.path, index);
        visit(Spot { node: item, path: &path, at: item.location().or(spot.at) }, schema, problems);
    }
}

fn fits(scalar: &Scalar, types: &[&str]) -> bool {
    types.iter().any(|name| match (*name, scalar.value()) {
        ("string", _) => scalar.as_text().is_some(),
        ("boolean", Value::Bool(_)) | ("integer" | "number", Value::Int(_)) | ("number", Value::Float(_)) => true,
        ("integer", Value::Float(float)) => float.fract() == 0.0 && float.abs() < 9e15,
        _ => false,
    })
}

fn mismatch(spot: Spot<'_>, schema: Schema<'_>, types: &[&str], problems: &mut Problems) {
    let expected: Vec<&str> = types.iter().map(|name| type_name(name)).collect();
    let expected = if expected.is_empty() { "a map".to_owned() } else { expected.join(" or ") };
    let found = if schema.format() == Some(SECRET_FORMAT) && spot.node.text().is_some() && !spot.node.is_null() {
        "a value that is not text".to_owned()
    } else {
        spot.node.describe()
    };
    let hint = match &spot.node.kind {
        Kind::Scalar(_) if schema.format() == Some(SECRET_FORMAT) => Some("put it in quotes".to_owned()),
        Kind::Scalar(scalar) => type_hint(scalar, types),
        _ => None,
    };
    report(problems, format!("expected {expected}, found {found}"), spot.path, spot.at, hint);
}

fn type_name(name: &str) -> &str {
    match name {
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "`true` or `false`",
        "array" => "a list",
        "object" => "a map",
        other => other,
    }
}

/// How to write what was probably meant.
fn type_hint(scalar: &Scalar, types: &[&str]) -> Option<String> {
    if scalar.original.is_some() {
        return None;
    }
    let meant = crate::scalar::resolve(&scalar.text);
    match (types.first().copied()?, scalar.value(), meant) {
        ("string", Value::Bool(_) | Value::Int(_) | Value::Float(_), _) => {
            Some(format!("put it in quotes: `\"{}\"`", scalar.text))
        }
        ("integer" | "number", Value::Text(_), Value::Int(_) | Value::Float(_)) | ("boolean", Value::Text(_), Value::Bool(_)) => {
            Some("write it without quotes".to_owned())
        }
        ("boolean", Value::Text(text), _) => match text.to_ascii_lowercase().as_str() {
            "yes" | "on" | "y" => Some("write `true`".to_owned()),
            "no" | "off" | "n" => Some("write `false`".to_owned()),
            _ => None,
        },
        ("integer", Value::Text(text), _) if ByteSize::parse(text).is_ok() || Duration::parse(text).is_ok() => {
            Some("this setting takes a plain number without a unit".to_owned())
        }
        _ => None,
    }
}

/// Bounds of the number types, and those the schema states.
fn range(spot: Spot<'_>, scalar: &Scalar, schema: Schema<'_>, problems: &mut Problems) {
    let value = match scalar.value() {
        Value::Int(int) => int as f64,
        Value::Float(float) => float,
        _ => return,
    };
    if !schema.is("integer") && !schema.is("number") {
        return;
    }
    let (type_low, type_high) = match schema.format() {
        Some("uint8") => (0.0, u8::MAX.into()),
        Some("uint16") => (0.0, u16::MAX.into()),
        Some("uint32") => (0.0, u32::MAX.into()),
        Some("uint64" | "uint") => (0.0, u64::MAX as f64),
        Some("int8") => (i8::MIN.into(), i8::MAX.into()),
        Some("int16") => (i16::MIN.into(), i16::MAX.into()),
        Some("int32") => (i32::MIN.into(), i32::MAX.into()),
        Some("int64" | "int") => (i64::MIN as f64, i64::MAX as f64),
        _ => (f64::NEG_INFINITY, f64::INFINITY),
    };
    let low = schema.number("minimum").map_or(type_low, |low| low.max(type_low));
    let high = schema.number("maximum").map_or(type_high, |high| high.min(type_high));
    let over = schema.number("exclusiveMinimum").is_some_and(|low| value <= low);
    let under = schema.number("exclusiveMaximum").is_some_and(|high| value >= high);
    let message = if value < low {
        format!("{} is too small: at least {low}", shown(scalar))
    } else if value > high {
        format!("{} is too large: at most {high}", shown(scalar))
    } else if over || under {
        format!("{} is out of range", shown(scalar))
    } else {
        return;
    };
    report(problems, message, spot.path, spot.at, None);
}

fn shown(scalar: &Scalar) -> String {
    if scalar.original.is_some() { "a number from a variable".to_owned() } else { format!("`{}`", scalar.text) }
}

fn duration(spot: Spot<'_>, problems: &mut Problems) {
    let Kind::Scalar(scalar) = &spot.node.kind else {
        return report(problems, format!("expected a duration, found {}", spot.node.describe()), spot.path, spot.at, None);
    };
    let example = || Some("write a number with a unit, such as `300ms`, `5s` or `1h30m`".to_owned());
    let message = match scalar.value() {
        Value::Text(text) => match Duration::parse(text) {
            Ok(_) => return,
            Err(_) if scalar.original.is_some() => "invalid duration from a variable".to_owned(),
            Err(message) => message,
        },
        Value::Int(nanos) if nanos >= 0 && nanos <= i128::from(i64::MAX) => return,
        Value::Float(nanos) if (0.0..9.2e18).contains(&nanos) => return,
        _ => format!("expected a duration, found {}", spot.node.describe()),
    };
    report(problems, message, spot.path, spot.at, example());
}

fn byte_size(spot: Spot<'_>, problems: &mut Problems) {
    let Kind::Scalar(scalar) = &spot.node.kind else {
        return report(problems, format!("expected a size, found {}", spot.node.describe()), spot.path, spot.at, None);
    };
    let message = match scalar.value() {
        Value::Text(text) => match ByteSize::parse(text) {
            Ok(_) => return,
            Err(_) if scalar.original.is_some() => "invalid size from a variable".to_owned(),
            Err(message) => message,
        },
        Value::Int(bytes) if u64::try_from(bytes).is_ok() => return,
        Value::Float(bytes) if bytes.fract() == 0.0 && (0.0..9e15).contains(&bytes) => return,
        _ => format!("expected a size, found {}", spot.node.describe()),
    };
    let hint = "write a number of bytes, or a number with a unit, such as `64MiB`".to_owned();
    report(problems, message, spot.path, spot.at, Some(hint));
}

fn literal(spot: Spot<'_>, literals: &[&serde_json::Value], problems: &mut Problems) {
    let Kind::Scalar(scalar) = &spot.node.kind else {
        return report(
            problems,
            format!("expected {}, found {}", choices(literals), spot.node.describe()),
            spot.path,
            spot.at,
            None,
        );
    };
    let matches = |literal: &&serde_json::Value| match literal {
        serde_json::Value::String(text) => scalar.as_text() == Some(text),
        serde_json::Value::Bool(value) => scalar.value() == Value::Bool(*value),
        serde_json::Value::Number(number) => match scalar.value() {
            Value::Int(int) => number.as_i64().is_some_and(|number| i128::from(number) == int),
            Value::Float(float) => number.as_f64() == Some(float),
            _ => false,
        },
        _ => false,
    };
    if literals.iter().any(matches) {
        return;
    }
    let texts = literals.iter().filter_map(|literal| literal.as_str());
    let near = scalar.as_text().and_then(|text| suggest::nearest(text, texts));
    let hint = near.map(|near| format!("did you mean `{near}`?"));
    report(problems, format!("expected {}, found {}", choices(literals), spot.node.describe()), spot.path, spot.at, hint);
}

/// `` `a`, `b` or `c` ``.
fn choices(literals: &[&serde_json::Value]) -> String {
    // An empty text stands for the default, and nobody means to write it.
    let words: Vec<String> = literals
        .iter()
        .filter(|literal| literal.as_str() != Some(""))
        .map(|literal| format!("`{}`", literal.as_str().map_or_else(|| literal.to_string(), str::to_owned)))
        .collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} or {last}", first.join(", ")),
        None => "nothing".to_owned(),
    }
}

/// One of several shapes: an enum. The problems of the shape that was most likely meant are reported.
fn variants(spot: Spot<'_>, schema: Schema<'_>, problems: &mut Problems) {
    let variants = schema.variants();
    let literals: Vec<&serde_json::Value> = variants.iter().flat_map(|variant| variant.literals()).collect();
    if !literals.is_empty() && literals.len() >= variants.iter().filter(|variant| !variant.is_null()).count() {
        return literal(spot, &literals, problems);
    }
    let mut best: Option<(bool, Problems)> = None;
    for variant in &variants {
        let mut found = Problems::new();
        visit(spot, *variant, &mut found);
        if found.is_empty() {
            return;
        }
        let meant = is_meant(spot.node, *variant);
        let better = match &best {
            None => true,
            Some((best_meant, best)) => (meant, std::cmp::Reverse(found.len())) > (*best_meant, std::cmp::Reverse(best.len())),
        };
        if better {
            best = Some((meant, found));
        }
    }
    if let Some((_, found)) = best {
        problems.extend(found);
    }
}

/// Whether a value bears the sign of a variant: the constant of its tag, or its one key.
fn is_meant(node: &Node, variant: Schema<'_>) -> bool {
    let Some(properties) = variant.properties() else {
        return match &node.kind {
            Kind::Scalar(scalar) => fits(scalar, &variant.types()),
            Kind::List(_) => variant.is("array"),
            Kind::Map(_) => variant.is("object"),
        };
    };
    let tags = properties.iter().filter_map(|(key, value)| Some((key, value.get("const")?.as_str()?)));
    let mut tagged = false;
    for (key, tag) in tags {
        tagged = true;
        if node.get(key).and_then(Node::text) == Some(tag) {
            return true;
        }
    }
    !tagged && variant.required().any(|key| node.get(key).is_some())
}

fn report(problems: &mut Problems, message: String, path: &str, at: Option<&Location>, hint: Option<String>) {
    problems.push(Problem { severity: Severity::Error, message, location: at.cloned(), path: path.to_owned(), hint });
}
