"""Calls to models: one reading rule a kind of instrumentation."""

import re

from facts_wire import number, parsed

LLM_OPERATIONS = {"chat", "text_completion", "generate_content"}
TTFT = re.compile(r"time_to_first|first_token|ttft|msToFirst|completion_start_time", re.I)


class Call:
    """A request to a model as one record tells it."""

    def __init__(self, record, model, kind="llm"):
        self.record, self.model, self.kind = record, re.sub(r"^(openai|anthropic|gemini)/", "", str(model or "?")), kind
        self.usage, self.counted, self.requests = {}, True, 1
        self.finish, self.first, self.id = None, False, None
        self.error = failure(record)

    def take(self, **parts):
        self.usage.update({name: number(item) for name, item in parts.items() if number(item) is not None})
        return self


def failure(record):
    """How a failed call names its failure: status, then type; None if it did not fail."""
    text = f"{record.message} {record.get('error.message') or ''}"
    kind = record.get("error.type")
    for name, attrs in record.events:
        if name == "exception":
            text += f" {attrs.get('exception.message', '')}"
            kind = kind or attrs.get("exception.type")
    status = record.get("http.response.status_code", "error.code", "http.status_code")
    if not (record.failed or record.get("error.type") or record.attrs.get("success") in (False, "false") or
            (number(status) or 0) >= 400):
        return None
    match = re.search(r"(?:[Ee]rror code|status_code|status code)\D{0,3}(\d{3})|(?:^|\s)([45]\d\d) [A-Z_]{4}", text)
    status = number(status) or (match and int(match[1] or match[2]))
    if str(kind).isdigit():
        status, kind = status or int(kind), None
    return f"{status or '-'} {str(kind or '-').split('.')[-1]}"


def details(tree):
    """Parts of usage under the names of providers and SDKs."""
    flat = {}
    for key, item in (tree or {}).items() if isinstance(tree, dict) else ():
        flat.update({f"{key}.{inner}": part for inner, part in item.items()} if isinstance(item, dict) else {key: item})
    pick = lambda *keys: next((flat[key] for key in keys if flat.get(key) is not None), None)
    return {
        "cache_read": pick("cached_tokens", "cache_read_input_tokens", "input_cache_read", "prompt_tokens_details.cached_tokens",
                           "input_tokens_details.cached_tokens", "cached_prompt_tokens", "cacheReadInputTokens"),
        "cache_write": pick("cache_creation_input_tokens", "cache_write_tokens", "input_cache_creation", "cache_creation_tokens",
                            "prompt_tokens_details.cache_creation_tokens"),
        "cache_write_5m": pick("cache_creation.ephemeral_5m_input_tokens"),
        "cache_write_1h": pick("cache_creation.ephemeral_1h_input_tokens"),
        "reasoning": pick("reasoning_tokens", "output_reasoning", "completion_tokens_details.reasoning_tokens",
                          "output_tokens_details.reasoning_tokens"),
    }


def otel_usage(call):
    record, usage = call.record, "gen_ai.usage."
    call.take(**details(parsed(record.get("gen_ai.usage.raw", "metadata.usage_object"))))
    call.take(
        input=record.get(usage + "input_tokens", usage + "prompt_tokens"),
        output=record.get(usage + "output_tokens", usage + "completion_tokens"),
        cache_read=record.get(usage + "cache_read.input_tokens", usage + "cache_read_input_tokens", usage + "cached_input_tokens",
                              usage + "details.cache_read_tokens"),
        cache_write=record.get(usage + "cache_write.input_tokens", usage + "cache_creation.input_tokens",
                               usage + "cache_creation_input_tokens", usage + "cache_write_input_tokens"),
        cache_write_5m=record.get("anthropic.usage.cache_creation.ephemeral_5m_input_tokens"),
        cache_write_1h=record.get("anthropic.usage.cache_creation.ephemeral_1h_input_tokens"),
        reasoning=record.get(usage + "reasoning.output_tokens", usage + "reasoning_tokens", usage + "details.reasoning_tokens"))
    call.id = record.get("gen_ai.response.id")
    call.finish = record.get("gen_ai.response.finish_reasons", "anthropic.message.stop_reason")
    # OpenLIT hands Anthropic's counts on as they are: input without cache.
    if record.scope == "openlit.instrumentation.anthropic":
        call.take(input=sum(call.usage.get(part, 0) for part in ("input", "cache_read", "cache_write")))
    return call


