"""Whatever a provider sends, its outcome is one of the closed set, nothing is raised, no readable answer is lost."""

import gzip
import json
import re
import zlib
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from router.errors import DISPOSITIONS, Answer, UpstreamFailure
from schemas.requests import JsonObject
from streams.providers.exchange import Reply
from streams.providers.outcomes import DETAIL_CHARS, OutcomeReader
from streams.providers.secrets import Scrubber
from streams.providers.usage import MAX_TOKENS, read_usage
from streams.providers.waits import MAX_WAIT_S

NOW_S = 1_800_000_000.0
KEY = "the-operators-key"
READER = OutcomeReader(Scrubber([KEY]))
TEXT = "forty two"

NAMES = st.sampled_from(
    re.findall(
        r"\w+",
        """
    id model choices index message delta text role content type thinking refusal tool_calls function arguments
    name finish_reason logprobs usage prompt_tokens completion_tokens total_tokens prompt_tokens_details cached_tokens
    completion_tokens_details reasoning_tokens cost service_tier error code detail metadata raw data result output
    annotations audio extra citations reasoning_content eval_count input_tokens cache_read_input_tokens
    """,
    )
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.integers(0, 500),
    st.floats(allow_nan=True),
    st.text(max_size=20),
    st.sampled_from(["stop", "error", "content_filter", "length", "2m59s", "nan", KEY, f"Bearer {KEY}", "\ud83d"]),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.text(max_size=5), inner, max_size=6),
    max_leaves=30,
)
HEADERS = st.dictionaries(
    st.sampled_from(
        re.findall(
            r"\S+",
            """
    content-type content-encoding retry-after retry-after-ms location x-ratelimit-reset x-ratelimit-remaining
    x-ratelimit-reset-tokens x-ratelimit-remaining-tokens
    """,
        )
    ),
    st.sampled_from(
        re.findall(r"\S+", "application/json text/html gzip br 0 7 -1 inf nan 1e999 6m0s 1800000030 soon https://x.y/")
    )
    | st.sampled_from(["", "deflate, gzip", "Thu, 01 Jan 2099 00:00:00 GMT"]),
    max_size=5,
)
STATUSES = st.sampled_from([200, 201, 204, 301, 307, 400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 498, 499])
STATUSES |= st.sampled_from([500, 502, 503, 504, 520, 524, 529, 599, 999])


def written(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=True).encode()


def checked(status: int, headers: dict[str, str], content: bytes) -> Answer | UpstreamFailure:
    """Read the reply, and check what holds of every outcome."""
    outcome = READER.from_reply(Reply(status, httpx.Headers(headers), content), NOW_S)
    if isinstance(outcome, Answer):
        # what is published is JSON that can be written and read again
        assert orjson.loads(orjson.dumps([[[[outcome.message.model_dump(), outcome.logprobs]]]]))
        assert all(orjson.dumps(choice.model_dump()) for choice in outcome.other_choices)
        usage = outcome.usage
    else:
        assert outcome.category in DISPOSITIONS
        assert 0 < len(outcome.detail) <= DETAIL_CHARS
        assert KEY not in outcome.detail
        assert outcome.detail.encode()
        assert outcome.retry_after_s is None or 0 <= outcome.retry_after_s <= MAX_WAIT_S
        usage = outcome.usage
    if usage is not None:
        parts = (usage.cached_input_tokens or 0) + (usage.cache_write_tokens or 0)
        assert usage.input_tokens >= parts or usage.input_tokens == MAX_TOKENS
        assert usage.provider_cost_usd is None or usage.provider_cost_usd.is_finite()
    return outcome


@given(STATUSES, HEADERS, VALUES)
def test_any_json_has_an_outcome(status: int, headers: dict[str, str], value: object) -> None:
    checked(status, headers, written(value))


@given(STATUSES, HEADERS, st.binary(max_size=200))
def test_any_bytes_have_an_outcome(status: int, headers: dict[str, str], content: bytes) -> None:
    checked(status, headers, content)


@given(STATUSES, st.text(alphabet='{}[]",:dataevent \\ud83d0123456789.eE+-nulltruefalseNaN\n<html>/', max_size=200))
def test_any_text_that_is_nearly_json_has_an_outcome(status: int, text: str) -> None:
    checked(status, {}, text.encode())


