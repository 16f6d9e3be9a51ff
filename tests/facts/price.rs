//! What the tokens of a capture's facts cost.

use crate::wire::{Facts, Usage};
use chaperone_genai::prices::{Found as Price, PriceBook, PriceContext, Tokens};

/// The price of the wire's tokens in nano-dollars: the provider's own price of the model on that day; none for a model nobody prices.
pub fn cost(facts: &Facts, unix_ns: u64) -> i64 {
    let book = PriceBook::default();
    let of = |(model, usage): (&String, &Usage)| {
        let provider = match model.split('-').next() {
            Some("claude") => "anthropic",
            Some("gemini") => "google",
            _ => "openai",
        };
        let Price::Listed(prices) = book.find(provider, model) else { return 0 };
        let tokens = Tokens {
            input: usage.input,
            output: usage.output,
            cache_read: usage.cache_read,
            cache_write_5m: usage.cache_write.max(usage.cache_write_5m + usage.cache_write_1h) - usage.cache_write_1h,
            cache_write_1h: usage.cache_write_1h,
            reasoning: usage.reasoning,
            ..Tokens::default()
        };
        let context = PriceContext { unix_ns, requests: usage.ok, ..PriceContext::default() };
        prices.cost(&tokens, &context).map_or(0, |cost| cost.total.0)
    };
    facts.models.iter().map(of).sum()
}
