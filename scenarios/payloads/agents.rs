//! The conversation of *chat* as the emitters of several dialects write it, and spans of a web application.
//!
//! Every form is made from the same drawn span, so that counts compare between dialects.
//! What is written is what instrumentations of these dialects were seen to write, under their own scopes.

use super::chat::{messages, span as chat};
use super::draw::Draw;
use super::request::{plain, request_of, span as finish, text, texts};
use chaperone_genai::keys;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span as Made;

/// Which dialect, and how much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The conventions: messages as JSON text.
    Otel,
    /// The same with tool calls, their results and the tools that were offered.
    OtelTools,
    /// OpenInference: indexed messages, and the request and answer whole.
    OpenInference,
    /// OpenInference as it is with inputs and outputs hidden.
    OpenInferenceHidden,
    /// OpenLLMetry from 0.54 on: the conventions' messages beside keys of its own.
    OpenLlmetry,
    /// OpenLLMetry before: indexed prompts and completions.
    OpenLlmetryIndexed,
    /// No agent at all: requests that a web application serves and makes.
    Web,
}

impl Form {
    /// Every form, by its name on the command line of the benches.
    pub const ALL: [(&'static str, Form); 7] = [
        ("otel", Form::Otel),
        ("otel-tools", Form::OtelTools),
        ("openinference", Form::OpenInference),
        ("openinference-hidden", Form::OpenInferenceHidden),
        ("openllmetry", Form::OpenLlmetry),
        ("openllmetry-indexed", Form::OpenLlmetryIndexed),
        ("web", Form::Web),
    ];

    /// A serialized request of 100 spans.
    pub fn request(self, seed: u64) -> Vec<u8> {
        let (scope, make): (_, Make) = match self {
            Form::Otel => (OTEL, chat),
            Form::OtelTools => (OTEL, with_tools),
            Form::OpenInference => (OPENINFERENCE, |draw| openinference(draw, true)),
            Form::OpenInferenceHidden => (OPENINFERENCE, |draw| openinference(draw, false)),
            Form::OpenLlmetry => (OPENLLMETRY, openllmetry),
            Form::OpenLlmetryIndexed => (("opentelemetry.instrumentation.openai.v1", "0.40.0"), openllmetry_indexed),
            Form::Web => (("io.opentelemetry.http", "2.1.0"), web),
        };
        request_of(seed, 100, scope, make)
    }
}

const OTEL: (&str, &str) = ("opentelemetry.instrumentation.genai.openai", "1.3b0");
const OPENINFERENCE: (&str, &str) = ("openinference.instrumentation.openai", "0.1.66");
const OPENLLMETRY: (&str, &str) = ("opentelemetry.instrumentation.openai.v1", "0.62.4");

/// Makes one span.
type Make = fn(&mut Draw) -> Made;

/// What a drawn span says, by canonical key.
struct Said(Made);

impl Said {
    fn value(&self, key: chaperone_proto::KeyId) -> Option<Value> {
        let name = keys::ALL[usize::from(key.0)];
        self.0.attributes.iter().find(|pair| pair.key == name)?.value.as_ref()?.value.clone()
    }
    fn text(&self, key: chaperone_proto::KeyId) -> String {
        match self.value(key) {
            Some(Value::StringValue(text)) => text,
            _ => String::new(),
        }
    }
    /// `(role, content)` of the messages under a key.
    fn messages(&self, key: chaperone_proto::KeyId) -> Vec<(String, String)> {
        let json: serde_json::Value = serde_json::from_str(&self.text(key)).unwrap_or_default();
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let all = json.as_array().cloned().unwrap_or_default();
        all.iter().map(|message| (text(&message["role"]), text(&message["parts"][0]["content"]))).collect()
    }
    /// The attributes of no dialect: keys that applications add.
    fn unknown(&self) -> impl Iterator<Item = KeyValue> {
        self.0.attributes.iter().filter(|pair| !keys::ALL.contains(&pair.key.as_str())).cloned()
    }
    /// The span with other attributes.
    fn respelled(mut self, name: &str, attributes: Vec<KeyValue>) -> Made {
        let unknown: Vec<KeyValue> = self.unknown().collect();
        self.0.name = name.to_owned();
        self.0.attributes = attributes;
        self.0.attributes.extend(unknown);
        self.0
    }
}

fn pair(key: impl Into<String>, value: Value) -> KeyValue {
    KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }), key_strindex: 0 }
}

