//! What the normaliser adds to and changes on real captures, record by record.

mod support;

use chaperone_genai::dialects::{self, Normalizer, Options};
use chaperone_proto::{Data, Limits, RecordRef, Signal};
use chaperone_testkit::corpus;
use std::fmt::Write;

/// Every attribute that is new or has another value afterwards; long texts are cut.
fn changes(capture: &str) -> String {
    dialects::install();
    let normalizer = Normalizer::all(Options::default());
    let mut out = String::new();
    for request in
        corpus::load(capture).expect("a capture of the corpus").requests.iter().filter(|request| request.signal != "metrics")
    {
        let signal = if request.signal == "traces" { Signal::Traces } else { Signal::Logs };
        let before = if request.json {
            Data::decode_json(signal, &request.body, &Limits::default()).expect("valid JSON")
        } else {
            Data::decode(signal, request.body.clone(), &Limits::default()).expect("a valid request")
        };
        let mut after = before.clone();
        normalizer.normalize(&mut after);
        for at in 0..before.records() {
            let (old, new) = (support::shown(before.record(at)), after.record(at));
            let name = match new {
                RecordRef::Span(span) => span.name().to_owned(),
                RecordRef::Log(log) => format!("log {}", log.event_name()),
            };
            writeln!(out, "# {} / {name}", new.scope().name()).expect("text");
            for (key, value) in new.attrs().iter() {
                let value_of = value.to_value();
                if old.iter().any(|(known, was)| known == key.name && *was == value_of) {
                    continue;
                }
                let text = support::plain(value).to_string();
                let cut: String = text.chars().take(300).collect();
                writeln!(out, "{} = {cut}{}", key.name, if cut.len() < text.len() { "..." } else { "" }).expect("text");
            }
        }
    }
    out
}

macro_rules! golden {
    ($($test:ident: $capture:literal;)*) => {
        $(
            #[test]
            fn $test() {
                insta::assert_snapshot!($capture, changes($capture));
            }
        )*
    };
}

golden! {
    claude_code_with_tools: "claude-code-tools";
    gemini_cli_with_tools: "gemini-cli-tools";
    official_openai_with_tools: "otel-openai-tools";
    official_openai_message_logs: "otel-openai-v2-timeout";
    official_openai_event_logs: "otel-openai-events-chat";
    official_anthropic_over_the_client: "otel-anthropic-cached";
    openinference_openai_with_tools: "openinference-openai-tools";
    openinference_anthropic_cached: "openinference-anthropic-cached";
    openinference_embeddings: "openinference-openai-rag";
    openinference_langgraph: "langchain-openinference-anthropic-tools";
    openllmetry_openai_with_tools: "openllmetry-openai-tools";
    openllmetry_langchain: "langchain-openllmetry-chat";
    traceloop_workflow: "traceloop-injection";
    vercel_with_tools: "vercel-ai-tools";
    vercel_streamed: "vercel-ai-stream";
    langfuse_over_langchain: "langfuse-langchain-tools";
    langfuse_over_openai: "langfuse-openai-cached";
    mlflow_over_openai: "mlflow-openai-timeout";
    mlflow_over_langchain: "mlflow-langchain-rag";
    haystack_agent: "haystack-timeout";
    haystack_pipeline: "haystack-rag";
    mastra_with_tools: "mastra-tools";
    litellm_with_tools: "litellm-tools";
    strands_with_tools: "strands-tools";
    logfire_over_openai_agents: "openai-agents-logfire-handoff";
    logfire_over_anthropic: "logfire-anthropic-cached";
    pydantic_ai_streamed: "pydantic-ai-stream";
    pydantic_ai_in_logfire: "pydantic-ai-logfire-cached";
    semantic_kernel_with_logs: "semantic-kernel-chat";
    google_adk_tool_fails: "google-adk-timeout";
    openlit_over_langgraph: "openlit-langchain-tools";
    openllmetry_llamaindex: "llamaindex-openllmetry-timeout";
    openllmetry_crewai: "crewai-openllmetry-chat";
    openinference_smolagents: "smolagents-openinference-chat";
    openinference_ag2: "ag2-openinference-timeout";
    openinference_claude_agent_sdk: "claude-agent-sdk-openinference-timeout";
    openinference_anthropic_tool_fails: "openinference-anthropic-timeout";
    agent_framework_handed_over: "agent-framework-handoff";
    autogen_agents: "autogen-tools";
}
