//! Mode `redact`: what is masked, what stays, and that pseudonyms, caps and settings do what they say.

mod support;

use chaperone_genai::content::{Caps, Identity, KeyRules, Mode, Policy, Removed, Report};
use chaperone_proto::Data;
use serde_json::{Value as Json, json};
use support::{OPENINFERENCE, normalized, span, span_of, value};

const KEY: [u8; 32] = [9; 32];

fn policy() -> Policy {
    Policy::new(Mode::Redact, Identity::Hash, KEY)
}

fn applied(policy: &Policy, mut data: Data) -> (Data, Report) {
    let report = policy.apply(&mut data);
    (data, report)
}

fn text(data: &Data, key: &str) -> String {
    value(data, key).and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The text under `key` of an OpenInference span with these attributes.
fn masked(attrs: &Json, key: &str) -> String {
    text(&applied(&policy(), normalized(span(OPENINFERENCE, attrs))).0, key)
}

/// The label and the pseudonym of the only masked place.
fn pseudonym(text: &str) -> String {
    let behind = text.split('<').nth(1).expect("something is masked");
    behind.split('>').next().unwrap_or_default().to_owned()
}

#[test]
fn content_stays_with_people_and_secrets_masked() {
    let out = masked(&json!({"input.value": "I am jane.doe@example.com, the key is AKIAQYLPMN5HFIQR7XYA."}), "input.value");
    assert!(out.starts_with("I am <EMAIL_") && out.contains(", the key is <SECRET_") && out.ends_with(">."), "{out}");
}

#[test]
fn a_pseudonym_is_the_same_within_a_conversation_and_another_elsewhere() {
    let of = |conversation: &str, mail: &str| {
        let attrs = json!({"session.id": conversation, "input.value": format!("ask {mail}")});
        pseudonym(&masked(&attrs, "input.value"))
    };
    assert_eq!(of("c-1", "jane.doe@example.com"), of("c-1", "Jane.Doe@Example.com"));
    assert_ne!(of("c-1", "jane.doe@example.com"), of("c-1", "john.doe@example.com"));
    assert_ne!(of("c-1", "jane.doe@example.com"), of("c-2", "jane.doe@example.com"));
}

#[test]
fn json_in_json_is_opened_and_stays_json() {
    let arguments =
        json!({"to": "jane.doe@example.com", "password": "correct horse", "card": 4111111111111111_u64, "note": "a\nb"});
    let call = json!([{"role": "user", "content": json!({"arguments": arguments.to_string(), "n": 5}).to_string()}]);
    let out = masked(&json!({"input.value": call.to_string()}), "input.value");
    let outer: Json = serde_json::from_str(&out).expect("JSON");
    let inner: Json = serde_json::from_str(outer[0]["content"].as_str().unwrap()).expect("JSON inside");
    let deep: Json = serde_json::from_str(inner["arguments"].as_str().unwrap()).expect("JSON inside that");
    assert!(deep["to"].as_str().unwrap().starts_with("<EMAIL_"), "{deep}");
    assert!(deep["password"].as_str().unwrap().starts_with("<SECRET_"), "{deep}");
    assert!(deep["card"].as_str().unwrap().starts_with("<CARD_"), "{deep}");
    assert_eq!((&deep["note"], &inner["n"]), (&json!("a\nb"), &json!(5)));
}

#[test]
fn an_escaped_or_cut_off_text_is_read_all_the_same() {
    let out = masked(&json!({"input.value": r#"{"to": "jane.doe\u0040example.com"}"#}), "input.value");
    assert!(out.starts_with(r#"{"to": "<EMAIL_"#), "{out}");
    let out = masked(&json!({"input.value": r#"[{"content": "x\njane.doe@example.com and mo"#}), "input.value");
    assert!(out.contains("<EMAIL_") && !out.contains("jane"), "{out}");
}

#[test]
fn what_cannot_be_read_goes_and_is_counted() {
    let mut json = json!("jane.doe@example.com \"x\"");
    for _ in 0..12 {
        json = json!([json.to_string()]);
    }
    let (data, report) = applied(&policy(), normalized(span(OPENINFERENCE, &json!({"input.value": json.to_string()}))));
    assert!(!text(&data, "input.value").contains("jane"));
    assert!(report.removed[Removed::Unreadable as usize] > 0, "{report:?}");
}

#[test]
fn names_status_events_links_and_resources_are_masked() {
    let event = json!({"name": "to jane.doe@example.com", "attributes": support::attributes(&json!({"note": "ask jane.doe@example.com"}))});
    let fields = json!({
        "name": "mail jane.doe@example.com",
        "status": {"code": 2, "message": "no such user jane.doe@example.com"},
        "traceState": "v=jane.doe@example.com",
        "events": [event],
        "links": [{"traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060709", "attributes": support::attributes(&json!({"why": "jane.doe@example.com"}))}],
    });
    let (data, report) =
        applied(&policy(), normalized(span_of((OPENINFERENCE, "1"), fields, &json!({"house.jane.doe@example.com": 1}))));
    let encoded = String::from_utf8_lossy(&data.encode().concat()).into_owned();
    assert!(!encoded.contains("jane"), "{encoded}");
    assert!(data.record(0).as_span().unwrap().name().starts_with("mail <EMAIL_"));
    assert_eq!(report.removed[Removed::KeyName as usize], 1);
}

#[test]
fn names_of_models_ids_and_numbers_stay_as_they_are() {
    let attrs = json!({
        "llm.model_name": "gpt-4o-mini-2024-07-18", "llm.token_count.prompt": 4111111111111111_u64,
        "session.id": "4111111111111111", "server.address": "69.196.0.85", "tool_call.id": "call_0a1b2c3d4e5f60718293",
    });
    let data = normalized(span(OPENINFERENCE, &attrs));
    let before: Vec<_> = attrs.as_object().unwrap().keys().map(|key| value(&data, key)).collect();
    let (data, _) = applied(&policy(), data);
    let after: Vec<_> = attrs.as_object().unwrap().keys().map(|key| value(&data, key)).collect();
    assert_eq!(before, after);
}

#[test]
fn redacting_twice_is_redacting_once() {
    let attrs =
        json!({"input.value": "password=hunter22 jane.doe@example.com +49 170 1234567 4111 1111 1111 1111 AKIAQYLPMN5HFIQR7XYA"});
    let (once, _) = applied(&policy(), normalized(span(OPENINFERENCE, &attrs)));
    let first = text(&once, "input.value");
    let (twice, report) = applied(&policy(), once);
    assert_eq!(first, text(&twice, "input.value"));
    assert_eq!(report.recognised.iter().sum::<u64>(), 0, "{first}");
}

#[test]
fn keys_are_allowed_and_denied_but_secrets_never_pass() {
    let mut policy = policy();
    policy.allow_keys = KeyRules::from_iter(["house.*", "llm.headers"]);
    policy.deny_keys = KeyRules::from_iter(["house.gone"]);
    let attrs = json!({"house.mail": "jane.doe@example.com", "house.gone": "x", "llm.headers": "Bearer x"});
    let (data, report) = applied(&policy, normalized(span("traceloop.tracer", &attrs)));
    assert_eq!(value(&data, "house.mail"), Some(json!("jane.doe@example.com")));
    assert_eq!((value(&data, "house.gone"), value(&data, "llm.headers")), (None, None));
    assert_eq!(report.removed[Removed::Denied as usize], 1);
}

#[test]
fn content_is_cut_to_its_cap_and_metadata_is_not() {
    let mut policy = Policy::new(Mode::Keep, Identity::Keep, KEY);
    policy.caps = Caps { most: Some(40), by_key: vec![(KeyRules::from_iter(["output.value"]), 20)] };
    let long = json!([{"role": "user", "content": "x".repeat(100)}]).to_string();
    let attrs = json!({"input.value": long, "output.value": "y".repeat(100), "llm.model_name": "m".repeat(100)});
    let (data, report) = applied(&policy, span(OPENINFERENCE, &attrs));
    assert!(text(&data, "input.value").len() <= 40 && serde_json::from_str::<Json>(&text(&data, "input.value")).is_ok());
    assert_eq!(text(&data, "output.value"), format!("{}...", "y".repeat(17)));
    assert_eq!(text(&data, "llm.model_name").len(), 100);
    assert_eq!((report.cut, value(&data, "chaperone.content.truncated")), (2, Some(json!(true))));
}

#[test]
fn canaries_and_recognisers_of_users_are_found_in_metadata_too() {
    let mut policy = policy();
    policy.recognizers.set_canaries(&["blue-heron".to_owned()]).unwrap();
    policy.recognizers.add("employee", r"E-\d{6}").unwrap();
    let attrs = json!({"llm.model_name": "blue-heron", "input.value": "from E-123456"});
    let (data, _) = applied(&policy, normalized(span(OPENINFERENCE, &attrs)));
    assert!(text(&data, "llm.model_name").starts_with("<CANARY_"));
    assert!(text(&data, "input.value").starts_with("from <EMPLOYEE_"));
}
