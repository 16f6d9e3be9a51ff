"""What the wire of every capture carries, read without the product and without its ground truth.

    python tests/corpus/facts.py            writes FACTS.jsonl beside this file, one capture a line
    python tests/corpus/facts.py --check    fails if it would change
    python tests/corpus/facts.py --show X   prints the facts of capture X

Needs the packages opentelemetry-proto and zstandard; requests are read with the official types.
`facts_compare.py` holds the facts against the ground truth and names the reason of every difference.
"""

import collections
import csv
import json
import pathlib
import re
import sys

# A cache folder here would be taken for a capture.
sys.dont_write_bytecode = True

from facts_calls import LLM_OPERATIONS, call_of
from facts_wire import flat_calls, flat_results, parsed, records, tool_calls, tool_results

ROOT = pathlib.Path(__file__).resolve().parent
Counter = collections.Counter

ENDS = {"final_answer", "finish"}
# Tools of a framework itself: they hand over, delegate or end; a model asks for them, no tool of the application runs.
FRAMEWORK_TOOL = re.compile(
    r"transfer_to_|delegate_task|[Dd]elegate.work|^ask_\w+_agent$|^agent-|^handoff\b|^billing_agent|^final_answer$|^finish$")


# ---- each call once ---------------------------------------------------------------------------------------------

def overlap(one, other):
    return one.record.start <= other.record.end and other.record.start <= one.record.end


def same(one, other):
    """Whether records of two instrumentations tell of one request."""
    if one.record.scope == other.record.scope or one.kind != other.kind or bool(one.error) != bool(other.error):
        return False
    if one.id and one.id == other.id:
        return True
    sizes = [call.usage.get("input") and (call.usage["input"], call.usage.get("output")) for call in (one, other)]
    return overlap(one, other) and (not all(sizes) or sizes[0] == sizes[1])


def calls_of(found, spans):
    """The calls of a capture, each once."""
    calls = [call for call in map(call_of, found) if call]
    ancestors = {id(call): above(call.record, spans, lambda span: tool_run(span) or agent_name(span)) for call in calls}
    # A call without usage above another of the same instrumentation is its wrapper, but where a tool or an agent is between.
    calls = [call for call in calls if call.usage.get("input") or call.error or not any(
        other is not call and other.record.scope == call.record.scope and call.record in ancestors[id(other)] for other in calls)]
    owners = []
    # The instrumentation that tells most owns; the others' records are matched one to one.
    weight = Counter()
    for call in calls:
        weight[call.record.scope] += 1 + 3 * bool(call.usage.get("input")) + sum(1 for part in call.usage.values() if part)
    taken = set()
    for call in sorted(calls, key=lambda call: (-weight[call.record.scope], call.record.scope, call.record.start)):
        owner = next((owner for owner in owners if same(owner, call) and (id(owner), call.record.scope) not in taken), None)
        if owner is None:
            owners.append(call)
            continue
        taken.add((id(owner), call.record.scope))
        owner.usage = {**{part: n for part, n in call.usage.items()}, **owner.usage}
        owner.first, owner.finish = owner.first or call.first, owner.finish or call.finish
        if owner.error and owner.error.startswith("-") and not call.error.startswith("-"):
            owner.error = call.error
    return owners


def above(record, spans, stop=lambda _: False):
    """The spans above a record, nearest first, up to one that stops."""
    chain, seen = [], set()
    while record.parent in spans and record.parent not in seen:
        seen.add(record.parent)
        record = spans[record.parent]
        if stop(record):
            break
        chain.append(record)
    return chain


# ---- tools ---------------------------------------------------------------------------------------------------------