ODD = st.dictionaries(NAMES | st.text(max_size=5), VALUES, max_size=5)
KEPT_IN_CHOICE = {"message", "finish_reason", "error", "index"}


@st.composite
def completions(draw: st.DrawFn) -> bytes:
    """A completion with readable text in it, and anything at all beside it, written in one of the ways of the world."""
    odd_message = {name: value for name, value in draw(ODD).items() if name != "content"}
    content: Any = draw(st.sampled_from([TEXT, [{"type": "text", "text": TEXT}], [TEXT], {"text": TEXT}]))
    odd_choice = {name: value for name, value in draw(ODD).items() if name not in KEPT_IN_CHOICE}
    choice = {**odd_choice, "message": {**odd_message, "content": content}, "finish_reason": draw(FINISH)}
    odd_top = {name: value for name, value in draw(ODD).items() if name != "choices"}
    if isinstance(odd_top.get("error"), dict):
        del odd_top["error"]  # it may say that the answer broke off
    body = written({**odd_top, "choices": [choice]})
    around = draw(st.sampled_from([b"%s", b"\xef\xbb\xbf%s", b"\n\n %s\n", b": wait\n\n%s", b"%s trailing", b"[%s]"]))
    return around.replace(b"%s", body)


FINISH: st.SearchStrategy[Any] = st.sampled_from(
    [None, "stop", "length", "tool_calls", "content_filter", "", 7, ["stop"], {}]
)


@given(completions(), st.sampled_from(["", "gzip", "deflate"]), st.sampled_from([200, 201, 299]))
def test_a_paid_answer_with_readable_text_is_never_thrown_away(body: bytes, encoding: str, status: int) -> None:
    packed = {"": body, "gzip": gzip.compress(body), "deflate": zlib.compress(body)}[encoding]
    answer = checked(status, {"content-encoding": encoding}, packed)
    assert isinstance(answer, Answer), answer
    assert answer.message.content == TEXT


COUNTS = st.one_of(st.none(), st.integers(0, 2000), st.integers(-5, 2**40))
DETAILS = st.none() | st.dictionaries(st.sampled_from(["cached_tokens", "reasoning_tokens", "audio_tokens"]), COUNTS)


@given(
    st.fixed_dictionaries(
        {"prompt_tokens": COUNTS, "completion_tokens": COUNTS, "total_tokens": COUNTS},
        optional={
            "prompt_tokens_details": DETAILS,
            "completion_tokens_details": DETAILS,
            "cached_tokens": COUNTS,
            "cache_read_input_tokens": COUNTS,
            "cache_creation_input_tokens": COUNTS,
            "reasoning_tokens": COUNTS,
        },
    )
)
def test_a_usage_without_a_doubt_adds_up(usage: dict[str, Any]) -> None:
    read = read_usage({"usage": usage}, lambda: TEXT)
    if read is None or read.doubt is not None:
        return
    assert read.output_tokens >= (read.reasoning_tokens or 0) or read.output_tokens >= 1
    if usage["total_tokens"] is not None:
        assert read.input_tokens + read.output_tokens == usage["total_tokens"]


@given(st.integers(1, 1000), st.integers(1, 1000), DETAILS, DETAILS)
def test_the_short_way_through_openais_usage_leads_where_the_long_one_does(
    prompt: int, completion: int, of_prompt: JsonValue, of_completion: JsonValue
) -> None:
    usage: JsonObject = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": of_prompt,
        "completion_tokens_details": of_completion,
    }
    # a field that no table knows sends it the long way
    long_way = read_usage({"usage": {**usage, "unheard_of": 1}}, lambda: TEXT)
    short_way = read_usage({"usage": usage}, lambda: TEXT)
    assert short_way == long_way


@pytest.mark.parametrize("depth", [10, 250, 260, 1000, 1100, 50_000])
def test_any_depth_of_brackets_has_an_outcome(depth: int) -> None:
    for body in (
        b"[" * depth + b"]" * depth,
        b'{"error":' * depth + b"1" + b"}" * depth,
        b'{"choices":[{"message":{"content":"forty two","x":' + b"[" * depth + b"]" * depth + b"}}]}",
    ):
        for status in (200, 400):
            checked(status, {}, body)
