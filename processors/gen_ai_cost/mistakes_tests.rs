//! The eighteen mistakes that programs of this field made with tokens and prices, each a test that would have found it.

use super::tests::{Record, Running, check_cost, get, running, text};
use chaperone_genai::usage::Totals;
use chaperone_proto::{Data, Value};

const SONNET: &str = "claude-sonnet-4-5";

/// A call of Anthropic's by an emitter whose habit depends on the provider.
fn claude(input: u64, read: u64, write: u64) -> Record {
    let call = Record::call("a", 1, input, 0).dialect("openlit");
    let call = call.text("gen_ai.provider.name", "anthropic").text("gen_ai.request.model", SONNET);
    call.int("gen_ai.usage.cache_read.input_tokens", read).int("gen_ai.usage.cache_write.input_tokens", write)
}

fn gpt(input: u64, output: u64) -> Record {
    Record::call("a", 1, input, output)
}

fn usd(data: &Data, name: &str) -> f64 {
    match get(data, name) {
        Some(Value::Double(usd)) => usd,
        other => panic!("{name}: {other:?}"),
    }
}

fn total(running: &Running, record: &Record) -> f64 {
    usd(&running.record(record), "chaperone.cost.total")
}

fn tokens(data: &Data) -> (i64, i64) {
    let attrs = data.record(0).attrs();
    let count = |key| attrs.int(key).expect("a count");
    (count(chaperone_genai::keys::GEN_AI_USAGE_INPUT_TOKENS), count(chaperone_genai::keys::GEN_AI_USAGE_OUTPUT_TOKENS))
}

#[test]
fn mistake_01_input_without_cached_tokens_is_not_taken_for_all_input() {
    let data = running("{}").record(&claude(1000, 300, 500));
    assert_eq!(tokens(&data).0, 1800);
    assert_eq!(text(&data, "chaperone.usage.input_basis"), "exclusive_fixed");
    assert_eq!(usd(&data, "chaperone.cost.input"), 0.003, "1000 at 3 dollars a million, never a negative rest");
}

#[test]
fn mistake_02_cached_tokens_are_not_paid_twice() {
    let data = running("{}").record(&gpt(1000, 0).int("gen_ai.usage.cache_read.input_tokens", 800));
    assert_eq!(usd(&data, "chaperone.cost.input"), 0.00003, "200 at 0.15");
    assert_eq!(usd(&data, "chaperone.cost.cache"), 0.00006, "800 at 0.075");
    check_cost(&data, "computed", Some(0.00009));
}

#[test]
fn mistake_03_reads_and_writes_both_leave_the_uncached_input() {
    let inclusive = claude(1800, 300, 500).dialect("otel-genai");
    let data = running("{}").record(&inclusive);
    assert_eq!(usd(&data, "chaperone.cost.input"), 0.003);
    assert_eq!(usd(&data, "chaperone.cost.cache"), 0.001_965);
    assert_eq!(get(&data, "chaperone.usage.uncached_input_tokens"), Some(Value::Int(1000)));
}

#[test]
fn mistake_04_cached_tokens_are_not_dropped() {
    let data = running("{}").record(&claude(40, 100_000, 0));
    assert_eq!(tokens(&data).0, 100_040);
    check_cost(&data, "computed", Some(0.030_12));
}

#[test]
fn mistake_05_prices_of_ones_own_count_cached_tokens_as_the_list_does() {
    let own = "prices: [{model: claude-sonnet-4-5, input: 3, output: 15, cache_read: 0.3, cache_write: 3.75, cache_write_1h: 6}]";
    for record in [claude(1000, 300, 500), claude(1800, 300, 500).dialect("otel-genai"), claude(1000, 5000, 0)] {
        assert_eq!(total(&running(own), &record), total(&running("{}"), &record));
    }
}

#[test]
fn mistake_06_sums_of_agents_are_not_added_to_their_calls() {
    let one = running("{}");
    let agent = gpt(1000, 100).text("gen_ai.operation.name", "invoke_agent");
    let agent = one.record(&agent);
    let call = one.record(&Record { began: 1_795_132_900, ..Record::call("b", 2, 1000, 100) });
    let mut totals = Totals::default();
    totals.add(agent.record(0));
    totals.add(call.record(0));
    assert_eq!((totals.input_tokens, totals.output_tokens), (1000, 100));
}

#[test]
fn mistake_07_mirrors_of_a_count_are_one_count() {
    let mirrored = gpt(1000, 100)
        .int("gen_ai.usage.cache_read.input_tokens", 800)
        .int("gen_ai.usage.details.cache_read_tokens", 800)
        .int("gen_ai.usage.details.input_tokens", 1000)
        .int("gen_ai.usage.prompt_tokens", 1000)
        .int("gen_ai.usage.completion_tokens", 100)
        .dialect("pydantic-ai");
    let data = running("{}").record(&mirrored);
    assert_eq!(tokens(&data), (1000, 100));
    check_cost(&data, "computed", Some(0.00015));
}

