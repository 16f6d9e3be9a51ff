//! A loaded collector serves every name it says it serves, and what public dashboards ask for.

use crate::names::{families, is_absent_with_a_reason, of_dashboards, served};
use crate::sink::Sink;
use crate::{client, reader, readers, start};
use anyhow::{Context, Result, ensure};
use chaperone_testkit::collector::{Collector, get, until};
use chaperone_testkit::scrape;
use std::collections::BTreeMap;

/// Takes what the other sends by gRPC.
const SECOND: &str = "
receivers: {otlp: {protocols: {grpc: {endpoint: 127.0.0.1:0}}}}
exporters: {nop: }
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [nop]}
    metrics: {receivers: [otlp], exporters: [nop]}
    logs: {receivers: [otlp], exporters: [nop]}
";

/// Everything there is to count happens in here: sent, refused for good, not enqueued, over the memory limit, sampled.
const FIRST: &str = "
receivers:
  otlp: {protocols: {http: {endpoint: 127.0.0.1:0}}}
  otlp/full: {protocols: {http: {endpoint: 127.0.0.1:0}}}
  otlp/large: {protocols: {http: {endpoint: 127.0.0.1:0}}}
processors:
  memory_limiter: {check_interval: 1s, limit_mib: 1000}
  memory_limiter/small: {check_interval: 1s, limit_mib: 1}
  batch: {send_batch_size: 2}
  probabilistic_sampler: {sampling_percentage: 100}
exporters:
  otlp_grpc: {endpoint: 'http://GRPC', tls: {insecure: true}}
  otlp_http/refusing: {endpoint: 'http://REFUSING'}
  otlp_http/full: {endpoint: 'http://REFUSING', sending_queue: {sizer: items, queue_size: 1, batch: {enabled: false}}}
  nop:
service:
  pipelines:
    traces: {receivers: [otlp], processors: [memory_limiter, probabilistic_sampler, batch], exporters: [otlp_grpc, otlp_http/refusing]}
    metrics: {receivers: [otlp], processors: [memory_limiter, batch], exporters: [otlp_grpc, otlp_http/refusing]}
    logs: {receivers: [otlp], processors: [memory_limiter, probabilistic_sampler, batch], exporters: [otlp_grpc, otlp_http/refusing]}
    traces/full: {receivers: [otlp/full], exporters: [otlp_http/full]}
    metrics/full: {receivers: [otlp/full], exporters: [otlp_http/full]}
    logs/full: {receivers: [otlp/full], exporters: [otlp_http/full]}
    traces/large: {receivers: [otlp/large], processors: [memory_limiter/small], exporters: [nop]}
    metrics/large: {receivers: [otlp/large], processors: [memory_limiter/small], exporters: [nop]}
    logs/large: {receivers: [otlp/large], processors: [memory_limiter/small], exporters: [nop]}
";

/// Two collectors at work, with a plain reader each and one of the first with suffixes.
struct Loaded {
    _collectors: [Collector; 2],
    plain: Vec<String>,
    suffixed: String,
}

impl Loaded {
    fn start() -> Result<Loaded> {
        const DETAILED: &str = "service.telemetry.metrics.level=detailed";
        let mut second = start(SECOND, &[DETAILED])?;
        let refusing = Sink::start(Some(400))?;
        let config = FIRST.replace("GRPC", &second.otlp_grpc()?).replace("REFUSING", &refusing.address);
        let wanted = [reader(""), reader(", without_units: false, without_type_suffix: false")].join(", ");
        let mut first = start(&config, &[DETAILED, &format!("service.telemetry.metrics.readers=[{wanted}]")])?;
        let [plain, suffixed] = readers(&mut first)?.try_into().expect("two readers");
        let plain = vec![plain, readers(&mut second)?.remove(0)];
        for signal in client::SIGNALS {
            for items in [1, 2] {
                let address = first.address("otlp: listening for OTLP/HTTP on")?;
                ensure!(client::post(&address, signal, "", &client::body(signal, items, "x"))? == 200, "{signal} was refused");
            }
            let address = first.address("otlp/full: listening for OTLP/HTTP on")?;
            ensure!(client::post(&address, signal, "", &client::body(signal, 2, "x"))? == 503, "two {signal} fit into one");
            let address = first.address("otlp/large: listening for OTLP/HTTP on")?;
            let large = client::body(signal, 1, &"x".repeat(2 << 20));
            ensure!(client::post(&address, signal, "", &large)? == 503, "large {signal} were not refused");
            ensure!(client::post(&address, signal, "", &client::body(signal, 1, "x"))? == 200, "small {signal} were refused");
        }
        Ok(Loaded { _collectors: [first, second], plain, suffixed })
    }

