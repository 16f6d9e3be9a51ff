// An agent instrumented with OpenTelemetry's official SDK for JavaScript; see ../README.md.
//
// usage: client.js {grpc|http/protobuf|http/json} ENDPOINT [gzip]
"use strict";

const { trace, context, SpanKind, SpanStatusCode } = require("@opentelemetry/api");
const { SeverityNumber } = require("@opentelemetry/api-logs");
const { LoggerProvider, BatchLogRecordProcessor } = require("@opentelemetry/sdk-logs");
const { MeterProvider, PeriodicExportingMetricReader } = require("@opentelemetry/sdk-metrics");
const { BasicTracerProvider, BatchSpanProcessor } = require("@opentelemetry/sdk-trace-base");
const { resourceFromAttributes } = require("@opentelemetry/resources");

const [protocol, endpoint, compressed] = process.argv.slice(2);
const kind = { grpc: "grpc", "http/protobuf": "proto", "http/json": "http" }[protocol];

function exporter(signal, name) {
  const options = { url: kind === "grpc" ? endpoint : `${endpoint}/v1/${signal}`, compression: compressed || "none", timeoutMillis: 10_000 };
  const module = require(`@opentelemetry/exporter-${signal === "traces" ? "trace" : signal}-otlp-${kind}`);
  return watched(new module[name](options));
}

// The SDK only logs what was refused.
const refused = [];
function watched(exporter) {
  const send = exporter.export.bind(exporter);
  exporter.export = (items, done) =>
    send(items, (result) => {
      if (result.code !== 0) refused.push(String(result.error));
      done(result);
    });
  return exporter;
}

const resource = resourceFromAttributes({ "service.name": "sdk-agent", "service.instance.id": "node" });
const tracers = new BasicTracerProvider({ resource, spanProcessors: [new BatchSpanProcessor(exporter("traces", "OTLPTraceExporter"))] });
const loggers = new LoggerProvider({ resource, processors: [new BatchLogRecordProcessor({ exporter: exporter("logs", "OTLPLogExporter") })] });
const reader = new PeriodicExportingMetricReader({ exporter: exporter("metrics", "OTLPMetricExporter"), exportIntervalMillis: 3_600_000 });
const meters = new MeterProvider({ resource, readers: [reader] });

const tracer = tracers.getTracer("agent.client", "1.0");
const attributes = { "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "support" };
const root = tracer.startSpan("invoke_agent support", { attributes });
const inside = trace.setSpan(context.active(), root);
const chats = [];
for (let number = 0; number < 20; number += 1) {
  const attributes = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.usage.input_tokens": 1000 + number,
    "gen_ai.request.temperature": 0.5,
    "gen_ai.request.stream": true,
    "gen_ai.response.finish_reasons": ["stop", "length"],
    note: "na\u00efve, \u6771\u4eac",
  };
  const chat = tracer.startSpan("chat gpt-4o-mini", { kind: SpanKind.CLIENT, attributes }, inside);
  chats.push(chat.spanContext().spanId);
  chat.end();
}
const tool = tracer.startSpan("execute_tool get_weather", { attributes: { "gen_ai.operation.name": "execute_tool" } }, inside);
tool.addEvent("retry", { attempt: 2 });
tool.setStatus({ code: SpanStatusCode.ERROR, message: "no such city" });
tool.end();
loggers.getLogger("agent.client", "1.0").emit({
  severityNumber: SeverityNumber.WARN,
  severityText: "WARN",
  body: "the weather is fine",
  attributes: { route: "/ask", count: 7 },
  context: inside,
});
root.end();

const meter = meters.getMeter("agent.client", "1.0");
meter.createCounter("requests.handled").add(3, { route: "/ask" });
const times = meter.createHistogram("answer.time", { unit: "s" });
times.record(0.25, { route: "/ask" });
times.record(1.5, { route: "/ask" });

(async () => {
  for (const provider of [tracers, loggers, meters]) {
    await provider.forceFlush();
    await provider.shutdown();
  }
  if (refused.length > 0) throw new Error(refused.join("\n"));
  console.log(JSON.stringify({ trace: root.spanContext().traceId, root: root.spanContext().spanId, chats, tool: tool.spanContext().spanId }));
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
