"""FACTS.jsonl against the ground truth of the captures: every difference, with its reason.

    python tests/corpus/facts_compare.py            writes FACTS-DIFFERENCES.tsv
    python tests/corpus/facts_compare.py --check    fails if it would change

Usage and numbers of calls may differ only as LACKING.tsv says; any other difference needs a row of `REASONS`, and a row
that explains nothing is an error too.
"""

import collections
import csv
import json
import pathlib
import re
import sys

# A cache folder here would be taken for a capture.
sys.dont_write_bytecode = True

from facts_wire import unpack

ROOT = pathlib.Path(__file__).resolve().parent
Counter = collections.Counter
FINISH = {"tool_call": "tool_calls", "tool_use": "tool_calls", "tool-calls": "tool_calls", "end_turn": "stop"}

NO_CALLS = "no record of a model call: agent, task and tool records only"
HIDDEN = "the SDK retried below the instrumentation: one record for all attempts, none for a failed one"
NO_CONTENT = "content was not captured"
# (fact, captures, reason); the first row that fits both explains the difference.
REASONS = [
    ("failed", r"claude-code-errors", "attempts are span events gen_ai.request.attempt (counted under retries); none says how it ended"),
    ("failed", r"autogen-errors", NO_CALLS),
    ("failed", r"crewai-openllmetry-errors", "one record of the whole crew, which counts successful requests only"),
    ("failed", r"openai-agents-otel-fatal", "no record of a model call: the agent's span failed, with 400 in its message"),
    ("failed", r"litellm-fatal", "the client tried four times below the instrumentation: one failed record"),
    ("failed", r"dspy-openinference-errors|vercel-ai-", "exception type and message, but no status"),
    ("failed", r".*-errors", HIDDEN),
    ("requested", r"otel-google-genai-", "automatic function calling: one record for all requests, with the last answer only"),
    ("requested", r"google-adk-", NO_CONTENT + "; tool records say what ran"),
    ("requested", r".*-nocontent-tools", NO_CONTENT),
    ("requested", r"otel-openai-js-tools", NO_CONTENT),
    ("requested", r"claude-code-tools", "answers are not on the wire, only response.has_tool_call; tool records say what ran"),
    ("requested", r"codex-tools", "answers are not on the wire; tool_decision and tool_result logs say what ran"),
    ("requested", r"(autogen|crewai-openllmetry|llamaindex-otel|openai-agents-otel|smolagents-otel)-", NO_CALLS),
    ("executed", r"(claude-code|codex|gemini-cli)-tools", "tools of the CLI itself: the truth knows the runner's tools only"),
    ("executed", r"(dspy-openinference|openinference-openai|openlit|otel-openai-v2)-rag",
     "the application looked documents up by itself: no tool record and no message holds it"),
    ("executed", r"(openinference|openllmetry)-openai-nocontent-tools|otel-openai-js-tools", NO_CONTENT + "; no tool records"),
    ("executed", r"crewai-openllmetry-loop", "no tool records; the crew ended by an exception before its output"),
    ("executed", r"smolagents-otel-", "no tool records and no messages: invoke_agent spans only"),
    ("tool errors", r"gemini-cli-tools", "a tool of the CLI itself failed: the truth knows the runner's tools only"),
    ("tool errors", r"smolagents-otel-timeout", "no tool records and no messages: invoke_agent spans only"),
    ("tool errors", r"(openinference|openllmetry|otel)-openai-(v2-)?timeout",
     "no tool records; the result stands in a later request as text, and OpenAI's messages have no mark of failure"),
    ("finish reasons", r"openai-agents-openinference-chatapi-", "no finish reason on the wire"),
    ("finish reasons", r"openai-agents-openinference-", "Responses have no finish reason: the instrumentation writes stop for all"),
    ("finish reasons", r"strands-anthropic-cached", "LACKING.tsv: three records for five requests"),
    ("finish reasons", r"otel-google-genai-", "LACKING.tsv: one record for all requests"),
    ("finish reasons", r"(ag2|autogen|llamaindex-(openllmetry|otel)|openai-agents-otel|smolagents-otel)-", NO_CALLS),
    ("finish reasons", r"(claude-agent-sdk|crewai-openllmetry)-", "one record for many requests"),
    ("finish reasons", r"(langfuse-langchain|mlflow-langchain)-", "not on the call's record; the chain around it prints it inside its state"),
    ("finish reasons", r"(openai-agents-logfire|openinference-openai-responses)-", "Responses have a status instead"),
    ("finish reasons", r"(agno|codex|langfuse-openai).*",
     "no finish reason on the wire"),
    ("first response times", r"strands-anthropic-cached", "LACKING.tsv: three records for five requests"),
    ("first response times", r".*-stream$|(agent-framework-handoff|claude-agent-sdk-openinference|gemini-cli)", "streamed, and no time of the first part on the record of the call"),
    ("embeddings", r".*", "LACKING.tsv: embeddings without a record"),
    ("calls by model", r".*", "LACKING.tsv: calls"),
]


