//! Lays a component's defaults under what the user wrote, beside the schema.
//!
//! Defaults are the component's, not the field type's, so they go in before serde runs.
//! On the way the Collector's habits are applied, which need the schema: null keeps the defaults of a block (a server's
//! `tls` it turns off) but is the zero value of a scalar, and `a,b` is a list where a list of text is wanted.
//! Whatever does not fit the schema is left as it is, for the walk to report.

use crate::Node;
use crate::de::ENABLED;
use crate::scalar::{Scalar, Value};
use crate::schema::Schema;
use crate::settings::{BYTE_SIZE_FORMAT, DURATION_FORMAT};
use crate::tree::{Kind, Pair};

/// The user's tree over the defaults; `default` is null where there is none.
pub(crate) fn lay(default: &serde_json::Value, user: Node, schema: Schema<'_>) -> Node {
    if user.is_null() {
        return null(default, user, schema);
    }
    let schema = schema.without_null();
    let Node { kind, location, original } = user;
    if let Some(original) = original.as_ref().filter(|_| schema.is("string") && !schema.is("object") && !schema.is("array")) {
        return Node::scalar(Scalar { original: Some(original.clone()), ..Scalar::text(original.as_str()) }, location);
    }
    match kind {
        Kind::Map(pairs) if schema.variants().is_empty() => {
            let mut laid: Vec<Pair> = Vec::with_capacity(pairs.len());
            for Pair { key, location, value } in pairs {
                // Another spelling becomes the name itself, or the default would stand beside it.
                let key = schema.canonical(&key).to_owned();
                let below = default.get(&key).unwrap_or(&serde_json::Value::Null);
                let value = match schema.key(&key) {
                    Some(schema) => lay(below, value, schema),
                    None => value,
                };
                laid.push(Pair { key, location, value });
            }
            let defaults = Node::from_json(default);
            for pair in defaults.pairs() {
                if !laid.iter().any(|known| known.key == pair.key) {
                    laid.push(pair.clone());
                }
            }
            Node::map(laid, location)
        }
        Kind::List(items) => {
            let Some(schema) = schema.item() else {
                return Node::list(items, location);
            };
            let none = serde_json::Value::Null;
            Node::list(items.into_iter().map(|item| lay(&none, item, schema)).collect(), location)
        }
        Kind::Scalar(scalar) => match scalar.value() {
            Value::Text("") if wants_texts(schema) => Node::list(Vec::new(), location),
            Value::Text(text) if wants_texts(schema) => {
                let part = |part: &str| Node::scalar(Scalar::text(part.trim()), location.clone());
                Node::list(text.split(',').map(part).collect(), location.clone())
            }
            _ => Node::scalar(scalar, location),
        },
        kind => Node { kind, location, original },
    }
}

/// Whether a list of text is wanted, and text itself would not do.
fn wants_texts(schema: Schema<'_>) -> bool {
    schema.is("array") && !schema.is("string") && schema.item().is_some_and(|item| item.is("string"))
}

/// What null means.
fn null(default: &serde_json::Value, user: Node, schema: Schema<'_>) -> Node {
    let location = user.location.clone();
    if schema.is_off_when_null() {
        let off = Pair { key: ENABLED.to_owned(), location: None, value: Node::scalar(Scalar::plain("false"), None) };
        return Node::map(vec![off], location);
    }
    if schema.is_optional_block() || (schema.is_struct() && !schema.allows_null()) {
        let mut block = Node::from_json(default);
        if block.is_null() {
            block = Node::map(Vec::new(), None);
        }
        block.location = location;
        return block;
    }
    if schema.allows_null() {
        return user;
    }
    match zero(schema) {
        Some(kind) => Node { kind, location, original: None },
        None => user,
    }
}

/// The zero value of a type, where it has one.
fn zero(schema: Schema<'_>) -> Option<Kind> {
    if !schema.literals().is_empty() || !schema.variants().is_empty() {
        return None;
    }
    Some(match (schema.format(), schema.types().first().copied()?) {
        (Some(DURATION_FORMAT), _) => Kind::Scalar(Scalar::text("0s")),
        (Some(BYTE_SIZE_FORMAT), _) => Kind::Scalar(Scalar::plain("0")),
        (_, "string") => Kind::Scalar(Scalar::text("")),
        (_, "integer" | "number") => Kind::Scalar(Scalar::plain("0")),
        (_, "boolean") => Kind::Scalar(Scalar::plain("false")),
        (_, "array") => Kind::List(Vec::new()),
        (_, "object") => Kind::Map(Vec::new()),
        _ => return None,
    })
}
