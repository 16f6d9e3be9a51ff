"""Writes calls.tsv: random calls, priced by the two published packages, and litellm.json: litellm's entries of these models.

    pip install genai-prices==0.2.3 litellm==1.109.1
    LITELLM_LOCAL_MODEL_COST_MAP=True python3 calls.py calls.tsv litellm.json

Both packages are MIT licensed; litellm.json is an excerpt of litellm's model_prices_and_context_window.json.

Seeded: the same packages write the same file. genai-prices is asked with its own provider ids, litellm where it has the model.
"""

import json
import random
import sys
from datetime import datetime, timezone

from genai_prices import Usage, calc_price
from litellm import cost_per_token, model_cost
from litellm.types.utils import PromptTokensDetailsWrapper
from litellm.types.utils import Usage as LiteLlmUsage

# gen_ai.provider.name, id in genai-prices, provider in litellm, models.
MODELS = [
    ("openai", "openai", "openai", "gpt-4o-mini gpt-4o gpt-4o-2024-08-06 gpt-4.1 gpt-4.1-mini gpt-4.1-nano o1 o3 o3-mini o4-mini "
     "gpt-5 gpt-5-mini gpt-5-nano gpt-5.1 gpt-5.5 gpt-3.5-turbo gpt-4-turbo"),
    ("anthropic", "anthropic", "anthropic", "claude-sonnet-4-5 claude-sonnet-4-5-20250929 claude-opus-4-1 claude-opus-4-5 "
     "claude-haiku-4-5 claude-sonnet-4-6 claude-opus-4-6"),
    ("gcp.gemini", "google", "gemini", "gemini-2.5-pro gemini-2.5-flash gemini-2.5-flash-lite gemini-2.0-flash "
     "gemini-3-pro-preview gemini-3-flash-preview"),
    ("mistral_ai", "mistral", "mistral", "mistral-large-latest mistral-small-latest codestral-latest magistral-medium-latest"),
    ("x_ai", "x-ai", "xai", "grok-3 grok-3-mini grok-4"),
    ("groq", "groq", "groq", "llama-3.3-70b-versatile llama-3.1-8b-instant"),
    ("deepseek", "deepseek", "deepseek", "deepseek-chat deepseek-reasoner"),
    ("cohere", "cohere", "cohere_chat", "command-r-plus command-r command-a-03-2025"),
    ("perplexity", "perplexity", "perplexity", "sonar sonar-pro"),
    ("aws.bedrock", "aws", "bedrock", "amazon.nova-pro-v1:0 amazon.nova-lite-v1:0 anthropic.claude-sonnet-4-5-20250929-v1:0 "
     "meta.llama3-1-70b-instruct-v1:0"),
]
SECONDS = (1_767_225_600, 1_795_132_800)  # 2026, up to 20 November


def call(rng):
    input_tokens = rng.choice([rng.randint(1, 5_000), rng.randint(1, 120_000), rng.randint(150_000, 400_000)])
    output_tokens = rng.randint(0, 20_000)
    read = rng.choice([0, rng.randint(0, input_tokens)])
    return input_tokens, output_tokens, read


def ours(provider, model, tokens, at):
    input_tokens, output_tokens, read, write = tokens
    usage = Usage(input_tokens=input_tokens, output_tokens=output_tokens, cache_read_tokens=read, cache_write_tokens=write)
    return f"{calc_price(usage, model, provider_id=provider, genai_request_timestamp=at).total_price:f}"


def theirs(provider, model, tokens):
    input_tokens, output_tokens, read, write = tokens
    details = PromptTokensDetailsWrapper(cached_tokens=read, cache_creation_tokens=write)
    usage = LiteLlmUsage(prompt_tokens=input_tokens, completion_tokens=output_tokens, prompt_tokens_details=details,
                         cache_read_input_tokens=read, cache_creation_input_tokens=write)
    try:
        parts = cost_per_token(model=model, custom_llm_provider=provider, usage_object=usage)
    except Exception:  # litellm has no such model
        return "-"
    return f"{sum(parts):.12f}"


def lines():
    yield "# provider, model, seconds since 1970, input, output, cache read, cache write, USD by genai-prices, USD by litellm or -"
    rng = random.Random(20261121)
    models = [(name, id_, litellm, model) for name, id_, litellm, names in MODELS for model in names.split()]
    assert len(models) == 50, len(models)
    for name, id_, litellm, model in models:
        for _ in range(10):
            input_tokens, output_tokens, read = call(rng)
            write = rng.choice([0, rng.randint(0, input_tokens - read)]) if name == "anthropic" else 0
            tokens = (input_tokens, output_tokens, read, write)
            seconds = rng.randint(*SECONDS)
            at = datetime.fromtimestamp(seconds, timezone.utc)
            price = ours(id_, model, tokens, at)
            yield "\t".join(map(str, [name, model, seconds, *tokens, price, theirs(litellm, model, tokens)]))


with open(sys.argv[1], "w", encoding="ascii") as out:
    out.writelines(line + "\n" for line in lines())

# Under the names litellm finds them by: with or without the provider before.
names = {name for _, _, litellm, models in MODELS for model in models.split() for name in (model, f"{litellm}/{model}")}
names |= {name.replace("cohere_chat/", "cohere/") for name in names}
kept = {
    name: {key: value for key, value in model_cost[name].items()
           if ("cost" in key and not isinstance(value, dict)) or key in ("litellm_provider", "max_input_tokens", "tiered_pricing")}
    for name in sorted(names & model_cost.keys())
}
with open(sys.argv[2], "w", encoding="ascii") as out:
    json.dump(kept, out, indent=1)
