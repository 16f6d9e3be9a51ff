//! The same records in other orders and other requests.

use chaperone_proto::{Data, Limits, Signal};
use chaperone_testkit::corpus::Capture;

/// The requests of a capture as they were recorded; metrics tell of calls that spans and logs tell of too.
pub fn recorded(capture: &Capture) -> Vec<Data> {
    let requests = capture.requests.iter().filter(|request| request.signal != "metrics");
    requests
        .map(|request| {
            let signal = if request.signal == "logs" { Signal::Logs } else { Signal::Traces };
            let limits = Limits::default();
            let data = if request.json {
                Data::decode_json(signal, &request.body, &limits)
            } else {
                Data::decode(signal, request.body.clone(), &limits)
            };
            data.unwrap_or_else(|error| panic!("{} {}: {error}", capture.name, request.file))
        })
        .collect()
}

/// One record a request.
pub fn one_by_one(requests: &[Data]) -> Vec<Data> {
    let single = |data: &Data, at: usize| match data {
        Data::Traces(traces) => Data::Traces(traces.extract(&[at as u32])),
        Data::Logs(logs) => Data::Logs(logs.extract(&[at as u32])),
        Data::Metrics(_) => data.clone(),
    };
    requests.iter().flat_map(|data| (0..data.records()).map(|at| single(data, at))).collect()
}

/// In an order that only the seed decides.
pub fn shuffled(mut requests: Vec<Data>, seed: u64) -> Vec<Data> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for last in (1..requests.len()).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        requests.swap(last, (state % (last as u64 + 1)) as usize);
    }
    requests
}
