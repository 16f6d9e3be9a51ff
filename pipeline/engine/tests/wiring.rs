//! What is wrong with a document: all of it at once, each with its place.

use super::*;

fn lines(text: &str) -> Vec<String> {
    let line = |problem: &chaperone_config::Problem| {
        let place = problem.location.as_ref().map_or("-".to_owned(), |place| format!("{}:{}", place.line, place.column));
        let hint = problem.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{place} {}: {}{hint}", problem.path, problem.message)
    };
    problems(text).iter().map(line).collect()
}

#[test]
fn all_problems_are_reported_at_once_each_with_its_place() {
    let found = lines(
        "receivers:
  taps:
processors:
  act: {what: jump, limit: 5}
  act/2: {limit: 500}
  actt:
exporters:
  net: {timeout: -1s, retry_on_failure: {max: 1}, colour: red}
  nte:
service:
  pipelines:
    logs: {receivers: [taps], processors: [act, act/2], exporters: [net]}
",
    );
    let text = found.join("\n");
    for expected in [
        "6:3 processors.actt: unknown processor type `actt` (did you mean `act`?)",
        "9:3 exporters.nte: unknown exporter type `nte` (did you mean `net`?)",
        "8:42 exporters.net.retry_on_failure.max: ",
        "8:51 exporters.net.colour: unknown key `colour`",
        "exporters.net.timeout: ",
        "4:15 processors.act.what: ",
        "5:18 processors.act/2.limit: `limit` is over 100",
    ] {
        assert!(text.contains(expected), "{expected}\nnot in\n{text}");
    }
}

#[test]
fn components_in_pipelines_of_a_signal_they_do_not_know_are_refused() {
    let found = lines(
        "receivers: {taps: , own_events: }
processors: {traces_only: }
exporters: {net: , local: }
service:
  pipelines:
    logs: {receivers: [taps], processors: [traces_only], exporters: [net]}
    metrics: {receivers: [own_events], exporters: [local]}
",
    );
    assert_eq!(
        found[..3],
        [
            "6:44 service.pipelines.logs.processors[0]: processor `traces_only` does not take logs (it knows traces)",
            "7:27 service.pipelines.metrics.receivers[0]: receiver `own_events` does not give metrics (it knows logs)",
            "7:52 service.pipelines.metrics.exporters[0]: exporter `local` does not take metrics (it knows traces and logs)",
        ]
    );
}

#[test]
fn a_connector_is_used_on_both_sides_or_not_at_all() {
    let found = lines(
        "receivers: {taps: }
connectors: {forward/a: , forward/b: , forward/c: , copy: }
exporters: {net: }
service:
  pipelines:
    traces: {receivers: [taps], exporters: [forward/a, forward/c]}
    logs: {receivers: [forward/b, forward/c], exporters: [net]}
    metrics: {receivers: [taps], exporters: [copy]}
",
    );
    let only = |half: &str, pipeline: &str, other: &str| {
        format!("connector `{half}` used as {pipeline} but not used in any supported {other} pipeline")
    };
    let text = found.join("\n");
    for expected in [
        only("forward/a", "exporter in `traces`", "receiver"),
        only("forward/b", "receiver in `logs`", "exporter"),
        // Passes, but never one signal as another.
        only("forward/c", "exporter in `traces`", "receiver"),
        only("forward/c", "receiver in `logs`", "exporter"),
        "connector `copy` does not take metrics".to_owned(),
    ] {
        assert!(text.contains(&expected), "{expected}\nnot in\n{text}");
    }
    assert!(text.contains("name `forward/a` among the receivers of a traces pipeline"), "{text}");
    assert!(text.contains("6:45 service.pipelines.traces.exporters[0]"), "{text}");
}

#[test]
fn a_cycle_is_shown_as_the_way_it_goes() {
    let found = lines(
        "receivers: {taps: }
connectors: {forward/a: , copy: , forward/b: }
exporters: {net: }
service:
  pipelines:
    traces: {receivers: [taps], exporters: [copy]}
    logs/1: {receivers: [copy, forward/b], exporters: [forward/a]}
    logs/2: {receivers: [forward/a], exporters: [forward/b, net]}
",
    );
    let cycle = "7:56 service.pipelines.logs/1.exporters[0]: cycle detected: pipeline `logs/1` -> connector `forward/a` -> \
                 pipeline `logs/2` -> connector `forward/b` -> pipeline `logs/1`";
    assert_eq!(found, [cycle]);
}

#[test]
fn a_factory_that_refuses_is_reported_once_at_the_setting() {
    let found = lines(
        "receivers: {taps: }
processors: {act: {what: refuse_to_build}}
exporters: {net: }
service:
  pipelines:
    logs: {receivers: [taps], processors: [act], exporters: [net]}
    traces: {receivers: [taps], processors: [act], exporters: [net]}
",
    );
    assert_eq!(found, ["2:26 processors.act.what: cannot be built"]);
}

#[test]
fn unused_components_are_warned_of_and_aliases_are_accepted() {
    let text = "
receivers: {tap: }
processors: {act: }
connectors: {forward: }
exporters: {net: , net/unused: }
service: {pipelines: {logs: {receivers: [tap], exporters: [net, net]}}}
";
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let _guard = runtime.enter();
    let graph = Graph::build(&document(text), &components::REGISTRY, settings());
    let graph = graph.unwrap_or_else(|problems| panic!("{problems}"));
    let warned: Vec<&str> = graph.warnings().iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(warned, ["processors.act", "exporters.net/unused", "connectors.forward"]);
}

#[test]
fn the_edges_follow_the_file_with_acknowledging_ones_first() {
    let text = "
receivers: {taps: }
processors: {act: }
connectors: {copy: , forward: }
exporters: {net: , local: }
service:
  pipelines:
    logs: {receivers: [taps], processors: [act], exporters: [copy, net, forward, local, net]}
    logs/2: {receivers: [copy, forward], exporters: [local]}
";
    let graph = Graph::build(&document(text), &components::REGISTRY, settings());
    let flow = graph.unwrap_or_else(|problems| panic!("{problems}")).assembled.flow;
    let name = |index: &usize| flow.nodes[*index].place.id.to_string();
    let act = flow.nodes.iter().find(|node| node.place.id == id("act")).expect("built");
    let next: Vec<usize> = act.next[Signal::Logs as usize].iter().map(|edge| edge.to).collect();
    assert_eq!(next.iter().map(name).collect::<Vec<_>>(), ["net", "forward", "local", "copy"]);
    assert_eq!(name(&flow.order[0]), "act", "upstream first");
}
