"""What must be found beyond tokens in every capture: decisions, hand-overs, retries, failures, times, signs of quality.

    python tests/corpus/beyond.py            writes BEYOND.jsonl beside this file, one capture a line
    python tests/corpus/beyond.py --check    fails if it would change

Expectations come from the ground truth (`truth.jsonl`), less what the wire lacks: differences that `FACTS-DIFFERENCES.tsv` explains, and
those of `LACKING` below. Each exception stands in the line with its reason. The product is not asked.
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

# Tools by which a model of the scenario hands over, and those by which it ends.
HANDS_OVER = re.compile(r"^(transfer_to_|ask_\w+_agent$|delegate_|handoff$|agent-|billing_agent)")
ENDS = {"final_answer", "finish"}
CODES = {"429": "rate_limit", "500": "server_error", "400": "context_length_exceeded"}
CLI = re.compile(r"^(claude-code|codex|gemini-cli)-")

# (fact, captures, what is visible instead, reason). `None`: nothing of the fact.
LACKING = [
    ("handoffs", r"openai-agents-otel-handoff", 0, "agents stand side by side below the workflow; nothing says that one handed over"),
    ("handoffs", r"ag2-openinference-chat", 1, "not a hand-over of a model: the user's proxy passes each message on, an agent below another"),
    ("handoffs", r"ag2-openinference-timeout", 2, "not a hand-over of a model: the user's proxy passes each message on, an agent below another"),
    ("handoffs", r"ag2-openinference-tools", 3, "not a hand-over of a model: the user's proxy passes each message on, an agent below another"),
    ("failures", r"openai-agents-otel-fatal", {"orchestration context_length_exceeded": 1}, "no record of a model call: the agent's span failed"),
    ("failures", r"litellm-fatal", {"model context_length_exceeded": 1}, "the client tried four times below the instrumentation: one failed record"),
    ("failures", r"openai-agents-(logfire|openinference|openllmetry|otel)-timeout", {"tool api_error": 1},
     "the tool's record says that it failed and not how; a later request holds the text"),
    ("failures", r"crewai-openllmetry-loop", {"orchestration tool_execution_failed_error": 1},
     "the crew ended by an exception of its own: requests and tools did not fail"),
    ("failures", r"haystack-(chat|errors|loop|rag)|haystack-openinference-(chat|errors|rag)", {"_OTHER import_error": 1},
     "the framework's own start failed to import a module, which a span of its tells"),
    ("failures", r"gemini-cli-tools", {"tool ls_execution_error": 1}, "a tool of the CLI itself failed: the truth knows the runner's tools only"),
    ("retries", r"litellm-fatal", 0, "the client tried four times below the instrumentation: one failed record"),
]


def rows_of(name):
    lines = unpack(ROOT / name / "truth.jsonl.zst").decode().splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def differences():
    with open(ROOT / "FACTS-DIFFERENCES.tsv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]
    return {(row[0], row[1]): (json.loads(row[2]), row[4]) for row in rows}


class Expectation:
    def __init__(self, name, table):
        self.name, self.table, self.lacking, self.used = name, table, {}, set()

    def visible(self, fact, true):
        """The truth, or what the wire carries of it where the facts explain why."""
        wire, reason = self.table.get((self.name, fact), (true, None))
        if reason:
            self.lacking[fact] = reason
        return wire

    def less(self, fact, true):
        for at, (of, captures, instead, reason) in enumerate(LACKING):
            if of == fact and re.fullmatch(captures, self.name):
                self.used.add(at)
                self.lacking[fact] = reason
                return instead
        return true


def expectation(name, facts, table):
    rows = rows_of(name)
    totals, requests = rows[-1], [row for row in rows if row["type"] == "llm_request"]
    of = Expectation(name, table)
    requested = of.visible("requested", totals["tool_calls_requested"])
    executed = of.visible("executed", totals["tool_executions"])
    errors = of.visible("tool errors", totals["tool_errors"])
    statuses = [str(row["status"]) for row in requests]
    failed = of.visible("failed", totals["errors_by_status"])

    # A failure is followed by another try, unless it is the last request.
    retries = sum(status != "200" for status in statuses[:-1])
    if failed != totals["errors_by_status"] and sum(failed.values()) != sum(totals["errors_by_status"].values()):
        # Attempts that left no record; where their number is on the wire all the same, it is a fact.
        retries = facts.get("retries", 0)
    retries = of.less("retries", retries)

    failures = Counter()
    visible = sum(failed.values()) == sum(totals["errors_by_status"].values())
    for status, count in (totals["errors_by_status"] if visible else failed).items():
        failures["model " + CODES[status]] += count
    for _tool, count in errors.items():
        failures["tool timeout"] += count
    failures = of.less("failures", dict(failures))

    handoffs = sum(count for tool, count in totals["tool_calls_requested"].items() if HANDS_OVER.match(tool))
    ran, broke = sum(executed.values()), sum(errors.values())
    signals = {"tool_success": ran - broke, "tool_failure": broke, "retry_occurred": retries}
    approvals = {tool: count for tool, count in totals["tool_calls_requested"].items() if CLI.match(name)}
    streamed = sum(bool(row.get("stream")) for row in requests if row["status"] == 200)
    result = {
        "capture": name,
        "tool_selections": requested,
        "stops": sum(count for tool, count in requested.items() if tool in ENDS),
        "handoffs": of.less("handoffs", handoffs),
        "approvals": approvals,
        "retries": retries,
        "failures": failures,
        "first_response_times": of.visible("first response times", streamed),
        "signals": {kind: count for kind, count in sorted(signals.items()) if count},
        "lacking": of.lacking,
    }
    return {key: item for key, item in result.items() if item}, of.used


def main(arguments):
    table, used, out = differences(), set(), []
    for line in (ROOT / "FACTS.jsonl").read_text(encoding="ascii").splitlines():
        facts = json.loads(line)
        found, exceptions = expectation(facts["capture"], facts, table)
        used |= exceptions
        out.append(json.dumps(found) + "\n")
    unused = [row for at, row in enumerate(LACKING) if at not in used]
    if unused:
        return f"explains nothing: {unused}"
    path, text = ROOT / "BEYOND.jsonl", "".join(out)
    if arguments == ["--check"]:
        return 0 if path.read_text(encoding="ascii") == text else "BEYOND.jsonl is not what the truth says"
    path.write_text(text, encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
