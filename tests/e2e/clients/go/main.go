// An agent instrumented with OpenTelemetry's official SDK for Go; see ../README.md.
//
// usage: client {grpc|http/protobuf} ENDPOINT [gzip]
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/metric"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

type exporters struct {
	spans   sdktrace.SpanExporter
	logs    sdklog.Exporter
	metrics sdkmetric.Exporter
}

func overGRPC(ctx context.Context, endpoint string, gzip bool) (e exporters, err error) {
	compressor := ""
	if gzip {
		compressor = "gzip"
	}
	traces := []otlptracegrpc.Option{otlptracegrpc.WithEndpointURL(endpoint)}
	logs := []otlploggrpc.Option{otlploggrpc.WithEndpointURL(endpoint)}
	metrics := []otlpmetricgrpc.Option{otlpmetricgrpc.WithEndpointURL(endpoint)}
	if gzip {
		traces = append(traces, otlptracegrpc.WithCompressor(compressor))
		logs = append(logs, otlploggrpc.WithCompressor(compressor))
		metrics = append(metrics, otlpmetricgrpc.WithCompressor(compressor))
	}
	if e.spans, err = otlptrace.New(ctx, otlptracegrpc.NewClient(traces...)); err != nil {
		return e, err
	}
	if e.logs, err = otlploggrpc.New(ctx, logs...); err != nil {
		return e, err
	}
	e.metrics, err = otlpmetricgrpc.New(ctx, metrics...)
	return e, err
}

func overHTTP(ctx context.Context, endpoint string, gzip bool) (e exporters, err error) {
	traces, logs, metrics := otlptracehttp.NoCompression, otlploghttp.NoCompression, otlpmetrichttp.NoCompression
	if gzip {
		traces, logs, metrics = otlptracehttp.GzipCompression, otlploghttp.GzipCompression, otlpmetrichttp.GzipCompression
	}
	client := otlptracehttp.NewClient(otlptracehttp.WithEndpointURL(endpoint+"/v1/traces"), otlptracehttp.WithCompression(traces))
	if e.spans, err = otlptrace.New(ctx, client); err != nil {
		return e, err
	}
	if e.logs, err = otlploghttp.New(ctx, otlploghttp.WithEndpointURL(endpoint+"/v1/logs"), otlploghttp.WithCompression(logs)); err != nil {
		return e, err
	}
	e.metrics, err = otlpmetrichttp.New(ctx, otlpmetrichttp.WithEndpointURL(endpoint+"/v1/metrics"), otlpmetrichttp.WithCompression(metrics))
	return e, err
}

func run() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	protocol, endpoint, gzip := os.Args[1], os.Args[2], len(os.Args) > 3 && os.Args[3] == "gzip"
	// The SDK only reports what was refused to its error handler.
	var lock sync.Mutex
	var refused []error
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		lock.Lock()
		defer lock.Unlock()
		refused = append(refused, err)
	}))

	connect := map[string]func(context.Context, string, bool) (exporters, error){"grpc": overGRPC, "http/protobuf": overHTTP}[protocol]
	if connect == nil {
		return fmt.Errorf("unknown protocol %q", protocol)
	}
	exporters, err := connect(ctx, endpoint, gzip)
	if err != nil {
		return err
	}
	about := resource.NewSchemaless(attribute.String("service.name", "sdk-agent"), attribute.String("service.instance.id", "go"))
	tracers := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporters.spans), sdktrace.WithResource(about))
	loggers := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(exporters.logs)), sdklog.WithResource(about))
	reader := sdkmetric.NewPeriodicReader(exporters.metrics, sdkmetric.WithInterval(time.Hour))
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader), sdkmetric.WithResource(about))

	tracer := tracers.Tracer("agent.client", trace.WithInstrumentationVersion("1.0"))
	inside, root := tracer.Start(ctx, "invoke_agent support", trace.WithAttributes(
		attribute.String("gen_ai.operation.name", "invoke_agent"), attribute.String("gen_ai.agent.name", "support")))
	var chats []string
	for number := range 20 {
		_, chat := tracer.Start(inside, "chat gpt-4o-mini", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
			attribute.String("gen_ai.operation.name", "chat"),
			attribute.String("gen_ai.request.model", "gpt-4o-mini"),
			attribute.Int("gen_ai.usage.input_tokens", 1000+number),
			attribute.Float64("gen_ai.request.temperature", 0.5),
			attribute.Bool("gen_ai.request.stream", true),
			attribute.StringSlice("gen_ai.response.finish_reasons", []string{"stop", "length"}),
			attribute.String("note", "na\u00efve, \u6771\u4eac")))
		chats = append(chats, chat.SpanContext().SpanID().String())
		chat.End()
	}
	_, tool := tracer.Start(inside, "execute_tool get_weather", trace.WithAttributes(attribute.String("gen_ai.operation.name", "execute_tool")))
	tool.AddEvent("retry", trace.WithAttributes(attribute.Int("attempt", 2)))
	tool.SetStatus(codes.Error, "no such city")
	tool.End()
	var record log.Record
	record.SetTimestamp(time.Now())
	record.SetSeverity(log.SeverityWarn)
	record.SetSeverityText("WARN")
	record.SetBody(attribute.StringValue("the weather is fine"))
	record.AddAttributes(attribute.String("route", "/ask"), attribute.Int("count", 7))
	loggers.Logger("agent.client", log.WithInstrumentationVersion("1.0")).Emit(inside, record)
	root.End()

	meter := meters.Meter("agent.client", metric.WithInstrumentationVersion("1.0"))
	route := metric.WithAttributes(attribute.String("route", "/ask"))
	handled, err := meter.Int64Counter("requests.handled")
	if err != nil {
		return err
	}
	handled.Add(ctx, 3, route)
	times, err := meter.Float64Histogram("answer.time", metric.WithUnit("s"))
	if err != nil {
		return err
	}
	times.Record(ctx, 0.25, route)
	times.Record(ctx, 1.5, route)

	for _, end := range []func(context.Context) error{tracers.Shutdown, loggers.Shutdown, meters.Shutdown} {
		if err := end(ctx); err != nil {
			return err
		}
	}
	lock.Lock()
	defer lock.Unlock()
	if len(refused) > 0 {
		return fmt.Errorf("refused: %v", refused)
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"trace": root.SpanContext().TraceID().String(),
		"root":  root.SpanContext().SpanID().String(),
		"chats": chats,
		"tool":  tool.SpanContext().SpanID().String(),
	})
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