def answers(record):
    """(source, calls) of what the model's answer asks for, where a record holds an answer."""
    operation, scope = record.get("gen_ai.operation.name"), record.scope
    if record.is_log:
        if record.name == "gen_ai.choice":
            yield scope + " log", tool_calls(record.body)
        elif record.name.startswith("gen_ai.client.inference.operation.detail"):
            yield scope + " log", tool_calls(record.get("gen_ai.output.messages"))
        return
    if scope.startswith("openinference.instrumentation.ag2") and record.get("openinference.span.kind") == "AGENT":
        yield scope + " agent", tool_calls(record.get("output.value"))
    if record.get("traceloop.span.kind") == "task" and "llamaindex" in scope:
        output = parsed(record.get("traceloop.entity.output"))
        if isinstance(output, dict) and isinstance(output.get("response"), dict):
            yield scope + " task", tool_calls(output["response"].get("blocks"))
    for key in ("llm.openai.choices", "llm.anthropic.content"):
        if record.get(key):
            yield scope + " raw", tool_calls(record.get(key))
    yield scope + " flat", flat_calls(record.attrs, "llm.output_messages")
    if operation in LLM_OPERATIONS or operation == "llm_call":
        yield scope, tool_calls(record.get("gen_ai.output.messages"))
        yield scope + " response", tool_calls((parsed(record.get("response")) or {}).get("output") if record.get("response") else None)
        yield scope + " choice", [call for name, attrs in record.events if name == "gen_ai.choice" for call in tool_calls(attrs.get("message"))]
        yield scope + " completion", [(item, None) for key, item in record.attrs.items()
                                      if re.match(r"gen_ai\.completion\.\d+\.function_call\.name$", key)]
    if call_of(record):
        for key in ("ai.response.toolCalls", "langfuse.observation.output", "mlflow.spanOutputs", "haystack.component.output"):
            yield scope, tool_calls(record.get(key))
        if scope == "@mastra/otel" and operation == "model.step":
            output = parsed(record.get("output"))
            yield scope, tool_calls(output.get("toolCalls") if isinstance(output, dict) else None)


def history(record):
    """Messages that a later request carries."""
    operation = record.get("gen_ai.operation.name")
    if record.is_log:
        if record.name in ("gen_ai.tool.message", "gen_ai.assistant.message"):
            body = parsed(record.body)
            return [dict(body, role="tool", tool_call_id=body.get("id") or body.get("tool_call_id")) if record.name == "gen_ai.tool.message"
                    and isinstance(body, dict) else body]
        return [record.get("gen_ai.input.messages")] if "operation.detail" in record.name else []
    messages = [attrs.get("content") or attrs.get("message") for name, attrs in record.events
                if name in ("gen_ai.tool.message", "gen_ai.assistant.message")]
    if call_of(record) or operation in LLM_OPERATIONS or operation == "llm_call":
        keys = ("gen_ai.input.messages", "ai.prompt.messages", "langfuse.observation.input", "mlflow.spanInputs", "haystack.component.input",
                "raw_input", "llm.openai.messages", "llm.anthropic.messages", "input.value")
        messages += [record.get(key) for key in keys]
        if record.scope == "@mastra/otel":
            messages.append(record.get("input"))
    return messages


def tool_run(record):
    """(name, call id, failed) if a record tells of a tool that ran."""
    scope, get = record.scope, record.get
    failed = record.failed or bool(get("error.type")) or str(get("success")).lower() == "false"
    if record.is_log:
        return (get("tool_name", "function_name"), get("tool_use_id", "call_id"), failed) if record.name in (
            "tool_result", "codex.tool_result", "gemini_cli.tool_call") else None
    operation, kind = get("gen_ai.operation.name"), get("openinference.span.kind", "langfuse.observation.type")
    if operation in ("execute_tool", "tool.execute", "tool_call") and get("gen_ai.tool.name"):
        return None if "merged" in get("gen_ai.tool.name") else (get("gen_ai.tool.name"), get("gen_ai.tool.call.id"), failed)
    if kind in ("TOOL", "tool"):
        return get("tool.name") or re.sub(r"\.(run|__call__)$", "", record.name), get("tool_call.id", "tool.id"), failed
    if get("ai.operationId") == "ai.toolCall":
        return get("ai.toolCall.name"), get("ai.toolCall.id"), failed
    if parsed(get("mlflow.spanType")) == "TOOL":
        return record.name, get("tool_call_id"), failed
    if get("traceloop.span.kind") == "tool":
        return get("gen_ai.tool.name", "traceloop.entity.name"), get("gen_ai.tool.call.id"), failed
    if "llamaindex" in scope and get("traceloop.span.kind") == "task" and get("tool.name"):
        output = parsed(get("traceloop.entity.output"))
        output = output.get("tool_output", {}) if isinstance(output, dict) else {}
        return get("tool.name"), None, failed or bool(output.get("is_error"))
    if scope == "logfire.openai_agents" and str(get("logfire.msg_template")).startswith("Function:"):
        return get("name"), None, failed
    return None


def best(sources):
    """By name, the most that one source tells: sources repeat each other."""
    names = {name for counter in sources.values() for name in counter}
    return {name: max(counter[name] for counter in sources.values()) for name in sorted(names)}


