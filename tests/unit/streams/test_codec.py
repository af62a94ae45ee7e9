import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import orjson
import pytest

from router.job import Origin
from schemas.failovers import Failover
from schemas.requests import Request
from streams.codec import (
    MAX_KEY_BYTES,
    MAX_LEVELS,
    MAX_TRACE_CHARS,
    Delivery,
    UndecodedName,
    Unreadable,
    event_headers,
    read_record,
    read_request,
    replay_suffix,
    trace_id,
    trace_of,
)

MAX_BYTES = 10_000_000
SECRET = "sk-do-not-repeat-me"  # noqa: S105 - a bait
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def unreadable(value: object, max_bytes: int = MAX_BYTES) -> Unreadable:
    raw = value if value is None or isinstance(value, bytes) else orjson.dumps(value)
    reading = read_request(raw, max_bytes)
    assert isinstance(reading, Unreadable)
    return reading


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


def test_a_good_request_is_read() -> None:
    assert read_request(b'{"prompt": "hello"}', MAX_BYTES) == Request(prompt="hello")


@pytest.mark.parametrize(
    ("value", "code", "sentence"),
    [
        (None, "empty", "the value is null; send a JSON object with a `prompt`"),
        (b'{"prompt": "\xff"}', "not_utf8", "byte 12 is not UTF-8; encode the JSON as UTF-8"),
        (b"\x80", "not_utf8", "byte 0 is not UTF-8; encode the JSON as UTF-8"),
        (b"", "not_json", "the value is not JSON: "),
        (b"hello", "not_json", "the value is not JSON: "),
        (b'{"prompt": "hello"', "not_json", "the value is not JSON: "),
        (b'{"prompt": "x", "temperature": NaN}', "not_json", "the value is not JSON: "),
        (b'{"prompt": "x", "max_cost_usd": 1e400}', "not_json", "the value is not JSON: number is infinity"),
        (b"[" * 100_000, "not_json", "the value is not JSON: "),
        (nested(2000), "not_json", "the value is not JSON: "),
    ],
)
def test_what_is_no_json_is_told_apart(value: bytes | None, code: str, sentence: str) -> None:
    reading = unreadable(value)
    assert (reading.code, reading.request_id, reading.field) == (code, None, None)
    assert reading.reason.startswith(sentence)


@pytest.mark.parametrize("value", [b"null", b"true", b"5", b'"hello"', b"[]", b'[{"prompt": "x"}]', nested(1000)])
def test_json_that_is_no_object_is_refused_as_a_whole(value: bytes) -> None:
    assert unreadable(value) == Unreadable("invalid_request", "the value: must be a JSON object")


def test_a_value_of_just_the_allowed_size_is_read_and_one_byte_more_is_not() -> None:
    value = b'{"request_id":"a","prompt":"hello"}'
    assert isinstance(read_request(value, len(value)), Request)
    reading = unreadable(value, len(value) - 1)
    assert (reading.code, reading.request_id) == ("too_large", "a")
    assert reading.reason == f"the value has {len(value)} bytes, {len(value) - 1} are allowed; shorten the prompt"


