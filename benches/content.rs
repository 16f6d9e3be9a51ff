//! Recognisers on a text of a given kind, a number of times: instructions counted with valgrind are instructions a KiB.
//!
//! Usage: `bench-content <prose|messages|dense> <find|redact> <iterations>`; each iteration reads 64 KiB of text.
//! `prose` holds nothing that is recognised, `messages` is a conversation in JSON with four hits in 64 KiB, `dense` has one in each
//! hundred bytes. The difference of two numbers of iterations leaves out the start.

use chaperone_genai::content::recognise::Recognizers;
use chaperone_genai::content::{Identity, Mode, Policy};
use chaperone_proto::{Data, Limits, Signal};
use std::hint::black_box;
use std::process::ExitCode;

const TEXT: usize = 64 * 1024;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, task, iterations] = &arguments[..] else { return usage() };
    let (Some(text), Ok(iterations)) = (text(kind), iterations.parse::<usize>()) else { return usage() };
    match task.as_str() {
        "find" => {
            let recognizers = Recognizers::all();
            let mut hits = Vec::new();
            let mut found = 0;
            for _ in 0..iterations {
                recognizers.find(black_box(&text), &mut hits);
                found += hits.len();
            }
            black_box(found);
        }
        "redact" => {
            chaperone_genai::dialects::install();
            let policy = Policy::new(Mode::Redact, Identity::Hash, [7; 32]);
            let request = request(&text);
            for _ in 0..iterations {
                let mut data =
                    Data::decode_json(Signal::Traces, black_box(&request), &Limits::default()).expect("invariant: JSON of ours");
                black_box(policy.apply(&mut data));
            }
        }
        // What `redact` does beside redacting.
        "decode" => {
            chaperone_genai::dialects::install();
            let request = request(&text);
            for _ in 0..iterations {
                black_box(
                    Data::decode_json(Signal::Traces, black_box(&request), &Limits::default()).expect("invariant: JSON of ours"),
                );
            }
        }
        _ => return usage(),
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: bench-content <prose|messages|dense> <find|redact|decode> <iterations>");
    ExitCode::FAILURE
}

/// One span of an agent with the text as its input.
fn request(text: &str) -> Vec<u8> {
    let quoted = serde_json::Value::from(text);
    let span = format!(
        r#"{{"name":"chat m","traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","attributes":[
        {{"key":"openinference.span.kind","value":{{"stringValue":"LLM"}}}},{{"key":"input.value","value":{{"stringValue":{quoted}}}}}]}}"#
    );
    format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"scope":{{"name":"openinference.instrumentation.openai"}},"spans":[{span}]}}]}}]}}"#).into_bytes()
}

fn text(kind: &str) -> Option<String> {
    const PROSE: &str = "The parcel left the warehouse in the morning, and the driver called twice before noon. Nobody was at home, \
        so it went back to the depot (shelf 12, row C). A new date was agreed: the customer asked for a slot after work, and the \
        agent promised to send a message as soon as the tour was planned. Refunds take three days. ";
    const HIT: &str = "Reach her at jane.doe@example.com about it. ";
    let mut text = String::with_capacity(TEXT + 1024);
    match kind {
        "prose" => {
            while text.len() < TEXT {
                text.push_str(PROSE);
            }
        }
        "messages" => {
            text.push('[');
            for i in 0.. {
                if text.len() >= TEXT {
                    break;
                }
                let hit = if i % 40 == 7 { HIT } else { "" };
                let content = format!("{PROSE}{hit}\n{PROSE}");
                let comma = if i > 0 { "," } else { "" };
                let role = if i % 2 == 0 { "user" } else { "assistant" };
                let part = serde_json::Value::from(content);
                text.push_str(&format!(r#"{comma}{{"role":"{role}","parts":[{{"type":"text","content":{part}}}]}}"#));
            }
            text.push(']');
        }
        "dense" => {
            while text.len() < TEXT {
                text.push_str(PROSE.get(..60)?);
                text.push_str(HIT);
            }
        }
        _ => return None,
    }
    Some(text)
}
