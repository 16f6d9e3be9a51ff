//! Settings, every decision that was recorded from the running Collector, and the rules for what arrives sampled.

use super::probability::Randomness;
use super::*;
use chaperone_config::{Node, parse_settings};
use chaperone_pipeline::Clock;
use chaperone_proto::Limits;

fn config(yaml: &str) -> Result<Config, String> {
    let node = Node::parse(yaml, "test.yaml").unwrap();
    parse_settings(&node, "processors.probabilistic_sampler").map_err(|problems| problems.to_string())
}

fn sampling(yaml: &str, ctx: &BuildContext) -> Sampling {
    Sampling::new(&config(yaml).unwrap(), ctx)
}

fn ctx() -> BuildContext {
    BuildContext::for_tests("probabilistic_sampler", Clock::manual(0))
}

/// Runs a request; gives what passed, read back from its bytes, and what was dropped.
fn run(sampling: &Sampling, signal: Signal, json: &str) -> (Option<Data>, Vec<(usize, &'static str)>) {
    let data = Data::decode_json(signal, json.as_bytes(), &Limits::default()).unwrap();
    let items = data.items();
    let mut out = Outbox::for_tests(Now::default());
    sampling.process(Batch::new(data), &mut out).unwrap();
    let passed: usize = out.passed().iter().map(Batch::items).sum();
    let dropped: usize = out.dropped().iter().map(|(_, items, _)| items).sum();
    assert_eq!(passed + dropped, items, "every record is passed or counted");
    let body = out.passed().first().map(|batch| batch.data.encode().concat());
    let data = body.map(|body| Data::decode(signal, body.into(), &Limits::default()).unwrap());
    (data, out.dropped().iter().map(|(_, items, reason)| (*items, *reason)).collect())
}

fn span_json(id: &str, state: &str, more: &str) -> String {
    format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"{id}","spanId":"0102030405060708","traceState":"{state}"{more}}}]}}]}}]}}"#
    )
}

/// The trace state of a span behind the processor; none if it was dropped.
fn span(yaml: &str, id: &str, state: &str, more: &str) -> Option<String> {
    let (data, _) = run(&sampling(yaml, &ctx()), Signal::Traces, &span_json(id, state, more));
    data.map(|data| match data {
        Data::Traces(traces) => traces.span(0).trace_state().to_owned(),
        _ => panic!("spans stay spans"),
    })
}

/// Threshold and randomness of a log record behind the processor; none if it was dropped.
fn log(yaml: &str, id: &str, attributes: &str) -> Option<(Option<String>, Option<String>)> {
    let json =
        format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"traceId":"{id}","attributes":[{attributes}]}}]}}]}}]}}"#);
    let (data, _) = run(&sampling(yaml, &ctx()), Signal::Logs, &json);
    let data = data?;
    let attrs = data.record(0).attrs();
    let text = |key| attrs.get_named(key).and_then(ValueRef::as_str).map(str::to_owned);
    Some((text(state::THRESHOLD), text(state::RANDOMNESS)))
}