@pytest.mark.parametrize(
    ("fields", "request_id"),
    [
        ({"request_id": "a"}, "a"),
        ({"request_id": "  a "}, "a"),
        ({"request_id": 42, "promt": "x"}, "42"),
        ({"request_id": "a\nb"}, "a\nb"),
        ({"custom_id": "b", "body": {}}, "b"),
        ({"custom_id": "b", "body": {"request_id": "a"}}, "b"),
        ({"custom_id": "b", "request_id": "a", "body": {}}, "b"),
        ({"custom_id": "b"}, "b"),
        ({"request_id": "x" * 256}, "x" * 256),
        ({"request_id": "x" * 257}, None),
        ({"request_id": " "}, None),
        ({"request_id": ""}, None),
        ({"request_id": None}, None),
        ({"request_id": True}, None),
        ({"request_id": 1.5}, None),
        ({"request_id": ["a"]}, None),
        ({}, None),
    ],
)
def test_the_id_of_an_unreadable_request_is_read_wherever_it_can_be(fields: object, request_id: str | None) -> None:
    assert unreadable(fields).request_id == request_id


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({}, "prompt", "prompt: give either `prompt` or `messages`, and not both"),
        ({"promt": "x"}, "promt", "promt: unknown field; did you mean 'prompt'?"),
        ({"prompt": "x", "parameters": {"model": "m"}}, "parameters.model", "parameters.model: is decided by Turnout"),
        ({"prompt": "x", "max_tokens": 10.5}, "max_tokens", "max_tokens: Input should be a valid integer"),
        ({"prompt": "x", "metadata": {"a": {}}}, "metadata.a", "metadata.a: a tag is a string of up to 512 characters"),
        ({"prompt": "x", "response_format": 1}, "response_format", "response_format: must be a JSON object"),
        ({"messages": 1}, "messages", "messages: must be a JSON array"),
        ({"messages": [1]}, "messages.0", "messages.0: must be a JSON object"),
        ({"messages": [{"role": "user"}]}, "messages.0.content", "messages.0.content: a message of role 'user' needs"),
        ({"messages": [{"role": "x"}]}, "messages.0.role", "messages.0.role: Input should be 'system', 'developer'"),
        ({"custom_id": "a", "body": 1}, "body", "body: a batch line's body is an object"),
    ],
)
def test_the_reason_begins_with_the_field_to_mend(fields: object, field: str, reason: str) -> None:
    reading = unreadable(fields)
    assert (reading.code, reading.field) == ("invalid_request", field)
    assert reading.reason.startswith(reason)


@pytest.mark.parametrize("name", [*Request.model_fields, "seed", "stream", "n", "body", "custom_id", "unknown"])
@pytest.mark.parametrize("value", [SECRET, [SECRET], {"role": SECRET, "content": [SECRET]}, [{"role": SECRET}]])
def test_a_reason_never_quotes_a_value(name: str, value: object) -> None:
    reading = read_request(orjson.dumps({"messages": 5, "prompt": 5, "tier": SECRET, name: value}), MAX_BYTES)
    assert isinstance(reading, Unreadable)
    assert SECRET not in reading.reason
    assert SECRET not in (reading.field or "")


@pytest.mark.parametrize(
    "name", ["messages", "tools", "tool_choice", "response_format", "parameters", "metadata", "seed", "unknown"]
)
def test_what_is_nested_too_deeply_to_be_sent_on_is_refused_by_name(name: str) -> None:
    value = b'{"request_id":"a","%s":%s}' % (name.encode(), nested(500))
    reading = unreadable(value)
    assert (reading.code, reading.field, reading.request_id) == ("invalid_request", name, "a")
    assert reading.reason == f"{name}: is nested more than {MAX_LEVELS} levels deep; flatten it"


def test_what_is_nested_less_deeply_can_be_sent_on() -> None:
    value = b'{"messages":[{"role":"user","content":[{"type":"text","text":%s}]}],"tools":[{"a":%s}],"seed":%s}'
    reading = read_request(value % (nested(240), nested(240), nested(240)), MAX_BYTES)
    assert isinstance(reading, Request)
    assert orjson.dumps([reading.chat_messages(), reading.tools, reading.parameters])


