//! Answers of both versions, before, while and after the collector is ready.

use super::*;
use chaperone_config::{Node, Problems, parse_settings, read_settings};
use chaperone_pipeline::status::{About, List, PipelineShape, Subject, Topology};
use chaperone_pipeline::{Kind, MemoryStorage};
use http::Method;
use http_body_util::BodyExt;

const NOON: u64 = 1_767_323_045_678_901_234;

fn build(text: &str, clock: &Clock) -> (Arc<Answers>, StatusBoard) {
    let node = if text.is_empty() { Node::null() } else { Node::parse(text, "t.yaml").unwrap() };
    let config: Config = parse_settings(&node, "health_check").unwrap_or_else(|error| panic!("{error}"));
    let board = StatusBoard::default();
    let answers = Answers {
        second: config.second(),
        config,
        clock: clock.clone(),
        started: OnceLock::from(clock.now()),
        phase: Mutex::new(Phase::Starting),
        board: OnceLock::from(board.clone()),
    };
    (Arc::new(answers), board)
}

/// Status, type and text of an answer.
async fn ask(answers: &Arc<Answers>, method: Method, path: &str) -> (u16, String, String) {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let answer = Arc::clone(answers).answer(Ask::new(method, path, query)).await;
    assert_eq!(answer.headers()[CONNECTION], "close");
    let kind = answer.headers()[http::header::CONTENT_TYPE].to_str().unwrap().to_owned();
    let status = answer.status().as_u16();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    (status, kind, String::from_utf8(bytes.to_vec()).unwrap())
}

async fn get(answers: &Arc<Answers>, path: &str) -> (u16, String, String) {
    ask(answers, Method::GET, path).await
}

fn become_ready(answers: &Answers) {
    *answers.phase() = Phase::Ready(answers.clock.now());
}

#[tokio::test]
async fn the_first_answer_is_the_collectors_before_while_and_after_it_is_ready() {
    let clock = Clock::manual(NOON);
    let (answers, _) = build("", &clock);
    let not = r#"{"status":"Server not available","upSince":"0001-01-01T00:00:00Z","uptime":""}"#;
    let not = (503, "application/json".to_owned(), not.to_owned());
    assert_eq!(get(&answers, "/").await, not);
    become_ready(&answers);
    clock.advance_to(NOON + 75_836_415);
    let is = r#"{"status":"Server available","upSince":"2026-01-02T03:04:05.678901234Z","uptime":"75.836415ms"}"#;
    let is = (200, "application/json".to_owned(), is.to_owned());
    for method in [Method::GET, Method::POST, Method::DELETE] {
        assert_eq!(ask(&answers, method, "/any/path").await, is);
    }
    *answers.phase() = Phase::Stopping;
    assert_eq!(get(&answers, "/").await, not);
}

#[tokio::test]
async fn another_path_is_only_itself_and_texts_of_the_user_are_plain() {
    let text = "path: /up\nresponse_body: {healthy: fine, unhealthy: 'not yet'}";
    let (answers, _) = build(text, &Clock::manual(NOON));
    let plain = "text/plain; charset=utf-8".to_owned();
    assert_eq!(get(&answers, "/up").await, (503, plain.clone(), "not yet".to_owned()));
    become_ready(&answers);
    assert_eq!(get(&answers, "/up").await, (200, plain, "fine".to_owned()));
    for other in ["/", "/up/", "/status"] {
        assert_eq!(get(&answers, other).await.0, 404, "{other}");
    }
}

/// A collector of one receiver, one processor and one exporter.
fn fill(board: &StatusBoard, now: Now) -> [Subject; 3] {
    let subject = |kind, id: &str, part: &str| Subject { kind, id: id.into(), part: part.into() };
    let all = [
        subject(Kind::Receiver, "otlp", ""),
        subject(Kind::Processor, "batch", "traces/a"),
        subject(Kind::Exporter, "otlp_http", "traces"),
    ];
    let lists = [List::Receivers, List::Processors, List::Exporters];
    let members = lists.into_iter().zip(all.clone()).collect();
    let pipelines = vec![PipelineShape { id: "traces/a".into(), signal: "traces", members }];
    let extension = subject(Kind::Extension, "health_check", "");
    board.set_topology(Topology { pipelines, extensions: vec![extension.clone()] });
    for one in all.iter().chain([&extension]) {
        board.set(one, Status::Ok, None, now);
    }
    all
}

async fn status(answers: &Arc<Answers>, path: &str) -> (u16, Value) {
    let (status, _, text) = get(answers, path).await;
    (status, serde_json::from_str(&text).unwrap_or_default())
}

