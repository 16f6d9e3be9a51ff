//! Every form of `${...}`, and what is said of bad ones.

use super::*;
use crate::Gates;

fn env(name: &str) -> Option<String> {
    let value = match name {
        "X" => "value",
        "NUMBER" => "0123",
        "QUOTED" => "\"5\"",
        "EMPTY" => "",
        "LIST" => "[a, '${env:X}']",
        "WHICH" => "X",
        "INDIRECT" => "${env:X}",
        "PRICE" => "5$$",
        "SELF" => "${env:SELF}",
        "GROWS" => "[x, '${env:GROWS}']",
        "BAD_YAML" => "[unclosed",
        "MAP" => "key: value",
        _ => return None,
    };
    Some(value.to_owned())
}

fn file(path: &str) -> Result<String, String> {
    let content = match path {
        "token" => "secret\n",
        "number" => "5\n",
        "map.yaml" => "a:\n  b: '${env:X}'\n  c: ${foo:X}\nd::e: 1\n",
        "list.yaml" => "- x\n- ${file:number}\n",
        "itself.yaml" => "- ${file:itself.yaml}\n",
        "broken.yaml" => "a: [\n",
        _ => return Err("no such file".to_owned()),
    };
    Ok(content.to_owned())
}

fn expanded(text: &str) -> (Node, Problems) {
    let mut problems = Problems::new();
    let tree = Node::parse(&format!("v: {text}"), "t.yaml").expect("invariant: the test's YAML is good");
    let around = Surroundings { env: &env, file: &file, gates: Gates::default() };
    let tree = expand(tree, &around, &mut problems);
    (tree.get("v").cloned().unwrap_or_else(Node::null), problems)
}

fn text(value: &str) -> String {
    let (node, problems) = expanded(value);
    assert!(problems.is_empty(), "{problems}");
    node.deserialize::<String>().unwrap_or_else(|problems| panic!("{problems}"))
}

fn message(value: &str) -> String {
    expanded(value).1.to_string()
}

#[test]
fn variables_are_put_in() {
    assert_eq!(text("${env:X}"), "value");
    assert_eq!(text("${X}"), "value");
    assert_eq!(text("a-${env:X}-b"), "a-value-b");
    assert_eq!(text("'${env:X}${env:X}'"), "valuevalue");
    assert_eq!(text("${env:NOPE:-fallback}"), "fallback");
    assert_eq!(text("${env:NOPE:-${env:X}}"), "value");
    assert_eq!(text("a${env:EMPTY:-fallback}b"), "ab");
    assert_eq!(text("${env:${env:WHICH}}"), "value");
    assert_eq!(text("${env:INDIRECT}"), "value");
    assert_eq!(text("${env:MAP}"), "key: value");
    assert_eq!(text("${env:BAD_YAML}"), "[unclosed");
}

#[test]
fn dollars_escape_in_pairs() {
    for (value, expected) in [
        ("a$$$b", "a$$b"),
        ("a$b", "a$b"),
        ("$NAME", "$NAME"),
        ("$${env:X}", "${env:X}"),
        ("$$${env:X}", "$value"),
        ("$$$${env:X}", "$${env:X}"),
        ("'${env:X'", "${env:X"),
        ("${env:PRICE}", "5$"),
    ] {
        assert_eq!(text(value), expected, "{value}");
    }
}

#[test]
fn a_whole_value_takes_the_type_it_reads_as() {
    let (node, _) = expanded("${env:NUMBER}");
    assert_eq!(node.deserialize::<u32>().ok(), Some(83));
    assert_eq!(node.deserialize::<String>().ok().as_deref(), Some("0123"));
    let (node, _) = expanded("${env:LIST}");
    assert_eq!(node.deserialize::<Vec<String>>().ok(), Some(vec!["a".to_owned(), "value".to_owned()]));
    let (node, _) = expanded("\"${env:QUOTED}\"");
    assert_eq!(node.deserialize::<String>().ok().as_deref(), Some("\"5\""));
    assert!(node.deserialize::<u32>().is_err());
    assert!(expanded("${env:EMPTY}").0.is_null());
}

#[test]
fn an_unset_variable_is_null_with_one_warning() {
    let (node, problems) = expanded("['${env:NOPE}', '${env:NOPE}']");
    assert!(node.items().all(Node::is_null));
    assert_eq!(
        problems.to_string(),
        "warning: environment variable `NOPE` is not set\n  --> t.yaml:1:5  v[0]\n  \
         hint: set it, or write `${env:NOPE:-default}`"
    );
}