POISON = {
    "a name of a megabyte": {"prompt": "x", "ab_cdefghij" * 90_000: 1},
    "many bad messages": {"messages": [1] * 400_000},
    "many bad parts": {"messages": [{"role": "user", "content": [1] * 400_000}]},
    "many bad roles": {"messages": [{"role": ""}] * 70_000},
    "many tools": {"prompt": "x", "tools": [1] * 400_000},
    "many bad tags": {"prompt": "x", "metadata": {str(number): [] for number in range(90_000)}},
    "many unknown fields": {str(number): 1 for number in range(90_000)},
    "many digits": {"prompt": "x", "max_cost_usd": "0." + "1" * 900_000},
}


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON.keys())
def test_a_megabyte_of_poison_is_refused_before_anybody_notices(poison: object) -> None:
    value = orjson.dumps(poison)
    took_s = []
    for _ in range(3):  # a collection of garbage that others left may fall into one of them
        begun_s = time.process_time()
        reading = unreadable(value)
        took_s.append(time.process_time() - begun_s)
    assert min(took_s) < 0.5, "it held up everything else"
    assert len(reading.reason) <= 500
    assert len(reading.field or "") <= 100


def test_the_trace_context_passes_through_unchanged() -> None:
    headers = {"traceparent": PARENT.encode(), "tracestate": b"a=1, b=\t2", "other": b"x"}
    assert trace_of(headers) == {"traceparent": PARENT, "tracestate": "a=1, b=\t2"}
    assert trace_id(trace_of(headers)) == "4bf92f3577b34da6a3ce929d0e0e4736"


def test_a_trace_context_of_a_later_version_passes_through_too() -> None:
    parent = "cc" + PARENT[2:] + "-what-the-future-brings"
    assert trace_of({"traceparent": parent.encode()}) == {"traceparent": parent}
    assert trace_id({"traceparent": parent}) == "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize(
    "parent",
    [None, b"", b"00-short-00f067aa0ba902b7-01", PARENT.upper().encode(), PARENT.encode() + b"\r\nx: y", b"\xff" * 55],
)
def test_a_trace_context_that_is_not_well_formed_is_left_behind(parent: bytes | None) -> None:
    trace = trace_of({"traceparent": parent, "tracestate": b"a=1"})
    assert trace == {}
    assert trace_id(trace) is None


@pytest.mark.parametrize("state", [None, b"", b"a=1\r\nx: y", "a=ü".encode()])
def test_a_bad_tracestate_does_not_take_the_traceparent_with_it(state: bytes | None) -> None:
    assert trace_of({"traceparent": PARENT.encode(), "tracestate": state}) == {"traceparent": PARENT}


def test_without_headers_there_is_no_trace() -> None:
    assert trace_of({}) == {}


def test_a_record_is_a_cloud_event_in_binary_mode() -> None:
    failover = Failover(
        occurred_at=datetime(2026, 1, 31, 12, tzinfo=UTC),
        request_model="m",
        provider_name="p",
        from_state="closed",
        to_state="open",
        reason="errors",
        alternatives=(),
        worker="w",
    )
    in_hanoi = failover.occurred_at.astimezone(timezone(timedelta(hours=7)))
    assert event_headers(failover, "w:1", "mô hình", in_hanoi, {"traceparent": PARENT}) == [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"w:1"),
        ("ce_source", b"turnout"),
        ("ce_type", b"turnout.failover"),
        ("ce_time", b"2026-01-31T12:00:00Z"),
        ("ce_subject", "mô hình".encode()),
        ("content-type", b"application/json"),
        ("traceparent", PARENT.encode()),
    ]


def test_the_id_of_a_replay_ends_with_the_place_of_its_dead_letter() -> None:
    assert replay_suffix({"turnout-replay-of": b"0:17"}) == ":replay:0:17"


@pytest.mark.parametrize("value", [None, b"", b"0", b"0:17 ", b"a:b", b"-1:0", b"0:" + b"1" * 19, b"\xff:1"])
def test_what_names_no_place_makes_no_replay(value: bytes | None) -> None:
    assert not replay_suffix({"turnout-replay-of": value})
    assert not replay_suffix({})