#[test]
fn mistake_08_inference_profiles_and_regions_of_bedrock_have_a_price() {
    let bedrock = |model: &str| gpt(1_000_000, 0).text("gen_ai.provider.name", "aws.bedrock").text("gen_ai.request.model", model);
    let named = "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-sonnet-4-5-20250929-v1:0";
    for model in ["us.anthropic.claude-sonnet-4-5-20250929-v1:0", named] {
        check_cost(&running("{}").record(&bedrock(model)), "computed", Some(3.3));
    }
    let opaque = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc123";
    check_cost(&running("{}").record(&bedrock(opaque)), "unpriced", None);
    let alias = format!("model_aliases: [{{model: '{opaque}', price_as: eu.anthropic.claude-sonnet-4-5-20250929-v1:0}}]");
    check_cost(&running(&alias).record(&bedrock(opaque)), "computed", Some(3.3));
}

#[test]
fn mistake_09_an_hours_cache_write_has_its_own_price() {
    let short = claude(0, 0, 1_000);
    let hour = claude(0, 0, 1_000).int("chaperone.usage.cache_write_1h_tokens", 1_000);
    assert_eq!(total(&running("{}"), &short), 0.003_75);
    assert_eq!(total(&running("{}"), &hour), 0.006);
}

#[test]
fn mistake_10_the_tier_goes_by_all_input_and_holds_for_all_of_it() {
    let below = claude(1, 199_999, 0).dialect("otel-genai").int("gen_ai.usage.input_tokens", 200_000);
    let above = claude(1, 200_000, 0).dialect("otel-genai").int("gen_ai.usage.input_tokens", 200_001);
    assert_eq!(total(&running("{}"), &below), 0.000_003 + 199_999.0 * 0.3e-6);
    let data = running("{}").record(&above);
    assert_eq!(text(&data, "chaperone.cost.tier"), "above_200000");
    assert_eq!(usd(&data, "chaperone.cost.total"), 0.000_006 + 0.12);
}

#[test]
fn mistake_11_an_unknown_model_does_not_cost_nothing() {
    check_cost(&running("{}").record(&gpt(1000, 100).text("gen_ai.request.model", "nobody-knows-it")), "unpriced", None);
}

#[test]
fn mistake_12_reasoning_is_counted_once_whether_inside_the_output_or_beside_it() {
    let inside = gpt(100, 80).int("gen_ai.usage.reasoning.output_tokens", 64).int("gen_ai.usage.total_tokens", 180);
    assert_eq!(tokens(&running("{}").record(&inside)), (100, 80));
    let beside = gpt(100, 80).int("gen_ai.usage.reasoning.output_tokens", 64).int("gen_ai.usage.total_tokens", 244);
    let data = running("{}").record(&beside);
    assert_eq!(tokens(&data), (100, 144));
    assert_eq!(usd(&data, "chaperone.cost.output"), 0.000_086_4, "144 at 0.60");
}

#[test]
fn mistake_13_tier_speed_and_batch_change_the_price() {
    let million = || gpt(1_000_000, 0);
    let with = |key: &str, word: &str| running("{}").record(&million().text(key, word));
    check_cost(&with("openai.response.service_tier", "default"), "computed", Some(0.15));
    check_cost(&with("openai.response.service_tier", "priority"), "computed", Some(0.25));
    check_cost(&with("openai.response.service_tier", "batch"), "computed", Some(0.075));
    let opus = million().text("gen_ai.provider.name", "anthropic").text("gen_ai.request.model", "claude-opus-5");
    check_cost(&running("{}").record(&opus.text("chaperone.request.speed", "fast")), "computed", Some(10.0));
}

#[test]
fn mistake_14_the_model_that_answered_is_paid_not_the_one_asked() {
    let fallback = gpt(1_000_000, 0).text("gen_ai.response.model", "gpt-4.1-2025-04-14");
    let data = running("{}").record(&fallback);
    check_cost(&data, "computed", Some(2.0));
    assert!(text(&data, "chaperone.cost.price_id").ends_with("/openai/gpt-4.1"));
}

#[test]
fn mistake_15_the_price_of_the_day_of_the_call_holds() {
    let call = |began| Record { began, ..claude(300_000, 0, 0) }.text("gen_ai.request.model", "claude-sonnet-4-6");
    let (before, after) = (running("{}").record(&call(1_773_273_600)), running("{}").record(&call(1_773_446_400)));
    assert_eq!((usd(&before, "chaperone.cost.total"), usd(&after, "chaperone.cost.total")), (1.8, 0.9), "13 March 2026");
    assert_eq!(text(&after, "chaperone.cost.price_since"), "2026-03-13");
    assert_eq!(get(&before, "chaperone.cost.price_since"), None);
}

#[test]
fn mistake_16_what_a_gateways_cache_answered_and_what_is_sent_again_is_not_billed() {
    let hit = running("{}").record(&gpt(1000, 100).text("litellm.cache_hit", "True"));
    check_cost(&hit, "cache_hit", Some(0.0));
    let one = running("{}");
    let mut totals = Totals::default();
    for _ in 0..2 {
        totals.add(one.record(&gpt(1000, 100)).record(0));
    }
    assert_eq!(totals.input_tokens, 1000);
}