fn attribute(key: &str, value: &str) -> String {
    format!(r#"{{"key":"{key}","value":{value}}}"#)
}

/// Kept by all modes at 25 %, and the randomness of its hash.
const KEPT: &str = "36f675cc81e74ef5e8e25d940ed90475";
const KEPT_HASH: &str = "eddc3d6a594488";
/// Dropped by all modes at 25 %.
const LOST: &str = "6513270e269e0d37f2a74de452e6b438";
const EQUAL: &str = "{sampling_percentage: 25, mode: equalizing}";
const PROPORTIONAL: &str = "{sampling_percentage: 25, mode: proportional}";
const HASH: &str = "sampling_percentage: 25";

fn open(yaml: &str) -> String {
    format!("{{{}, fail_closed: false}}", yaml.trim_matches(['{', '}']))
}

#[test]
fn the_example_is_valid_and_mistakes_are_told_in_the_collectors_words() {
    config(include_str!("testdata/default.yaml")).unwrap();
    for (yaml, message) in [
        (include_str!("testdata/invalid_negative.yaml"), "sampling rate is negative: -1.000000%"),
        (include_str!("testdata/invalid_infinite.yaml"), "sampling rate is invalid: +Inf%"),
        (include_str!("testdata/invalid_too_small.yaml"), "sampling rate is too small: 1e-20%"),
        (include_str!("testdata/invalid_mode.yaml"), "unsupported sampler mode \"foo\""),
        (include_str!("testdata/invalid_no_precision.yaml"), "invalid sampling precision: 0"),
        (include_str!("testdata/invalid_precision.yaml"), "sampling precision is too great, should be <= 14: 15"),
        (include_str!("testdata/invalid_source.yaml"), "invalid attribute source: span"),
    ] {
        let problems = config(yaml).unwrap_err();
        assert!(problems.contains(message), "{problems}");
    }
}

#[test]
fn every_recorded_decision_and_trace_state_is_equal() {
    let table = include_str!("testdata/sampler-decisions.tsv");
    let settings = ["sampling_percentage: 25", "{sampling_percentage: 25, hash_seed: 22, mode: hash_seed}", EQUAL, PROPORTIONAL];
    assert_eq!(table.lines().next(), Some("trace_id\tdefault_25\thash_seed_22_25\tequalizing_25\tproportional_25"));
    let mut decisions = 0;
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        for (yaml, expected) in settings.iter().zip(&cells[1..]) {
            let expected = (*expected != "-").then(|| (*expected).to_owned());
            assert_eq!(span(yaml, cells[0], "", ""), expected, "{} {yaml}", cells[0]);
            decisions += 1;
        }
    }
    assert_eq!(decisions, 80 * 4);
}

#[test]
fn an_earlier_threshold_is_raised_to_ours_or_multiplied() {
    assert_eq!(span(EQUAL, KEPT, "ot=th:8", "").as_deref(), Some("ot=th:c"));
    assert_eq!(span(EQUAL, KEPT, "ot=th:d", "").as_deref(), Some("ot=th:d"), "a threshold never falls");
    assert_eq!(span(PROPORTIONAL, KEPT, "ot=th:8", "").as_deref(), Some("ot=th:e"));
    assert_eq!(span("{sampling_percentage: 50, mode: proportional}", KEPT, "", "").as_deref(), Some("ot=th:8"));
}

#[test]
fn parts_of_others_stay_behind_ours() {
    let state = "vendor=x, ot=th:8;p:1,other@system=y";
    assert_eq!(span(PROPORTIONAL, KEPT, state, "").as_deref(), Some("ot=th:e;p:1,vendor=x,other@system=y"));
    assert_eq!(span(HASH, KEPT, "vendor=x", ""), Some(format!("ot=rv:{KEPT_HASH};th:c,vendor=x")));
}

#[test]
fn the_senders_randomness_counts_before_the_trace_id() {
    assert_eq!(span(EQUAL, LOST, "ot=rv:ffffffffffffff", "").as_deref(), Some("ot=rv:ffffffffffffff;th:c"));
    assert_eq!(span(EQUAL, KEPT, "ot=rv:00000000000000", ""), None);
}

#[test]
fn a_hash_leaves_the_state_of_other_samplers_alone() {
    for state in ["ot=th:0", "ot=rv:ffffffffffffff", "ot=th:xyz", "ot=", "broken"] {
        assert_eq!(span(HASH, KEPT, state, ""), None, "{state}");
        assert_eq!(span(&open(HASH), LOST, state, "").as_deref(), Some(state), "{state}");
    }
}

