"""What producers wrap a request in: read where nothing else can be meant, else refused with its name and the fix."""

import bz2
import gzip
import zlib
from base64 import b64encode

import orjson
import pytest

from router.job import Origin
from schemas.requests import Request
from streams.codec import Delivery, Unreadable, read_request

REQUEST = {"request_id": "r", "prompt": "x"}
PLAIN = orjson.dumps(REQUEST)
NOW_S = 1_800_000_000.0


def reading(value: object) -> Request | Unreadable:
    return read_request(value if isinstance(value, bytes) else orjson.dumps(value), 10_000)


CLOUD_EVENT = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t"}
CHANGE = {"op": "c", "before": None, "after": REQUEST, "source": {"db": "d"}, "ts_ms": 1, "transaction": None}
CONNECT = {"schema": {"type": "struct", "fields": []}, "payload": REQUEST}
SERVED: dict[str, object] = {
    "a byte order mark, RFC 8259 section 8.1": b"\xef\xbb\xbf" + PLAIN,
    "Confluent's wire format, provectus/kafka-ui 643, confluentinc/cli 2028": b"\0\0\0\0\x2a" + PLAIN,
    "Apicurio's, an id of 8 bytes": b"\0" + bytes(8) + PLAIN,
    "Apicurio's, an id that holds a brace": b"\0" + b"\0\0\0\0\0\0\0{" + PLAIN,
    "AWS Glue's, without compression": b"\3\0" + bytes(range(16)) + PLAIN,
    "a frame before a mark": b"\xef\xbb\xbf\0\0\0\0\x2a" + PLAIN,
    "JSON in a JSON string": orjson.dumps(PLAIN.decode()),
    "Kafka Connect's JsonConverter": CONNECT,
    "the same without a schema": {"schema": None, "payload": REQUEST},
    "the same of a string": {"schema": {"type": "string"}, "payload": PLAIN.decode()},
    "CloudEvents 1.0 in structured mode": {**CLOUD_EVENT, "datacontenttype": "application/json", "data": REQUEST},
    "the same in base64": {**CLOUD_EVENT, "data_base64": b64encode(PLAIN).decode()},
    "the same as text": {**CLOUD_EVENT, "data": PLAIN.decode()},
    "Debezium, a created row": CHANGE,
    "Debezium, a row of a snapshot": {**CHANGE, "op": "r"},
    "Debezium by Kafka Connect": {"schema": {}, "payload": CHANGE},
    "Debezium, flattened": {**REQUEST, "__deleted": "false", "__op": "c", "__table": "requests"},
    "Debezium for MongoDB, the row as a text": {**CHANGE, "after": PLAIN.decode()},
    "Flink's debezium-json": {"before": None, "after": REQUEST, "op": "c"},
    "Kafka Connect's JsonConverter, of bytes": {
        "schema": {"type": "bytes", "optional": False},
        "payload": b64encode(PLAIN).decode(),
    },
    "the same without schemas": orjson.dumps(b64encode(PLAIN).decode()),
    "base64 of JSON that is set in lines": orjson.dumps(
        b64encode(orjson.dumps(REQUEST, option=orjson.OPT_INDENT_2)).decode()
    ),
    "JSON Schema's mark": {"$schema": "https://e.x/request.json", **REQUEST},
    "Jackson's mark": {"@class": "com.example.Request", **REQUEST},
    "Logstash's marks": {"@timestamp": "2026-11-28T12:00:00Z", "@version": "1", **REQUEST},
    "a string of C, with its zero": PLAIN + b"\0",
    "a CloudEvent in a schema registry's frame": b"\0\0\0\0\1" + orjson.dumps({**CLOUD_EVENT, "data": REQUEST}),
}


@pytest.mark.parametrize("value", SERVED.values(), ids=SERVED.keys())
def test_a_wrapped_request_is_read(value: object) -> None:
    assert reading(value) == Request(request_id="r", prompt="x")


