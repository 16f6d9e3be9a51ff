//! A made agent at work: writes down what an instrumented framework would, one run a trace.

use super::Request;
use super::otlp::{attribute, double, int, request, text, texts};
use bytes::Bytes;
use chaperone_genai::keys;
use chaperone_proto::Signal;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use serde_json::{Value as Json, json};

const MODEL: &str = "gpt-4o-mini";
const MODEL_VERSION: &str = "gpt-4o-mini-2024-07-18";
const MILLISECOND: u64 = 1_000_000;
/// What a batching exporter waits.
const EXPORT_EVERY: u64 = 5_000 * MILLISECOND;
const CLIENT: i32 = 3;
const INTERNAL: i32 = 1;
const OK: i32 = 1;

/// Collects the spans of one process.
pub struct Recorder {
    start_ns: u64,
    now_ns: u64,
    random: u64,
    instance: String,
    responses: u32,
    spans: Vec<Span>,
}

/// One run of an agent: a trace with the agent's span at its root.
pub struct Run<'a> {
    recorder: &'a mut Recorder,
    agent: &'static str,
    conversation: String,
    trace: [u8; 16],
    root: [u8; 8],
    started_ns: u64,
    messages: Vec<Json>,
    tokens: i64,
    calls: u32,
}

/// A tool call a model asks for.
pub struct Call {
    /// Tool.
    pub name: &'static str,
    /// What the tool does, as the framework says.
    pub description: &'static str,
    /// Arguments.
    pub arguments: Json,
    /// What it gives.
    pub result: Json,
}

impl Recorder {
    /// A process that starts now.
    pub fn new(start_ns: u64, seed: u64) -> Recorder {
        let mut recorder =
            Recorder { start_ns, now_ns: start_ns, random: seed, instance: String::new(), responses: 0, spans: Vec::new() };
        recorder.instance = format!("{:016x}", recorder.next());
        recorder
    }

