"""Writes small inputs for each fuzz target into fuzz/corpus: where the search begins.

Requests are put together field by field, so that every message of OTLP and every kind of value occurs;
configurations are the small YAML files of this repository.
"""

import gzip
import json
import pathlib
import struct
import zlib

HERE = pathlib.Path(__file__).parent
CORPUS = HERE / "corpus"


def varint(number):
    number &= (1 << 64) - 1
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def field(number, content):
    """A length-delimited field; texts are encoded."""
    content = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(content)) + content


def number(place, value):
    return varint(place << 3) + varint(value)


def fixed64(place, value):
    packed = struct.pack("<d", value) if isinstance(value, float) else struct.pack("<Q", value & (1 << 64) - 1)
    return varint(place << 3 | 1) + packed


def fixed32(place, value):
    return varint(place << 3 | 5) + struct.pack("<I", value)


def pair(key, value):
    return field(1, key) + field(2, value)


VALUES = [
    field(1, "text \u00e9\u4e16"),
    number(2, 1),
    number(3, -5),
    fixed64(4, 1.5),
    field(5, field(1, field(1, "a")) + field(1, number(3, 2))),
    field(6, field(1, pair("k", field(1, "v"))) + field(1, pair("k", b""))),
    field(7, b"\x00\xff"),
    b"",
]


def attributes(place, prefix="k"):
    return b"".join(field(place, pair(f"{prefix}{at}", value)) for at, value in enumerate(VALUES))


TRACE, SPAN = bytes(range(1, 17)), bytes(range(1, 9))
RESOURCE = field(1, attributes(1, "service.name") + number(2, 1) + field(3, field(2, "service") + field(3, "service.name")))
SCOPE = field(1, field(1, "scope") + field(2, "1.0") + attributes(3) + number(4, 2))
EVENT = fixed64(1, 5) + field(2, "event") + attributes(3) + number(4, 1)
LINK = field(1, TRACE) + field(2, SPAN) + field(3, "a=b") + attributes(4) + number(5, 1) + fixed32(6, 257)
STATUS = field(2, "failed") + number(3, 2)
FULL_SPAN = (
    field(1, TRACE) + field(2, SPAN) + field(3, "ot=th:8") + field(4, SPAN) + field(5, "chat gpt") + number(6, 3)
    + fixed64(7, 1) + fixed64(8, 2) + attributes(9, "gen_ai.") + number(10, 1) + field(11, EVENT) + number(12, 1)
    + field(13, LINK) + number(14, 1) + field(15, STATUS) + fixed32(16, 257)
)
FULL_LOG = (
    fixed64(1, 1) + number(2, 9) + field(3, "INFO") + field(5, VALUES[5]) + attributes(6) + number(7, 1) + fixed32(8, 1)
    + field(9, TRACE) + field(10, SPAN) + fixed64(11, 2) + field(12, "event.name")
)
EXEMPLAR = attributes(7) + fixed64(2, 1) + fixed64(3, 2.5) + field(4, SPAN) + field(5, TRACE)
NUMBER = attributes(7) + fixed64(2, 1) + fixed64(3, 2) + fixed64(6, -7) + field(5, EXEMPLAR) + number(8, 1)
HISTOGRAM = (
    attributes(9) + fixed64(3, 2) + fixed64(4, 3) + fixed64(5, 4.5) + field(6, struct.pack("<QQ", 1, 2))
    + field(7, struct.pack("<d", 0.5)) + field(8, EXEMPLAR) + fixed64(11, 0.1) + fixed64(12, 9.0)
)
BUCKETS = number(1, 3) + field(2, varint(7) + varint(300))
EXPONENTIAL = attributes(1) + fixed64(3, 2) + fixed64(4, 3) + number(6, 5) + fixed64(7, 1) + field(8, BUCKETS) + field(9, b"")
SUMMARY = attributes(7) + fixed64(3, 2) + fixed64(4, 3) + fixed64(5, 4.5) + field(6, fixed64(1, 0.5) + fixed64(2, 1.0))


def metric(place, point, rest=b""):
    return field(1, "name") + field(2, "what it is") + field(3, "1") + field(place, field(1, point) * 2 + rest)


METRICS = [
    metric(5, NUMBER),
    metric(7, NUMBER, number(2, 2) + number(3, 1)),
    metric(9, HISTOGRAM, number(2, 1)),
    metric(10, EXPONENTIAL, number(2, 1)),
    metric(11, SUMMARY) + attributes(12),
]


def request(items, resource=RESOURCE, scope=SCOPE):
    inner = scope + b"".join(field(2, item) for item in items) + field(3, "https://schema")
    return field(1, resource + field(2, inner) + field(3, "https://schema"))