#[test]
fn mistake_17_a_stream_without_usage_is_missing_it_not_free() {
    let stream = gpt(0, 0).without("gen_ai.usage.input_tokens").without("gen_ai.usage.output_tokens");
    let data = running("{}").record(&stream);
    assert_eq!(text(&data, "chaperone.usage.source"), "missing");
    assert_eq!((get(&data, "chaperone.cost.total"), get(&data, "chaperone.cost.source")), (None, None));
}

#[test]
fn mistake_18_embeddings_requests_and_searches_have_their_own_units() {
    let embedding =
        gpt(1_000_000, 0).text("gen_ai.operation.name", "embeddings").text("gen_ai.request.model", "text-embedding-3-small");
    check_cost(&running("{}").record(&embedding), "computed", Some(0.02));
    let sonar = gpt(1_000_000, 0).text("gen_ai.provider.name", "perplexity").text("gen_ai.request.model", "sonar");
    let data = running("{}").record(&sonar);
    assert_eq!(usd(&data, "chaperone.cost.total"), usd(&data, "chaperone.cost.input") + 0.012, "a fee a request");
    let searched = claude(1_000_000, 0, 0)
        .dialect("otel-genai")
        .int("gen_ai.usage.input_tokens", 1000)
        .int("chaperone.usage.web_searches", 3);
    let data = running("{}").record(&searched);
    assert_eq!(usd(&data, "chaperone.cost.tool"), 0.03, "10 dollars a thousand searches");
    check_cost(&data, "computed", Some(0.033));
}

#[test]
fn regions_aliases_and_models_of_ones_own_machines_have_their_price() {
    let europe = |model: &str| gpt(1_000_000, 0).text("gen_ai.request.model", model).text("server.address", "eu.api.openai.com");
    let data = running("{}").record(&europe("gpt-5.5"));
    let plain = total(&running("{}"), &europe("gpt-5.5").text("server.address", "api.openai.com"));
    assert!((usd(&data, "chaperone.cost.total") - 1.1 * plain).abs() < 1e-9);
    assert!(text(&data, "chaperone.cost.tier").ends_with("region_eu"));
    check_cost(&running("{}").record(&europe("gpt-4o-mini")), "computed", Some(0.15));

    let deployment =
        gpt(1_000_000, 0).text("gen_ai.provider.name", "azure.ai.openai").text("gen_ai.request.model", "our-deployment");
    check_cost(&running("{}").record(&deployment), "unpriced", None);
    let alias = "model_aliases: [{provider: azure.ai.openai, model: our-deployment, price_as: gpt-4o-mini}]";
    check_cost(&running(alias).record(&deployment), "computed", Some(0.15));

    let local = gpt(1_000_000, 10).text("gen_ai.provider.name", "ollama").text("gen_ai.request.model", "llama3.2");
    check_cost(&running("{}").record(&local), "unpriced", None);
    check_cost(&running("prices: [{provider: ollama, model: '*', input: 0, output: 0}]").record(&local), "computed", Some(0.0));
}

#[test]
fn an_estimate_is_made_only_when_asked_for_and_is_marked() {
    let messages = r#"[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"Please check whether the refund of my order was sent.\"}]}]"#;
    let call = || {
        let bare = gpt(0, 0).without("gen_ai.usage.input_tokens").without("gen_ai.usage.output_tokens");
        bare.text("gen_ai.input.messages", messages).text("gen_ai.output.messages", messages)
    };
    assert_eq!(text(&running("{}").record(&call()), "chaperone.usage.source"), "missing");
    let on = running("estimate_tokens: on");
    let data = on.record(&call());
    assert_eq!(text(&data, "chaperone.usage.source"), "estimated");
    assert_eq!(text(&data, "chaperone.cost.source"), "estimated");
    assert_eq!(tokens(&data), (15, 15));
    assert_eq!(text(&on.record(&gpt(7, 7)), "chaperone.usage.source"), "reported");
    let failed = call().text("error.type", "timeout");
    assert_eq!(text(&running("estimate_tokens: on").record(&failed), "chaperone.usage.source"), "missing");
}

#[test]
fn the_span_of_the_readme_becomes_what_it_says() {
    let data = running("{}").record(&claude(1000, 5000, 0).int("gen_ai.usage.output_tokens", 100));
    assert_eq!(tokens(&data), (6000, 100));
    let parts = ["input", "cache", "output", "total"].map(|part| usd(&data, &format!("chaperone.cost.{part}")));
    assert_eq!(parts, [0.003, 0.0015, 0.0015, 0.006]);
    assert_eq!(get(&data, "chaperone.llm.context_ratio"), Some(Value::Double(0.03)));
    assert_eq!(text(&data, "chaperone.cost.price_id"), "genai-prices@0.2.3/anthropic/claude-sonnet-4-5");
    let raw = vec![("input_tokens".to_owned(), Value::Int(1000)), ("output_tokens".to_owned(), Value::Int(100))];
    assert_eq!(get(&data, "chaperone.usage.raw"), Some(Value::Map(raw)));
}
