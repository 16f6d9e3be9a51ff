//! Stops under load: whatever was acknowledged before the end is stored after it.

use crate::count;
use crate::load::{Load, assert_all, ids_of_json, ids_of_request};
use crate::senders::{Grpc, Http, Outcome, Sender};
use anyhow::{Result, bail};
use chaperone_testkit::collector::{Collector, until};
use chaperone_testkit::fake_http::FakeHttp;
use std::collections::BTreeSet;

const CONFIG: &str = "
receivers: {otlp: {protocols: {http: {endpoint: 127.0.0.1:0}, grpc: {endpoint: 127.0.0.1:0}}}}
processors: {batch: {timeout: 100ms}}
exporters:
  file: {path: out.jsonl}
  otlp_http: {endpoint: SINK, compression: none}
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [otlp_http]}
    traces/batched: {receivers: [otlp], processors: [batch], exporters: [file]}
";

/// Sends one request over HTTP, which has to be accepted.
pub fn post_one(address: &str) -> Result<()> {
    let mut client = Http { address: address.to_owned(), stream: None };
    match client.send(&crate::load::request(1)) {
        Outcome::Accepted => Ok(()),
        other => bail!("{other:?}"),
    }
}

#[test]
fn nothing_that_was_acknowledged_is_lost_when_the_collector_is_asked_to_end() -> Result<()> {
    let rounds = count("CHAPERONE_STOPS", 3);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut all = 0;
    for round in 1..=rounds {
        let sink = runtime.block_on(FakeHttp::start());
        let config = CONFIG.replace("SINK", &sink.url());
        let mut collector = Collector::start(env!("CARGO_BIN_EXE_chaperone"), &config, &[])?;
        let (http, grpc) = (collector.otlp_http()?, collector.otlp_grpc()?);
        let mut load = Load::new();
        for address in [http.clone(), http] {
            load.client("http", move || Box::new(Http { address, stream: None }));
        }
        for address in [grpc.clone(), grpc] {
            load.client("grpc", move || Box::new(Grpc::to(&address)));
        }
        until(|| if load.begun() < 1000 { bail!("the load is only beginning") } else { Ok(()) })?;
        let status = collector.stop()?;
        let seen = load.finish();
        assert!(status.success(), "round {round} ended with {status}:\n{}", collector.output().join("\n"));
        let acknowledged: BTreeSet<u64> = seen.iter().flat_map(|(_, client)| &client.acknowledged).copied().collect();
        for (name, client) in &seen {
            assert!(client.never.is_empty(), "{name}: {:?}", client.never);
        }
        let arrived: BTreeSet<u64> = sink.requests().iter().flat_map(|request| ids_of_request(&request.body)).collect();
        assert_all(&acknowledged, &arrived, "the server");
        assert_all(&acknowledged, &ids_of_json(&std::fs::read_to_string(collector.file("out.jsonl"))?), "the file");
        all += acknowledged.len();
    }
    println!("{rounds} stops: {all} spans acknowledged, 0 lost");
    Ok(())
}
