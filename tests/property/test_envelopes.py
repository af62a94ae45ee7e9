"""Whatever a request is wrapped in, it is served as it was meant, or refused by a field and a fix under its id."""

from base64 import b64encode
from collections.abc import Callable

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.requests import Request
from streams.codec import Unreadable, read_request

MAX_BYTES = 1_000_000
Wrap = Callable[[bytes], bytes]


def of_object(wrap: Callable[[object], object]) -> Wrap:
    return lambda value: orjson.dumps(wrap(orjson.loads(value)))


EVENT = {"specversion": "1.0", "id": "e", "source": "/s", "type": "t"}
INSIDE: list[Wrap] = [
    of_object(lambda one: {"schema": {"type": "struct"}, "payload": one}),
    of_object(lambda one: {**EVENT, "data": one}),
    of_object(  # a row is an object
        lambda one: (
            {"op": "c", "before": None, "after": one, "source": {}, "ts_ms": 1} if isinstance(one, dict) else one
        )
    ),
    lambda value: orjson.dumps({**EVENT, "data_base64": b64encode(value).decode()}),
    lambda value: orjson.dumps({"schema": {"type": "string"}, "payload": value.decode()}),
    lambda value: orjson.dumps(value.decode()),
]
"""May stand in one another."""
OUTSIDE: list[Wrap] = [
    lambda value: value,
    lambda value: b"\xef\xbb\xbf" + value,
    lambda value: b"\0\0\0\0\x07" + value,
    lambda value: b"\3\0" + bytes(16) + value,
    lambda value: b"  \r\n" + value + b"\n",
]
UNREADABLE: list[Wrap] = [
    lambda value: value.decode().encode("utf-16"),
    lambda value: value[:-1] + b",}",
    lambda value: value[:-1],
    lambda value: value[:-1] + b',"temperature":NaN}',
    of_object(lambda one: {"op": "u", "before": None, "after": one, "source": {}}),
    of_object(lambda one: {"envelope": one, "sent_by": "us"}),
    of_object(lambda one: {"Message": one}),
    of_object(lambda one: [one]),
]
requests = st.builds(
    lambda request_id, prompt, tags, form: (
        {"custom_id": request_id, "body": {"messages": [{"role": "user", "content": prompt}], "metadata": tags}}
        if form
        else {"request_id": request_id, "prompt": prompt, "metadata": tags, "model": None}
    ),
    st.text("abc-0", min_size=1, max_size=8),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
    st.dictionaries(
        st.text("xyz", max_size=3), st.none() | st.integers(0, 9) | st.text("q\\ü'\"", max_size=3), max_size=2
    ),
    st.booleans(),
)
unhurried = settings(deadline=None)


@unhurried
@given(requests, st.lists(st.sampled_from(INSIDE), max_size=3), st.sampled_from(OUTSIDE))
def test_a_request_that_is_wrapped_unambiguously_is_read_as_it_was_meant(
    request: dict[str, object], inside: list[Wrap], outside: Wrap
) -> None:
    value = orjson.dumps(request)
    for wrap in inside:
        value = wrap(value)
    reading, meant = read_request(outside(value), MAX_BYTES), Request.model_validate(request)
    assert isinstance(reading, Request), reading.reason
    assert reading.model_dump_json() == meant.model_dump_json()


@unhurried
@given(requests, st.sampled_from(UNREADABLE))
def test_any_other_is_refused_by_a_sentence_under_its_id(request: dict[str, object], spoil: Wrap) -> None:
    found = read_request(spoil(orjson.dumps(request)), MAX_BYTES)
    assert isinstance(found, Unreadable)
    assert found.request_id == (request.get("request_id") or request.get("custom_id"))
    place = "the value" if found.field is None else found.field
    assert found.reason.startswith((f"{place}: ", "the value "))
