//! `chaperone generate`: makes the telemetry of an agent and sends it over OTLP/HTTP, as the agent's SDK would.
//!
//! The story ends now: its last span ended when it is sent, so that whatever looks at the last minutes sees all of it.
//! Requests go out one after the other without the pauses that the agent would make.

use crate::cli::Done;
use crate::entropy;
use anyhow::{Context, Result, bail};
use bytes::Bytes;
use chaperone_net::{HttpClient, HttpRequest, client};
use chaperone_pipeline::Clock;
use chaperone_proto::{Data, Limits, Signal};
use chaperone_scenarios::behaviours::{self, Request, SCENARIOS};
use clap::Args;
use clap::builder::PossibleValuesParser;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, Uri};
use std::collections::BTreeMap;
use std::time::Duration;

/// What is made, and where it goes.
#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// How the agent behaves
    #[arg(long, default_value = "normal", value_parser = PossibleValuesParser::new(SCENARIOS))]
    scenario: String,
    /// The OTLP/HTTP endpoint of a collector
    #[arg(long, default_value = "http://localhost:4318", value_name = "URL")]
    endpoint: String,
    /// Makes ids, durations and token counts the same again; random unless set
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

/// For one request.
const TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) fn generate(args: &GenerateArgs) -> Done {
    let endpoint = args.endpoint.trim_end_matches('/');
    client::parse_url(endpoint).context("cannot use the endpoint")?;
    let seed = match args.seed {
        Some(seed) => seed,
        None => u64::from_le_bytes(entropy::random()?),
    };
    let requests = story(&args.scenario, seed, Clock::system().now().unix_ns)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let sent = runtime.block_on(send(endpoint, &requests))?;
    let items: Vec<String> = sent.iter().map(|(signal, items)| format!("{items} {}", signal.items().replace('_', " "))).collect();
    eprintln!("sent `{}` to {endpoint}: {} in {} requests (seed {seed})", args.scenario, items.join(", "), requests.len());
    Ok(())
}

/// The requests of a scenario whose last one is sent at `now_ns`.
fn story(scenario: &str, seed: u64, now_ns: u64) -> Result<Vec<Request>> {
    let known = || format!("no scenario is called `{scenario}`");
    let length = behaviours::duration_ns(scenario, seed).with_context(known)?;
    behaviours::scenario(scenario, now_ns.saturating_sub(length), seed).with_context(known)
}

/// Sends all requests in order; gives the items of each signal.
async fn send(endpoint: &str, requests: &[Request]) -> Result<BTreeMap<Signal, usize>> {
    let client = HttpClient::new();
    let mut sent = BTreeMap::new();
    for request in requests {
        let url = client::parse_url(&format!("{endpoint}/v1/{}", request.signal.name()))?;
        send_one(&client, url, request.body.clone())
            .await
            .with_context(|| format!("cannot send to {endpoint}: is a collector listening there? `chaperone` starts one"))?;
        let items = Data::decode(request.signal, request.body.clone(), &Limits::default())?.items();
        *sent.entry(request.signal).or_default() += items;
    }
    Ok(sent)
}

async fn send_one(client: &HttpClient, url: Uri, body: Bytes) -> Result<()> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
    let request = HttpRequest { method: Method::POST, url, headers, body: vec![body], timeout: TIMEOUT };
    let answer = client.send(request).await?;
    if !answer.status.is_success() {
        bail!("the answer is {}", answer.status);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_ends_when_it_is_sent() {
        let now = 1_800_000_000_000_000_000;
        for scenario in SCENARIOS {
            let requests = story(scenario, 7, now).unwrap();
            assert_eq!(requests.last().unwrap().time_unix_ns, now, "{scenario}");
        }
        assert!(story("nope", 7, now).is_err());
    }
}
