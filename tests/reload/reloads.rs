//! Reloads under load: of a processor, an exporter with its queue, a receiver on the same ports, and of nonsense.

use crate::count;
use crate::load::{Load, assert_all, ids_of_json, ids_of_request};
use crate::senders::{Grpc, Http};
use anyhow::{Result, bail};
use chaperone_testkit::collector::{Collector, until};
use chaperone_testkit::fake_http::FakeHttp;
use chaperone_testkit::scrape;
use std::collections::BTreeSet;
use std::process::Command;

/// Where everything is: known after the first start, when the system has chosen ports.
struct Addresses {
    changing_http: String,
    changing_grpc: String,
    steady_http: String,
    steady_grpc: String,
    sink: String,
}

/// What differs from reload to reload.
#[derive(Default)]
struct Version {
    processor: usize,
    consumers: usize,
    directory: bool,
    body_mib: usize,
    nonsense: bool,
}

impl Version {
    /// The version of a reload, each kind of change in its turn.
    fn of(number: usize) -> Version {
        let turn = |of: usize| (number + 5 - of) / 5;
        Version {
            processor: turn(1),
            consumers: turn(2) % 2,
            directory: turn(3) % 2 == 1,
            body_mib: turn(4),
            nonsense: number.is_multiple_of(5),
        }
    }
    fn text(&self, at: &Addresses) -> String {
        let Addresses { changing_http, changing_grpc, steady_http, steady_grpc, sink } = at;
        let directory = if self.directory { ", create_directory: true" } else { "" };
        let nonsense = if self.nonsense { "nonsense" } else { "file/steady" };
        format!(
            "
receivers:
  otlp/changing:
    protocols:
      http: {{endpoint: '{changing_http}', max_request_body_size: {}MiB}}
      grpc: {{endpoint: '{changing_grpc}', max_recv_msg_size_mib: {}}}
  otlp/steady:
    protocols:
      http: {{endpoint: '{steady_http}'}}
      grpc: {{endpoint: '{steady_grpc}'}}
processors:
  attributes/changing: {{actions: [{{key: version, value: {}, action: upsert}}]}}
  batch: {{timeout: 50ms}}
exporters:
  file/steady: {{path: steady.jsonl, append: true}}
  file/changing: {{path: changing.jsonl, append: true{directory}}}
  otlp_http: {{endpoint: '{sink}', compression: none, sending_queue: {{num_consumers: {}}}}}
service:
  pipelines:
    traces/direct: {{receivers: [otlp/changing, otlp/steady], processors: [attributes/changing], exporters: [{nonsense}, otlp_http]}}
    traces/batched: {{receivers: [otlp/changing, otlp/steady], processors: [batch], exporters: [file/changing]}}
",
            20 + self.body_mib,
            4 + self.body_mib,
            self.processor,
            2 + self.consumers,
        )
    }
}

/// How often the configuration was read again.
fn reloads(collector: &mut Collector) -> Result<f64> {
    Ok(scrape::sum(&scrape::parse(&collector.own_metrics()?)?, "chaperone_config_reloads"))
}

fn outcome(collector: &mut Collector, outcome: &str) -> Result<f64> {
    let samples = scrape::parse(&collector.own_metrics()?)?;
    let of = samples.iter().filter(|sample| sample.name == "chaperone_config_reloads");
    Ok(of.filter(|sample| sample.labels.get("outcome").is_some_and(|word| word == outcome)).map(|sample| sample.value).sum())
}

#[test]
fn nothing_that_was_acknowledged_is_lost_while_the_configuration_changes() -> Result<()> {
    let rounds = count("CHAPERONE_RELOADS", 10);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let sink = runtime.block_on(FakeHttp::start());
    let any = || "127.0.0.1:0".to_owned();
    let mut at =
        Addresses { changing_http: any(), changing_grpc: any(), steady_http: any(), steady_grpc: any(), sink: sink.url() };
    let mut collector = Collector::start(env!("CARGO_BIN_EXE_chaperone"), &Version::default().text(&at), &[])?;
    at.changing_http = collector.address("otlp/changing: listening for OTLP/HTTP on")?;
    at.changing_grpc = collector.address("otlp/changing: listening for OTLP/gRPC on")?;
    // The steady receiver keeps port 0 in its settings: it is never opened again.
    let (steady_http, steady_grpc) = (
        collector.address("otlp/steady: listening for OTLP/HTTP on")?,
        collector.address("otlp/steady: listening for OTLP/gRPC on")?,
    );

    let mut load = Load::new();
    for address in [at.changing_http.clone(), at.changing_http.clone()] {
        load.client("changing", move || Box::new(Http { address, stream: None }));
    }
    let (changing, steady) = (at.changing_grpc.clone(), steady_grpc);
    load.client("changing", move || Box::new(Grpc::to(&changing)));
    load.client("steady", move || Box::new(Http { address: steady_http, stream: None }));
    load.client("steady", move || Box::new(Grpc::to(&steady)));

    for number in 1..=rounds {
        let begun = load.begun();
        let beside = collector.file("collector.yaml.new");
        std::fs::write(&beside, Version::of(number).text(&at))?;
        std::fs::rename(&beside, collector.file("collector.yaml"))?;
        // Every third one is found by watching the file.
        if !number.is_multiple_of(3) {
            assert!(Command::new("kill").args(["-HUP", &collector.process().to_string()]).status()?.success());
        }
        until(|| if reloads(&mut collector)? < number as f64 { bail!("reload {number} is not done") } else { Ok(()) })?;
        until(|| if load.begun() < begun + 200 { bail!("clients wait in vain after reload {number}") } else { Ok(()) })?;
    }
    let refused = outcome(&mut collector, "refused")?;
    let applied = outcome(&mut collector, "applied")?;
    let seen = load.finish();
    collector.check_conservation()?;
    let status = collector.stop()?;
    assert!(status.success(), "ended with {status}:\n{}", collector.output().join("\n"));

    let mut acknowledged = BTreeSet::new();
    for (name, client) in &seen {
        assert!(client.never.is_empty(), "{name}: {:?}", client.never);
        assert_eq!(client.no_listener, 0, "{name}: somebody listened all the time");
        if *name == "steady" {
            assert!(client.cut_off.is_empty(), "{name}: {:?}", client.cut_off);
        }
        acknowledged.extend(&client.acknowledged);
    }
    let arrived: BTreeSet<u64> = sink.requests().iter().flat_map(|request| ids_of_request(&request.body)).collect();
    assert_all(&acknowledged, &arrived, "the server");
    for file in ["steady.jsonl", "changing.jsonl"] {
        assert_all(&acknowledged, &ids_of_json(&std::fs::read_to_string(collector.file(file))?), file);
    }
    let of = |figure: fn(&crate::load::Seen) -> u64| seen.iter().map(|(_, client)| figure(client)).sum::<u64>();
    println!(
        "{rounds} reloads ({applied} applied, {refused} refused): {} spans acknowledged, 0 lost; {} requests told to come again, {} cut off",
        acknowledged.len(),
        of(|client| client.later),
        of(|client| client.cut_off.len() as u64),
    );
    assert_eq!(refused as usize, rounds / 5, "nonsense is refused, and nothing else:\n{}", collector.output().join("\n"));
    assert_eq!(applied as usize, rounds - rounds / 5);
    Ok(())
}
