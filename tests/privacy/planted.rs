//! Nothing that was planted is left, wherever it was planted, in `metadata_only` and in `redact`.

use crate::chain::{Enriching, is_agents, processor, records_of, through};
use crate::plants::{CANARY, PLANTS, Planting};
use chaperone_genai::{dialects, keys};
use chaperone_proto::{Data, Limits, Signal};
use chaperone_testkit::corpus;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use prost::Message;
use std::collections::BTreeSet;

/// Into the values of attributes, and new attributes beside them.
fn plant_attributes(planting: &mut Planting, attributes: &mut Vec<KeyValue>, which: impl Fn(&str) -> bool) {
    for pair in attributes.iter_mut().filter(|pair| which(&pair.key)) {
        if let Some(value) = &mut pair.value {
            planting.value(value);
        }
    }
    planting.attributes(attributes);
}

/// Whether text may be planted under a key without changing whose record it is.
fn is_free(key: &str) -> bool {
    key != chaperone_proto::keys::name(keys::CHAPERONE_DIALECT_NAME)
}

fn plant_traces(planting: &mut Planting, request: &mut ExportTraceServiceRequest) {
    for resource_spans in &mut request.resource_spans {
        planting.text(&mut resource_spans.schema_url);
        if let Some(resource) = &mut resource_spans.resource {
            plant_attributes(planting, &mut resource.attributes, is_free);
        }
        for scope_spans in &mut resource_spans.scope_spans {
            planting.text(&mut scope_spans.schema_url);
            if let Some(scope) = &mut scope_spans.scope {
                planting.text(&mut scope.name);
                planting.text(&mut scope.version);
                plant_attributes(planting, &mut scope.attributes, is_free);
            }
            for span in &mut scope_spans.spans {
                planting.text(&mut span.name);
                planting.text(&mut span.trace_state);
                planting.text(&mut span.status.get_or_insert_default().message);
                plant_attributes(planting, &mut span.attributes, is_free);
                for event in &mut span.events {
                    planting.text(&mut event.name);
                    plant_attributes(planting, &mut event.attributes, is_free);
                }
                span.links.push(opentelemetry_proto::tonic::trace::v1::span::Link {
                    trace_id: vec![1; 16],
                    span_id: vec![2; 8],
                    ..Default::default()
                });
                for link in &mut span.links {
                    planting.text(&mut link.trace_state);
                    plant_attributes(planting, &mut link.attributes, is_free);
                }
            }
        }
    }
}

fn plant_logs(planting: &mut Planting, request: &mut ExportLogsServiceRequest) {
    for resource_logs in &mut request.resource_logs {
        planting.text(&mut resource_logs.schema_url);
        if let Some(resource) = &mut resource_logs.resource {
            plant_attributes(planting, &mut resource.attributes, is_free);
        }
        for scope_logs in &mut resource_logs.scope_logs {
            planting.text(&mut scope_logs.schema_url);
            if let Some(scope) = &mut scope_logs.scope {
                planting.text(&mut scope.name);
                planting.text(&mut scope.version);
                plant_attributes(planting, &mut scope.attributes, is_free);
            }
            for log in &mut scope_logs.log_records {
                planting.text(&mut log.severity_text);
                planting.text(&mut log.event_name);
                match &mut log.body {
                    Some(body) => planting.value(body),
                    None => planting.text(&mut log.severity_text),
                }
                plant_attributes(planting, &mut log.attributes, is_free);
            }
        }
    }
}

/// The batch with something planted in every place that holds text.
fn planted(planting: &mut Planting, data: &Data) -> Data {
    let body = data.encode_contiguous();
    let encoded = match data.signal() {
        Signal::Traces => {
            let mut request = ExportTraceServiceRequest::decode(body).expect("what is encoded is decoded");
            plant_traces(planting, &mut request);
            request.encode_to_vec()
        }
        _ => {
            let mut request = ExportLogsServiceRequest::decode(body).expect("what is encoded is decoded");
            plant_logs(planting, &mut request);
            request.encode_to_vec()
        }
    };
    Data::decode(data.signal(), encoded.into(), &Limits::default()).expect("a planted request is a request")
}

/// The needles that are still there.
fn left(data: &Data) -> Vec<&'static str> {
    let bytes = data.encode_contiguous();
    let text = String::from_utf8_lossy(&bytes);
    PLANTS.iter().map(|plant| plant.needle).filter(|needle| text.contains(needle)).collect()
}

