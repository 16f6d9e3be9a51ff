"""An agent that tells what it decides, what was approved, what failed, and how good its output was.

OpenTelemetry's Python SDK and nothing else; the model is made up, so that no key and no network are needed.
OTEL_EXPORTER_OTLP_ENDPOINT says where to; http://localhost:4318 is the SDK's own default.
"""
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

resource = Resource.create({"service.name": "support-agent"})
spans = TracerProvider(resource=resource)
spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
logs = LoggerProvider(resource=resource)
logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
tracer, logger = spans.get_tracer("support-agent"), logs.get_logger("support-agent")

with tracer.start_as_current_span("invoke_agent support") as agent:
    agent.set_attributes({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "support"})
    agent.add_event("chaperone.decision", {
        "chaperone.decision.name": "route_intent", "chaperone.decision.type": "route",
        "chaperone.decision.maker.type": "rule", "chaperone.decision.outcome": "refund",
        "chaperone.decision.candidates": ["refund", "order_status"], "chaperone.decision.confidence": 0.92})
    with tracer.start_as_current_span("execute_tool issue_refund") as tool:
        tool.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "issue_refund", "gen_ai.tool.call.id": "call_1"})
        tool.add_event("chaperone.approval", {
            "chaperone.approval.outcome": "approved", "chaperone.approval.source": "user_once", "chaperone.approval.wait_duration": 3.5,
            "chaperone.decision.subject.type": "tool_call", "chaperone.decision.subject.id": "call_1"})
        tool.add_event("chaperone.failure", {
            "chaperone.failure.type": "tool", "chaperone.failure.code": "timeout",
            "chaperone.failure.stage": "execution", "chaperone.failure.retryable": True})
        tool.set_status(trace.StatusCode.ERROR, "the payment service did not answer")
    agent.add_event("chaperone.quality_signal", {
        "chaperone.quality_signal.type": "schema_valid", "chaperone.quality_signal.value": False, "chaperone.quality_signal.code": "amount_missing"})
    logger.emit(event_name="chaperone.event", attributes={"chaperone.event.name": "issue_detected"})

spans.shutdown()
logs.shutdown()
print("sent a decision, an approval, a failure, a quality signal and an event")
