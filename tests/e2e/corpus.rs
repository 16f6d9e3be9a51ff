//! Every capture through the shipped `collector.yaml` in the real binary, one process a capture: its runs are what its wire carries.
//!
//! `tests/facts` compares records kind by kind; here the sums are those that reach the store.

use crate::wire::{self, Facts, Usage};
use crate::{DEFAULT_CONFIG, price};
use anyhow::{Context, Result, ensure};
use chaperone_genai::{event_names, keys};
use chaperone_proto::KeyId;
use chaperone_testkit::corpus;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

/// The latest day of the captures: prices are those of that day.
const DAY_NS: u64 = 1_795_219_200_000_000_000;

/// The runs of a capture that reach the store, the last version of each.
fn runs(folder: &Path, capture: &str) -> Result<Vec<Run>> {
    let config = folder.join("collector.yaml");
    let mut replay = Command::new(env!("CARGO_BIN_EXE_chaperone"));
    replay
        .args(["replay", "--config"])
        .arg(&config)
        .args(["--exporter", "logs/store/sqlite"])
        .arg(corpus::folder().join(capture));
    let output = replay.current_dir(folder).env_remove("RUST_LOG").output().context("the binary starts")?;
    ensure!(output.status.success(), "{capture}: {}", String::from_utf8_lossy(&output.stderr));
    let mut last: BTreeMap<String, (i64, Run)> = BTreeMap::new();
    for line in String::from_utf8(output.stdout)?.lines() {
        let request: Value = serde_json::from_str(line)?;
        for record in list(&request, "resourceLogs").flat_map(|of| list(of, "scopeLogs")).flat_map(|of| list(of, "logRecords")) {
            if record["eventName"] != event_names::RUN {
                continue;
            }
            let run = Run(list(record, "attributes").map(|pair| (text(&pair["key"]), pair["value"].clone())).collect());
            let (id, version) = (text(&run.value(keys::CHAPERONE_RUN_ID)["stringValue"]), run.int(keys::CHAPERONE_RUN_VERSION));
            ensure!(!id.is_empty(), "{capture}: a run has an id");
            if last.get(&id).is_none_or(|(known, _)| *known < version) {
                last.insert(id, (version, run));
            }
        }
    }
    Ok(last.into_values().map(|(_, run)| run).collect())
}

fn list<'a>(of: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    of[name].as_array().map(Vec::as_slice).unwrap_or_default().iter()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Attributes of a run's record, values as OTLP/JSON writes them.
struct Run(BTreeMap<String, Value>);

impl Run {
    fn value(&self, key: KeyId) -> &Value {
        self.0.get(chaperone_proto::keys::name(key)).unwrap_or(&Value::Null)
    }
    fn int(&self, key: KeyId) -> i64 {
        self.value(key)["intValue"].as_str().and_then(|number| number.parse().ok()).unwrap_or(0)
    }
}

/// What is not as the facts have it.
fn differences(facts: &Facts, runs: &[Run]) -> Vec<String> {
    let part = |of: fn(&Usage) -> u64| facts.models.values().map(of).sum::<u64>();
    let sum = |key| runs.iter().map(|run| run.int(key)).sum::<i64>() as u64;
    let failed: u64 = facts.calls_failed.values().sum();
    let pairs = [
        ("input", part(|usage| usage.input), sum(keys::CHAPERONE_RUN_TOKENS_INPUT)),
        ("output", part(|usage| usage.output), sum(keys::CHAPERONE_RUN_TOKENS_OUTPUT)),
        ("cache_read", part(|usage| usage.cache_read), sum(keys::CHAPERONE_RUN_TOKENS_CACHE_READ)),
        ("reasoning", part(|usage| usage.reasoning), sum(keys::CHAPERONE_RUN_TOKENS_REASONING)),
        ("calls", facts.calls_ok + failed, sum(keys::CHAPERONE_RUN_LLM_CALLS)),
        ("requested", facts.requested.values().sum(), sum(keys::CHAPERONE_RUN_TOOL_CALLS_REQUESTED)),
        ("executed", facts.executed.values().sum(), sum(keys::CHAPERONE_RUN_TOOL_CALLS)),
    ];
    let differing = pairs.iter().filter(|(_, wire, ours)| wire != ours);
    let mut found: Vec<String> =
        differing.map(|(what, wire, ours)| format!("{}: {what} {wire} -> {ours}", facts.capture)).collect();
    let dollars = runs.iter().filter_map(|run| run.value(keys::CHAPERONE_RUN_COST)["doubleValue"].as_f64()).sum::<f64>();
    let (wire, ours) = (price::cost(facts, DAY_NS), (dollars * 1e9).round() as i64);
    if wire.abs_diff(ours) > facts.calls_ok.max(1) {
        found.push(format!("{}: nano-dollars {wire} -> {ours}", facts.capture));
    }
    found
}

#[test]
fn the_runs_of_every_capture_add_up_to_what_its_wire_carries() -> Result<()> {
    keys::install();
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("collector.yaml"), DEFAULT_CONFIG)?;
    let all = wire::facts();
    ensure!(all.len() == 302, "{} captures", all.len());
    let (next, wrong) = (Mutex::new(all.iter()), Mutex::new(Vec::new()));
    let work = || -> Result<()> {
        loop {
            let Some(facts) = next.lock().expect("nobody panics with it").next() else { return Ok(()) };
            let found = differences(facts, &runs(folder.path(), &facts.capture)?);
            wrong.lock().expect("nobody panics with it").extend(found);
        }
    };
    std::thread::scope(|scope| {
        let workers = [scope.spawn(work), scope.spawn(work)];
        workers.into_iter().try_for_each(|worker| worker.join().expect("a worker ends"))
    })?;
    let mut wrong = wrong.into_inner().expect("nobody panicked with it");
    wrong.sort();
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}