#[test]
fn bad_expansions_say_what_to_write() {
    for (value, expected) in [
        (
            "${NAME:-x}",
            "error: scheme `NAME` is not supported in `${NAME:-x}`\n  --> t.yaml:1:4  v\n  hint: write `${env:NAME:-x}`",
        ),
        (
            "${foo:Y}",
            "error: scheme `foo` is not supported in `${foo:Y}`\n  --> t.yaml:1:4  v\n  hint: known here: `env`, `file`, `yaml`",
        ),
        (
            "${1Y}",
            "error: environment variable `1Y` has an invalid name\n  --> t.yaml:1:4  v\n  \
             hint: a name is letters, digits and `_`, and does not begin with a digit",
        ),
        ("${env:$Y}", "error: `${env:$Y}` contains an unsupported character: `$`\n  --> t.yaml:1:4  v"),
        ("${env:SELF}", "error: too many recursive expansions\n  --> t.yaml:1:4  v"),
        ("${env:GROWS}", "error: too many recursive expansions\n  --> t.yaml:1:4  v"),
    ] {
        let found = message(value);
        assert!(found.starts_with(expected), "{found}");
    }
    assert!(message("${}").starts_with("error: environment variable `` has an invalid name"));
}

fn at<'n>(node: &'n Node, path: &[&str]) -> &'n Node {
    path.iter().try_fold(node, |node, key| node.get(key)).expect("invariant: the test's path exists")
}

#[test]
fn a_file_is_yaml_and_text_with_its_line_end() {
    assert_eq!(text("${file:token}"), "secret\n");
    assert_eq!(text("a-${file:number}"), "a-5\n");
    let (node, _) = expanded("${file:number}");
    assert_eq!(node.deserialize::<u32>().ok(), Some(5));
    assert_eq!(node.deserialize::<String>().ok().as_deref(), Some("5\n"));
    let (node, problems) = expanded("${file:list.yaml}");
    assert!(problems.is_empty(), "{problems}");
    assert_eq!(node.deserialize::<Vec<String>>().ok(), Some(vec!["x".to_owned(), "5\n".to_owned()]));
    assert_eq!(text("${file:broken.yaml}"), "a: [\n", "what is not YAML is text");
}

#[test]
fn a_map_of_a_file_keeps_its_places_and_is_expanded() {
    let (node, problems) = expanded("${file:map.yaml}");
    assert_eq!(at(&node, &["a", "b"]).text(), Some("value"));
    assert_eq!(at(&node, &["d", "e"]).deserialize::<u8>().ok(), Some(1), "`::` separates in files that are put in too");
    assert_eq!(at(&node, &["a", "b"]).location().map(ToString::to_string).as_deref(), Some("map.yaml:2:6"));
    let problems = problems.to_string();
    assert!(
        problems.starts_with("error: scheme `foo` is not supported in `${foo:X}`\n  --> map.yaml:3:6  v.a.c\n"),
        "{problems}"
    );
}

#[test]
fn a_file_that_cannot_be_read_or_holds_itself_is_an_error() {
    assert_eq!(message("${file:nope}"), "error: cannot read the file `nope`: no such file\n  --> t.yaml:1:4  v");
    assert!(message("${file:itself.yaml}").starts_with("error: too many recursive expansions"));
    assert!(message("${file:$X}").starts_with("error: `${file:$X}` contains an unsupported character: `$`"));
}

#[test]
fn yaml_can_be_written_in_place() {
    assert_eq!(expanded("'${yaml:[1, 2]}'").0.deserialize::<Vec<u8>>().ok(), Some(vec![1, 2]));
    assert_eq!(expanded("'${yaml:5}'").0.deserialize::<u8>().ok(), Some(5));
    assert_eq!(at(&expanded("'${yaml:a::b: 2s}'").0, &["a", "b"]).text(), Some("2s"));
    assert_eq!(expanded("'${yaml:${env:LIST}}'").0.items().count(), 2);
}

#[test]
fn nothing_is_read_over_the_network() {
    for scheme in ["http", "https"] {
        let expected = format!(
            "error: `${{{scheme}://h/c}}`: configuration is not read over the network\n  --> t.yaml:1:4  v\n  \
             hint: fetch it before the start, and write `${{file:PATH}}`"
        );
        assert_eq!(message(&format!("${{{scheme}://h/c}}")), expected);
    }
}

#[test]
fn text_of_variables_and_files_is_never_shown() {
    for (value, expected) in [
        ("${env:X}", "text from a variable"),
        ("${file:token}", "text from a variable"),
        ("${file:number}", "another type from a variable"),
    ] {
        assert_eq!(expanded(value).0.describe(), expected, "{value}");
    }
    let (list, _) = expanded("${file:list.yaml}");
    assert_eq!(list.items().next().map(Node::describe).as_deref(), Some("text from a variable"));
    let (map, _) = expanded("${file:map.yaml}");
    assert_eq!(at(&map, &["a", "b"]).describe(), "text from a variable");
}
