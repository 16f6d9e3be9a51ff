// An agent that tells what it decides, what was approved, what failed, and how good its output was.
//
// OpenTelemetry's SDK for Go and nothing else. OTEL_EXPORTER_OTLP_ENDPOINT says where to; http://localhost:4318 without it.
package main

import (
	"cmp"
	"context"
	"fmt"
	stdlog "log"
	"os"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func say(ctx context.Context, tracer trace.Tracer, logger log.Logger) {
	ctx, agent := tracer.Start(ctx, "invoke_agent support", trace.WithAttributes(
		attribute.String("gen_ai.operation.name", "invoke_agent"), attribute.String("gen_ai.agent.name", "support")))
	defer agent.End()
	agent.AddEvent("chaperone.decision", trace.WithAttributes(
		attribute.String("chaperone.decision.name", "route_intent"), attribute.String("chaperone.decision.type", "route"),
		attribute.String("chaperone.decision.maker.type", "rule"), attribute.String("chaperone.decision.outcome", "refund"),
		attribute.StringSlice("chaperone.decision.candidates", []string{"refund", "order_status"}),
		attribute.Float64("chaperone.decision.confidence", 0.92)))
	_, tool := tracer.Start(ctx, "execute_tool issue_refund", trace.WithAttributes(
		attribute.String("gen_ai.operation.name", "execute_tool"), attribute.String("gen_ai.tool.name", "issue_refund"),
		attribute.String("gen_ai.tool.call.id", "call_1")))
	tool.AddEvent("chaperone.approval", trace.WithAttributes(
		attribute.String("chaperone.approval.outcome", "approved"), attribute.String("chaperone.approval.source", "user_once"),
		attribute.Float64("chaperone.approval.wait_duration", 3.5),
		attribute.String("chaperone.decision.subject.type", "tool_call"), attribute.String("chaperone.decision.subject.id", "call_1")))
	tool.AddEvent("chaperone.failure", trace.WithAttributes(
		attribute.String("chaperone.failure.type", "tool"), attribute.String("chaperone.failure.code", "timeout"),
		attribute.String("chaperone.failure.stage", "execution"), attribute.Bool("chaperone.failure.retryable", true)))
	tool.SetStatus(codes.Error, "the payment service did not answer")
	tool.End()
	agent.AddEvent("chaperone.quality_signal", trace.WithAttributes(
		attribute.String("chaperone.quality_signal.type", "schema_valid"), attribute.Bool("chaperone.quality_signal.value", false),
		attribute.String("chaperone.quality_signal.code", "amount_missing")))
	var event log.Record
	event.SetEventName("chaperone.event")
	event.AddAttributes(attribute.String("chaperone.event.name", "issue_detected"))
	logger.Emit(ctx, event)
}

func main() {
	ctx := context.Background()
	endpoint := cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT"), "http://localhost:4318")
	toSpans, err := otlptrace.New(ctx, otlptracehttp.NewClient(otlptracehttp.WithEndpointURL(endpoint+"/v1/traces")))
	if err != nil {
		stdlog.Fatal(err)
	}
	toLogs, err := otlploghttp.New(ctx, otlploghttp.WithEndpointURL(endpoint+"/v1/logs"))
	if err != nil {
		stdlog.Fatal(err)
	}
	of := resource.NewSchemaless(attribute.String("service.name", "support-agent"))
	spans := sdktrace.NewTracerProvider(sdktrace.WithResource(of), sdktrace.WithBatcher(toSpans))
	logs := sdklog.NewLoggerProvider(sdklog.WithResource(of), sdklog.WithProcessor(sdklog.NewBatchProcessor(toLogs)))
	say(ctx, spans.Tracer("support-agent"), logs.Logger("support-agent"))
	if err := spans.Shutdown(ctx); err != nil {
		stdlog.Fatal(err)
	}
	if err := logs.Shutdown(ctx); err != nil {
		stdlog.Fatal(err)
	}
	fmt.Println("sent a decision, an approval, a failure, a quality signal and an event")
}
