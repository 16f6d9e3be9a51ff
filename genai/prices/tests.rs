//! Against the list's own program, and the mistakes that others made with prices.

use super::*;

const NOV_20_2026: u64 = 1_795_132_800_000_000_000;

fn listed(provider: &str, model: &str) -> ModelPrices<'static> {
    match embedded().find(provider, model) {
        Found::Listed(prices) => prices,
        other => panic!("{provider} {model}: {other:?}"),
    }
}

fn cost(provider: &str, model: &str, tokens: Tokens) -> Cost {
    cost_at(provider, model, tokens, &PriceContext { unix_ns: NOV_20_2026, ..PriceContext::default() })
}

fn cost_at(provider: &str, model: &str, tokens: Tokens, context: &PriceContext<'_>) -> Cost {
    listed(provider, model).cost(&tokens, context).expect("an entry with token prices")
}

#[test]
fn the_whole_list_is_read() {
    assert_eq!(embedded().providers.len(), 47);
    assert_eq!(embedded().models(), 2330);
}

#[test]
fn prices_are_those_the_list_computes_itself() {
    let mut checked = 0;
    for line in include_str!("testdata/oracle.tsv").lines().filter(|line| !line.starts_with('#')) {
        let cells: Vec<&str> = line.split('\t').collect();
        let number = |at: usize| cells[at].parse::<u64>().unwrap();
        let unix_ns = match &cells[2][..4] {
            "2024" => 1_717_243_200_000_000_000,
            _ if cells[2].starts_with("2026-02") => 1_769_987_400_000_000_000,
            _ => 1_795_161_600_000_000_000,
        };
        let provider = embedded().provider(cells[0]).unwrap();
        let model = provider.models.iter().find(|model| model.id == cells[1]).unwrap();
        let prices = ModelPrices { list: VERSION, provider: &provider.id, model, estimated: false };
        let tokens =
            Tokens { input: number(3), output: number(4), cache_read: number(5), cache_write_5m: number(6), ..Tokens::default() };
        let cost = prices.cost(&tokens, &PriceContext { unix_ns, requests: 1, ..PriceContext::default() }).unwrap();
        let expected: f64 = cells[7].parse().unwrap();
        assert!((cost.total.usd() - expected).abs() < 1.5e-9, "{line}: {}", cost.total.usd());
        checked += 1;
    }
    assert!(checked > 1500, "only {checked}");
}

#[test]
fn names_find_their_entry() {
    let check = |provider: &str, model: &str, expected: &str| {
        let found = listed(provider, model);
        assert_eq!(format!("{}/{}", found.provider(), found.model()), expected, "{provider} {model}");
    };
    check("openai", "gpt-4o-mini", "openai/gpt-4o-mini");
    check("openai", "gpt-4o-mini-2024-07-18", "openai/gpt-4o-mini");
    check("openai.responses", "\"gpt-4o-mini\"", "openai/gpt-4o-mini");
    check("", " openai/GPT-5-mini ", "openai/gpt-5-mini");
    check("langgraph", "gpt-4.1", "openai/gpt-4.1");
    check("", "anthropic/claude-sonnet-4-5", "anthropic/claude-sonnet-4-5");
    check("anthropic", "claude-sonnet-4-5-20250929", "anthropic/claude-sonnet-4-5");
    check("gcp.vertex_ai", "publishers/anthropic/models/claude-sonnet-4-5@20250929", "google/claude-sonnet-4-5");
    check("gcp.gemini", "models/gemini-2.5-pro", "google/gemini-2.5-pro");
    check("azure.ai.openai", "gpt-4.1", "openai/gpt-4.1");
    check("azure.ai.openai", "text-embedding-ada-002", "azure/ada");
    check("openai", "ft:gpt-4o-mini-2024-07-18:org::id", "openai/ft:gpt-4o-mini");
    check("openai", "litellm_proxy/openai/gpt-4o-mini", "openai/gpt-4o-mini");
}