REFUSED: dict[str, tuple[object, str, str | None]] = {
    "UTF-16": (PLAIN.decode().encode("utf-16"), "the value is UTF-16; encode the JSON as UTF-8", None),
    "UTF-16 without a mark": (PLAIN.decode().encode("utf-16-le"), "the value is UTF-16; encode the JSON", None),
    "UTF-16, the other way round": (PLAIN.decode().encode("utf-16-be"), "the value is UTF-16; encode", None),
    "NaN": (b'{"request_id":"r","prompt":"x","temperature":NaN}', "the value is not JSON: ", None),
    "a number for an id": (b'{"custom_id": 7, "body": {"prompt": "x",}}', "the value is not JSON: ", None),
    "cut off": (b'{"request_id":"r","prompt":"x', "the value is not JSON: ", None),
    "Python's own form": (b"{'request_id': 'r', 'prompt': 'x', 'model': None}", "the value is not JSON: ", None),
    "Latin-1": ('{"request_id":"r","prompt":"é"}'.encode("latin-1"), "byte 28 is not UTF-8", None),
    "Kafka Connect without an object": (
        {"schema": {}, "payload": None},
        "payload: Kafka Connect's JsonConv",
        "payload",
    ),
    "a CloudEvent of Avro": (
        {**CLOUD_EVENT, "data_base64": "AAAA"},
        "data_base64: what is written inside",
        "data_base64",
    ),
    "a CloudEvent by reference": ({**CLOUD_EVENT, "dataref": "s3://x"}, "data: the CloudEvent holds no", "data"),
    "Debezium, a changed row": ({**CHANGE, "op": "u"}, "op: the value is a change event of Debezium", "op"),
    "Debezium, a deleted row": ({**CHANGE, "op": "d", "before": REQUEST, "after": None}, "op: the value is a ch", "op"),
    "Debezium, flattened and deleted": ({**REQUEST, "__deleted": "true"}, "__op: the value is a row", "__op"),
    "an envelope of nobody's": ({"meta": {}, "event": REQUEST}, "event: holds the request; send it as the", "event"),
    "a list of one": ([REQUEST], "the value: must be a JSON object", None),
    "Flink's debezium-json, deleted": (
        {"before": REQUEST, "after": None, "op": "d"},
        "op: the value is a change",
        "op",
    ),
    "Debezium for MongoDB, with its own id": (
        {**CHANGE, "after": orjson.dumps({"_id": {"$oid": "65"}, **REQUEST}).decode()},
        "_id: unknown field",
        "_id",
    ),
    "Canal": ({"data": [REQUEST], "type": "INSERT", "isDdl": False}, "data: holds the request; send it", "data"),
    "Amazon SNS": ({"Type": "Notification", "Message": PLAIN.decode()}, "Message: holds the request; send", "Message"),
    "Filebeat": ({"@metadata": {}, "message": PLAIN.decode()}, "message: holds the request; send it", "message"),
    "Anthropic's batch": ({"custom_id": "r", "params": {"messages": []}}, "params: holds the request; send", "params"),
    "Avro's own JSON": ({"request_id": {"string": "r"}, "prompt": {"string": "x"}}, "request_id: ", "request_id"),
    "ksqlDB": ({"REQUEST_ID": "r", "PROMPT": "x"}, "PROMPT: unknown field; did you mean 'prompt'?", "PROMPT"),
    "Protocol Buffers": ({"requestId": "r", "prompt": "x"}, "requestId: unknown field; did you mean", "requestId"),
    "an id that pandas wrote": ({"request_id": 7.0, "prompt": "x"}, "request_id: ", "request_id"),
}
NUMBERS = {"a number for an id", "an id that pandas wrote"}
WITHOUT_AN_ID = {"Kafka Connect without an object", "a CloudEvent of Avro", "a CloudEvent by reference"}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_with_its_name_and_the_fix_under_its_id(name: str) -> None:
    value, reason, field = REFUSED[name]
    found = reading(value)
    assert isinstance(found, Unreadable)
    assert found.reason.startswith(reason)
    assert found.field == field
    expected = None if name in WITHOUT_AN_ID else "7" if name in NUMBERS else "r"
    assert found.request_id == expected


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (gzip.compress(PLAIN, mtime=0), "gzip; leave compression to the producer's compression.type"),
        (b"\x28\xb5\x2f\xfd" + PLAIN, "zstd; leave compression"),
        (b"\xff\x06\x00\x00sNaPpY" + PLAIN, "snappy; leave compression"),
        (b"\x82SNAPPY\x00" + PLAIN, "snappy; leave compression"),
        (zlib.compress(PLAIN), "zlib; leave compression"),
        (bz2.compress(PLAIN), "bzip2; leave compression"),
        (b"\xac\xed\x00\x05t\x00\x02hi", "a serialized Java object; use a serializer of JSON"),
        (b"\0\0\0\0\x2a\x02r\x02x", "has a schema registry's frame (magic byte 0, schema 42) and no JSON behind it"),
        (b"\3\5" + bytes(16) + b"x\x9c", "has the frame of the AWS Glue schema registry"),
    ],
)
def test_bytes_that_are_no_json_are_called_by_their_name(value: bytes, name: str) -> None:
    found = reading(value)
    assert isinstance(found, Unreadable)
    assert name in found.reason


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (rb"cut \ud83d", "cut \ufffd"),  # anthropics/claude-code issue 56064, rllm-org/rllm issue 879
        (rb"\ude00 cut", "\ufffd cut"),
        (rb"\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
        (rb"\\ud83d \ud83d", "\\ud83d \ufffd"),
        (rb"\u0041\ud83dx", "A\ufffdx"),
    ],
)
def test_half_of_a_surrogate_pair_is_read_as_the_replacement_character(written: bytes, read: str) -> None:
    found = reading(b'{"request_id":"r","prompt":"%s"}' % written)
    assert isinstance(found, Request)
    assert found.prompt == read


