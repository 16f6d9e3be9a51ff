//! The published lists as files: read whole, and asked in order.

use super::*;

/// Two models of the embedded list under other prices, as a user's file.
const OWN: &str = r#"{
    "gpt-4o-mini": {"litellm_provider": "openai", "input_cost_per_token": 1e-06, "output_cost_per_token": 1e-06},
    "our-model": {"litellm_provider": "our-gateway", "input_cost_per_token": 2e-06, "output_cost_per_token": 2e-06}
}"#;

fn price_id(found: Found<'_>) -> Option<String> {
    let Found::Listed(prices) = found else { return None };
    let cost = prices.cost(&Tokens { input: 1, ..Tokens::default() }, &PriceContext::default());
    Some(cost.expect("a price of tokens").price_id)
}

#[test]
fn a_users_list_comes_before_the_embedded_one() {
    let book = PriceBook::new(vec![read_price_file(OWN, "own").expect("a list").table]);
    let check = |provider, model, expected: &str| assert_eq!(price_id(book.find(provider, model)).as_deref(), Some(expected));
    check("openai", "gpt-4o-mini", "own/openai/gpt-4o-mini");
    check("our-gateway", "our-model", "own/our-gateway/our-model");
    check("", "our-gateway/our-model", "own/our-gateway/our-model");
    check("openai", "gpt-5-mini", "genai-prices@0.2.3/openai/gpt-5-mini");
    // Azure is not in the file: its own price goes before OpenAI's of the file.
    check("azure.ai.openai", "text-embedding-ada-002", "genai-prices@0.2.3/azure/ada");
    assert_eq!(price_id(book.find("openai", "gpt-nonesuch")), None);
}

#[test]
fn a_list_of_another_shape_of_json_is_read_too() {
    let official = r#"[{"id": "openai", "model_match": {"starts_with": "gpt-"}, "models": [
        {"id": "gpt-x", "match": {"or": [{"equals": "gpt-x"}, {"regex": "^gpt-x-\\d{8}$"}]}, "context_window": 1000, "prices": [
            {"prices": {"input_mtok": 1, "output_mtok": {"base": 2, "tiers": [{"start": 100, "price": 4}]}}},
            {"constraint": {"start_date": "2026-01-01"}, "prices": {"input_mtok": 3}}],
         "price_variants": [{"when": {"service_tier": "flex"}, "prices": {"input_mtok": 0.5}}]},
        {"id": "odd", "match": {"regex": "^a.*"}, "prices": {"input_mtok": 1}}]}]"#;
    let file = read_price_file(official, "own").expect("a list");
    assert_eq!(file.skipped, ["openai/odd"]);
    let Found::Listed(prices) = file.table.find("openai", "gpt-x-20260101") else { panic!("not listed") };
    let cost = |unix_ns, service_tier| {
        let context = PriceContext { unix_ns, service_tier, ..PriceContext::default() };
        prices.cost(&Tokens { input: 1_000_000, output: 1_000_000, ..Tokens::default() }, &context).expect("a price").total.usd()
    };
    assert_eq!(cost(0, None), 5.0);
    assert_eq!(cost(1_795_132_800_000_000_000, None), 3.0);
    assert_eq!(cost(0, Some("flex")), 4.5);
    assert_eq!(prices.context_window(), Some(1000));
}