#[test]
fn bedrock_names_are_found_with_region_prefix_arn_or_bare() {
    for model in [
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "claude-sonnet-4-5",
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    ] {
        assert!(listed("aws.bedrock", model).model().contains("claude-sonnet-4-5"), "{model}");
    }
}

#[test]
fn what_the_list_does_not_know_has_no_price() {
    for (provider, model) in [
        ("openai", "gpt-nonesuch"),
        ("aws.bedrock", "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc123"),
        ("ollama", "deepseek-r1"),
        ("openai", "ft:gpt-4o-mini:org::id"),
        ("", ""),
    ] {
        assert!(matches!(embedded().find(provider, model), Found::Nothing), "{provider} {model}");
    }
    assert!(matches!(embedded().find("github", "gpt-5"), Found::Subscription));
}

#[test]
fn another_providers_price_is_an_estimate() {
    let cost = cost("openai", "claude-sonnet-4-5", Tokens { input: 1, ..Tokens::default() });
    assert!(cost.estimated);
    assert!(cost.price_id.ends_with("/anthropic/claude-sonnet-4-5"));
}

#[test]
fn cached_tokens_are_not_charged_twice() {
    let cost = cost("openai", "gpt-4o-mini", Tokens { input: 1000, cache_read: 800, output: 100, ..Tokens::default() });
    // 200 at 0.15, 800 at 0.075, 100 at 0.60 dollars a million.
    assert_eq!((cost.input.0, cost.cache.0, cost.output.0, cost.total.0), (30_000, 60_000, 60_000, 150_000));
    assert_eq!(cost.price_id, "genai-prices@0.2.3/openai/gpt-4o-mini");
}

#[test]
fn reads_and_writes_of_the_cache_both_leave_the_uncached_input() {
    let tokens = Tokens { input: 1811, cache_read: 300, cache_write_5m: 500, output: 0, ..Tokens::default() };
    let cost = cost("anthropic", "claude-sonnet-4-5", tokens);
    assert_eq!(cost.input.0, 1011 * 3_000);
    assert_eq!(cost.cache.0, 300 * 300 + 500 * 3_750);
}

#[test]
fn an_hours_cache_write_costs_more_than_five_minutes() {
    let hour = cost("anthropic", "claude-sonnet-4-5", Tokens { input: 1000, cache_write_1h: 1000, ..Tokens::default() });
    let short = cost("anthropic", "claude-sonnet-4-5", Tokens { input: 1000, cache_write_5m: 1000, ..Tokens::default() });
    assert_eq!((hour.total.0, short.total.0), (6_000_000, 3_750_000));
}

#[test]
fn a_missing_cache_rate_costs_what_input_costs() {
    let rates = Rates::new(vec![(RateKind::Input, Rate::flat(2.0)), (RateKind::Output, Rate::flat(8.0))]);
    let tokens = Tokens { input: 100, cache_read: 60, cache_write_1h: 40, output: 10, reasoning: 4, ..Tokens::default() };
    let cost = reckon(&rates, &tokens, 1).unwrap();
    assert_eq!((cost.input.0, cost.cache.0, cost.output.0), (0, 100 * 2_000, 10 * 8_000));
}

#[test]
fn reasoning_is_inside_the_output() {
    let plain = cost("openai", "gpt-5-mini", Tokens { output: 100, ..Tokens::default() });
    let reasoned = cost("openai", "gpt-5-mini", Tokens { output: 100, reasoning: 64, ..Tokens::default() });
    assert_eq!(plain.total, reasoned.total);
}