#[test]
fn what_cannot_be_read_is_dropped_or_passed_unchanged() {
    for yaml in [EQUAL, PROPORTIONAL] {
        let (data, dropped) = run(&sampling(yaml, &ctx()), Signal::Traces, &span_json(KEPT, "ot=rv:1", ""));
        assert!(data.is_none());
        assert_eq!(dropped, [(1, "unusable_randomness")]);
        assert_eq!(span(&open(yaml), LOST, "ot=rv:1", "").as_deref(), Some("ot=rv:1"));
    }
}

#[test]
fn spans_without_a_trace_id_are_dropped_or_passed_with_threshold_0() {
    for id in ["", "00000000000000000000000000000000"] {
        for yaml in [EQUAL, PROPORTIONAL] {
            assert_eq!(span(yaml, id, "", ""), None);
            assert_eq!(span(&open(yaml), id, "", "").as_deref(), Some("ot=th:0"));
        }
        assert_eq!(span(HASH, id, "", ""), None);
        assert!(span(&open(HASH), id, "", "").is_some_and(|state| state.ends_with("th:0")));
    }
}

#[test]
fn a_threshold_by_which_a_span_should_not_be_here_is_not_believed() {
    assert_eq!(span(EQUAL, LOST, "ot=th:fffff", ""), None);
    assert_eq!(span(&open(EQUAL), LOST, "ot=th:fffff", "").as_deref(), Some("ot=th:0"));
}