/// Where a needle stands, for the message of a test that fails.
fn shown(data: &Data, needle: &str) -> String {
    let mut json = Vec::new();
    data.write_json(&mut json);
    let text = String::from_utf8_lossy(&json).into_owned();
    let at = text.find(needle).unwrap_or(0);
    text.chars().skip(text.get(..at).map_or(0, |front| front.chars().count()).saturating_sub(200)).take(320).collect()
}

fn settings(mode: &str) -> String {
    format!("{{mode: {mode}, canaries: [\"{CANARY}\"]}}")
}

/// Plants in every capture of `names` behind the normaliser, where every place is known, and tells what is left.
fn nothing_is_left(mode: &str) {
    let enriching = Enriching::new();
    let content = processor("gen_ai_content", &settings(mode));
    let (mut places, mut found) = (0, BTreeSet::new());
    for (i, name) in corpus::names().iter().enumerate() {
        let mut planting = Planting::from(i * 7);
        for mut data in records_of(&corpus::load(name).expect("a capture")) {
            data.retain(is_agents);
            for data in enriching.run(data).into_iter().filter(|data| data.records() > 0) {
                let planted = planted(&mut planting, &data);
                for out in through(&content, planted) {
                    for needle in left(&out) {
                        if found.len() < 12 {
                            found.insert(format!("{name}: {}", shown(&out, needle)));
                        }
                    }
                }
            }
        }
        places += planting.places;
    }
    assert!(places > 100_000, "places: {places}");
    assert!(found.is_empty(), "{} and more:\n{}", found.len(), found.into_iter().collect::<Vec<_>>().join("\n---\n"));
}

#[test]
fn nothing_planted_in_any_place_is_left_with_metadata_only() {
    nothing_is_left("metadata_only");
}

#[test]
fn nothing_planted_in_any_place_is_left_with_redact() {
    nothing_is_left("redact");
}

/// Texts under keys of content as emitters write them, so that what was planted goes through the mapping, too.
#[test]
fn nothing_planted_in_what_was_said_is_left_behind_the_mapping() {
    dialects::install();
    let contents = ["metadata_only", "redact"].map(|mode| (mode, processor("gen_ai_content", &settings(mode))));
    let mut places = 0;
    for (i, name) in corpus::names().iter().enumerate() {
        let mut planting = Planting::from(i * 5);
        for mut data in records_of(&corpus::load(name).expect("a capture")) {
            data.retain(is_agents);
            let planted = planted_where_said(&mut planting, &data);
            let enriched = Enriching::new().run(planted);
            for (mode, content) in &contents {
                for out in enriched.iter().flat_map(|data| through(content, data.clone())) {
                    assert_eq!(
                        left(&out),
                        Vec::<&str>::new(),
                        "{name} {mode}: {}",
                        left(&out).first().map_or(String::new(), |n| shown(&out, n))
                    );
                }
            }
        }
        places += planting.places;
    }
    assert!(places > 5_000, "places: {places}");
}

/// Plants where a value is prose or JSON: in what somebody said.
fn planted_where_said(planting: &mut Planting, data: &Data) -> Data {
    let said = |value: &opentelemetry_proto::tonic::common::v1::AnyValue| match &value.value {
        Some(opentelemetry_proto::tonic::common::v1::any_value::Value::StringValue(text)) => {
            text.contains(' ') && text.len() > 12
        }
        _ => false,
    };
    let mut plant = |attributes: &mut Vec<KeyValue>| {
        for pair in attributes.iter_mut() {
            if let Some(value) = &mut pair.value
                && said(value)
            {
                planting.value(value);
            }
        }
    };
    let body = data.encode_contiguous();
    let encoded = match data.signal() {
        Signal::Traces => {
            let mut request = ExportTraceServiceRequest::decode(body).expect("what is encoded is decoded");
            for span in request.resource_spans.iter_mut().flat_map(|r| &mut r.scope_spans).flat_map(|s| &mut s.spans) {
                plant(&mut span.attributes);
                span.events.iter_mut().for_each(|event| plant(&mut event.attributes));
            }
            request.encode_to_vec()
        }
        _ => {
            let mut request = ExportLogsServiceRequest::decode(body).expect("what is encoded is decoded");
            for log in request.resource_logs.iter_mut().flat_map(|r| &mut r.scope_logs).flat_map(|s| &mut s.log_records) {
                plant(&mut log.attributes);
            }
            request.encode_to_vec()
        }
    };
    Data::decode(data.signal(), encoded.into(), &Limits::default()).expect("a planted request is a request")
}