    /// A user asks an agent something.
    pub fn run(&mut self, agent: &'static str, question: &str) -> Run<'_> {
        let mut trace = [0; 16];
        trace[..8].copy_from_slice(&self.next().max(1).to_be_bytes());
        trace[8..].copy_from_slice(&self.next().to_be_bytes());
        let root = self.span_id();
        let conversation = format!("conv-{:08x}", self.next() as u32);
        let started_ns = self.now_ns;
        let system =
            json!({"role": "system", "parts": [{"type": "text", "content": "You are a careful support agent. Use the tools."}]});
        let user = json!({"role": "user", "parts": [{"type": "text", "content": question}]});
        self.pass(5, 20);
        Run {
            agent,
            conversation,
            trace,
            root,
            started_ns,
            messages: vec![system, user],
            tokens: 180 + question.len() as i64 / 4,
            calls: 0,
            recorder: self,
        }
    }

    /// Lets time pass: some milliseconds between the bounds.
    pub fn pass(&mut self, least_ms: u64, most_ms: u64) {
        let ms = least_ms + self.next() % (most_ms - least_ms + 1);
        self.now_ns += ms * MILLISECOND + self.next() % MILLISECOND;
    }

    /// The requests a batching exporter sends: spans in the order of their ends, every five seconds.
    pub fn requests(mut self) -> Vec<Request> {
        self.spans.sort_by_key(|span| span.end_time_unix_nano);
        let mut requests = Vec::new();
        let mut sent_at = self.start_ns + EXPORT_EVERY;
        let mut batch = Vec::new();
        for span in std::mem::take(&mut self.spans) {
            while span.end_time_unix_nano > sent_at {
                self.send(&mut batch, sent_at, &mut requests);
                sent_at += EXPORT_EVERY;
            }
            batch.push(span);
        }
        let end = self.now_ns;
        self.send(&mut batch, end, &mut requests);
        requests
    }

    fn send(&self, batch: &mut Vec<Span>, time_unix_ns: u64, requests: &mut Vec<Request>) {
        if !batch.is_empty() {
            let body = Bytes::from(request(std::mem::take(batch), &self.instance));
            requests.push(Request { signal: Signal::Traces, body, time_unix_ns });
        }
    }

    fn span_id(&mut self) -> [u8; 8] {
        self.next().max(1).to_be_bytes()
    }

    /// SplitMix64: enough for ids and durations.
    fn next(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl Run<'_> {
    /// The model asks for tools, and they run, one after the other.
    pub fn use_tools(&mut self, calls: &[Call]) {
        let ids: Vec<String> = calls
            .iter()
            .map(|_| {
                self.calls += 1;
                format!("call_{:04}{:06x}", self.calls, self.recorder.next() as u32 & 0xff_ffff)
            })
            .collect();
        let parts: Vec<Json> = calls
            .iter()
            .zip(&ids)
            .map(|(call, id)| json!({"type": "tool_call", "id": id, "name": call.name, "arguments": call.arguments}))
            .collect();
        self.model_call(json!({"role": "assistant", "parts": parts}), "tool_calls", 22 * calls.len() as i64);
        for (call, id) in calls.iter().zip(ids) {
            self.tool_call(call, &id);
            let part = json!({"type": "tool_call_response", "id": id, "response": call.result});
            self.messages.push(json!({"role": "tool", "parts": [part]}));
            self.tokens += 12 + call.result.to_string().len() as i64 / 4;
        }
    }

    /// The model answers, and the agent is done.
    pub fn answer(mut self, answer: &str) {
        let message = json!({"role": "assistant", "parts": [{"type": "text", "content": answer}]});
        self.model_call(message.clone(), "stop", answer.len() as i64 / 4);
        self.recorder.pass(2, 10);
        let attributes = vec![
            attribute(keys::GEN_AI_OPERATION_NAME, text("invoke_agent")),
            attribute(keys::GEN_AI_AGENT_NAME, text(self.agent)),
            attribute(keys::GEN_AI_CONVERSATION_ID, text(&self.conversation)),
            attribute(
                keys::GEN_AI_INPUT_MESSAGES,
                text(Json::from(self.messages.get(1).cloned().map(|user| vec![user])).to_string()),
            ),
            attribute(keys::GEN_AI_OUTPUT_MESSAGES, text(json!([with_reason(message, "stop")]).to_string())),
        ];
        let name = format!("invoke_agent {}", self.agent);
        let (start_ns, root) = (self.started_ns, self.root);
        self.span(root, None, name, INTERNAL, start_ns, attributes);
    }

    fn model_call(&mut self, message: Json, reason: &str, output_tokens: i64) {
        let start_ns = self.recorder.now_ns;
        self.recorder.pass(600, 1400);
        self.recorder.responses += 1;
        let unique = self.recorder.next() as u32;
        let response = format!("chatcmpl-{:05}{unique:08x}", self.recorder.responses);
        let output_tokens = output_tokens + 4 + (self.recorder.next() % 7) as i64;
        let attributes = vec![
            attribute(keys::GEN_AI_OPERATION_NAME, text("chat")),
            attribute(keys::GEN_AI_PROVIDER_NAME, text("openai")),
            attribute(keys::GEN_AI_REQUEST_MODEL, text(MODEL)),
            attribute(keys::GEN_AI_CONVERSATION_ID, text(&self.conversation)),
            attribute(keys::GEN_AI_REQUEST_TEMPERATURE, double(0.2)),
            attribute(keys::GEN_AI_RESPONSE_FINISH_REASONS, texts(reason)),
            attribute(keys::GEN_AI_RESPONSE_MODEL, text(MODEL_VERSION)),
            attribute(keys::GEN_AI_RESPONSE_ID, text(response)),
            attribute(keys::GEN_AI_USAGE_INPUT_TOKENS, int(self.tokens)),
            attribute(keys::GEN_AI_USAGE_OUTPUT_TOKENS, int(output_tokens)),
            attribute(keys::SERVER_ADDRESS, text("api.openai.com")),
            attribute(keys::SERVER_PORT, int(443)),
            attribute(keys::GEN_AI_INPUT_MESSAGES, text(Json::from(self.messages.clone()).to_string())),
            attribute(keys::GEN_AI_OUTPUT_MESSAGES, text(json!([with_reason(message.clone(), reason)]).to_string())),
        ];
        let (id, root) = (self.recorder.span_id(), self.root);
        self.span(id, Some(root), format!("chat {MODEL}"), CLIENT, start_ns, attributes);
        self.messages.push(message);
        self.tokens += output_tokens;
        self.recorder.pass(2, 10);
    }

    fn tool_call(&mut self, call: &Call, id: &str) {
        let start_ns = self.recorder.now_ns;
        self.recorder.pass(60, 240);
        let attributes = vec![
            attribute(keys::GEN_AI_OPERATION_NAME, text("execute_tool")),
            attribute(keys::GEN_AI_TOOL_NAME, text(call.name)),
            attribute(keys::GEN_AI_TOOL_TYPE, text("function")),
            attribute(keys::GEN_AI_TOOL_CALL_ID, text(id)),
            attribute(keys::GEN_AI_TOOL_DESCRIPTION, text(call.description)),
            attribute(keys::GEN_AI_AGENT_NAME, text(self.agent)),
            attribute(keys::GEN_AI_TOOL_CALL_ARGUMENTS, text(call.arguments.to_string())),
            attribute(keys::GEN_AI_TOOL_CALL_RESULT, text(call.result.to_string())),
        ];
        let (span, root) = (self.recorder.span_id(), self.root);
        self.span(span, Some(root), format!("execute_tool {}", call.name), INTERNAL, start_ns, attributes);
        self.recorder.pass(2, 10);
    }

    fn span(&mut self, id: [u8; 8], parent: Option<[u8; 8]>, name: String, kind: i32, start_ns: u64, attributes: Vec<KeyValue>) {
        self.recorder.spans.push(Span {
            trace_id: self.trace.to_vec(),
            span_id: id.to_vec(),
            parent_span_id: parent.map(|id| id.to_vec()).unwrap_or_default(),
            name,
            kind,
            start_time_unix_nano: start_ns,
            end_time_unix_nano: self.recorder.now_ns,
            attributes,
            status: Some(Status { code: OK, message: String::new() }),
            flags: 256,
            ..Default::default()
        });
    }
}

fn with_reason(mut message: Json, reason: &str) -> Json {
    if let Some(message) = message.as_object_mut() {
        message.insert("finish_reason".to_owned(), Json::from(reason));
    }
    message
}
