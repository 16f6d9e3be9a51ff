// An agent that tells what it decides, what was approved, what failed, and how good its output was.
//
// OpenTelemetry's SDK for Java and nothing else. OTEL_EXPORTER_OTLP_ENDPOINT says where to; http://localhost:4318 without it.

import static io.opentelemetry.api.common.AttributeKey.stringArrayKey;

import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.logs.Logger;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.exporter.otlp.http.logs.OtlpHttpLogRecordExporter;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.sdk.logs.SdkLoggerProvider;
import io.opentelemetry.sdk.logs.export.BatchLogRecordProcessor;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import java.util.concurrent.TimeUnit;

public final class Agent {
  static void say(Tracer tracer, Logger logger) {
    Span agent = tracer.spanBuilder("invoke_agent support")
        .setAttribute("gen_ai.operation.name", "invoke_agent").setAttribute("gen_ai.agent.name", "support").startSpan();
    Context inside = Context.current().with(agent);
    agent.addEvent("chaperone.decision", Attributes.builder()
        .put("chaperone.decision.name", "route_intent").put("chaperone.decision.type", "route")
        .put("chaperone.decision.maker.type", "rule").put("chaperone.decision.outcome", "refund")
        .put(stringArrayKey("chaperone.decision.candidates"), "refund", "order_status")
        .put("chaperone.decision.confidence", 0.92).build());
    Span tool = tracer.spanBuilder("execute_tool issue_refund").setParent(inside)
        .setAttribute("gen_ai.operation.name", "execute_tool").setAttribute("gen_ai.tool.name", "issue_refund")
        .setAttribute("gen_ai.tool.call.id", "call_1").startSpan();
    tool.addEvent("chaperone.approval", Attributes.builder()
        .put("chaperone.approval.outcome", "approved").put("chaperone.approval.source", "user_once")
        .put("chaperone.approval.wait_duration", 3.5)
        .put("chaperone.decision.subject.type", "tool_call").put("chaperone.decision.subject.id", "call_1").build());
    tool.addEvent("chaperone.failure", Attributes.builder()
        .put("chaperone.failure.type", "tool").put("chaperone.failure.code", "timeout")
        .put("chaperone.failure.stage", "execution").put("chaperone.failure.retryable", true).build());
    tool.setStatus(StatusCode.ERROR, "the payment service did not answer");
    tool.end();
    agent.addEvent("chaperone.quality_signal", Attributes.builder()
        .put("chaperone.quality_signal.type", "schema_valid").put("chaperone.quality_signal.value", false)
        .put("chaperone.quality_signal.code", "amount_missing").build());
    logger.logRecordBuilder().setContext(inside).setEventName("chaperone.event")
        .setAttribute("chaperone.event.name", "issue_detected").emit();
    agent.end();
  }

  public static void main(String[] arguments) {
    String named = System.getenv("OTEL_EXPORTER_OTLP_ENDPOINT");
    String endpoint = named == null ? "http://localhost:4318" : named;
    Resource resource = Resource.builder().put("service.name", "support-agent").build();
    SdkTracerProvider spans = SdkTracerProvider.builder().setResource(resource).addSpanProcessor(BatchSpanProcessor
        .builder(OtlpHttpSpanExporter.builder().setEndpoint(endpoint + "/v1/traces").build()).build()).build();
    SdkLoggerProvider logs = SdkLoggerProvider.builder().setResource(resource).addLogRecordProcessor(BatchLogRecordProcessor
        .builder(OtlpHttpLogRecordExporter.builder().setEndpoint(endpoint + "/v1/logs").build()).build()).build();
    say(spans.get("support-agent"), logs.get("support-agent"));
    spans.shutdown().join(10, TimeUnit.SECONDS);
    logs.shutdown().join(10, TimeUnit.SECONDS);
    System.out.println("sent a decision, an approval, a failure, a quality signal and an event");
  }
}
