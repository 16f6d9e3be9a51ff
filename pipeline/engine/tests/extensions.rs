//! Extensions: order of start and stop, what they hear, who may name them as a store, and the statuses they read.

use super::beside::Heard;
use super::*;
use crate::Status;
use crate::status::Subject;
use script::Answer;

/// A graph whose processor keeps state, if `storage` says where.
fn text(storage: &str, extensions: &str) -> String {
    format!(
        "
receivers: {{taps: }}
processors: {{keep: {{storage: {storage}}}}}
exporters: {{net: {{retry_on_failure: {{initial_interval: 1s}}}}}}
extensions: {{diary: , diary/two: , shelf: , shelf/unused: }}
service:
  extensions: [{extensions}]
  pipelines: {{logs: {{receivers: [taps], processors: [keep], exporters: [net]}}}}
"
    )
}

fn heard(settings: &EngineSettings) -> Vec<String> {
    settings.shared.get_or_init(&id("diary"), Heard::default).lock().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn stores_start_before_other_extensions_and_these_before_components_and_all_stop_last() {
    let house = House::of(&text("shelf", "diary, diary/two, shelf, diary")).await;
    let begun = ["shelf start", "diary start", "diary/two start", "shelf for processor keep", "diary ready", "diary/two ready"];
    assert_eq!(heard(&house.settings), begun, "named twice starts once");
    let settings = house.shutdown(Duration::from_secs(1)).await;
    let ended = ["diary not ready", "diary/two not ready", "diary/two stop", "diary stop", "shelf stop"];
    assert_eq!(heard(&settings)[begun.len()..], ended);
}

#[tokio::test(start_paused = true)]
async fn an_extension_that_does_not_start_ends_the_start_and_those_that_did_are_stopped() {
    let text = text("", "diary, diary/two").replace("diary/two: ,", "diary/two: {torn: true},");
    let settings = settings();
    let graph = Graph::build(&document(&text), &REGISTRY, settings.clone()).unwrap_or_else(|problems| panic!("{problems}"));
    let error = graph.start().await.err().expect("it is torn");
    assert_eq!(error.to_string(), "extension `diary/two` did not start: it is torn");
    assert_eq!(heard(&settings), ["diary start", "diary/two start", "diary not ready", "diary stop"]);
}

#[test]
fn a_storage_that_leads_to_no_store_is_refused_before_anything_starts() {
    let one = |storage: &str| {
        let found = problems(&text(storage, "diary, shelf"));
        let errors = found.iter().filter(|problem| problem.severity == chaperone_config::Severity::Error);
        let found: Vec<String> = errors.map(|problem| format!("{}: {}", problem.path, problem.message)).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        found.concat()
    };
    assert_eq!(one("diary"), "processors.keep.storage: requested extension is not a storage extension: `diary`");
    for absent in ["file_storage", "shelf/unused"] {
        let expected = format!("no storage client extension found: `{absent}` is not among `service::extensions`");
        assert_eq!(one(absent), format!("processors.keep.storage: {expected}"));
    }
}

#[test]
fn extensions_that_are_unknown_or_wrong_are_reported_and_unused_ones_are_warned_of() {
    let bad = text("", "diary").replace("diary/two: ,", "diary/two: {ink: red}, dairy: ,");
    let found = problems(&bad).to_string();
    assert!(found.contains("unknown extension type `dairy`") && found.contains("did you mean `diary`?"), "{found}");
    assert!(found.contains("unknown key `ink`") && found.contains("extensions.diary/two.ink"), "{found}");

    let graph = Graph::build(&document(&text("", "diary")), &REGISTRY, settings()).unwrap_or_else(|found| panic!("{found}"));
    let warned: Vec<_> = graph.warnings().iter().map(|problem| format!("{}: {}", problem.path, problem.message)).collect();
    let of = |id: &str| format!("extensions.{id}: `{id}` is configured and not named in `service::extensions`");
    assert_eq!(warned, [of("diary/two"), of("shelf"), of("shelf/unused")]);
}

#[tokio::test(start_paused = true)]
async fn the_status_board_knows_every_component_from_start_to_stop() {
    let house = House::of(&text("", "diary")).await;
    let board = house.settings.shared.status().clone();
    let all = || -> Vec<(String, Status)> {
        let named = |(subject, event): (Subject, crate::status::StatusEvent)| {
            (format!("{}:{}:{}", subject.kind.word(), subject.id, subject.part), event.status)
        };
        board.all().into_iter().map(named).collect()
    };
    let names = ["receiver:taps:", "processor:keep:logs", "exporter:net:logs", "extension:diary:"];
    assert_eq!(all(), names.map(|name| (name.to_owned(), Status::Ok)));
    let topology = board.topology();
    let members: Vec<_> = topology.pipelines[0].members.iter().map(|(_, subject)| subject.id.as_str()).collect();
    assert_eq!((topology.pipelines[0].id.as_str(), members), ("logs", vec!["taps", "keep", "net"]));
    house.shutdown(Duration::from_secs(1)).await;
    assert_eq!(all(), names.map(|name| (name.to_owned(), Status::Stopped)));
}

#[tokio::test(start_paused = true)]
async fn an_exporter_whose_deliveries_fail_is_in_a_recoverable_error_until_one_succeeds() {
    let house = House::of(&text("", "diary")).await;
    let (board, script) = (house.settings.shared.status().clone(), house.script("net"));
    let of_net = || board.get(&Subject::of_signal(&id("net"), Signal::Logs)).map(|event| (event.status, event.message));
    script.say([Answer::Later(None)]);
    assert_eq!(house.send(1).await, Outcome::Ok, "it is queued");
    script.tried(1).await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    let (status, message) = of_net().expect("a status");
    assert_eq!(status, Status::RecoverableError);
    assert!(message.is_some_and(|message| !message.is_empty()));
    script.tried(2).await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(of_net(), Some((Status::Ok, None)));
    house.shutdown(Duration::from_secs(1)).await;
}
