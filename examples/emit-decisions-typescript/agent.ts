// An agent that tells what it decides, what was approved, what failed, and how good its output was.
//
// OpenTelemetry's SDK for Node and nothing else. OTEL_EXPORTER_OTLP_ENDPOINT says where to; http://localhost:4318 is its default.

import { context, SpanStatusCode, trace } from "@opentelemetry/api";
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-proto";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";

const resource = resourceFromAttributes({ "service.name": "support-agent" });
const spans = new BasicTracerProvider({ resource, spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())] });
const logs = new LoggerProvider({ resource, processors: [new BatchLogRecordProcessor({ exporter: new OTLPLogExporter() })] });
const tracer = spans.getTracer("support-agent");
const logger = logs.getLogger("support-agent");

const agent = tracer.startSpan("invoke_agent support", {
  attributes: { "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "support" } });
const inside = trace.setSpan(context.active(), agent);
agent.addEvent("chaperone.decision", {
  "chaperone.decision.name": "route_intent", "chaperone.decision.type": "route",
  "chaperone.decision.maker.type": "rule", "chaperone.decision.outcome": "refund",
  "chaperone.decision.candidates": ["refund", "order_status"], "chaperone.decision.confidence": 0.92 });
const tool = tracer.startSpan("execute_tool issue_refund", { attributes: {
  "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "issue_refund", "gen_ai.tool.call.id": "call_1" } }, inside);
tool.addEvent("chaperone.approval", {
  "chaperone.approval.outcome": "approved", "chaperone.approval.source": "user_once", "chaperone.approval.wait_duration": 3.5,
  "chaperone.decision.subject.type": "tool_call", "chaperone.decision.subject.id": "call_1" });
tool.addEvent("chaperone.failure", {
  "chaperone.failure.type": "tool", "chaperone.failure.code": "timeout",
  "chaperone.failure.stage": "execution", "chaperone.failure.retryable": true });
tool.setStatus({ code: SpanStatusCode.ERROR, message: "the payment service did not answer" });
tool.end();
agent.addEvent("chaperone.quality_signal", {
  "chaperone.quality_signal.type": "schema_valid", "chaperone.quality_signal.value": false, "chaperone.quality_signal.code": "amount_missing" });
logger.emit({ eventName: "chaperone.event", attributes: { "chaperone.event.name": "issue_detected" }, context: inside });
agent.end();

await Promise.all([spans.shutdown(), logs.shutdown()]);
console.log("sent a decision, an approval, a failure, a quality signal and an event");