#[test]
fn a_span_may_ask_to_be_kept_or_dropped() {
    let ask = |value: &str| format!(r#","attributes":[{}]"#, attribute("sampling.priority", value));
    for value in [r#"{"intValue":"1"}"#, r#"{"doubleValue":0.5}"#, r#"{"stringValue":"2"}"#] {
        assert_eq!(span(EQUAL, LOST, "", &ask(value)).as_deref(), Some("ot=th:0"), "{value}");
        assert!(span(HASH, LOST, "", &ask(value)).is_some_and(|state| state.ends_with("th:0")), "{value}");
        assert_eq!(span("sampling_percentage: 0", LOST, "", &ask(value)).as_deref(), Some("ot=th:0"), "{value}");
    }
    for value in [r#"{"intValue":"0"}"#, r#"{"doubleValue":0}"#, r#"{"stringValue":"0"}"#] {
        assert_eq!(span(EQUAL, KEPT, "", &ask(value)), None, "{value}");
        assert_eq!(span("sampling_percentage: 100", KEPT, "", &ask(value)), None, "{value}");
    }
    assert_eq!(span(EQUAL, KEPT, "", &ask(r#"{"stringValue":"high"}"#)).as_deref(), Some("ot=th:c"));
}

#[test]
fn nothing_and_everything_are_shares_too() {
    for mode in ["hash_seed", "equalizing", "proportional"] {
        assert_eq!(span(&format!("{{sampling_percentage: 0, mode: {mode}}}"), KEPT, "", ""), None);
        let all = span(&format!("{{sampling_percentage: 120, mode: {mode}}}"), LOST, "", "");
        assert!(all.is_some_and(|state| state.ends_with("th:0")), "{mode}");
    }
}

#[test]
fn log_records_carry_it_in_attributes() {
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(log(HASH, KEPT, ""), Some((text("c"), text(KEPT_HASH))));
    assert_eq!(log(EQUAL, KEPT, ""), Some((text("c"), None)));
    assert_eq!(log(EQUAL, LOST, ""), None);
    let came = attribute(state::THRESHOLD, r#"{"stringValue":"8"}"#);
    assert_eq!(log(PROPORTIONAL, KEPT, &came), Some((text("e"), None)));
    assert_eq!(log(HASH, KEPT, &came), None);
    let broken = attribute(state::RANDOMNESS, r#"{"stringValue":"x"}"#);
    assert_eq!(log(EQUAL, KEPT, &broken), None);
    assert_eq!(log(&open(EQUAL), KEPT, &broken), Some((None, text("x"))));
}

#[test]
fn randomness_of_log_records_may_come_from_an_attribute() {
    let id = attribute("user", r#"{"stringValue":"u-3"}"#);
    let yaml = "{sampling_percentage: 99.9, attribute_source: record, from_attribute: user}";
    let hash = Randomness::of_hash(b"u-3", 0).text();
    assert_eq!(log(yaml, KEPT, &id).unwrap().1, Some(hash.clone()));
    assert_eq!(log(yaml, KEPT, ""), None, "the trace id does not count then");
    let without = "{sampling_percentage: 99.9, from_attribute: user}";
    assert_eq!(log(without, "", &id).unwrap().1, Some(hash));
    assert_eq!(log("sampling_percentage: 99.9", "", &id), None);
}

#[test]
fn a_log_record_may_ask_for_a_share_of_its_own() {
    let yaml = "{sampling_percentage: 1, mode: equalizing, sampling_priority: prio}";
    let asked =
        |value: &str| log(yaml, "000000000000000000ffffffffffffff", &attribute("prio", value)).map(|said| said.0.unwrap());
    assert_eq!(asked(r#"{"intValue":"50"}"#).as_deref(), Some("8"));
    assert_eq!(asked(r#"{"doubleValue":100}"#).as_deref(), Some("0"));
    assert_eq!(asked(r#"{"intValue":"0"}"#), None);
    assert_eq!(asked(r#"{"stringValue":"50"}"#).as_deref(), Some("fd70a"), "only numbers ask");
}

#[test]
fn thresholds_have_the_digits_that_say_something() {
    let text = |share: f64, digits| Threshold::of(share, digits).map(Threshold::text);
    for (share, digits, expected) in
        [(0.25, 4, "c"), (0.01, 4, "fd70a"), (1.0 / 3.0, 3, "aab"), (1.0 / 3.0, 14, "aaaaaaaaaaaaac"), (1.0, 4, "0")]
    {
        assert_eq!(text(share, digits).as_deref(), Some(expected), "{share}");
    }
    assert_eq!(text(0.0, 4), None);
    assert_eq!(text(1.5, 4), None);
    assert_eq!(Threshold::parse("c"), Some(Threshold(0xc0_0000_0000_0000)));
    assert_eq!((Threshold::parse(""), Threshold::parse("+1"), Threshold::parse("123456789012345")), (None, None, None));
    assert_eq!((Randomness::parse("1"), Randomness::parse("0000000000000g")), (None, None));
}

#[test]
fn decisions_are_counted_by_policy() {
    let ctx = ctx();
    let sampling = sampling(HASH, &ctx);
    run(&sampling, Signal::Traces, &span_json(KEPT, "", ""));
    run(&sampling, Signal::Traces, &span_json(LOST, "", ""));
    run(&sampling, Signal::Traces, &span_json("", "", ""));
    let count = |policy, sampled| {
        let name = "otelcol_processor_probabilistic_sampler_count_traces_sampled";
        ctx.telemetry().counter(name, "", &[("policy", policy), ("sampled", sampled)]).get()
    };
    assert_eq!((count("trace_id_hash", "true"), count("trace_id_hash", "false")), (1, 1));
    assert_eq!(count("missing_randomness", "false"), 1);
}

#[test]
fn of_a_mixed_request_the_kept_records_go_on() {
    let of = |id: &str| format!(r#"{{"traceId":"{id}","spanId":"0102030405060708","name":"{id}"}}"#);
    let json = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{},{},{}]}}]}}]}}"#, of(LOST), of(KEPT), of(LOST));
    let (data, dropped) = run(&sampling(EQUAL, &ctx()), Signal::Traces, &json);
    let Some(Data::Traces(traces)) = data else { panic!("one is kept") };
    assert_eq!((traces.len(), traces.span(0).name(), traces.span(0).trace_state()), (1, KEPT, "ot=th:c"));
    assert_eq!(dropped, [(2, "not_sampled")]);
}