#[tokio::test]
async fn the_second_answer_tells_of_pipelines_and_components() {
    let clock = Clock::manual(NOON);
    let (answers, board) = build("http:", &clock);
    assert_eq!(status(&answers, "/status").await.0, 503);
    let [_, _, exporter] = fill(&board, clock.now());
    assert_eq!(status(&answers, "/status").await.1["status"], "StatusStarting", "nobody said that it is ready");
    become_ready(&answers);
    let at = "2026-01-02T03:04:05.678901234Z";
    let ok = json!({"healthy": true, "status": "StatusOK", "status_time": at, "attributes": {}});
    let mut whole = ok.clone();
    whole["start_time"] = json!(at);
    assert_eq!(status(&answers, "/status").await, (200, whole.clone()));

    clock.advance_to(NOON + 1_000_000_000);
    board.set(&exporter, Status::RecoverableError, Some("connection refused".into()), clock.now());
    let failing = json!({
        "healthy": true, "status": "StatusRecoverableError", "error": "connection refused",
        "status_time": "2026-01-02T03:04:06.678901234Z", "attributes": {},
    });
    let mut pipeline = failing.clone();
    pipeline["components"] = json!({"receiver:otlp": ok, "processor:batch": ok, "exporter:otlp_http": failing});
    let mut extensions = ok.clone();
    extensions["components"] = json!({"extension:health_check": ok});
    let mut whole = failing.clone();
    whole["start_time"] = json!(at);
    whole["components"] = json!({"pipeline:traces/a": pipeline.clone(), "extensions": extensions});
    assert_eq!(status(&answers, "/status?verbose").await, (200, whole));
    pipeline["start_time"] = json!(at);
    assert_eq!(status(&answers, "/status?pipeline=traces%2Fa&verbose=true").await, (200, pipeline));
    assert_eq!(status(&answers, "/status?pipeline=extensions").await.1["status"], "StatusOK");
    assert!(status(&answers, "/status?verbose=false").await.1.get("components").is_none());
    assert_eq!(status(&answers, "/status?pipeline=logs").await.0, 404);
    assert_eq!(status(&answers, "/").await.0, 404, "the first version's answer has gone");

    *answers.phase() = Phase::Stopping;
    let (code, value) = status(&answers, "/status").await;
    assert_eq!((code, &value["status"]), (503, &json!("StatusStopping")));
}

#[tokio::test]
async fn errors_count_only_as_far_as_component_health_says() {
    let clock = Clock::manual(NOON);
    let text =
        "http:\ncomponent_health: {include_permanent_errors: true, include_recoverable_errors: true, recovery_duration: 10s}";
    let (answers, board) = build(text, &clock);
    let [_, processor, exporter] = fill(&board, clock.now());
    become_ready(&answers);
    let healthy = async || {
        let (code, value) = status(&answers, "/status").await;
        assert_eq!(code == 200, value["healthy"] == true, "{value}");
        code
    };
    board.set(&exporter, Status::RecoverableError, None, clock.now());
    clock.advance_to(NOON + 9_999_999_999);
    assert_eq!(healthy().await, 200, "it may still recover");
    clock.advance_to(NOON + 10_000_000_000);
    assert_eq!(healthy().await, 500);
    board.set(&exporter, Status::Ok, None, clock.now());
    assert_eq!(healthy().await, 200);
    board.set(&processor, Status::PermanentError, None, clock.now());
    assert_eq!(healthy().await, 500);
}

#[tokio::test]
async fn the_configuration_is_shown_only_where_it_was_asked_for() {
    let (answers, board) = build("http: {config: {enabled: true}}", &Clock::manual(NOON));
    assert_eq!(get(&answers, "/config").await.0, 503, "nobody said what it is");
    board.set_about(About { config: json!({"receivers": {}}), ..About::default() });
    assert_eq!(status(&answers, "/config").await, (200, json!({"receivers": {}})));
    let (answers, board) = build("http:", &Clock::manual(NOON));
    board.set_about(About { config: json!({"receivers": {}}), ..About::default() });
    assert_eq!(get(&answers, "/config").await.0, 404);
}

#[tokio::test]
async fn it_listens_and_a_taken_port_is_a_clear_error() {
    let clock = Clock::manual(NOON);
    let ctx = BuildContext::for_tests("health_check", clock.clone());
    let host = Host::for_tests(clock, Arc::new(MemoryStorage::default()));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let config = |endpoint: String| Config { endpoint: chaperone_config::Endpoint::new(endpoint), ..Config::default() };
    let endpoint = taken.local_addr().unwrap().to_string();
    let refused = HealthCheck::build(config(endpoint.clone()), &ctx).unwrap();
    let error = refused.start(&host).await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot serve on `{endpoint}`"));
    drop(taken);
    let free = HealthCheck::build(config("127.0.0.1:0".to_owned()), &ctx).unwrap();
    free.start(&host).await.unwrap();
    free.ready();
    free.not_ready();
    free.stop().await;
}

#[test]
fn settings_without_effect_are_warned_of() {
    let warned = |text: &str| -> Vec<String> {
        let mut problems = Problems::new();
        read_settings::<Config>(&Node::parse(text, "t.yaml").unwrap(), "h", &mut problems).expect("no errors");
        problems.iter().map(|problem| problem.message.clone()).collect()
    };
    assert!(warned("check_collector_pipeline: {interval: 1m}").is_empty());
    assert!(warned("check_collector_pipeline: {enabled: true}")[0].starts_with("has no effect any more"));
    assert_eq!(warned("path: /up\nuse_v2: true").len(), 1);
    assert_eq!(warned("component_health: {include_permanent_errors: true}"), ["has no effect without `http`"]);
}