def oddities(item):
    """Requests that no SDK writes."""
    return [
        b"",
        request([]),
        request([b"", b""], b"", b""),
        request([item]) + request([item, item]),
        field(1, field(2, field(2, item) + SCOPE) + RESOURCE),  # resource and scope behind their items
        field(1, RESOURCE + RESOURCE + field(2, SCOPE + SCOPE + field(2, item))),  # singular messages twice
        request([item + varint(100 << 3 | 2) + varint(3) + b"new"]),  # a field of the future
        request([item[: len(item) // 2]]),
        request([item.replace(b"text", b"te\xfft")]),
    ]


def json_requests():
    value = {"arrayValue": {"values": [{"intValue": "5"}, {"doubleValue": "NaN"}, {"bytesValue": "AQ=="}]}}
    attribute = [{"key": "k", "value": {"stringValue": "v\u00e9\n"}}, {"key": "a", "value": value}, {"key": "e", "value": {}}]
    scope = {"name": "s", "version": "1", "attributes": attribute, "droppedAttributesCount": 1}
    resource = {"attributes": attribute, "dropped_attributes_count": 1}
    ids = {"traceId": TRACE.hex(), "spanId": SPAN.hex()}
    span = {
        **ids, "parentSpanId": SPAN.hex(), "traceState": "a=b", "name": "n", "kind": "SPAN_KIND_CLIENT", "startTimeUnixNano": "1",
        "end_time_unix_nano": 2, "attributes": attribute, "events": [{"timeUnixNano": "3", "name": "e", "attributes": attribute}],
        "links": [{**ids, "flags": 1}], "status": {"code": 2, "message": "m"}, "flags": 257,
    }
    log = {
        **ids, "timeUnixNano": "1", "severityNumber": "SEVERITY_NUMBER_INFO", "severityText": "INFO", "eventName": "x",
        "body": {"kvlistValue": {"values": attribute}}, "attributes": attribute, "unknown": [{"a": None}],
    }
    point = {"attributes": attribute, "timeUnixNano": 5, "asInt": "-7", "exemplars": [{**ids, "asDouble": 1.5}], "flags": 1}
    histogram = {"count": "3", "sum": 4.5, "bucketCounts": ["1", 2], "explicitBounds": [0.5], "min": 0, "max": "Infinity"}
    exponential = {"count": 3, "scale": -3, "zeroCount": "1", "positive": {"offset": -1, "bucketCounts": [7, "8"]}, "negative": {}}
    metrics = [
        {"name": "g", "unit": "1", "description": "d", "gauge": {"dataPoints": [point]}},
        {"name": "s", "sum": {"dataPoints": [point], "aggregationTemporality": 2, "isMonotonic": True}},
        {"name": "h", "histogram": {"dataPoints": [histogram], "aggregationTemporality": "AGGREGATION_TEMPORALITY_DELTA"}},
        {"name": "e", "exponentialHistogram": {"dataPoints": [exponential]}},
        {"name": "q", "summary": {"dataPoints": [{"quantileValues": [{"quantile": 0.5, "value": 1}]}]}},
    ]
    around = lambda kind, items, name: {f"resource{kind}": [{"resource": resource, "schemaUrl": "u", f"scope{kind}": [
        {"scope": scope, "schema_url": "u", name: items}]}]}
    return [around("Spans", [span], "spans"), around("Logs", [log], "logRecords"), around("Metrics", metrics, "metrics")]


def yaml_files():
    top = HERE.parent
    for path in sorted(top.rglob("*.yaml")):
        inside = path.relative_to(top).parts
        if inside[0] not in ("target", ".cache", "fuzz") and path.stat().st_size <= 4096:
            yield path.read_bytes()


def save(target, inputs):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    for at, content in enumerate(inputs):
        (folder / f"seed-{at:03}").write_bytes(content)


def main():
    # The bytes behind a request choose what is done with it.
    plans = [b"", bytes(range(64)), bytes(range(255, 191, -1)), b"\x07" * 32]
    targets = {"traces": FULL_SPAN, "logs": FULL_LOG, "metrics": METRICS[0]}
    for target, item in targets.items():
        bodies = [request([item]), request([item] * 3), *oddities(item)]
        if target == "metrics":
            bodies += [request([one]) for one in METRICS] + [request(METRICS)]
        save(target, [struct.pack("<H", len(plan)) + plan + body for body in bodies for plan in plans])
    texts = [json.dumps(one).encode() for one in json_requests()]
    save("json", [bytes([at]) + text for at, text in enumerate(texts)])
    settings = b"{timeout: 5s, size: 1MiB, endpoint: 'localhost:1', secret: s3cr3t-a, headers: {a: s3cr3t-b}, list: [a], on: true}"
    document = b"receivers: {a: " + settings + b"}\nexporters: {b: , b/2: ${env:MAP}}\nservice: {pipelines: {traces: {receivers: [a], exporters: [b]}}}"
    save("yaml", [document, document + b"\n---set receivers::a::count=3", *yaml_files()])
    plain = b"".join(texts)
    packed = [plain, gzip.compress(plain), gzip.compress(b"\0" * 100_000), zlib.compress(plain)]
    save("decompress", [bytes([kind, 255]) + body for kind in range(8) for body in packed])


main()