@pytest.mark.parametrize("levels", range(MAX_LEVELS - 4, 258))
@pytest.mark.parametrize("name", ["stop", "logit_bias", "functions"])
def test_whatever_is_taken_can_be_written_however_deep_it_is(name: str, levels: int) -> None:
    reading = read_request(b'{"request_id":"a","prompt":"x","%s":%s}' % (name.encode(), nested(levels)), MAX_BYTES)
    if isinstance(reading, Request):
        orjson.dumps(reading.model_dump(mode="json"))
        assert levels <= MAX_LEVELS
    else:
        assert reading.field == name


def test_what_is_too_large_is_not_parsed() -> None:
    value = b'{"request_id":"big","prompt":"' + b"x" * 300_000 + b'"'  # no JSON: it is never closed
    reading = read_request(value, 1024)
    assert isinstance(reading, Unreadable)
    assert (reading.code, reading.request_id) == ("too_large", "big")
    assert reading.reason == f"the value has {len(value)} bytes, 1024 are allowed; shorten the prompt"
    at_the_end = b'{"prompt":"' + b"x" * 300_000 + b'","request_id":"last"}'
    assert read_request(at_the_end, 1024) == replace(
        reading,
        reason=f"the value has {len(at_the_end)} bytes, 1024 are allowed; shorten the prompt",
        request_id="last",
    )


def test_a_key_that_would_not_fit_beside_an_answer_is_refused_and_its_answer_has_the_begin_of_it() -> None:
    value = b'{"request_id":"a","prompt":"x"}'
    longest = Delivery(Origin("requests", 0, 7), 0, b"k" * MAX_KEY_BYTES, value, ())
    assert isinstance(read_record(longest, MAX_BYTES), Request)
    longer = replace(longest, key=b"k" * MAX_KEY_BYTES + b"l")
    reading = read_record(longer, MAX_BYTES)
    assert isinstance(reading, Unreadable)
    assert (reading.code, reading.request_id) == ("too_large", "a")
    assert reading.reason == "the record's key has 16385 bytes, 16384 are allowed; shorten it"
    assert longer.answer_key == longest.answer_key == longest.key
    assert replace(longest, key=None).answer_key is None


def test_a_header_whose_name_is_not_utf_8_is_refused_by_its_name() -> None:
    headers = [("mine", b"1"), (UndecodedName(r"\xff\xfe"), b"2")]
    record = Delivery(Origin("requests", 0, 7), 0, b"k", b'{"request_id":"a","prompt":"x"}', headers)
    assert read_record(record, MAX_BYTES) == Unreadable(
        "not_utf8", r"a header's name is not UTF-8: \xff\xfe; name it in UTF-8, or leave it out", "a"
    )
    assert isinstance(read_record(replace(record, headers=[(r"\xff\xfe", b"2")]), MAX_BYTES), Request)


@pytest.mark.parametrize(
    ("state", "passed_on"),
    [
        (b"a=" + b"x" * 510, "a=" + "x" * 510),
        (b"a=1,b=" + b"x" * 508, "a=1"),
        (b"a=" + b"x" * 509 + b", b=2", "a=" + "x" * 509),
        (b"a=" + b"x" * 511, None),
        (b"a=" + b"x" * 1_000_000, None),
        (
            b",".join(b"k%03d=%s" % (n, b"v" * 20) for n in range(100)),
            ",".join(f"k{n:03}={'v' * 20}" for n in range(19)),
        ),
    ],
)
def test_so_much_of_a_tracestate_is_passed_on_as_w3c_demands_in_whole_members(
    state: bytes, passed_on: str | None
) -> None:
    parent = b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01"
    assert trace_of({"traceparent": parent, "tracestate": state}).get("tracestate") == passed_on


def test_a_traceparent_without_end_is_passed_over() -> None:
    parent = b"01-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01-"
    assert trace_of({"traceparent": parent + b"x" * (MAX_TRACE_CHARS - len(parent))})
    assert not trace_of({"traceparent": parent + b"x" * MAX_TRACE_CHARS})
