"""An agent beside its sidecar: OpenTelemetry's Python SDK over gRPC, and OTEL_EXPORTER_OTLP_ENDPOINT names a Unix socket.

It answers a few questions with a made-up model, and flushes before it ends, as an agent does that is asked to stop.
"""
import os
import sys

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

endpoint = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "unix:///run/chaperone/otlp.sock")
provider = TracerProvider(resource=Resource.create({"service.name": "support-agent"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, insecure=True)))
tracer = provider.get_tracer("support-agent")

questions = int(sys.argv[1]) if len(sys.argv) > 1 else 3
for number in range(questions):
    with tracer.start_as_current_span("invoke_agent support") as run:
        run.set_attributes({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "support"})
        with tracer.start_as_current_span("chat gpt-4o-mini", kind=trace.SpanKind.CLIENT) as chat:
            chat.set_attributes({
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "gpt-4o-mini",
                "gen_ai.usage.input_tokens": 1200,
                "gen_ai.usage.output_tokens": 80,
                "gen_ai.output.messages": "this is a private answer",
            })

provider.shutdown()
print("sent %d spans" % (2 * questions))
