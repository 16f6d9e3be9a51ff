//! How a later source is laid on an earlier one.
//!
//! Maps merge; everything else is replaced, null included. With the gate `confmap.enableMergeAppendOption` three kinds of
//! lists are added to instead: `service::extensions`, and `receivers` and `exporters` anywhere below `service`.
//! Processors never are: their order means something.

use crate::Node;
use crate::tree::Kind;

pub(crate) fn merge(below: Node, mut over: Node, append: bool) -> Node {
    if append {
        put_before(&below, &mut over, &mut Vec::new());
    }
    below.merge(over)
}

/// Puts what the lists of the earlier source hold before what the later one adds to them.
fn put_before(below: &Node, over: &mut Node, path: &mut Vec<String>) {
    match (&below.kind, &mut over.kind) {
        (Kind::Map(_), Kind::Map(pairs)) => {
            for pair in pairs {
                if let Some(below) = below.get(&pair.key) {
                    path.push(pair.key.clone());
                    put_before(below, &mut pair.value, path);
                    path.pop();
                }
            }
        }
        (Kind::List(first), Kind::List(items)) if is_added_to(path) => {
            let is_new = |item: &Node| item.text().is_none_or(|text| first.iter().all(|known| known.text() != Some(text)));
            let added: Vec<Node> = std::mem::take(items).into_iter().filter(is_new).collect();
            *items = first.iter().cloned().chain(added).collect();
        }
        _ => {}
    }
}

fn is_added_to(path: &[String]) -> bool {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    matches!(path.as_slice(), ["service", "extensions"] | ["service", _, .., "receivers" | "exporters"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(below: &str, over: &str, path: &[&str]) -> Vec<String> {
        let node = |text| Node::parse(text, "t.yaml").expect("invariant: the test's YAML is good");
        let merged = merge(node(below), node(over), true);
        let list = path.iter().try_fold(&merged, |node, key| node.get(key)).expect("invariant: the test's path exists");
        list.items().filter_map(Node::text).map(str::to_owned).collect()
    }

    #[test]
    fn lists_of_ids_are_added_to_without_doubles() {
        for (list, expected) in [
            ("receivers", &["a", "b", "c"][..]),
            ("exporters", &["a", "b", "c"]),
            ("processors", &["c", "b"]),
            ("other", &["c", "b"]),
        ] {
            let text = |ids: &str| format!("service: {{pipelines: {{traces: {{{list}: {ids}}}}}}}");
            let found = merged(&text("[a, b]"), &text("[c, b]"), &["service", "pipelines", "traces", list]);
            assert_eq!(found, expected, "{list}");
        }
        let found = merged("service: {extensions: [a]}", "service: {extensions: [b, a]}", &["service", "extensions"]);
        assert_eq!(found, ["a", "b"]);
    }

    #[test]
    fn lists_elsewhere_are_replaced() {
        assert_eq!(merged("receivers: [a]", "receivers: [b]", &["receivers"]), ["b"]);
        assert_eq!(merged("a: {b: {exporters: [a]}}", "a: {b: {exporters: [b]}}", &["a", "b", "exporters"]), ["b"]);
        assert_eq!(merged("service: {receivers: [a]}", "service: {receivers: [b]}", &["service", "receivers"]), ["b"]);
    }
}
