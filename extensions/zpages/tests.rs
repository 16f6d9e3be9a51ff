//! Pages of a made collector: what they tell, that nothing in them is markup, and what is not there.

use super::*;
use chaperone_pipeline::status::{About, Feature, List, PipelineShape, Subject, Topology};
use chaperone_pipeline::{Kind, Status};
use http_body_util::BodyExt;
use serde_json::{Value, json};

const NOON: u64 = 1_767_323_045_000_000_000;
const NASTY: &str = "otlp_http/<script>alert(\"1\")</script>";

fn answers() -> Answers {
    let clock = Clock::manual(NOON);
    let (board, telemetry, started) = (StatusBoard::default(), Telemetry::default(), clock.now());
    let subject = |kind, id: &str, part: &str| Subject { kind, id: id.into(), part: part.into() };
    let members = vec![
        (List::Receivers, subject(Kind::Receiver, "otlp", "")),
        (List::Processors, subject(Kind::Processor, "batch", "traces/a")),
        (List::Exporters, subject(Kind::Exporter, NASTY, "traces")),
        (List::Exporters, subject(Kind::Connector, "forward", "")),
    ];
    for (_, member) in &members {
        board.set(member, Status::Ok, None, started);
    }
    board.set(&members[2].1, Status::RecoverableError, Some("refused by <b>".into()), started);
    let extension = subject(Kind::Extension, "zpages", "");
    let pipelines = vec![PipelineShape { id: "traces/a".into(), signal: "traces", members }];
    board.set(&extension, Status::Ok, None, started);
    board.set_topology(Topology { pipelines, extensions: vec![extension] });
    let feature = Feature { id: "some.gate".into(), enabled: true, stage: "Alpha".into(), description: "Does & does".into() };
    board.set_about(About { version: "9.9.9".into(), features: vec![feature], config: Value::Null });

    let count = |name, labels: &[(&'static str, &str)], value| telemetry.counter(name, "H.", labels).add(value);
    for (transport, items) in [("grpc", 3), ("http", 4)] {
        let labels = [("outcome", "accepted"), ("receiver", "otlp"), ("signal", "traces"), ("transport", transport)];
        count("chaperone_receiver_items", &labels, items);
    }
    let of_logs = [("outcome", "accepted"), ("receiver", "otlp"), ("signal", "logs"), ("transport", "http")];
    count("chaperone_receiver_items", &of_logs, 100);
    let labels =
        [("component", "batch"), ("direction", "in"), ("kind", "processor"), ("pipeline", "traces/a"), ("signal", "traces")];
    count("chaperone_component_items", &labels, 7);
    count("chaperone_queue_sent_items", &[("exporter", NASTY), ("signal", "traces")], 5);
    telemetry.gauge("otelcol_exporter_queue_capacity", "H.", &[("data_type", "traces"), ("exporter", NASTY)]).set(1000);
    clock.advance_to(NOON + 90_000_000_000);
    Answers { board, telemetry, clock, started, has_figures: false }
}

async fn ask(answers: &Answers, method: Method, path: &str) -> (u16, String) {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let answer = answers.of(&Ask::new(method, path, query));
    let status = answer.status().as_u16();
    if answer.headers()["content-type"] == "text/html; charset=utf-8" {
        assert_eq!(answer.headers()["content-security-policy"], "default-src 'none'; style-src 'unsafe-inline'");
    }
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

async fn json_of(answers: &Answers, page: &str) -> Value {
    let (status, text) = ask(answers, Method::GET, &format!("/debug/{page}?format=json")).await;
    assert_eq!(status, 200);
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn pipelines_tell_status_and_figures_of_their_signal_alone() {
    let answers = answers();
    let value = json_of(&answers, "pipelines").await;
    assert_eq!(value, json_of(&answers, "pipelinez").await);
    let pipeline = &value["pipelines"][0];
    assert_eq!((&pipeline["id"], &pipeline["signal"]), (&json!("traces/a"), &json!("traces")));
    let components = pipeline["components"].as_array().unwrap();
    let ids: Vec<_> = components.iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["otlp", "batch", NASTY, "forward"]);
    assert_eq!(components[0]["figures"], json!({"received": null, "accepted": 7.0, "refused": null}));
    assert_eq!(components[1]["figures"]["in"], 7.0);
    assert_eq!((&components[2]["figures"]["sent"], &components[2]["figures"]["queue_capacity"]), (&json!(5.0), &json!(1000.0)));
    assert_eq!(components[2]["status"], "StatusRecoverableError");
    assert_eq!(components[2]["error"], "refused by <b>");
    assert_eq!(components[3]["kind"], "connector");
}

#[tokio::test]
async fn nothing_that_a_page_tells_is_taken_for_markup() {
    let answers = answers();
    let (status, page) = ask(&answers, Method::GET, "/debug/pipelines").await;
    assert_eq!(status, 200);
    assert!(page.contains("otlp_http/&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;"), "{page}");
    assert!(page.contains("refused by &lt;b&gt;") && page.contains("class=\"bad\">StatusRecoverableError<"), "{page}");
    for forbidden in ["<script", "<b>", "http://", "https://", "src="] {
        assert!(!page.contains(forbidden), "{forbidden}\n{page}");
    }
    let (_, features) = ask(&answers, Method::GET, "/debug/featurez").await;
    assert!(features.contains("Does &amp; does"), "{features}");
}

#[tokio::test]
async fn the_other_pages_tell_of_service_extensions_and_gates() {
    let answers = answers();
    let service = json_of(&answers, "servicez").await;
    assert_eq!((&service["version"], &service["uptime"]), (&json!("9.9.9"), &json!("1m30s")));
    assert_eq!(service["started"], "2026-01-02T03:04:05Z");
    assert_eq!(json_of(&answers, "extensionz").await["extensions"][0]["status"], "StatusOK");
    let features = json_of(&answers, "featurez").await;
    let expected = json!({"id": "some.gate", "enabled": true, "stage": "Alpha", "description": "Does & does"});
    assert_eq!(features["features"], json!([expected]));
    let (_, page) = ask(&answers, Method::GET, "/debug/servicez").await;
    assert!(page.contains("9.9.9") && page.contains("href=\"/debug/pipelines\""), "{page}");
}

#[tokio::test]
async fn what_the_collector_does_not_have_is_not_found() {
    let mut answers = answers();
    for path in ["/", "/debug/", "/debug/rpcz", "/debug/tracez", "/debug/expvarz", "/servicez"] {
        assert_eq!(ask(&answers, Method::GET, path).await.0, 404, "{path}");
    }
    assert_eq!(ask(&answers, Method::POST, "/debug/servicez").await.0, 405);
    answers.has_figures = true;
    let (status, text) = ask(&answers, Method::GET, "/debug/expvarz").await;
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, value["chaperone_queue_sent_items"][0]["value"].as_f64()), (200, Some(5.0)));
}