#[test]
fn the_context_tier_goes_by_all_input_and_holds_for_all_of_it() {
    let below = cost("anthropic", "claude-sonnet-4-5", Tokens { input: 200_000, cache_read: 199_999, ..Tokens::default() });
    let above = cost("anthropic", "claude-sonnet-4-5", Tokens { input: 200_001, cache_read: 200_000, ..Tokens::default() });
    assert_eq!(below.tier, None);
    assert_eq!(above.tier.as_deref(), Some("above_200000"));
    assert_eq!(above.total.0, 6_000 + 200_000 * 600);
}

#[test]
fn the_price_of_the_day_holds() {
    let tokens = Tokens { input: 300_000, ..Tokens::default() };
    let at = |unix_ns| cost_at("anthropic", "claude-sonnet-4-6", tokens, &PriceContext { unix_ns, ..PriceContext::default() });
    let (before, after) = (at(1_773_359_999_000_000_000), at(1_773_360_000_000_000_000));
    assert_eq!((before.total.0, after.total.0), (300_000 * 6_000, 300_000 * 3_000), "13 March 2026");
}

#[test]
fn tier_speed_and_batch_change_the_price() {
    let context =
        |service_tier, speed| PriceContext { unix_ns: NOV_20_2026, service_tier, speed, requests: 1, ..PriceContext::default() };
    let tokens = Tokens { input: 1_000_000, ..Tokens::default() };
    let openai = |tier| cost_at("openai", "gpt-4o-mini", tokens, &context(tier, None));
    assert_eq!(openai(Some("default")).total.usd(), 0.15);
    assert_eq!(openai(Some("default")).tier, None);
    assert_eq!(openai(Some("priority")).total.usd(), 0.25);
    assert_eq!(openai(Some("priority")).tier.as_deref(), Some("priority"));
    assert_eq!(openai(Some("batch")).total.usd(), 0.075);
    let fast = cost_at("anthropic", "claude-opus-5", tokens, &context(None, Some("fast")));
    assert_eq!((fast.total.usd(), fast.tier.as_deref()), (10.0, Some("fast")));
}

#[test]
fn embeddings_cost_their_input() {
    let cost = cost("openai", "text-embedding-3-small", Tokens { input: 1_000_000, ..Tokens::default() });
    assert_eq!(cost.total.usd(), 0.02);
}

#[test]
fn one_model_has_one_key_however_it_is_written() {
    let key = same_model_key("gpt-4o-mini");
    for other in ["openai/gpt-4o-mini", "\"gpt-4o-mini-2024-07-18\"", "GPT-4o-mini"] {
        assert_eq!(same_model_key(other), key);
    }
    assert_ne!(same_model_key("gpt-4o"), key);
}

#[test]
fn the_day_a_price_came_into_force_is_told_as_the_list_has_it() {
    for cell in ["1970-01-01", "2000-02-29", "2024-07-18", "2100-03-01", "1969-12-31"] {
        assert_eq!(super::table::Since::parse(cell).and_then(super::table::Since::text).as_deref(), Some(cell));
    }
    assert_eq!(super::table::Since::parse("00:30-16:30").and_then(super::table::Since::text).as_deref(), Some("00:30-16:30 UTC"));
    assert_eq!(super::table::Since::parse("-").and_then(super::table::Since::text), None);
}

#[test]
fn the_lines_that_are_told_add_up_to_the_cost() {
    let Found::Listed(prices) = super::embedded().find("anthropic", "claude-sonnet-4-5") else { panic!("the list knows it") };
    let tokens = Tokens { input: 3000, output: 200, cache_read: 1000, cache_write_5m: 500, ..Tokens::default() };
    let context = PriceContext { unix_ns: 1_790_000_000_000_000_000, requests: 1, ..PriceContext::default() };
    let mut lines = Vec::new();
    let cost = prices.cost_told(&tokens, &context, &mut |line| lines.push(line)).expect("a price");
    let sum: f64 = lines.iter().map(super::Line::nanos).sum();
    assert_eq!(sum.round() as i64, cost.total.0);
    assert_eq!(lines.iter().map(|line| line.count).sum::<u64>(), 3000 + 200);
}
