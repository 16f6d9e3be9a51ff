//! Properties over invented input: nothing panics, and what is printed reads back.
//!
//! More cases than usual: `PROPTEST_CASES=20000`.

use crate::{ByteSize, Duration, Node, Source, load};
use proptest::prelude::*;

/// Text made of the pieces that YAML and expansion give a meaning to.
fn yamlish() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("a"),
        Just("b: "),
        Just("- "),
        Just("\n"),
        Just("\n  "),
        Just("\n    "),
        Just("["),
        Just("]"),
        Just("{"),
        Just("}"),
        Just(", "),
        Just(": "),
        Just("\""),
        Just("'"),
        Just("&x "),
        Just("*x"),
        Just("<<: "),
        Just("? "),
        Just("|\n"),
        Just(">-\n"),
        Just("!!str "),
        Just("!t "),
        Just("---\n"),
        Just("...\n"),
        Just("# c"),
        Just("\t"),
        Just("%YAML 1.2\n"),
        Just("%TAG ! x\n"),
        Just("$"),
        Just("${"),
        Just("${env:X}"),
        Just(":-"),
        Just("::"),
        Just("\u{feff}"),
        Just("\u{e9}"),
        Just("\r\n"),
        Just("0x"),
        Just("receivers:\n"),
        Just("service:\n  pipelines:\n    traces:\n"),
        Just("1e5"),
        Just("\u{0}"),
        Just("\\"),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn environment(name: &str) -> Option<String> {
    (name == "X").then(|| "[${env:X}, $${, {a: b".to_owned())
}

proptest! {
    #[test]
    fn no_text_panics_the_loader(text in prop_oneof![yamlish(), ".*"]) {
        let sources = [Source::Text { name: "p.yaml".to_owned(), text: text.clone() }, Source::Set(text)];
        if let Err(problems) = load(&sources, &environment) {
            prop_assert!(problems.has_errors());
        }
    }

    #[test]
    fn every_value_of_a_parsed_tree_is_found_at_its_path(text in yamlish()) {
        if let Ok(node) = Node::parse(&text, "p.yaml") {
            for (key, place, _) in node.entries() {
                prop_assert!(node.locate(key).is_some(), "{key:?}");
                prop_assert!(place.line > 0 && place.column > 0);
            }
        }
    }

    #[test]
    fn durations_and_sizes_read_back_what_they_print(nanos in 0..=i64::MAX as u64, bytes in 0..u64::MAX) {
        let duration = Duration(std::time::Duration::from_nanos(nanos));
        prop_assert_eq!(Duration::parse(&duration.to_string()), Ok(duration));
        let size = ByteSize(bytes);
        let read = if size.to_string().ends_with('B') { ByteSize::parse(&size.to_string()).ok() } else { size.to_string().parse().ok().map(ByteSize) };
        prop_assert_eq!(read, Some(size));
    }
}
