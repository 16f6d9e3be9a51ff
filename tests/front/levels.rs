//! How much is told: levels, and what a reader's settings make of names.

use crate::names::families;
use crate::{client, reader, readers, start};
use anyhow::Result;
use chaperone::pipeline::{Level, own_names};
use chaperone_testkit::collector::{Collector, get, until};
use std::io::{Read, Write};
use std::net::TcpStream;

const CONFIG: &str = "
receivers: {otlp: {protocols: {http: {endpoint: 127.0.0.1:0}}}}
processors: {batch: }
exporters: {nop: , debug: {sending_queue: {enabled: true}}}
service:
  pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: [nop, debug]}}
";

fn at(level: &str, readers: &[&str]) -> Result<Collector> {
    let settings: Vec<String> = readers.iter().map(|settings| reader(settings)).collect();
    let sets = [
        format!("service.telemetry.metrics.level={level}"),
        format!("service.telemetry.metrics.readers=[{}]", settings.join(", ")),
    ];
    let mut collector = start(CONFIG, &sets.each_ref().map(String::as_str))?;
    let address = collector.otlp_http()?;
    assert_eq!(client::post(&address, "traces", "", &client::body("traces", 2, "x"))?, 200);
    Ok(collector)
}

/// The Collector's names in a scrape, without suffixes of samples.
fn told(level: &str) -> Result<Vec<String>> {
    let mut collector = at(level, &[""])?;
    let address = readers(&mut collector)?.remove(0);
    let text = until(|| {
        let text = get(&address, "/metrics")?;
        anyhow::ensure!(text.contains("otelcol_exporter_sent_spans{"), "not sent yet");
        Ok(text)
    })?;
    Ok(families(&text)?.into_keys().filter(|name| own_names::find(name).is_some()).collect())
}

#[test]
fn a_level_shows_what_is_listed_for_it_and_nothing_above() -> Result<()> {
    let [basic, normal, detailed] = [told("basic")?, told("Normal")?, told("detailed")?];
    let above = |names: &[String], level| {
        names.iter().filter(|name| own_names::find(name).is_some_and(|known| known.level > level)).cloned().collect::<Vec<_>>()
    };
    assert_eq!((above(&basic, Level::Basic), above(&normal, Level::Normal)), (vec![], vec![]));
    let batch = |names: &[String]| names.iter().filter(|name| name.starts_with("otelcol_processor_batch_")).count();
    assert_eq!((batch(&basic), batch(&normal), batch(&detailed)), (0, 4, 5), "{detailed:?}");
    assert!(normal.len() > basic.len() && detailed.len() > normal.len() + 5);
    for name in ["http_server_request_duration", "otelcol_processor_internal_duration", "otelcol_exporter_queue_batch_send_size"]
    {
        assert!(detailed.iter().any(|known| known == name), "{name} is not in {detailed:?}");
    }
    Ok(())
}

#[test]
fn at_none_no_port_is_opened() -> Result<()> {
    let mut collector = at("none", &[""])?;
    assert_eq!(readers(&mut collector)?, Vec::<String>::new());
    Ok(())
}

#[test]
fn each_reader_writes_names_in_its_own_way() -> Result<()> {
    let suffixes = ", without_units: false, without_type_suffix: false";
    let scope = ", without_scope_info: false, with_resource_constant_labels: {included: [service.name, absent]}";
    let mut collector = at("normal", &["", suffixes, scope])?;
    let [plain, suffixed, scoped] = readers(&mut collector)?.try_into().expect("three readers");
    let plain = families(&get(&plain, "/metrics")?)?;
    let suffixed = families(&get(&suffixed, "/metrics")?)?;
    for (name, kind) in &plain {
        let unit = match own_names::find(name).map_or("", |known| known.unit) {
            "s" if !name.ends_with("_seconds") => "_seconds",
            "By" if !name.ends_with("_bytes") => "_bytes",
            _ => "",
        };
        let kind_suffix = if kind == "counter" && !name.ends_with("_total") { "_total" } else { "" };
        assert!(suffixed.contains_key(&format!("{name}{unit}{kind_suffix}")), "{name} {kind}: {suffixed:?}");
    }
    let scoped = get(&scoped, "/metrics")?;
    let line = scoped.lines().find(|line| line.starts_with("otelcol_process_uptime")).unwrap_or_default();
    for label in
        ["otel_scope_name=\"chaperone\"", "otel_scope_schema_url=\"\"", "otel_scope_version=\"", "service_name=\"chaperone\""]
    {
        assert!(line.contains(label), "{label} is not in {line}");
    }
    Ok(())
}

#[test]
fn a_scrape_is_compressed_on_request_and_other_paths_are_not_found() -> Result<()> {
    let mut collector = at("normal", &[""])?;
    let address = readers(&mut collector)?.remove(0);
    let ask = |path: &str, headers: &str| -> Result<Vec<u8>> {
        let mut stream = TcpStream::connect(&address)?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    };
    let head = |answer: &[u8]| String::from_utf8_lossy(answer).split("\r\n\r\n").next().unwrap_or_default().to_lowercase();
    let plain = ask("/metrics", "")?;
    assert!(
        head(&plain).contains("content-type: text/plain; version=0.0.4; charset=utf-8; escaping=underscores"),
        "{}",
        head(&plain)
    );
    let zipped = ask("/metrics", "accept-encoding: zstd, gzip;q=0.5\r\n")?;
    assert!(head(&zipped).contains("content-encoding: gzip"), "{}", head(&zipped));
    assert!(zipped.len() * 3 < plain.len());
    let start = zipped.windows(4).position(|window| window == b"\r\n\r\n").expect("a head") + 4;
    assert_eq!(zipped[start..start + 2], [0x1f, 0x8b]);
    assert!(!head(&ask("/metrics", "accept-encoding: gzip;q=0\r\n")?).contains("content-encoding"));
    assert!(head(&ask("/", "")?).starts_with("http/1.1 404"));
    Ok(())
}
