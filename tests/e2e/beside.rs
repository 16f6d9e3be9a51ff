//! What runs beside the pipelines: health, and pages about the collector.

use crate::{finish, start};
use anyhow::{Result, bail};
use chaperone_testkit::collector::{Collector, get, until};

/// A collector with every page, and an exporter that reaches nobody.
const CONFIG: &str = "
receivers: {otlp: {protocols: {http: {endpoint: 127.0.0.1:0}}}}
exporters:
  otlp_http: {endpoint: 'http://127.0.0.1:1', compression: none}
extensions:
  health_check: {http: {endpoint: 127.0.0.1:0, config: {enabled: true}}}
  zpages: {endpoint: 127.0.0.1:0}
service:
  extensions: [health_check, zpages]
  pipelines: {traces: {receivers: [otlp], exporters: [otlp_http]}}
";

#[test]
fn the_shipped_collector_answers_that_it_is_ready() -> Result<()> {
    let mut collector = start(&[])?;
    let health = collector.address("health at http://")?;
    let answer = get(&health, "/any/path")?;
    assert!(answer.starts_with(r#"{"status":"Server available","upSince":"20"#), "{answer}");
    finish(collector)
}

#[test]
fn an_exporter_that_fails_is_seen_in_health_and_on_pages() -> Result<()> {
    let mut collector = Collector::start(env!("CARGO_BIN_EXE_chaperone"), CONFIG, &[])?;
    let (health, pages) = (collector.address("health at http://")?, collector.address("pages at http://")?);
    assert!(get(&health, "/status")?.contains("StatusOK"));
    crate::walk::generate("normal", &collector.otlp_http()?)?;
    until(|| {
        let answer: serde_json::Value = serde_json::from_str(&get(&health, "/status?pipeline=traces&verbose")?)?;
        let exporter = &answer["components"]["exporter:otlp_http"];
        if exporter["status"] != "StatusRecoverableError" {
            bail!("{answer}");
        }
        assert!(exporter["error"].as_str().is_some_and(|error| !error.is_empty()), "{answer}");
        assert_eq!(answer["components"]["receiver:otlp"]["status"], "StatusOK");
        Ok(())
    })?;
    let pipelines: serde_json::Value = serde_json::from_str(&get(&pages, "/debug/pipelines?format=json")?)?;
    let components = &pipelines["pipelines"][0]["components"];
    assert!(components[0]["figures"]["accepted"].as_f64() > Some(0.0), "{pipelines}");
    assert!(components[1]["figures"]["enqueued"].as_f64() > Some(0.0), "{pipelines}");
    for (page, holds) in
        [("servicez", env!("CARGO_PKG_VERSION")), ("extensionz", "health_check"), ("featurez", "service.AllowNoPipelines")]
    {
        let text = get(&pages, &format!("/debug/{page}"))?;
        assert!(text.contains(holds), "{page}: {text}");
    }
    let config: serde_json::Value = serde_json::from_str(&get(&health, "/config")?)?;
    assert_eq!(config["extensions"]["zpages"]["endpoint"], "127.0.0.1:0");
    Ok(())
}
