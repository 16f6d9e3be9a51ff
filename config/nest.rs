//! Keys that hold `::` are nested maps in disguise, in files, in `--set` and in what `${...}` becomes.

use crate::Node;
use crate::parse::MAX_DEPTH;
use crate::tree::{Kind, Pair};

/// Splits keys that hold `::` into nested maps: `a::b: 1` is `a: {b: 1}`.
///
/// A key that would make the tree too deep stays as it is, and is unknown to whoever reads it.
pub(crate) fn nested(node: Node, depth: usize) -> Node {
    let Node { kind, location, original } = node;
    let kind = match kind {
        Kind::Scalar(scalar) => Kind::Scalar(scalar),
        Kind::List(items) => Kind::List(items.into_iter().map(|item| nested(item, depth + 1)).collect()),
        Kind::Map(pairs) => {
            let mut whole = Node::map(Vec::new(), location.clone());
            for Pair { key, location, value } in pairs {
                let mut segments: Vec<&str> = key.split("::").collect();
                let too_deep = depth + segments.len() + value.height() > MAX_DEPTH + 1;
                if segments.len() > 1 && (too_deep || segments.iter().any(|segment| segment.is_empty())) {
                    segments = vec![key.as_str()];
                }
                let mut value = nested(value, depth + segments.len());
                for segment in segments.into_iter().rev() {
                    let place = location.clone();
                    let pair = Pair { key: segment.to_owned(), location: place.clone(), value };
                    value = Node::map(vec![pair], place);
                }
                whole = whole.merge(Node { location: None, ..value });
            }
            whole.kind
        }
    };
    Node { kind, location, original }
}