def test_ids_in_two_spellings_are_none() -> None:
    found = reading({"requestId": "r", "REQUEST_ID": "s", "prompt": "x"})
    assert isinstance(found, Unreadable)
    assert found.request_id is None


def test_a_text_that_is_no_base64_of_an_object_is_refused() -> None:
    for text in ("eyes", "ewe and ram", b64encode(b"[1]").decode(), b64encode(b'{"a":').decode()):
        found = reading(text)
        assert isinstance(found, Unreadable)


@pytest.mark.parametrize("url", ["/v1/chat/completions", "/chat/completions"])
def test_a_line_of_a_batch_file_is_read_by_openais_address_and_by_azures(url: str) -> None:
    # learn.microsoft.com, "Getting started with global batch deployments"
    line = {"custom_id": "r", "method": "POST", "url": url, "body": {"messages": [{"role": "user", "content": "x"}]}}
    found = reading(line)
    assert isinstance(found, Request)
    assert found.request_id == "r"


def test_two_ids_in_what_is_no_json_are_none() -> None:
    found = reading(PLAIN + b"\n" + PLAIN.replace(b'"r"', b'"s"'))
    assert isinstance(found, Unreadable)
    assert found.request_id is None


def test_an_id_inside_of_a_prompt_is_none() -> None:
    found = reading(b'{"prompt": "say {\\"request_id\\": \\"s\\"}", }')
    assert isinstance(found, Unreadable)
    assert found.request_id is None


@pytest.mark.parametrize("timestamp_ms", [-1, 0, int(NOW_S), 978_307_199_999, int(NOW_S * 1e6)])
def test_a_timestamp_before_2001_or_in_the_future_counts_as_now(timestamp_ms: int) -> None:
    delivery = Delivery(Origin("t", 0, 0), timestamp_ms, None, None, ())
    assert delivery.written_s(NOW_S) == NOW_S


def test_a_timestamp_that_can_be_is_believed() -> None:
    assert Delivery(Origin("t", 0, 0), 1_700_000_000_000, None, None, ()).written_s(NOW_S) == 1_700_000_000
