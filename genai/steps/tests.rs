//! Shapes, digests, failures, lexicon, and what is remembered of traces and calls.

use super::*;
use serde_json::{Value as Json, json};

fn digester() -> Digester {
    Digester::new([1; 32])
}

fn same_shape(left: Json, right: Json) {
    assert_eq!(shape(&left), shape(&right));
}

fn other_shape(left: Json, right: Json) {
    assert_ne!(shape(&left), shape(&right));
}

#[test]
fn volatile_values_go_by_their_form() {
    same_shape(json!("id 9fb7fdb9-4848-4168-8f13-c0df746dcfd4"), json!("id 00000000-0000-4168-8f13-000000000000"));
    same_shape(json!("01JD5ZK3V9Q8M2X7R4T6W1Y0AB"), json!("01JD5ZK3V9Q8M2X7R4T6W1Y0AC"));
    same_shape(json!("at 2026-11-20T10:00:00.123Z"), json!("at 2026-11-21T11:30:00+01:00"));
    same_shape(json!(1_795_230_902), json!(1_795_230_903));
    same_shape(json!("1795230902123"), json!("1795230902999"));
    same_shape(json!("sha 4f2c9a1b7d8e6f50"), json!("sha 4f2c9a1b7d8e6f51"));
    same_shape(json!({"request": "req_01JD5ZK3V9Q8M2X7R4T6W1Y0AB"}), json!({"request": "req_01JD5ZK3V9Q8M2X7R4T6W1Y0ZZ"}));
    same_shape(json!("(id=9fb7fdb9-4848-4168-8f13-c0df746dcfd4)"), json!("(id=11111111-4848-4168-8f13-c0df746dcfd4)"));
}

#[test]
fn blanks_case_quotes_and_digits_behind_the_sixth_do_not_matter() {
    same_shape(json!("  Weather   in\nParis "), json!("weather in paris"));
    same_shape(json!({"q": "\"Paris\""}), json!({"q": "'paris'"}));
    same_shape(json!(0.1 + 0.2), json!(0.3));
    same_shape(json!(12.0), json!(12));
}

#[test]
fn data_stays_data() {
    other_shape(json!({"city": "Paris"}), json!({"city": "Rome"}));
    other_shape(json!({"city": "Paris"}), json!({"town": "Paris"}));
    other_shape(json!("2026-11-20"), json!("2026-11-21"));
    other_shape(json!({"page": 1}), json!({"page": 2}));
    other_shape(json!("C-1042"), json!("C-1043"));
    other_shape(json!(12_345_678), json!(12_345_679));
    other_shape(json!("O-77"), json!("O-78"));
    other_shape(json!(1.25), json!(1.26));
}

