//! 500 random calls of 50 models against the published packages genai-prices and litellm (`testdata/calls.py`).

use super::*;

struct Call {
    provider: &'static str,
    model: &'static str,
    tokens: Tokens,
    unix_ns: u64,
    /// US dollars by genai-prices.
    listed: f64,
    /// The same by litellm, where it has the model. It knows today's prices only.
    litellm: Option<f64>,
}

fn calls() -> Vec<Call> {
    let lines = include_str!("testdata/calls.tsv").lines().filter(|line| !line.starts_with('#'));
    let call = |line: &'static str| {
        let cells: Vec<&str> = line.split('\t').collect();
        let number = |at: usize| cells[at].parse::<u64>().expect("a number");
        let (input, output, cache_read, cache_write_5m) = (number(3), number(4), number(5), number(6));
        Call {
            provider: cells[0],
            model: cells[1],
            tokens: Tokens { input, output, cache_read, cache_write_5m, ..Tokens::default() },
            unix_ns: number(2) * 1_000_000_000,
            listed: cells[7].parse().expect("a price"),
            // It says 0 where it has no price: that is not the same as costing nothing.
            litellm: cells[8].parse().ok().filter(|usd| *usd > 0.0),
        }
    };
    lines.map(call).collect()
}

fn usd(found: Found<'_>, call: &Call) -> Option<f64> {
    let Found::Listed(prices) = found else { return None };
    assert!(!prices.is_estimate(), "{} {}", call.provider, call.model);
    let context = PriceContext { unix_ns: call.unix_ns, requests: 1, ..PriceContext::default() };
    prices.cost(&call.tokens, &context).map(|cost| cost.total.usd())
}

#[test]
fn five_hundred_calls_cost_what_genai_prices_says() {
    let calls = calls();
    assert_eq!(calls.len(), 500);
    for call in &calls {
        let ours = usd(embedded().find(call.provider, call.model), call).expect("an entry");
        assert!((ours - call.listed).abs() <= 1e-9, "{} {}: {ours}, {} expected", call.provider, call.model, call.listed);
    }
}

#[test]
fn the_same_calls_cost_what_litellm_says_when_its_list_is_used() {
    let list = read_price_file(include_str!("testdata/litellm.json"), "litellm").expect("a list").table;
    let (mut compared, mut wrong) = (0, Vec::new());
    for call in calls() {
        let Some(expected) = call.litellm else { continue };
        let ours = usd(list.find(call.provider, call.model), &call);
        compared += 1;
        if ours.is_none_or(|ours| (ours - expected).abs() > 1e-9) {
            wrong.push(format!("{} {} {:?}: {ours:?}, {expected} expected", call.provider, call.model, call.tokens));
        }
    }
    assert!(wrong.is_empty(), "{} of {compared} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(compared, 400);
}

/// Why the two lists give different prices for a model.
const LISTS_DIFFER: [(&str, &str); 12] = [
    ("claude-sonnet-4-5", "litellm has no price above 200,000 input tokens"),
    ("claude-sonnet-4-5-20250929", "litellm has no price above 200,000 input tokens"),
    ("claude-opus-4-6", "above 200,000 input tokens it cost more until 13 March 2026; litellm knows today's prices only"),
    ("mistral-large-latest", "the alias means the third generation in litellm, the second in genai-prices"),
    ("mistral-small-latest", "its price changed in 2026; litellm knows today's only"),
    ("codestral-latest", "litellm has a price of cache reads, genai-prices has none: they cost what input costs"),
    ("magistral-medium-latest", "2 and 5 dollars a million in genai-prices, 1.50 and 7.50 in litellm"),
    ("deepseek-chat", "genai-prices has the hours of the day, litellm the prices after them"),
    ("deepseek-reasoner", "genai-prices has the hours of the day, litellm the prices after them"),
    ("sonar", "genai-prices adds the fee of a request"),
    ("sonar-pro", "genai-prices adds the fee of a request"),
    ("anthropic.claude-sonnet-4-5-20250929-v1:0", "genai-prices has the regional endpoint, a tenth dearer than the global one"),
];

#[test]
fn where_the_two_lists_differ_is_known_and_why() {
    let calls = calls();
    let differs = |call: &&Call| call.litellm.is_some_and(|usd| (usd - call.listed).abs() > 1e-9);
    let mut found: Vec<&str> = calls.iter().filter(differs).map(|call| call.model).collect();
    found.dedup();
    let mut known: Vec<&str> = LISTS_DIFFER.iter().map(|(model, _)| *model).collect();
    found.sort_unstable();
    known.sort_unstable();
    assert_eq!(found, known);
}
