// An agent instrumented with OpenTelemetry's official SDK for Java; see ../README.md.
//
// usage: Client {grpc|http/protobuf} ENDPOINT [gzip]

import static io.opentelemetry.api.common.AttributeKey.booleanKey;
import static io.opentelemetry.api.common.AttributeKey.doubleKey;
import static io.opentelemetry.api.common.AttributeKey.longKey;
import static io.opentelemetry.api.common.AttributeKey.stringArrayKey;
import static io.opentelemetry.api.common.AttributeKey.stringKey;

import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.logs.Severity;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.exporter.otlp.http.logs.OtlpHttpLogRecordExporter;
import io.opentelemetry.exporter.otlp.http.metrics.OtlpHttpMetricExporter;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.exporter.otlp.logs.OtlpGrpcLogRecordExporter;
import io.opentelemetry.exporter.otlp.metrics.OtlpGrpcMetricExporter;
import io.opentelemetry.exporter.otlp.trace.OtlpGrpcSpanExporter;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.logs.SdkLoggerProvider;
import io.opentelemetry.sdk.logs.export.BatchLogRecordProcessor;
import io.opentelemetry.sdk.logs.export.LogRecordExporter;
import io.opentelemetry.sdk.metrics.SdkMeterProvider;
import io.opentelemetry.sdk.metrics.export.MetricExporter;
import io.opentelemetry.sdk.metrics.export.PeriodicMetricReader;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

public final class Client {
  public static void main(String[] arguments) {
    boolean grpc = arguments[0].equals("grpc");
    String endpoint = arguments[1];
    String compression = arguments.length > 2 ? arguments[2] : "none";
    SpanExporter spans = grpc
        ? OtlpGrpcSpanExporter.builder().setEndpoint(endpoint).setCompression(compression).build()
        : OtlpHttpSpanExporter.builder().setEndpoint(endpoint + "/v1/traces").setCompression(compression).build();
    LogRecordExporter logs = grpc
        ? OtlpGrpcLogRecordExporter.builder().setEndpoint(endpoint).setCompression(compression).build()
        : OtlpHttpLogRecordExporter.builder().setEndpoint(endpoint + "/v1/logs").setCompression(compression).build();
    MetricExporter metrics = grpc
        ? OtlpGrpcMetricExporter.builder().setEndpoint(endpoint).setCompression(compression).build()
        : OtlpHttpMetricExporter.builder().setEndpoint(endpoint + "/v1/metrics").setCompression(compression).build();

    Resource resource = Resource.create(Attributes.of(
        stringKey("service.name"), "sdk-agent", stringKey("service.instance.id"), "java"));
    SdkTracerProvider tracers = SdkTracerProvider.builder().setResource(resource)
        .addSpanProcessor(BatchSpanProcessor.builder(spans).build()).build();
    SdkLoggerProvider loggers = SdkLoggerProvider.builder().setResource(resource)
        .addLogRecordProcessor(BatchLogRecordProcessor.builder(logs).build()).build();
    SdkMeterProvider meters = SdkMeterProvider.builder().setResource(resource)
        .registerMetricReader(PeriodicMetricReader.builder(metrics).setInterval(Duration.ofHours(1)).build()).build();

    Tracer tracer = tracers.get("agent.client", "1.0");
    Span root = tracer.spanBuilder("invoke_agent support")
        .setAttribute("gen_ai.operation.name", "invoke_agent").setAttribute("gen_ai.agent.name", "support").startSpan();
    Context inside = Context.current().with(root);
    List<String> chats = new ArrayList<>();
    for (int number = 0; number < 20; number++) {
      Span chat = tracer.spanBuilder("chat gpt-4o-mini").setParent(inside).setSpanKind(SpanKind.CLIENT)
          .setAllAttributes(Attributes.builder()
              .put(stringKey("gen_ai.operation.name"), "chat")
              .put(stringKey("gen_ai.request.model"), "gpt-4o-mini")
              .put(longKey("gen_ai.usage.input_tokens"), 1000L + number)
              .put(doubleKey("gen_ai.request.temperature"), 0.5)
              .put(booleanKey("gen_ai.request.stream"), true)
              .put(stringArrayKey("gen_ai.response.finish_reasons"), List.of("stop", "length"))
              .put(stringKey("note"), "na\u00efve, \u6771\u4eac").build())
          .startSpan();
      chats.add('"' + chat.getSpanContext().getSpanId() + '"');
      chat.end();
    }
    Span tool = tracer.spanBuilder("execute_tool get_weather").setParent(inside)
        .setAttribute("gen_ai.operation.name", "execute_tool").startSpan();
    tool.addEvent("retry", Attributes.of(longKey("attempt"), 2L));
    tool.setStatus(StatusCode.ERROR, "no such city");
    tool.end();
    loggers.loggerBuilder("agent.client").setInstrumentationVersion("1.0").build().logRecordBuilder()
        .setContext(inside).setSeverity(Severity.WARN).setSeverityText("WARN").setBody("the weather is fine")
        .setAttribute(stringKey("route"), "/ask").setAttribute(longKey("count"), 7L).emit();
    root.end();

    var meter = meters.meterBuilder("agent.client").setInstrumentationVersion("1.0").build();
    Attributes route = Attributes.of(stringKey("route"), "/ask");
    meter.counterBuilder("requests.handled").build().add(3, route);
    var times = meter.histogramBuilder("answer.time").setUnit("s").build();
    times.record(0.25, route);
    times.record(1.5, route);

    CompletableResultCode flushed = CompletableResultCode.ofAll(
        List.of(tracers.forceFlush(), loggers.forceFlush(), meters.forceFlush()));
    flushed.join(20, TimeUnit.SECONDS);
    List.of(tracers.shutdown(), loggers.shutdown(), meters.shutdown()).forEach(end -> end.join(10, TimeUnit.SECONDS));
    if (!flushed.isSuccess()) {
      System.err.println("the collector did not take everything");
      System.exit(1);
    }
    System.out.printf("{\"trace\":\"%s\",\"root\":\"%s\",\"chats\":[%s],\"tool\":\"%s\"}%n",
        root.getSpanContext().getTraceId(), root.getSpanContext().getSpanId(), String.join(",", chats),
        tool.getSpanContext().getSpanId());
    System.exit(0);
  }
}