def of_otel(record):
    operation = record.get("gen_ai.operation.name")
    if operation in LLM_OPERATIONS or operation == "embeddings":
        model = record.get("gen_ai.request.model", "gen_ai.response.model")
        return otel_usage(Call(record, model, "embedding" if operation == "embeddings" else "llm"))


def of_openinference(record):
    kind = record.get("openinference.span.kind")
    # LlamaIndex prepares the request in a span of kind LLM.
    if kind not in ("LLM", "EMBEDDING") or "_prepare_chat_with_tools" in record.name:
        return None
    settings = parsed(record.get("llm.invocation_parameters", "embedding.invocation_parameters"))
    model = record.get("llm.model_name", "embedding.model_name") or (settings.get("model") if isinstance(settings, dict) else None)
    call = Call(record, model, "llm" if kind == "LLM" else "embedding")
    count = "llm.token_count."
    call.take(input=record.get(count + "prompt"), output=record.get(count + "completion"),
              cache_read=record.get(count + "prompt_details.cache_read"),
              cache_write=record.get(count + "prompt_details.cache_write"),
              reasoning=record.get(count + "completion_details.reasoning"))
    call.finish = record.get("llm.finish_reason")
    return call


def of_vercel(record):
    operation = str(record.get("ai.operationId") or "")
    if not operation.endswith((".doGenerate", ".doStream", ".doEmbed", ".doEmbedMany")):
        return None
    usage = "ai.usage."
    call = otel_usage(Call(record, record.get("gen_ai.request.model", "ai.model.id"), "embedding" if "Embed" in operation else "llm"))
    return call.take(cache_read=record.get(usage + "inputTokenDetails.cacheReadTokens", usage + "cachedInputTokens"),
                     cache_write=record.get(usage + "inputTokenDetails.cacheWriteTokens"),
                     reasoning=record.get(usage + "outputTokenDetails.reasoningTokens", usage + "reasoningTokens"))


def of_mastra(record):
    operation = record.get("gen_ai.operation.name")
    if operation == "chat":
        # One `chat` covers several steps: it carries the tokens, each step is one request.
        call = otel_usage(Call(record, record.get("gen_ai.request.model")))
        call.requests = 0
        call.error = None
        return call
    if operation == "model.step":
        call = Call(record, (parsed(record.get("modelMetadata")) or {}).get("modelId") if record.get("modelMetadata") else None)
        call.id = record.get("id")
        answer = parsed(record.get("output"))
        body = parsed(record.get("body"))
        if isinstance(body, dict) and isinstance(body.get("choices"), list):
            call.finish = body["choices"][0].get("finish_reason")
        elif isinstance(answer, dict):
            call.finish = answer.get("finishReason")
        return call


def of_langfuse(record):
    if record.get("langfuse.observation.type") not in ("generation", "embedding"):
        return None
    call = Call(record, record.get("langfuse.observation.model.name"))
    usage = parsed(record.get("langfuse.observation.usage_details")) or {}
    call.take(**details(usage))
    if "prompt_tokens" in usage:
        call.take(input=usage["prompt_tokens"], output=usage.get("completion_tokens"))
    elif usage:
        # Disjoint buckets, except audio, which the SDK leaves as a part.
        split = lambda word: sum(n for key, n in usage.items() if re.match(word + r"(_cache|_reasoning|$)", key) and number(n))
        call.take(input=split("input"), output=split("output"))
    if record.get("langfuse.observation.level") == "ERROR" and not call.error:
        call.error = "- ERROR"
    return call


def of_mlflow(record):
    kind = parsed(record.get("mlflow.spanType"))
    if kind not in ("CHAT_MODEL", "LLM", "EMBEDDING"):
        return None
    usage = parsed(record.get("mlflow.chat.tokenUsage")) or {}
    call = Call(record, parsed(record.get("mlflow.llm.model", "model")), "embedding" if kind == "EMBEDDING" else "llm")
    answer = parsed(record.get("mlflow.spanOutputs"))
    if isinstance(answer, dict) and isinstance(answer.get("choices"), list):
        call.finish = answer["choices"][0].get("finish_reason")
        # The parts of usage stand in the provider's answer.
        call.take(**details(answer.get("usage")))
    return call.take(input=usage.get("input_tokens"), output=usage.get("output_tokens"), **details(usage))


