"""Whatever stands on the requests topic is read or found unreadable; nothing is raised."""

import orjson
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.requests import PROVIDER_PARAMETERS, Request
from streams.codec import Unreadable, read_request

MAX_BYTES = 100_000
unhurried = settings(deadline=None)
"""A busy machine is no finding."""

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["fast", "cost", "user", "1e400", "NaN", "2026-01-31T12:00:00Z", "/v1/chat/completions"])
)
keys = st.sampled_from(
    [*Request.model_fields, *sorted(PROVIDER_PARAMETERS), "custom_id", "body", "url", "stream", "n", "role", "content"]
) | st.text(max_size=8)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=6),
    max_leaves=12,
)
requests = st.dictionaries(keys, json_values, max_size=8)
"""Objects that look like requests, and are some."""


def check(value: bytes | None) -> None:
    reading = read_request(value, MAX_BYTES)
    if isinstance(reading, Unreadable):
        assert reading.code in {"empty", "not_utf8", "not_json", "invalid_request", "too_large"}
        assert 0 < len(reading.reason) <= 500
        assert reading.request_id is None or 0 < len(reading.request_id) <= 256
        assert reading.reason.encode()
    else:
        assert orjson.dumps([reading.chat_messages(), reading.tools, reading.parameters, reading.metadata])
        assert Request.decode(reading.encode()) == reading
        assert isinstance(reading.question, str)


@unhurried
@given(st.none() | st.binary(max_size=200))
@example(b"[" * 300 + b"]" * 300)
@example(b'{"":' * 300 + b"1" + b"}" * 300)
def test_any_bytes_are_read_or_found_unreadable(value: bytes | None) -> None:
    check(value)


@unhurried
@given(json_values)
def test_any_json_is_read_or_found_unreadable(value: object) -> None:
    check(orjson.dumps(value))


@unhurried
@given(requests, st.sampled_from([{}, {"prompt": "x"}, {"messages": [{"role": "user", "content": "x"}]}]))
def test_anything_like_a_request_is_read_or_found_unreadable(
    fields: dict[str, object], core: dict[str, object]
) -> None:
    check(orjson.dumps({**fields, **core}))


@unhurried
@given(requests)
def test_any_batch_line_is_read_or_found_unreadable(body: dict[str, object]) -> None:
    check(orjson.dumps({"custom_id": "a", "body": body}))


@unhurried
@given(st.text(min_size=1))
def test_any_prompt_is_read_as_it_was_written(prompt: str) -> None:
    reading = read_request(orjson.dumps({"prompt": prompt}), MAX_BYTES)
    assert isinstance(reading, Request)
    assert reading.prompt == prompt
