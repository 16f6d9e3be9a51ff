"""Writes genai/data/prices.tsv (and the test vectors of genai/prices) from the published price list.

    pip install genai-prices==0.2.3
    python3 genai/data/prices_convert.py genai/data/prices.tsv genai/prices/testdata/oracle.tsv

The list is the package's own data (MIT licence, see prices.LICENSE beside this file).
Nothing is edited: descriptions, links and response extractors are left out, and the few regular expressions
become patterns in which `#` is one digit, so that the reader needs no regex engine.
"""

import importlib.metadata
import re
import sys
from datetime import date, datetime, timezone
from decimal import Decimal

from genai_prices import Usage, calc_price
from genai_prices.data import providers
from genai_prices.types import TieredPrices

# Rates of what telemetry reports; prices of pages, searches, seconds and characters are left out.
RATES = {
    "input_mtok": "in",
    "output_mtok": "out",
    "cache_read_mtok": "cr",
    "cache_write_mtok": "cw",
    "cache_write_1h_mtok": "cw1h",
    "output_reasoning_mtok": "reason",
    "input_audio_mtok": "in_audio",
    "output_audio_mtok": "out_audio",
    "cache_audio_read_mtok": "cr_audio",
    "input_image_mtok": "in_image",
    "output_image_mtok": "out_image",
    "cache_image_read_mtok": "cr_image",
    "requests_kcount": "requests",
}


def plain(text):
    assert not re.search(r"[\t|&!\n]", text), text
    return text.lower()


def digits(regex):
    """The alternatives of a regular expression, as patterns with `#` for a digit."""
    if regex == r"^(?!.*-[tT][tT][sS](?:$|-))":
        return ["!$-tts&!*-tts-"]
    if regex.startswith(r"^(?![^/]+/)"):
        stems = "mistral codestral devstral magistral ministral mixtral pixtral voxtral open-mistral open-mixtral".split()
        return [f"^{lab}{stem}" for stem in stems for lab in ("", "labs-")]
    if regex == r"^o[134]":
        return ["^o1", "^o3", "^o4"]
    out = [regex]
    for optional in (r"(typesafe/)?", r"(-\d{8})?"):
        if optional in regex:
            out = [form.replace(optional, with_) for form in out for with_ in ("", optional[1:-2])]
    out = [form.replace("[-@]", sep) for form in out for sep in ("-", "@")] if "[-@]" in regex else out
    result = []
    for form in out:
        assert form.startswith("^"), form
        anchored = form.endswith("$")
        body = form[1:].removesuffix("$")
        body = re.sub(r"\\d\{(\d)\}", lambda m: "#" * int(m[1]), body).replace(r"\d", "#")
        body = re.sub(r"\\([.\[\]])", r"\1", body)
        assert not re.search(r"[\\(){}?+*^$]", body), regex
        result.append(("#" if anchored else "~") + plain(body))
    return result


def alternatives(clause):
    """A clause tree as a list of alternatives; atoms of one alternative are joined by `&`."""
    kind = type(clause).__name__
    if kind == "ClauseEquals":
        return ["=" + plain(clause.equals)]
    if kind == "ClauseStartsWith":
        return ["^" + plain(clause.starts_with)]
    if kind == "ClauseEndsWith":
        return ["$" + plain(clause.ends_with)]
    if kind == "ClauseContains":
        return ["*" + plain(clause.contains)]
    if kind == "ClauseRegex":
        return digits(clause.regex)
    if kind == "ClauseOr":
        return [alternative for part in clause.or_ for alternative in alternatives(part)]
    assert kind == "ClauseAnd", kind
    joined = [""]
    for part in clause.and_:
        joined = [f"{left}&{right}" if left else right for left in joined for right in alternatives(part)]
    return joined


def number(value):
    # Nine decimals; a few prices carry the noise of binary fractions behind them.
    return format(round(Decimal(value), 9).normalize(), "f")


def rate(value):
    if isinstance(value, TieredPrices):
        return number(value.base) + "".join(f"/{tier.start}:{number(tier.price)}" for tier in value.tiers)
    return number(value)


def rates(prices):
    held = {key: value for key, value in prices.__dict__.items() if value is not None and key in RATES}
    return " ".join(f"{short}={rate(held[key])}" for key, short in RATES.items() if key in held) or "-"


def constraint(condition):
    if condition is None:
        return "-"
    if type(condition).__name__ == "StartDateConstraint":
        return condition.start_date.isoformat()
    return f"{condition.start_time:%H:%M}-{condition.end_time:%H:%M}"


def lines():
    version = importlib.metadata.version("genai-prices")
    yield f"# genai-prices {version} (PyPI), MIT licence: prices.LICENSE. Written by prices_convert.py on {date.today()}."
    yield "# USD per million tokens (`requests`: per thousand). `rate/start:price` = the whole request above `start` input tokens."
    yield "# P provider, model match, fallback providers / M model, match, context window / R since or hours, rates / V when, since, rates"
    yield "# Match: `|` between alternatives, `&` in one: =equals ^prefix $suffix *contains #pattern (# one digit) ~pattern prefix !not."
    for provider in providers:
        match = "|".join(alternatives(provider.model_match)) if provider.model_match else "-"
        yield f"P\t{provider.id}\t{match}\t{','.join(provider.fallback_model_providers or []) or '-'}"
        for model in provider.models:
            yield f"M\t{plain(model.id)}\t{'|'.join(alternatives(model.match))}\t{model.context_window or '-'}"
            prices = model.prices if isinstance(model.prices, list) else [None]
            for price in prices:
                held, since = (price.prices, price.constraint) if price else (model.prices, None)
                yield f"R\t{constraint(since)}\t{rates(held)}"
            for variant in model.price_variants or []:
                (when,) = variant.when.items()
                yield f"V\t{when[0]}={when[1]}\t{constraint(variant.constraint)}\t{rates(variant.prices)}"


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
            if "input_mtok" not in keys or keys - RATES.keys() - {"web_searches_kcount", "storage_searches_kcount"}:
                continue
            try:
                price = calc_price(Usage(**usage), ref, provider_id=provider.id, genai_request_timestamp=at)
            except Exception:  # the package cannot price this usage of this model
                continue
            if price.model.id != model.id:
                continue
            cells = [usage.get(key, 0) for key in ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")]
            yield "\t".join(map(str, [provider.id, plain(ref), time, *cells, f"{price.total_price:f}"]))


for path, make in zip(sys.argv[1:], (lines, vectors)):
    with open(path, "w", encoding="ascii") as out:
        out.writelines(line + "\n" for line in make())