def truth_of(name):
    rows = [json.loads(line) for line in unpack(ROOT / name / "truth.jsonl.zst").decode().splitlines() if line.strip()]
    return rows[-1], [row for row in rows if row["type"] == "llm_request" and row["status"] == 200]


def base(model):
    """Providers answer with the dated name of the model that was asked for."""
    return re.sub(r"-(\d{4}-\d\d-\d\d|\d{8})$", "", model)


def pairs(facts, totals, answered):
    """(fact, on the wire, in truth) of all that is no usage."""
    failed, finish, models = Counter(), Counter(), Counter()
    for error, count in facts.get("calls_failed", {}).items():
        failed[error.split()[0]] += count
    for reason, count in facts.get("finish", {}).items():
        finish[FINISH.get(reason, reason.lower())] += count
    for model, row in facts["models"].items():
        models[base(model)] += row["ok"]
    reasons = Counter(FINISH.get(row["finish_reason"], row["finish_reason"].lower()) for row in answered if row.get("finish_reason"))
    yield "failed", dict(failed), totals["errors_by_status"]
    yield "requested", facts["requested"], totals["tool_calls_requested"]
    yield "executed", facts["executed"], totals["tool_executions"]
    yield "tool errors", facts.get("tool_errors", {}), totals["tool_errors"]
    yield "finish reasons", dict(finish), dict(reasons)
    yield "first response times", facts.get("first_response_times", 0), sum(bool(row.get("stream")) for row in answered)
    yield "embeddings", facts.get("embeddings", 0), sum("embed" in row["api"] for row in answered)
    yield "calls by model", {model: n for model, n in models.items() if n}, {
        model: row["calls"] for model, row in totals["by_model"].items() if row["calls"]}


def usage(facts, totals):
    part = lambda key: sum(row.get(key, 0) for row in facts["models"].values())
    yield "input", part("input"), totals["prompt_tokens_incl_cache"]
    yield "output", part("output"), totals["output_tokens_incl_reasoning"]
    yield "cache_read", part("cache_read"), totals["cached_tokens"]
    yield "cache_write", part("cache_write"), totals["cache_creation_tokens"]
    yield "reasoning", part("reasoning"), totals["reasoning_tokens"]
    yield "calls", facts["calls_ok"], totals["llm_ok"]


def lacking():
    with open(ROOT / "LACKING.tsv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file, delimiter="\t"))[1:]
    return {(row[0], words[0]): (int(words[1]), int(words[3])) for row in rows for words in (one.split() for one in row[2].split("; "))}


def main(arguments):
    table, used, problems = lacking(), set(), []
    listed = dict(table)
    out = ["capture\tfact\ton the wire\tin truth\treason\n"]
    show = lambda item: json.dumps(item, sort_keys=True)
    for line in (ROOT / "FACTS.jsonl").read_text(encoding="ascii").splitlines():
        facts = json.loads(line)
        name = facts["capture"]
        totals, answered = truth_of(name)
        for fact, wire, true in usage(facts, totals):
            if (wire != true or (name, fact) in listed) and listed.pop((name, fact), None) != (wire, true):
                problems.append(f"{name} {fact}: {wire} of {true} is not what LACKING.tsv says")
        for fact, wire, true in pairs(facts, totals, answered):
            if wire == true:
                continue
            row = next((row for row in REASONS if row[0] == fact and re.match(row[1], name)), None)
            if row and row[2].startswith("LACKING.tsv") and (name, "calls") not in table:
                row = None
            if row is None:
                problems.append(f"{name} {fact}: {show(wire)} of {show(true)} without a reason")
                continue
            used.add(row)
            out.append(f"{name}\t{fact}\t{show(wire)}\t{show(true)}\t{row[2]}\n")
    problems += [f"LACKING.tsv: {key} is on the wire" for key in listed]
    problems += [f"explains nothing: {row}" for row in REASONS if row not in used]
    path, text = ROOT / "FACTS-DIFFERENCES.tsv", "".join(out)
    if problems:
        return "\n".join(problems)
    if arguments == ["--check"]:
        return 0 if path.read_text(encoding="ascii") == text else "FACTS-DIFFERENCES.tsv is not what the facts say"
    path.write_text(text, encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
