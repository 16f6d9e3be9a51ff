//! What a person and a scrape are told of a start and of reloads.

use anyhow::{Result, bail};
use chaperone_testkit::collector::{Collector, get, until};
use chaperone_testkit::scrape;
use std::process::Command;

const CONFIG: &str = "
receivers: {otlp: {protocols: {http: {endpoint: 127.0.0.1:0}}}}
processors: {attributes: {actions: [{key: team, value: '${file:team.txt}', action: insert}]}}
exporters: {nop: }
service:
  telemetry: {logs: {level: LEVEL}}
  pipelines: {traces: {receivers: [otlp], processors: [attributes], exporters: [nop]}}
";

fn started() -> Result<Collector> {
    // The file that is put in does not exist yet, so the value is written out at the start.
    Collector::start(env!("CARGO_BIN_EXE_chaperone"), &written("'${file:team.txt}'", "a", "info"), &[])
}

fn written(what: &str, value: &str, level: &str) -> String {
    CONFIG.replace(what, value).replace("LEVEL", level)
}

fn hang_up(collector: &Collector) -> Result<()> {
    assert!(Command::new("kill").args(["-HUP", &collector.process().to_string()]).status()?.success());
    Ok(())
}

fn figure(collector: &mut Collector, name: &str, label: &str) -> Result<f64> {
    let samples = scrape::parse(&collector.own_metrics()?)?;
    let fits = |sample: &&scrape::Sample| {
        sample.name == name && (label.is_empty() || sample.labels.values().any(|value| value == label))
    };
    Ok(samples.iter().filter(fits).map(|sample| sample.value).sum())
}

/// How many lines say something.
fn times(collector: &Collector, text: &str) -> usize {
    collector.output().iter().filter(|line| line.contains(text)).count()
}

#[test]
fn a_start_is_told_with_its_pipelines_and_a_reload_with_what_changed() -> Result<()> {
    let mut collector = started()?;
    for line in
        ["configuration: collector.yaml", "  traces  otlp -> attributes -> nop", "otlp: listening for OTLP/HTTP on 127.0.0.1:"]
    {
        assert_eq!(times(&collector, line), 1, "`{line}` in:\n{}", collector.output().join("\n"));
    }
    hang_up(&collector)?;
    collector.wait_for_line("nothing in it changed")?;
    // A file that is put in is watched as the configuration is.
    std::fs::write(collector.file("team.txt"), "a")?;
    std::fs::write(collector.file("collector.yaml"), written("", "", "info"))?;
    collector.wait_for_line("collector.yaml changed")?;
    // The value is the same, and the file is known from now on.
    until(|| if figure(&mut collector, "chaperone_config_reloads", "unchanged")? < 2.0 { bail!("not yet") } else { Ok(()) })?;
    std::fs::write(collector.file("team.txt"), "b")?;
    collector.wait_for_line("team.txt changed")?;
    collector.wait_for_line("  replaced: processor attributes in traces")?;
    until(|| if figure(&mut collector, "chaperone_config_reloads", "applied")? < 1.0 { bail!("not yet") } else { Ok(()) })?;
    assert!(collector.stop()?.success());
    Ok(())
}

#[test]
fn a_wrong_configuration_is_told_with_its_place_and_changes_nothing() -> Result<()> {
    let mut collector = started()?;
    std::fs::write(collector.file("collector.yaml"), written("action: insert", "acton: insert", "info"))?;
    hang_up(&collector)?;
    collector.wait_for_line("unknown key `acton`")?;
    collector.wait_for_line("did you mean `action`?")?;
    collector.wait_for_line("the collector goes on with the one it had")?;
    until(|| if figure(&mut collector, "chaperone_config_reloads", "refused")? < 1.0 { bail!("not yet") } else { Ok(()) })?;
    assert_eq!(figure(&mut collector, "chaperone_config_last_reload_successful", "")?, 0.0);
    crate::stops::post_one(&collector.otlp_http()?)?;
    std::fs::write(collector.file("collector.yaml"), written("'${file:team.txt}'", "b", "info"))?;
    until(
        || if figure(&mut collector, "chaperone_config_last_reload_successful", "")? < 1.0 { bail!("not yet") } else { Ok(()) },
    )?;
    assert!(collector.stop()?.success());
    Ok(())
}

#[test]
fn a_port_that_is_taken_undoes_the_reload() -> Result<()> {
    let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
    let mut collector = started()?;
    let http = collector.otlp_http()?;
    let config = written("'${file:team.txt}'", "b", "info").replace("127.0.0.1:0", &taken.local_addr()?.to_string());
    std::fs::write(collector.file("collector.yaml"), config)?;
    hang_up(&collector)?;
    collector.wait_for_line("receiver `otlp` did not start")?;
    collector.wait_for_line("the collector goes on with the one it had")?;
    crate::stops::post_one(&http)?;
    collector.check_conservation()?;
    assert!(collector.stop()?.success());
    Ok(())
}

#[test]
fn the_level_of_the_log_and_the_pages_of_own_metrics_follow() -> Result<()> {
    let mut collector = started()?;
    let before = collector.address("own metrics: exposed at")?;
    std::fs::write(collector.file("collector.yaml"), written("'${file:team.txt}'", "b", "error"))?;
    hang_up(&collector)?;
    collector.wait_for_line("  replaced: processor attributes in traces")?;
    let lines = times(&collector, "reading the configuration again");
    hang_up(&collector)?;
    until(|| if figure(&mut collector, "chaperone_config_reloads", "unchanged")? < 1.0 { bail!("not yet") } else { Ok(()) })?;
    assert_eq!(times(&collector, "reading the configuration again"), lines, "only errors are told now");
    assert!(get(&before, "/metrics")?.contains("otelcol_process_uptime"), "the page is where it was");
    assert!(collector.stop()?.success());
    Ok(())
}
