"""Writes test vectors of genai/prices: what the published package itself computes.

    pip install genai-prices==0.2.3
    python3 genai/prices/testdata/vectors.py genai/prices/testdata/oracle.tsv

The list itself, genai/data/prices.tsv, is written by `cargo xtask prices` from the package's data.
"""

import sys
from datetime import datetime, timezone

from genai_prices import Usage, calc_price
from genai_prices.data import providers

# Prices that token counts of telemetry can be reckoned with.
RATES = set(
    "input_mtok output_mtok cache_read_mtok cache_write_mtok cache_write_1h_mtok output_reasoning_mtok input_audio_mtok "
    "output_audio_mtok cache_audio_read_mtok input_image_mtok output_image_mtok cache_image_read_mtok requests_kcount".split()
)

USAGES = [
    dict(input_tokens=1000, output_tokens=100),
    dict(input_tokens=300_001, output_tokens=777, cache_read_tokens=200_000, cache_write_tokens=50_000),
    dict(input_tokens=12_345, output_tokens=678, cache_read_tokens=10_000),
]
TIMES = ["2024-06-01T12:00:00", "2026-02-01T23:10:00", "2026-11-20T08:00:00"]


def vectors():
    """What the package itself computes, for every model it can price this way."""
    yield "# provider, model, time, input, output, cache read, cache write, price in USD by genai-prices itself; a third of the models"
    models = [(provider, model) for provider in providers for model in provider.models]
    for provider, model in models[::3]:
        ref = model.id
        for usage, time in zip(USAGES, TIMES):
            at = datetime.fromisoformat(time).replace(tzinfo=timezone.utc)
            prices = model.get_prices(at)
            keys = {key for key, value in prices.__dict__.items() if value is not None}
            if "input_mtok" not in keys or keys - RATES - {"web_searches_kcount", "storage_searches_kcount"}:
                continue
            try:
                price = calc_price(Usage(**usage), ref, provider_id=provider.id, genai_request_timestamp=at)
            except Exception:  # the package cannot price this usage of this model
                continue
            if price.model.id != model.id:
                continue
            cells = [usage.get(key, 0) for key in ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")]
            yield "\t".join(map(str, [provider.id, ref.lower(), time, *cells, f"{price.total_price:f}"]))


with open(sys.argv[1], "w", encoding="ascii") as out:
    out.writelines(line + "\n" for line in vectors())