#[test]
fn a_digest_is_of_the_value_not_of_its_spelling() {
    let left = digester().value(&serde_json::from_str(r#"{"b": 1, "a": [1, 2]}"#).unwrap());
    let right = digester().value(&serde_json::from_str(r#"{"a":[1,2],"b":1}"#).unwrap());
    assert_eq!(left, right);
    assert_eq!((left.exact.len(), left.bytes, left.empty), (32, 17, false));
    assert_ne!(left.exact, Digester::new([2; 32]).value(&json!({"b": 1, "a": [1, 2]})).exact, "keyed");
}

#[test]
fn an_empty_result_is_told_from_a_small_one() {
    for (value, empty) in
        [(json!(""), true), (json!([]), true), (json!({}), true), (json!(null), true), (json!(0), false), (json!("0"), false)]
    {
        assert_eq!(digester().value(&value).empty, empty, "{value}");
    }
}

#[test]
fn tools_are_classed_by_their_names() {
    let check = |name: &str, class: &str, risk: &str| {
        let kind = tool_kind(name);
        assert_eq!((kind.class, kind.risk), (class, risk), "{name}");
    };
    check("issue_refund", "payment", "external_effect");
    check("send_email", "message", "external_effect");
    check("search_orders", "search", "read");
    check("runBashCommand", "code_execution", "external_effect");
    check("delete_file", "file_system", "destructive");
    check("mcp__support__get_weather", "search", "read");
    check("frobnicate", "other", "unknown");
    check("Bash", "code_execution", "external_effect");
    check("exec_command", "code_execution", "external_effect");
    check("execute_sql", "database", "external_effect");
    check("run_sql_query", "database", "external_effect");
    check("get_customer", "database", "read");
    check("update_record", "database", "write");
    check("drop_table", "database", "destructive");
    check("read_file", "file_system", "read");
    check("write_file", "file_system", "write");
    check("str_replace_based_edit_tool", "file_system", "write");
    check("list_directory", "file_system", "read");
    check("WebFetch", "network", "read");
    check("browser_click", "network", "external_effect");
    check("http_request", "network", "unknown");
    check("web_search", "search", "read");
    check("create_user", "identity", "write");
    check("reset_password", "identity", "destructive");
    check("charge_card", "payment", "external_effect");
    check("slack_post_message", "message", "external_effect");
    check("cancel_order", "database", "destructive");
}

#[test]
fn the_tables_name_classes_risks_and_codes_of_the_contract() {
    const CLASSES: [&str; 9] =
        ["code_execution", "file_system", "database", "network", "payment", "identity", "message", "search", "other"];
    const RISKS: [&str; 5] = ["read", "write", "destructive", "external_effect", "unknown"];
    for row in crate::dialects::table::rows(include_str!("../data/tool_words.tsv"), 3) {
        let known: &[&str] = if row[0] == "class" { &CLASSES } else { &RISKS };
        assert!(known.contains(&row[1]), "{row:?}");
    }
    const DOES: [&str; 7] = ["transfer", "delegate", "return", "escalate_human", "end", "placeholder", "tool"];
    for row in crate::dialects::table::rows(include_str!("../data/framework_tools.tsv"), 4) {
        assert!(row.len() == 4 && DOES.contains(&row[1]), "{row:?}");
    }
    const STAGES: [&str; 6] = ["planning", "validation", "execution", "generation", "delivery", "-"];
    for row in crate::dialects::table::rows(include_str!("../data/failure_causes.tsv"), 9) {
        assert!(row.len() == 9 && STAGES.contains(&row[2]) && ["yes", "no", "-"].contains(&row[1]), "{row:?}");
    }
}

#[test]
fn what_a_call_touches_is_normalised() {
    let check = |arguments: Json, expected: Option<&str>| assert_eq!(resource(&arguments).as_deref(), expected, "{arguments}");
    check(json!({"path": "/srv//a/./b/../c.txt"}), Some("/srv/a/c.txt"));
    check(json!({"url": "https://user:pw@Example.com:8443/x?y=1"}), Some("example.com:8443"));
    check(json!({"table": "Orders"}), Some("orders"));
    check(json!({"city": "Paris"}), None);
    check(json!("Paris"), None);
}

fn run(id: u64, record: u64, source: u64) -> Run {
    let id = (id != 0).then_some((1, id));
    Run { id, named: [Some((1, 7)), None], arguments: None, record, source }
}

#[test]
fn a_call_is_told_once_as_requested_and_once_as_executed() {
    let mut memory = CallMemory::default();
    let asked = || (Asked { name: "t".into(), ..Asked::default() }, [Some((1, 7)), None], None);
    assert_eq!(memory.requested((1, 1), true, 10, asked), Told::First);
    assert_eq!(memory.requested((1, 1), true, 11, asked), Told::Again, "another instrumentation");
    assert_eq!(memory.requested((1, 1), true, 10, asked), Told::First, "the same record again");
    assert_eq!(memory.executed(&run(1, 20, IN_MESSAGES)), Told::First);
    assert_eq!(memory.executed(&run(1, 21, IN_MESSAGES)), Told::Again, "history");
    assert!(memory.is_old_result((1, 1), 21) && !memory.is_old_result((1, 1), 20));
    assert_eq!(memory.executed(&run(1, 30, 5)), Told::ByAnother, "the messages told first");
    assert_eq!(memory.asked((1, 1)).map(|asked| asked.name.as_str()), Some("t"));
}

#[test]
fn a_tool_span_goes_before_messages_and_two_of_one_emitter_are_two_executions() {
    let mut memory = CallMemory::default();
    assert_eq!(memory.executed(&run(1, 30, 5)), Told::First);
    assert_eq!(memory.executed(&run(1, 31, 5)), Told::First, "run again");
    assert_eq!(memory.executed(&run(1, 32, 6)), Told::ByAnother, "a log of the same call");
    assert_eq!(memory.executed(&run(1, 33, 6)), Told::ByAnother, "the log of the second run");
    assert_eq!(memory.executed(&run(1, 34, 6)), Told::First, "a third run, of which the spans say nothing");
    assert_eq!(memory.executed(&run(1, 20, IN_MESSAGES)), Told::ByAnother);
    assert_eq!(memory.executed(&run(1, 20, IN_MESSAGES)), Told::ByAnother, "the same record again");
    assert_eq!(memory.executed(&run(1, 21, IN_MESSAGES)), Told::Again);
    memory.evict(0);
    assert_eq!(memory.executed(&run(1, 32, 6)), Told::First, "forgotten");
    assert_eq!(memory.len(), 1);
}

/// Tells of runs in an order; how many were told as first.
fn owned(runs: &[Run]) -> usize {
    let mut memory = CallMemory::default();
    let first: Vec<Told> = runs.iter().map(|run| memory.executed(run)).collect();
    let again: Vec<Told> = runs.iter().map(|run| memory.executed(run)).collect();
    assert_eq!(first, again, "what is sent again is told again");
    first.iter().filter(|told| **told == Told::First).count()
}

#[test]
fn spans_without_id_and_results_with_one_are_matched_one_to_one_in_any_order() {
    let runs = [run(0, 30, 5), run(0, 31, 5), run(1, 20, IN_MESSAGES), run(2, 20, IN_MESSAGES), run(0, 40, 6), run(0, 41, 6)];
    for seed in 0..720usize {
        let (mut rest, mut order, mut left) = (runs.to_vec(), Vec::new(), seed);
        while !rest.is_empty() {
            order.push(rest.remove(left % rest.len()));
            left /= rest.len() + 1;
        }
        assert_eq!(owned(&order), 2, "{order:?}");
    }
    assert_eq!(owned(&[run(0, 30, 5), run(0, 31, 5), run(1, 20, IN_MESSAGES)]), 2, "the source that tells of most runs");
    assert_eq!(owned(&[run(1, 30, 5), run(2, 20, IN_MESSAGES)]), 2, "other ids are other calls");
    let other = Run { named: [Some((1, 8)), None], ..run(1, 20, IN_MESSAGES) };
    assert_eq!(owned(&[run(0, 30, 5), other]), 2, "another tool");
}

#[test]
fn a_span_without_id_is_the_call_that_was_asked_for() {
    let mut memory = CallMemory::default();
    for id in [1, 2] {
        let asked = || (Asked { name: "t".into(), ..Asked::default() }, [Some((1, 7)), None], None);
        memory.requested((1, id), true, 10, asked);
    }
    assert_eq!([30, 31].map(|record| memory.executed(&run(0, record, 5))), [Told::First, Told::First]);
    let results = [1, 2].map(|id| memory.executed(&run(id, 20, IN_MESSAGES)));
    assert_eq!(results, [Told::ByAnother, Told::ByAnother]);
    assert_eq!(memory.len(), 2, "no call more than were asked for");
}

#[test]
fn arguments_keep_two_runs_apart_where_they_are_surely_others() {
    let with = |run: Run, names: Option<u64>, shape: u64| Run { arguments: Some(ArgumentsKey { names, shape }), ..run };
    let (span, result) = (run(0, 30, 5), run(1, 20, IN_MESSAGES));
    assert_eq!(owned(&[with(span, Some(1), 1), with(result, Some(1), 1)]), 1);
    assert_eq!(owned(&[with(span, Some(1), 1), with(result, Some(1), 2)]), 2, "the same names, other values");
    assert_eq!(owned(&[with(span, Some(1), 1), with(result, Some(2), 2)]), 1, "spelled in another way");
    assert_eq!(owned(&[with(span, None, 1), with(result, Some(2), 2)]), 1, "cut short");
    let mut memory = CallMemory::default();
    let told =
        [with(span, Some(1), 1), with(run(0, 31, 5), Some(1), 2), with(result, Some(1), 2)].map(|run| memory.executed(&run));
    assert_eq!(told, [Told::First, Told::First, Told::ByAnother]);
    assert_eq!(memory.executed(&with(run(2, 20, IN_MESSAGES), Some(1), 1)), Told::ByAnother, "the first one was left for it");
}

const TRACE: [u8; 16] = [1; 16];

fn node(parent: u8) -> Node {
    Node { parent: (parent != 0).then_some([parent; 8]), ..Node::default() }
}

fn lineage(nodes: &[(u8, Node)]) -> Lineage {
    let mut lineage = Lineage::default();
    for (span, node) in nodes {
        lineage.add(TRACE, [*span; 8], node.clone(), 10);
    }
    lineage
}

#[test]
fn the_nearest_agent_above_gives_its_name() {
    let agent = |name: &str, parent| Node { agent: Some(name.into()), ..node(parent) };
    let lineage = lineage(&[(1, agent("outer", 0)), (2, agent("inner", 1)), (3, node(2)), (4, node(3)), (5, node(9))]);
    let of = |span: u8| lineage.agent(TRACE, [span; 8]).map(|found| (found.name.to_string(), found.source));
    assert_eq!(of(4), Some(("inner".to_owned(), "ancestor")));
    assert_eq!(of(2), Some(("inner".to_owned(), "own")));
    assert_eq!(of(5), None, "its parent was never seen");
}

#[test]
fn parents_in_a_circle_end_the_search() {
    assert_eq!(lineage(&[(1, node(2)), (2, node(1))]).agent(TRACE, [1; 8]), None);
}

#[test]
fn an_attempt_follows_a_failure_of_the_same_thing() {
    let mut lineage = lineage(&[(1, node(0))]);
    let mut attempt = |what, start, failed| lineage.attempt(TRACE, Some([1; 8]), what, (start, start + 5), failed).0;
    assert_eq!(attempt(1, 10, true), 1);
    assert_eq!(attempt(1, 20, true), 2);
    assert_eq!(attempt(2, 25, false), 1, "something else");
    assert_eq!(attempt(1, 30, false), 3);
    assert_eq!(attempt(1, 40, false), 1, "after a success it begins anew");
    assert_eq!(attempt(1, 20, true), 2, "the same record again");
    assert_eq!(attempt(1, 12, false), 1, "it began before the failure ended");
}

#[test]
fn two_records_of_one_attempt_tell_of_it_once() {
    let call = |parent| Node { is_call: true, ..node(parent) };
    let mut lineage = lineage(&[(1, node(0)), (2, call(1)), (3, call(2)), (4, call(1)), (5, call(4))]);
    let mut attempt = |parent: u8, interval, failed| lineage.attempt(TRACE, Some([parent; 8]), 1, interval, failed);
    assert_eq!(attempt(2, (12, 18), true), (1, true));
    assert_eq!(attempt(1, (10, 20), true), (1, false), "the call around it");
    assert_eq!(attempt(4, (32, 38), false), (2, true), "below another call, after the first one failed");
    assert_eq!(attempt(1, (30, 40), false), (2, false));
    assert_eq!(attempt(4, (32, 38), false), (2, true), "the same record again");
}

#[test]
fn an_mcp_span_inside_a_tool_span_is_the_same_call() {
    let tool = |name: &str, parent, is_mcp| Node { tool: Some(name.into()), is_mcp, ..node(parent) };
    let nodes = [(1, tool("mcp__support__get_weather", 0, false)), (2, node(1)), (3, tool("get_weather", 2, true))];
    let mut both_known = lineage(&nodes);
    assert!(both_known.is_second_of_mcp(TRACE, [3; 8], "get_weather", true));
    assert!(!both_known.is_second_of_mcp(TRACE, [1; 8], "mcp__support__get_weather", false));
    let mut inner_first = lineage(&nodes[1..]);
    assert!(!inner_first.is_second_of_mcp(TRACE, [3; 8], "get_weather", true));
    inner_first.add(TRACE, [1; 8], nodes[0].1.clone(), 10);
    assert!(inner_first.is_second_of_mcp(TRACE, [1; 8], "mcp__support__get_weather", false));
    assert!(!inner_first.is_second_of_mcp(TRACE, [3; 8], "get_weather", true), "decided before");
}

#[test]
fn lineage_is_bounded() {
    let mut lineage = Lineage::default();
    for span in 0..20 {
        lineage.add(TRACE, [span; 8], Node { agent: Some("a".into()), ..node(0) }, 10);
    }
    assert!(lineage.agent(TRACE, [5; 8]).is_some() && lineage.agent(TRACE, [15; 8]).is_none());
    assert_eq!(lineage.evict(0), 1);
    assert_eq!(lineage.agent(TRACE, [5; 8]), None);
}

#[test]
fn an_agent_below_another_is_an_edge_whichever_arrives_last() {
    let agent = |name: &str, parent| Node { agent: Some(name.into()), is_agent: true, ..node(parent) };
    let tool = |parent| Node { tool: Some("ask".into()), ..node(parent) };
    let nodes = [(1, agent("triage", 0)), (2, tool(1)), (3, agent("billing", 2)), (4, agent("billing", 3))];
    for first in 0..nodes.len() {
        let mut order = nodes.clone();
        order.rotate_left(first);
        let mut lineage = Lineage::default();
        let mut edges = Vec::new();
        for (span, node) in order {
            lineage.add(TRACE, [span; 8], node, 10);
            edges.extend(lineage.edges(TRACE, [span; 8]).into_iter().map(|edge| (span, edge)));
        }
        let [(by, edge)] = &edges[..] else { panic!("{edges:?}") };
        assert_eq!((&*edge.source, &*edge.target, edge.through_tool), ("triage", "billing", true));
        assert_eq!(lineage.edges(TRACE, [*by; 8]), std::slice::from_ref(edge), "the same when it is sent again");
    }
}