def of_haystack(record):
    kind = str(record.get("haystack.component.type") or "")
    if not kind.endswith(("Generator", "Embedder")):
        return None
    answer = parsed(record.get("haystack.component.output"))
    answer = answer if isinstance(answer, dict) else {}
    meta = answer.get("meta") or next((reply.get("meta") for reply in answer.get("replies") or [{}]), None) or {}
    usage = meta.get("usage") or {}
    call = Call(record, meta.get("model"), "embedding" if kind.endswith("Embedder") else "llm")
    call.finish = meta.get("finish_reason")
    return call.take(input=usage.get("prompt_tokens"), output=usage.get("completion_tokens"), **details(usage))


def of_claude_code(record):
    if record.is_log or record.name != "claude_code.llm_request":
        return None
    parts = {"input": "input_tokens", "output": "output_tokens", "cache_read": "cache_read_tokens", "cache_write": "cache_creation_tokens"}
    call = Call(record, record.get("model")).take(**{name: record.get(key) for name, key in parts.items()})
    call.id, call.finish = record.get("request_id"), record.get("stop_reason")
    # Input without cache.
    if "input" in call.usage:
        call.take(input=sum(call.usage.get(part, 0) for part in ("input", "cache_read", "cache_write")))
    return call


def of_codex(record):
    # The CLI logs `response.completed` twice; only one of the two carries counts. Its spans repeat them.
    if record.name != "codex.sse_event" or record.get("input_token_count") is None:
        return None
    return Call(record, record.get("model")).take(
        input=record.get("input_token_count"), output=record.get("output_token_count"), cache_read=record.get("cached_token_count"),
        cache_write=record.get("cache_write_token_count"), reasoning=record.get("reasoning_token_count"))


def of_gemini_cli(record):
    # Spans and `operation.details` logs leave thoughts out, so the CLI's own log is the call.
    if record.name == "gemini_cli.api_error":
        return Call(record, record.get("model"))
    if record.name != "gemini_cli.api_response":
        return None
    thoughts = number(record.get("thoughts_token_count")) or 0
    call = Call(record, record.get("model")).take(
        input=record.get("input_token_count"), output=(number(record.get("output_token_count")) or 0) + thoughts,
        cache_read=record.get("cached_content_token_count"), reasoning=thoughts)
    call.finish = record.get("finish_reasons")
    return call


def of_crewai(record):
    usage = parsed(record.get("crewai.crew.usage_metrics"))
    if not isinstance(usage, dict):
        return None
    # Totals of a whole crew, with the number of requests that succeeded.
    agents = parsed(record.get("crewai.crew.agents"))
    call = Call(record, agents[0].get("llm") if isinstance(agents, list) and agents else None)
    call.requests, call.error = usage.get("successful_requests", 0), None
    return call.take(input=usage.get("prompt_tokens"), output=usage.get("completion_tokens"), **details(usage))


def of_claude_agent_sdk(record):
    if record.get("openinference.span.kind") != "AGENT":
        return None
    # One agent span for all turns: tokens, and no call that could be told.
    call = of_openinference_counts(record)
    call.requests, call.error = 0, None
    return call


def of_openinference_counts(record):
    count = "llm.token_count."
    return Call(record, record.get("llm.model_name")).take(
        input=record.get(count + "prompt"), output=record.get(count + "completion"),
        cache_read=record.get(count + "prompt_details.cache_read"), cache_write=record.get(count + "prompt_details.cache_write"))


def nothing(_):
    return None


RULES = [
    (r"com\.anthropic\.claude_code\.tracing$", of_claude_code), (r"com\.anthropic\.claude_code", nothing),
    (r"codex_otel\.log_only$", of_codex), (r"codex", nothing), (r"gemini-cli$", of_gemini_cli),
    (r"langfuse-sdk", of_langfuse), (r"mlflow", of_mlflow), (r"haystack$", of_haystack), (r"@mastra/", of_mastra), (r"ai$", of_vercel),
    (r"opentelemetry\.instrumentation\.crewai", of_crewai),
    (r"openinference\.instrumentation\.claude_agent_sdk", of_claude_agent_sdk), (r"openinference\.instrumentation\.", of_openinference),
    # Logs of these scopes tell of calls that their spans tell of too.
    (r"", of_otel),
]


def call_of(record):
    if record.is_log and not re.match(r"codex|gemini-cli|com\.anthropic", record.scope):
        return None
    call = next(rule for pattern, rule in RULES if re.match(pattern, record.scope))(record)
    # OpenLIT writes the whole duration as the time to the first token of calls that it says were not streamed.
    if call and call.record.attrs.get("gen_ai.request.stream") is not False:
        call.first = bool(any(TTFT.search(key) for key in record.attrs) or
                          any(re.search(r"First Token|firstChunk|completion\.chunk", name) for name, _ in record.events))
    return call
