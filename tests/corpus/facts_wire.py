"""Requests of a capture as plain records, and tool calls and results in messages of any shape."""

import ast
import base64
import collections
import json
import re

import zstandard
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


# ---- reading ----------------------------------------------------------------------------------------------------

def value(any_value):
    kind = any_value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [value(item) for item in any_value.array_value.values]
    if kind == "kvlist_value":
        return {pair.key: value(pair.value) for pair in any_value.kvlist_value.values}
    return getattr(any_value, kind)


def attributes(pairs):
    return {pair.key: value(pair.value) for pair in pairs}


def hex_ids(node):
    """OTLP/JSON writes ids in hex, protobuf's own JSON in base64."""
    if isinstance(node, dict):
        for key, item in node.items():
            if key in ("traceId", "spanId", "parentSpanId") and isinstance(item, str):
                node[key] = base64.b64encode(bytes.fromhex(item)).decode()
            else:
                hex_ids(item)
    elif isinstance(node, list):
        for item in node:
            hex_ids(item)


def unpack(path):
    return zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes())


class Record:
    """A span or a log record."""

    def __init__(self, scope, raw, is_log):
        self.scope, self.is_log, self.attrs = scope, is_log, attributes(raw.attributes)
        self.span, self.trace = raw.span_id.hex(), raw.trace_id.hex()
        if is_log:
            self.start = self.end = raw.time_unix_nano or raw.observed_time_unix_nano
            self.body = value(raw.body)
            self.name = str(self.attrs.get("event.name") or raw.event_name)
            self.parent, self.events, self.failed, self.message = "", [], False, ""
        else:
            self.start, self.end, self.name, self.body = raw.start_time_unix_nano, raw.end_time_unix_nano, raw.name, None
            self.parent = raw.parent_span_id.hex()
            self.events = [(event.name, attributes(event.attributes)) for event in raw.events]
            self.failed, self.message = raw.status.code == 2, raw.status.message

    def get(self, *keys):
        return next((self.attrs[key] for key in keys if self.attrs.get(key) not in (None, "")), None)


def records(folder):
    found = []
    for path in sorted(folder.glob("[0-9]*.zst")):
        signal = path.name.split("-")[1].split(".")[0]
        if signal == "metrics":
            continue
        request = ExportTraceServiceRequest() if signal == "traces" else ExportLogsServiceRequest()
        if ".json" in path.name:
            tree = json.loads(unpack(path))
            hex_ids(tree)
            json_format.ParseDict(tree, request, ignore_unknown_fields=True)
        else:
            request.ParseFromString(unpack(path))
        for resource in request.resource_spans if signal == "traces" else request.resource_logs:
            for scope in resource.scope_spans if signal == "traces" else resource.scope_logs:
                for raw in scope.spans if signal == "traces" else scope.log_records:
                    found.append(Record(scope.scope.name, raw, signal == "logs"))
    return found


def parsed(text):
    """JSON, else a Python literal, else the text."""
    if not isinstance(text, str):
        return text
    for parse in (json.loads, ast.literal_eval):
        try:
            return parse(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            pass
    return text


def number(item):
    try:
        return int(item)
    except (TypeError, ValueError):
        return None


# ---- tool calls and results inside messages -----------------------------------------------------------------------

def tool_calls(node, found=None):
    """(name, id) of every tool call in a message of any shape."""
    found = [] if found is None else found
    if isinstance(node, str) and node[:1] in "[{":
        node = parsed(node)
    if isinstance(node, list):
        for item in node:
            tool_calls(item, found)
    elif isinstance(node, dict):
        kind = node.get("type") or node.get("block_type")
        function = node.get("function")
        if isinstance(function, dict) and "name" in function and "arguments" in function:
            found.append((function["name"], node.get("id")))
        elif kind in ("tool_call", "tool_use", "function_call") and (node.get("name") or node.get("tool_name")):
            found.append((node.get("name") or node["tool_name"], node.get("call_id") or node.get("id") or node.get("tool_call_id")))
        elif "toolUse" in node:
            found.append((node["toolUse"]["name"], node["toolUse"].get("toolUseId")))
        elif "functionCall" in node or isinstance(node.get("function_call"), dict):
            call = node.get("functionCall") or node["function_call"]
            found.append((call["name"], call.get("id")))
        elif "toolName" in node and "result" not in node and "output" not in node:
            found.append((node["toolName"], node.get("toolCallId")))
        elif isinstance(node.get("tool_call"), dict) and "tool_name" in node["tool_call"]:
            found.append((node["tool_call"]["tool_name"], node["tool_call"].get("id")))
        else:
            for item in node.values():
                if isinstance(item, (dict, list)):
                    tool_calls(item, found)
    return found


def tool_results(node, found=None):
    """(name or None, id, failed) of every tool result in messages of any shape; failed only where a flag says so."""
    found = [] if found is None else found
    if isinstance(node, str) and node[:1] in "[{":
        node = parsed(node)
    if isinstance(node, list):
        for item in node:
            tool_results(item, found)
    elif isinstance(node, dict):
        kind = node.get("type")
        if kind == "tool_call_response":
            found.append((node.get("name"), node.get("id"), False))
        elif kind == "tool_result" and "tool_use_id" in node:
            found.append((None, node["tool_use_id"], bool(node.get("is_error"))))
        elif kind == "function_call_output":
            found.append((None, node.get("call_id"), False))
        elif kind == "tool-result":
            found.append((node.get("toolName"), node.get("toolCallId"), False))
        elif "toolResult" in node:
            found.append((None, node["toolResult"].get("toolUseId"), node["toolResult"].get("status") == "error"))
        elif "functionResponse" in node or "function_response" in node:
            answer = node.get("functionResponse") or node["function_response"]
            found.append((answer.get("name"), answer.get("id"), False))
        elif "tool_call_result" in node:
            origin = node["tool_call_result"].get("origin", {})
            found.append((origin.get("tool_name"), origin.get("id"), bool(node["tool_call_result"].get("error"))))
        elif node.get("tool_call_id") and (node.get("role") == "tool" or kind == "tool"):
            parts = [result for part in node.get("parts", []) for result in tool_results(part)]
            found.extend(parts or [(node.get("name"), node["tool_call_id"], node.get("status") == "error")])
        else:
            for item in node.values():
                if isinstance(item, (dict, list)):
                    tool_results(item, found)
    return found


def flat_calls(attrs, prefix):
    """OpenInference's indexed keys."""
    pattern = re.compile(re.escape(prefix) + r"\.(\d+)\.message\.tool_calls\.(\d+)\.tool_call\.(id|function\.name)$")
    calls = collections.defaultdict(dict)
    for key, item in attrs.items():
        match = pattern.match(key)
        if match:
            calls[int(match[1]), int(match[2])][match[3]] = item
    return [(call["function.name"], call.get("id")) for _, call in sorted(calls.items()) if "function.name" in call]


def flat_results(attrs):
    return [(None, item, False) for key, item in attrs.items()
            if re.match(r"llm\.input_messages\.\d+\.message\.tool_call_id$", key)]