/// Request and answer as the provider's library has them.
fn provider_json(said: &Said) -> (String, String) {
    let list = |key| -> Vec<serde_json::Value> {
        let all = said.messages(key).into_iter();
        all.map(|(role, content)| serde_json::json!({"role": role, "content": content})).collect()
    };
    let model = said.text(keys::GEN_AI_REQUEST_MODEL);
    let request = serde_json::json!({"model": model, "messages": list(keys::GEN_AI_INPUT_MESSAGES), "temperature": 0.2});
    let choices: Vec<serde_json::Value> = list(keys::GEN_AI_OUTPUT_MESSAGES)
        .into_iter()
        .map(|message| serde_json::json!({"finish_reason": "stop", "index": 0, "message": message}))
        .collect();
    let answer = serde_json::json!({"id": said.text(keys::GEN_AI_RESPONSE_ID), "choices": choices, "object": "chat.completion"});
    (request.to_string(), answer.to_string())
}

fn openinference(draw: &mut Draw, shows_content: bool) -> Made {
    let said = Said(chat(draw));
    let hidden = || text("__REDACTED__");
    let (request, answer) = provider_json(&said);
    let mut all = vec![
        pair("llm.system", text(said.text(keys::GEN_AI_PROVIDER_NAME))),
        pair("input.value", if shows_content { text(request) } else { hidden() }),
        pair("input.mime_type", text("application/json")),
        pair("output.value", if shows_content { text(answer) } else { hidden() }),
        pair("output.mime_type", text("application/json")),
        pair("llm.invocation_parameters", text(r#"{"model": "gpt-4.1", "max_tokens": 4096, "temperature": 0.2, "top_p": 0.95}"#)),
    ];
    if shows_content {
        all.extend(indexed(&said, keys::GEN_AI_INPUT_MESSAGES, "llm.input_messages", ".message."));
    }
    all.push(pair("llm.model_name", text(said.text(keys::GEN_AI_RESPONSE_MODEL))));
    for (key, from) in [
        ("llm.token_count.prompt", keys::GEN_AI_USAGE_INPUT_TOKENS),
        ("llm.token_count.completion", keys::GEN_AI_USAGE_OUTPUT_TOKENS),
    ] {
        all.extend(said.value(from).map(|count| pair(key, count)));
    }
    for key in ["prompt_details.cache_read", "prompt_details.audio", "completion_details.reasoning", "completion_details.audio"] {
        all.push(pair(format!("llm.token_count.{key}"), Value::IntValue(0)));
    }
    if shows_content {
        all.extend(indexed(&said, keys::GEN_AI_OUTPUT_MESSAGES, "llm.output_messages", ".message."));
    }
    all.push(pair("llm.finish_reason", text("stop")));
    all.push(pair("session.id", text(said.text(keys::GEN_AI_CONVERSATION_ID))));
    all.push(pair("openinference.span.kind", text("LLM")));
    said.respelled("ChatCompletion", all)
}

fn indexed(said: &Said, key: chaperone_proto::KeyId, prefix: &str, infix: &str) -> Vec<KeyValue> {
    let mut all = Vec::new();
    for (at, (role, content)) in said.messages(key).into_iter().enumerate() {
        if role == "tool" {
            all.push(pair(format!("{prefix}.{at}{infix}tool_call_id"), text("call_0123456789abcdef")));
        }
        all.push(pair(format!("{prefix}.{at}{infix}role"), text(role)));
        all.push(pair(format!("{prefix}.{at}{infix}content"), text(content)));
    }
    all
}

/// What OpenLLMetry says besides messages, by the names it uses today or used before.
fn openllmetry_facts(said: &Said, is_old: bool) -> Vec<KeyValue> {
    let provider = if is_old { "gen_ai.system" } else { "gen_ai.provider.name" };
    let mut all = vec![
        if is_old { pair("llm.request.type", text("chat")) } else { pair("gen_ai.operation.name", text("chat")) },
        pair(provider, text(said.text(keys::GEN_AI_PROVIDER_NAME))),
        pair("gen_ai.request.model", text(said.text(keys::GEN_AI_REQUEST_MODEL))),
        pair("gen_ai.request.max_tokens", Value::IntValue(4096)),
        pair("gen_ai.request.temperature", Value::DoubleValue(0.2)),
        pair("gen_ai.is_streaming", Value::BoolValue(false)),
        pair("gen_ai.openai.api_base", text("https://api.openai.com/v1/")),
        pair("gen_ai.response.model", text(said.text(keys::GEN_AI_RESPONSE_MODEL))),
        pair("gen_ai.response.id", text(said.text(keys::GEN_AI_RESPONSE_ID))),
    ];
    let names = if is_old { ["prompt", "completion"] } else { ["input", "output"] };
    for (name, from) in names.into_iter().zip([keys::GEN_AI_USAGE_INPUT_TOKENS, keys::GEN_AI_USAGE_OUTPUT_TOKENS]) {
        all.extend(said.value(from).map(|count| pair(format!("gen_ai.usage.{name}_tokens"), count)));
    }
    all
}

fn openllmetry(draw: &mut Draw) -> Made {
    let said = Said(chat(draw));
    let mut all = openllmetry_facts(&said, false);
    all.push(pair("gen_ai.response.finish_reasons", texts("stop")));
    all.push(pair("openai.response.service_tier", text("default")));
    all.push(pair("gen_ai.usage.cache_read.input_tokens", Value::IntValue(0)));
    all.push(pair("gen_ai.usage.reasoning_tokens", Value::IntValue(0)));
    all.push(pair("gen_ai.input.messages", text(said.text(keys::GEN_AI_INPUT_MESSAGES))));
    all.push(pair("gen_ai.output.messages", text(said.text(keys::GEN_AI_OUTPUT_MESSAGES))));
    said.respelled("openai.chat", all)
}

fn openllmetry_indexed(draw: &mut Draw) -> Made {
    let said = Said(chat(draw));
    let mut all = openllmetry_facts(&said, true);
    all.extend(indexed(&said, keys::GEN_AI_INPUT_MESSAGES, "gen_ai.prompt", "."));
    all.extend(indexed(&said, keys::GEN_AI_OUTPUT_MESSAGES, "gen_ai.completion", "."));
    all.push(pair("gen_ai.completion.0.finish_reason", text("stop")));
    said.respelled("openai.chat", all)
}

/// The same size of conversation, with a tool that was asked for before and one that is asked for now.
fn with_tools(draw: &mut Draw) -> Made {
    let mut span = chat(draw);
    let (before, now) = (draw.hex(24), draw.hex(24));
    let tail = messages(draw, &["user"], 600);
    let told = messages(draw, &["system", "user"], 1_400);
    let result = draw.prose(700);
    let input = format!(
        r#"{},{{"role":"assistant","parts":[{{"type":"tool_call","id":"call_{before}","name":"search_orders","arguments":{{"customer_id":"C-1042","limit":5}}}}]}},{{"role":"tool","parts":[{{"type":"tool_call_response","id":"call_{before}","response":"{result}"}}]}},{}"#,
        told.trim_end_matches(']'),
        tail.trim_start_matches('['),
    );
    let output = format!(
        r#"[{{"role":"assistant","parts":[{{"type":"tool_call","id":"call_{now}","name":"issue_refund","arguments":{{"order_id":"O-77","amount":12.5,"reason":"{}"}}}}],"finish_reason":"tool_call"}}]"#,
        draw.prose(40)
    );
    let tools = ["search_orders", "issue_refund", "get_weather"].map(|name| {
        let description = draw.prose(80);
        format!(
            r#"{{"type":"function","name":"{name}","description":"{description}","parameters":{{"type":"object","properties":{{"customer_id":{{"type":"string"}}}}}}}}"#
        )
    });
    for (key, value) in [
        (keys::GEN_AI_INPUT_MESSAGES, input),
        (keys::GEN_AI_OUTPUT_MESSAGES, output),
        (keys::GEN_AI_TOOL_DEFINITIONS, format!("[{}]", tools.join(","))),
    ] {
        let name = keys::ALL[usize::from(key.0)];
        span.attributes.retain(|pair| pair.key != name);
        span.attributes.push(plain(key, text(value)));
    }
    span
}

fn web(draw: &mut Draw) -> Made {
    let all = [
        ("http.request.method", text("GET")),
        ("http.route", text("/orders/{id}")),
        ("http.response.status_code", Value::IntValue(200)),
        ("url.scheme", text("https")),
        ("url.path", text(format!("/orders/{}", draw.below(100_000)))),
        ("server.address", text("shop.example.com")),
        ("server.port", Value::IntValue(443)),
        ("client.address", text("10.1.2.3")),
        ("network.protocol.version", text("1.1")),
        ("user_agent.original", text("Mozilla/5.0 (X11; Linux x86_64)")),
        ("app.order.state", text(draw.one_of(&["open", "paid", "sent"]))),
        ("thread.name", text("http-worker-7")),
    ];
    let all = all.into_iter().map(|(key, value)| pair(key, value)).collect();
    finish(draw, "GET /orders/{id}".to_owned(), all)
}