def tools_of(found):
    requested, past, names = collections.defaultdict(dict), collections.defaultdict(set), {}
    for at, record in enumerate(found):
        for source, calls in answers(record):
            for index, (name, call) in enumerate(calls):
                requested[source][call or (at, index)] = name
                names[call] = name
        for message in history(record):
            # Mastra cuts what lies deep.
            for index, (name, call) in enumerate(pair for pair in tool_calls(message) if pair[0] != "[MaxDepth]"):
                past[name].add(call or index)
                names.setdefault(call, name)
        for name, call in flat_calls(record.attrs, "llm.input_messages"):
            past[name].add(call)
            names.setdefault(call, name)
    asked = best({source: Counter(calls.values()) for source, calls in requested.items()})
    ran, failed = collections.defaultdict(Counter), collections.defaultdict(Counter)
    results, flagged = collections.defaultdict(set), collections.defaultdict(set)
    for record in found:
        run = tool_run(record)
        if run and run[0]:
            source = record.scope + (" log" if record.is_log else "")
            ran[source][alias(run[0])] += 1
            failed[source][alias(run[0])] += run[2]
        messages = [tool_results(message) for message in history(record)] + [flat_results(record.attrs)]
        if record.get("haystack.component.type") == "ToolInvoker":
            messages.append(tool_results(record.get("haystack.component.output")))
        for message in messages:
            for index, (name, call, error) in enumerate(message):
                name = alias(name or names.get(call) or "?")
                results[name].add(call or index)
                if error:
                    flagged[name].add(call or index)
    ran["messages"] = Counter({name: len(calls) for name, calls in results.items()})
    failed["messages"] = Counter({name: len(calls) for name, calls in flagged.items()})
    executed, errors = best(ran), {name: n for name, n in best(failed).items() if n}
    elsewhere = {name: len(calls) - asked.get(name, 0) for name, calls in sorted(past.items()) if len(calls) > asked.get(name, 0)}
    seen = sorted({run[0] for run in map(tool_run, found) if run and run[0] and alias(run[0]) != run[0]})
    split = lambda tools, framework: {name: n for name, n in tools.items() if bool(FRAMEWORK_TOOL.search(name)) == framework}
    return {"requested": asked, "requested_only_in_history": elsewhere, "executed": split(executed, False),
            "framework_tools": split(executed, True), "tool_errors": errors, "aliases": {name: alias(name) for name in seen}}


def alias(name):
    """The application's own name of a tool: less what a framework or MCP puts in front."""
    return re.sub(r"^(mcp__\w+?__|SupportPlugin-)", "", name)


# ---- agents, approvals, the whole -----------------------------------------------------------------------------------

def agent_name(record):
    get = record.get
    if re.search(r"\.(workflow|task)$", record.name) or get("tool.name"):
        return None
    if get("gen_ai.operation.name") in ("invoke_agent", "agent.run") and "langgraph" not in record.scope:
        return get("gen_ai.agent.name", "agent.id", "gen_ai.agent.id") or record.name
    if get("openinference.span.kind", "langfuse.observation.type") in ("AGENT", "agent"):
        if record.scope.endswith("openai_agents") and not get("agent.name"):
            return None
        return get("agent.name", "agno.agent") or re.sub(r"\.(run|_execute_core|generate_reply|on_messages_stream)$", "", record.name)
    if get("traceloop.span.kind") == "agent":
        return get("gen_ai.agent.name", "traceloop.entity.name") or record.name
    if str(get("logfire.msg_template")).startswith("Agent run"):
        return get("name")
    return None


def handoffs_of(found, spans):
    edges = Counter()
    for record in (record for record in found if not record.is_log):
        name = agent_name(record)
        parent = next((agent for agent in map(agent_name, above(record, spans)) if agent), None)
        if name and parent and name != parent and record.scope != "autogen-core":
            edges[f"{parent} > {name} (agent below agent)"] += 1
        source = record.get("gen_ai.handoff.from_agent", "from_agent")
        target = record.get("gen_ai.handoff.to_agent", "to_agent")
        if source or target:
            edges[f"{source or '?'} > {target or '?'} (handoff span)"] += 1
        elif record.name.startswith("handoff to "):
            edges[f"{record.get('input.value') or '?'} > {record.get('output.value') or '?'} (handoff span)"] += 1
    return dict(sorted(edges.items()))


def approvals_of(found):
    seen = Counter()
    for record in (record for record in found if record.is_log):
        if record.name in ("tool_decision", "codex.tool_decision", "gemini_cli.tool_call"):
            seen[f"{record.get('tool_name', 'function_name')} {record.get('decision')} {record.get('source') or '-'}"] += 1
    return dict(sorted(seen.items()))


