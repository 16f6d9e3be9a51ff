"""An agent instrumented with OpenTelemetry's official Python SDK, for the end-to-end tests.

usage: sdk_client.py {grpc|http/protobuf} ENDPOINT [gzip]

Sends one run (an agent, three model calls, two tool calls), one log record and one counter, flushes, and prints
the trace id. Ends with an error when the collector did not take everything.
"""
import json
import logging
import sys

from opentelemetry import metrics, trace
from opentelemetry._logs import set_logger_provider
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

protocol, endpoint = sys.argv[1], sys.argv[2]
compressed = "gzip" in sys.argv[3:]

if protocol == "grpc":
    from grpc import Compression
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    options = {"endpoint": endpoint, "insecure": True, "timeout": 10}
    if compressed:
        options["compression"] = Compression.Gzip
    span_exporter, log_exporter, metric_exporter = (
        kind(**options) for kind in (OTLPSpanExporter, OTLPLogExporter, OTLPMetricExporter)
    )
else:
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    compression = Compression.Gzip if compressed else Compression.NoCompression
    span_exporter = OTLPSpanExporter(endpoint=endpoint + "/v1/traces", compression=compression, timeout=10)
    log_exporter = OTLPLogExporter(endpoint=endpoint + "/v1/logs", compression=compression, timeout=10)
    metric_exporter = OTLPMetricExporter(endpoint=endpoint + "/v1/metrics", compression=compression, timeout=10)

refused = []


class Watched(SpanExporter):
    """Remembers whether an export was refused: the SDK itself only logs it."""

    def export(self, spans):
        result = span_exporter.export(spans)
        if result is not SpanExportResult.SUCCESS:
            refused.append(result)
        return result

    def shutdown(self):
        span_exporter.shutdown()


resource = Resource.create({"service.name": "sdk-agent", "service.instance.id": protocol})
tracers = TracerProvider(resource=resource)
tracers.add_span_processor(BatchSpanProcessor(Watched()))
tracer = tracers.get_tracer("opentelemetry.instrumentation.genai.test", "1.0b0")
loggers = LoggerProvider(resource=resource)
loggers.add_log_record_processor(SimpleLogRecordProcessor(log_exporter))
set_logger_provider(loggers)
reader = PeriodicExportingMetricReader(metric_exporter, export_interval_millis=3_600_000)
meters = MeterProvider(resource=resource, metric_readers=[reader])


def chat(number, tools):
    output = [{"role": "assistant", "parts": [{"type": "text", "content": "secret answer"}], "finish_reason": "stop"}]
    for call_id, name, arguments in tools:
        output[0]["parts"].append({"type": "tool_call", "id": call_id, "name": name, "arguments": arguments})
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
        "gen_ai.response.id": "chatcmpl-%s-%d" % (protocol, number),
        "gen_ai.usage.input_tokens": 1000 + 11 * number,
        "gen_ai.usage.output_tokens": 100 + 3 * number,
        "gen_ai.response.finish_reasons": ["tool_call" if tools else "stop"],
        "gen_ai.output.messages": json.dumps(output),
    }
    with tracer.start_as_current_span("chat gpt-4o-mini", kind=trace.SpanKind.CLIENT, attributes=attributes):
        pass


def tool(call_id, name, arguments, result):
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "gen_ai.tool.call.id": call_id,
        "gen_ai.tool.call.arguments": json.dumps(arguments),
        "gen_ai.tool.call.result": json.dumps(result),
    }
    with tracer.start_as_current_span("execute_tool " + name, attributes=attributes):
        pass


agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "support", "gen_ai.conversation.id": "conversation-1"}
with tracer.start_as_current_span("invoke_agent support", attributes=agent) as root:
    chat(1, [("call_1", "get_weather", {"city": "Paris"})])
    tool("call_1", "get_weather", {"city": "Paris"}, {"temperature": 21})
    chat(2, [("call_2", "search_orders", {"customer": "C-1042"})])
    tool("call_2", "search_orders", {"customer": "C-1042"}, [])
    chat(3, [])
    handler = LoggingHandler(logger_provider=loggers)
    logging.getLogger("agent").addHandler(handler)
    logging.getLogger("agent").warning("the weather is fine")
    trace_id = format(root.get_span_context().trace_id, "032x")

meters.get_meter("agent").create_counter("requests.handled").add(1, {"route": "/ask"})

ok = tracers.force_flush(10_000) and loggers.force_flush(10_000) and meters.force_flush(10_000)
tracers.shutdown()
loggers.shutdown()
meters.shutdown()
if refused or not ok:
    sys.exit("the collector did not take everything: %r" % refused)
print(trace_id)
