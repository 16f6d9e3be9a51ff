"""An agent instrumented with OpenTelemetry's official SDK for Python; see ../README.md.

usage: client.py {grpc|http/protobuf} ENDPOINT [gzip]
"""
import json
import sys
import time

from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

protocol, endpoint, compressed = sys.argv[1], sys.argv[2], sys.argv[3:] == ["gzip"]
if protocol == "grpc":
    from grpc import Compression
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    def exporter(kind, _signal):
        return kind(endpoint=endpoint, insecure=True, compression=Compression.Gzip if compressed else None)
else:
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    def exporter(kind, signal):
        compression = Compression.Gzip if compressed else Compression.NoCompression
        return kind(endpoint="%s/v1/%s" % (endpoint, signal), compression=compression)


# The SDK only logs what was refused.
refused = []


def watched(kind, signal):
    made = exporter(kind, signal)
    send = made.export

    def export(*arguments, **options):
        result = send(*arguments, **options)
        if result.name != "SUCCESS":
            refused.append(signal)
        return result

    made.export = export
    return made


resource = Resource({"service.name": "sdk-agent", "service.instance.id": "python"})
tracers = TracerProvider(resource=resource)
tracers.add_span_processor(BatchSpanProcessor(watched(OTLPSpanExporter, "traces")))
loggers = LoggerProvider(resource=resource)
loggers.add_log_record_processor(BatchLogRecordProcessor(watched(OTLPLogExporter, "logs")))
reader = PeriodicExportingMetricReader(watched(OTLPMetricExporter, "metrics"), export_interval_millis=3_600_000)
meters = MeterProvider(resource=resource, metric_readers=[reader])

tracer = tracers.get_tracer("agent.client", "1.0")
root = tracer.start_span("invoke_agent support")
root.set_attributes({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "support"})
inside = trace.set_span_in_context(root)
chats = []
for number in range(20):
    chat = tracer.start_span("chat gpt-4o-mini", context=inside, kind=trace.SpanKind.CLIENT)
    chat.set_attributes({
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.usage.input_tokens": 1000 + number,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.stream": True,
        "gen_ai.response.finish_reasons": ["stop", "length"],
        "note": "na\u00efve, \u6771\u4eac",
    })
    chats.append(format(chat.get_span_context().span_id, "016x"))
    chat.end()
tool = tracer.start_span("execute_tool get_weather", context=inside)
tool.set_attribute("gen_ai.operation.name", "execute_tool")
tool.add_event("retry", {"attempt": 2})
tool.set_status(trace.StatusCode.ERROR, "no such city")
tool.end()
loggers.get_logger("agent.client", "1.0").emit(LogRecord(
    timestamp=time.time_ns(),
    context=inside,
    severity_number=SeverityNumber.WARN,
    severity_text="WARN",
    body="the weather is fine",
    attributes={"route": "/ask", "count": 7},
))
root.end()

meter = meters.get_meter("agent.client", "1.0")
meter.create_counter("requests.handled").add(3, {"route": "/ask"})
times = meter.create_histogram("answer.time", unit="s")
times.record(0.25, {"route": "/ask"})
times.record(1.5, {"route": "/ask"})

for provider in (tracers, loggers, meters):
    provider.force_flush()
    provider.shutdown()
if refused:
    sys.exit("refused: %s" % refused)
context = root.get_span_context()
print(json.dumps({
    "trace": format(context.trace_id, "032x"),
    "root": format(context.span_id, "016x"),
    "chats": chats,
    "tool": format(tool.get_span_context().span_id, "016x"),
}))
