// A small support agent, instrumented with OpenTelemetry's SDK for JavaScript and nothing else.
//
// Its model is made up, so that no key and no network are needed: it asks for the same search again and again, as agents do
// that are stuck. Chaperone sees the loop while it happens.
"use strict";

const { randomUUID } = require("node:crypto");
const { trace, context, SpanKind } = require("@opentelemetry/api");
const { OTLPTraceExporter } = require("@opentelemetry/exporter-trace-otlp-proto");
const { resourceFromAttributes } = require("@opentelemetry/resources");
const { BasicTracerProvider, BatchSpanProcessor } = require("@opentelemetry/sdk-trace-base");

// OTEL_EXPORTER_OTLP_ENDPOINT says where to; http://localhost:4318 is the SDK's own default.
const provider = new BasicTracerProvider({
  resource: resourceFromAttributes({ "service.name": "support-agent" }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
const tracer = provider.getTracer("support-agent");

// A model that never gives up.
function askModel(turn, parent) {
  const attributes = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
    "gen_ai.response.id": `chatcmpl-${randomUUID()}`,
    "gen_ai.usage.input_tokens": 900 + 60 * turn,
    "gen_ai.usage.output_tokens": 25,
    "gen_ai.response.finish_reasons": ["tool_calls"],
  };
  tracer.startSpan("chat gpt-4o-mini", { kind: SpanKind.CLIENT, attributes }, parent).end();
  return { id: `call_${turn}`, name: "search_orders", arguments: { customer: "C-1042" } };
}

// A tool that finds nothing.
function searchOrders(call, parent) {
  const found = [];
  const attributes = {
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": call.name,
    "gen_ai.tool.call.id": call.id,
    "gen_ai.tool.call.arguments": JSON.stringify(call.arguments),
    "gen_ai.tool.call.result": JSON.stringify(found),
  };
  tracer.startSpan("execute_tool search_orders", { attributes }, parent).end();
  return found;
}

const attributes = { "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "support" };
const run = tracer.startSpan("invoke_agent support", { attributes });
const parent = trace.setSpan(context.active(), run);
for (let turn = 0; turn < 12; turn += 1) {
  if (searchOrders(askModel(turn, parent), parent).length > 0) break;
}
run.end();

provider.shutdown().then(() => console.log("sent 12 model calls and 12 tool calls"));
