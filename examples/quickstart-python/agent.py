"""A small support agent, instrumented with OpenTelemetry's Python SDK and nothing else.

Its model is made up, so that no key and no network are needed: it asks for the same search again and again, as agents do
that are stuck. Chaperone sees the loop while it happens.
"""
import json
import uuid

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

# OTEL_EXPORTER_OTLP_ENDPOINT says where to; http://localhost:4318 is the SDK's own default.
provider = TracerProvider(resource=Resource.create({"service.name": "support-agent"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("support-agent")


def ask_model(question, turn):
    """A model that never gives up."""
    with tracer.start_as_current_span("chat gpt-4o-mini", kind=trace.SpanKind.CLIENT) as span:
        call = {"id": "call_%d" % turn, "name": "search_orders", "arguments": {"customer": "C-1042"}}
        span.set_attributes({
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o-mini",
            "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
            "gen_ai.response.id": "chatcmpl-" + uuid.uuid4().hex,
            "gen_ai.usage.input_tokens": 900 + 60 * turn,
            "gen_ai.usage.output_tokens": 25,
            "gen_ai.response.finish_reasons": ["tool_calls"],
        })
        return call


def search_orders(call):
    """A tool that finds nothing."""
    with tracer.start_as_current_span("execute_tool search_orders") as span:
        found = []
        span.set_attributes({
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": call["name"],
            "gen_ai.tool.call.id": call["id"],
            "gen_ai.tool.call.arguments": json.dumps(call["arguments"]),
            "gen_ai.tool.call.result": json.dumps(found),
        })
        return found


with tracer.start_as_current_span("invoke_agent support") as run:
    run.set_attributes({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "support"})
    for turn in range(12):
        if search_orders(ask_model("Where is the order of customer C-1042?", turn)):
            break

provider.shutdown()
print("sent 12 model calls and 12 tool calls")