    /// Families of both collectors with their types.
    fn families(&self) -> Result<BTreeMap<String, String>> {
        let mut all = BTreeMap::new();
        for address in &self.plain {
            all.extend(families(&get(address, "/metrics")?)?);
        }
        Ok(all)
    }
}

#[test]
fn a_loaded_collector_serves_what_it_says_and_what_public_dashboards_ask_for() -> Result<()> {
    let loaded = Loaded::start()?;
    // Deliveries come after the acknowledgement: all that is asked for is there in the end.
    let found = until(|| {
        let found = loaded.families()?;
        let missing: Vec<&str> = served().iter().map(|[name, ..]| *name).filter(|name| !found.contains_key(*name)).collect();
        ensure!(missing.is_empty(), "not served: {missing:?}");
        Ok(found)
    })?;
    for [name, kind, ..] in served() {
        assert_eq!(found[name], kind, "{name}");
    }
    let unlisted: Vec<&String> = found
        .keys()
        .filter(|name| !name.starts_with("chaperone_") && !served().iter().any(|[known, ..]| known == name))
        .filter(|name| !["target_info", "promhttp_metric_handler_errors_total"].contains(&name.as_str()))
        .collect();
    assert!(unlisted.is_empty(), "served and not in docs/own-metrics.md: {unlisted:?}");

    let suffixed = families(&get(&loaded.suffixed, "/metrics")?)?;
    let wanted = of_dashboards();
    assert!(wanted.len() > 70);
    for [source, style, name] in wanted {
        let here = match style {
            "suffixed" => suffixed.contains_key(name),
            _ => found.contains_key(name),
        };
        assert!(here || is_absent_with_a_reason(name), "{source} asks for `{name}`");
    }
    Ok(())
}

#[test]
fn labels_are_those_of_the_collector() -> Result<()> {
    let loaded = Loaded::start()?;
    let with_all = |samples: &[scrape::Sample], name: &str, labels: &[(&str, &str)]| {
        let fits = |sample: &&scrape::Sample| labels.iter().all(|(key, value)| sample.label(key) == Some(*value));
        samples.iter().filter(|sample| sample.name == name).find(fits).map(|sample| (sample.labels.len(), sample.value))
    };
    let samples = until(|| {
        let samples = scrape::parse(&get(&loaded.plain[0], "/metrics")?)?;
        let failed = with_all(&samples, "otelcol_exporter_send_failed_spans", &[("exporter", "otlp_http/refusing")]);
        ensure!(failed.is_some_and(|(_, value)| value == 3.0), "{failed:?}");
        Ok(samples)
    })?;
    let check = |name: &str, labels: &[(&str, &str)], count: usize| {
        let found = with_all(&samples, name, labels);
        assert_eq!(found.map(|(labels, _)| labels), Some(count), "{name} {labels:?}");
    };
    check("otelcol_receiver_accepted_spans", &[("receiver", "otlp"), ("transport", "http")], 2);
    check("otelcol_receiver_failed_spans", &[("receiver", "otlp/full"), ("transport", "http")], 2);
    check("otelcol_exporter_queue_size", &[("exporter", "otlp_grpc"), ("data_type", "metrics")], 2);
    check("otelcol_exporter_in_flight_requests", &[("exporter", "nop"), ("data_type", "logs")], 2);
    check("otelcol_processor_incoming_items", &[("processor", "batch"), ("otel_signal", "traces")], 2);
    check("otelcol_processor_memory_limiter_refused_spans", &[("processor", "memory_limiter/small")], 1);
    let failed =
        [("error_permanent", "true"), ("error_type", "_OTHER"), ("url_path", "/v1/traces"), ("server_address", "127.0.0.1")];
    check("otelcol_exporter_send_failed_spans", &failed, 6);
    check("otelcol_exporter_enqueue_failed_spans", &[("exporter", "otlp_http/full")], 1);
    let call = [("http_route", "/v1/traces"), ("http_response_status_code", "200"), ("url_scheme", "http")];
    check("http_server_request_duration_count", &call, 8);
    let second = scrape::parse(&get(&loaded.plain[1], "/metrics")?)?;
    let method = "opentelemetry.proto.collector.trace.v1.TraceService/Export";
    let rpc = [("rpc_method", method), ("rpc_response_status_code", "OK"), ("rpc_system_name", "grpc")];
    let found = with_all(&second, "rpc_server_call_duration_count", &rpc).context("no call was measured")?;
    assert_eq!(found.0, 3);
    Ok(())
}