def finish_of(call, choices):
    """The reason on the call itself, else in the answer it holds, else on the event or log of its answer; None if nowhere."""
    reason = parsed(call.finish) or next(find(parsed(call.record.get("gen_ai.output.messages", "output.value")), "finish_reason"), None)
    reason = reason or choices.get(call.record.span)
    if not reason:
        # An object printed as Python does.
        text = re.search(r"finish_reason\W{1,4}([a-z_]+)\W", str(call.record.get("output.value") or ""))
        reason = text and text[1] not in ("null", "None") and text[1]
    return str(reason[0] if isinstance(reason, list) and reason else reason) if reason else None


def find(node, key):
    if isinstance(node, dict):
        if node.get(key):
            yield node[key]
        node = list(node.values())
    for item in node if isinstance(node, list) else ():
        yield from find(item, key)


def choices_of(found):
    """Finish reasons of answers that are reported as events or logs, by span."""
    choices = {}
    for record in found:
        if record.is_log and record.name == "gen_ai.choice":
            choices[record.span] = next(find(parsed(record.body), "finish_reason"), None)
        for name, attrs in record.events:
            if name == "gen_ai.choice" and attrs.get("finish_reason"):
                choices[record.span] = attrs["finish_reason"]
    return choices


def retrievals(found):
    kinds = Counter()
    for record in found:
        get = record.get
        if get("gen_ai.operation.name") == "retrieval" or get("openinference.span.kind") == "RETRIEVER" or \
                get("langfuse.observation.type") == "retriever" or parsed(get("mlflow.spanType")) == "RETRIEVER" or \
                str(get("haystack.component.type") or "").endswith("Retriever") or "Retriever.task" in record.name:
            kinds[record.scope] += 1
    return dict(sorted(kinds.items()))


PARTS = ["input", "output", "cache_read", "cache_write", "cache_write_5m", "cache_write_1h", "reasoning"]


def facts_of(name, dialects):
    found = records(ROOT / name)
    spans = {record.span: record for record in found if not record.is_log}
    calls = calls_of(found, spans)
    models = {}
    for call in calls:
        row = models.setdefault(call.model, {"ok": 0})
        row["ok"] += 0 if call.error else call.requests
        for part in PARTS:
            if call.usage.get(part):
                row[part] = row.get(part, 0) + call.usage[part]
    ok, failed = [call for call in calls if not call.error], [call for call in calls if call.error]
    choices = choices_of(found)
    reasons = Counter(finish_of(call, choices) for call in ok if call.requests)
    reasons.pop(None, None)
    # A streamed step of Mastra has none, the `chat` above it has.
    reasons = reasons or Counter(parsed(call.finish) for call in ok if not call.requests and call.finish)
    later = lambda call: any(other.record.start >= call.record.end for other in calls if other is not call)
    attempts = sum(max(0, sum(event == "gen_ai.request.attempt" for event, _ in record.events) - 1) for record in found)
    facts = {
        "dialects": dialects.get(name, {}),
        "calls_ok": sum(call.requests for call in ok),
        "calls_failed": dict(sorted(Counter(call.error for call in failed).items())),
        "models": dict(sorted(models.items())),
        "finish": dict(sorted(reasons.items())),
        "first_response_times": sum(call.first for call in calls),
        "embeddings": sum(call.requests for call in ok if call.kind == "embedding"),
        "retrievals": retrievals(found),
        "retries": sum(map(later, failed)) + attempts,
        "handoffs": handoffs_of(found, spans),
        "approvals": approvals_of(found),
        **tools_of(found),
    }
    over = lambda tools: {tool: n for tool, n in tools.items() if FRAMEWORK_TOOL.search(tool) and tool not in ENDS}
    facts["handoff_tools"] = over(facts["requested"]) or over(facts["framework_tools"])
    return {key: item for key, item in facts.items() if item or key in ("calls_ok", "models", "requested", "executed")}


def tokens(facts, part):
    return sum(row.get(part, 0) for row in facts["models"].values())


def dialect_table():
    table = collections.defaultdict(dict)
    with open(ROOT / "DIALECTS.tsv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if row["dialect"] != "-":
                table[row["capture"]][f"{row['scope']} {row['signal']}"] = row["dialect"]
    return table


def captures():
    return sorted(path.name for path in ROOT.iterdir() if (path / "meta.json").exists())


def lines(names):
    table = dialect_table()
    return [json.dumps({"capture": name, **facts_of(name, table)}) + "\n" for name in names]


def main(arguments):
    if arguments[:1] == ["--show"]:
        print(json.dumps(json.loads(lines(arguments[1:2])[0]), indent=1))
        return 0
    text, path = "".join(lines(captures())), ROOT / "FACTS.jsonl"
    if arguments == ["--check"]:
        return 0 if path.read_text(encoding="ascii") == text else "FACTS.jsonl is not what the captures say"
    path.write_text(text, encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
