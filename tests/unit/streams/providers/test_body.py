"""Bodies that are no plain JSON. Sources stand with the cases; without one, they are our own."""

import gzip
import zlib

import orjson
import pytest

from schemas.requests import JsonObject
from schemas.vocabulary import AttemptOutcome
from streams.providers.body import UnreadableBody, parsed, plain_text, unpacked
from tests.unit.streams.providers.replies import USAGE, answer_of, completion, failure_of

PLAIN = orjson.dumps(completion())
LIMIT = 1_000_000


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf" + PLAIN,
        b"\n\n   \n" + PLAIN,  # keep-alive blank lines: DeepSeek, "Rate limit"; OpenRouter
        b": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n" + PLAIN,
        b"\x00\x00" + PLAIN,
        PLAIN + b"\n\n",
        PLAIN + b"<!-- served by proxy -->",
        PLAIN + b"\x00",
        PLAIN + PLAIN,
        b")]}'\n" + PLAIN,
        PLAIN.decode().encode("utf-16"),
        orjson.dumps(PLAIN.decode()),
        b"[" + PLAIN + b"]",
        b'{"success": true, "result": ' + PLAIN + b"}",  # Cloudflare's gateway
        b'{"data": {"response": {"body": ' + PLAIN + b"}}}",
    ],
)
def test_what_stands_around_a_completion_does_not_hide_it(body: bytes) -> None:
    answer = answer_of(body)
    assert (answer.message.content, answer.response_id) == ("an answer", "x1")
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.doubt) == (100, None)


def test_numbers_that_are_none_are_null() -> None:
    # NVIDIA-NeMo/RL#2962, dphnAI/sonar#183: NaN among logprobs
    text = orjson.dumps(completion(logprobs={"content": [{"token": "a", "logprob": 0, "top": [1, 2]}]})).decode()
    body = text.replace('"logprob":0', '"logprob":NaN').replace("[1,2]", "[-Infinity,1e999]").encode()
    assert answer_of(body).logprobs == {"content": [{"token": "a", "logprob": None, "top": [None, None]}]}


def test_half_a_surrogate_pair_becomes_a_replacement_character_and_a_whole_one_its_character() -> None:
    # rllm-org/rllm#879: an answer that was cut in the middle of an emoji
    text = '{"choices": [{"message": {"content": "cut \\ud83d"}}, {"message": {"content": "\\ud83d\\ude00"}}]}'
    answer = answer_of(text.encode())
    assert answer.message.content == "cut \ufffd"
    assert answer.other_choices[0].message.content == "\U0001f600"


def test_bytes_that_are_no_utf_8_become_replacement_characters() -> None:
    assert answer_of(PLAIN.replace(b"an answer", b"caf\xe9")).message.content == "caf\ufffd"


def test_control_characters_in_a_string_are_kept() -> None:
    assert answer_of(PLAIN.replace(b"an answer", b"a\tb\nc")).message.content == "a\tb\nc"
    assert answer_of(PLAIN.replace(b"an answer", b"a\\u0000b")).message.content == "a\x00b"
    assert answer_of(PLAIN.replace(b"alpha-2026", b"m\\u0000")).response_model == "m\ufffd"


@pytest.mark.parametrize(
    ("packed", "encoding"),
    [
        (gzip.compress(PLAIN), "gzip"),
        (gzip.compress(PLAIN), "x-gzip"),
        (gzip.compress(PLAIN), ""),
        (gzip.compress(PLAIN[:50]) + gzip.compress(PLAIN[50:]), "gzip"),
        (zlib.compress(PLAIN), "deflate"),
        (zlib.compress(PLAIN, wbits=-15), "deflate"),
        (gzip.compress(zlib.compress(PLAIN)), "deflate, gzip"),
        (PLAIN, "gzip"),
        (PLAIN, "br"),
        (PLAIN, "identity"),
    ],
)
def test_a_packed_body_is_unpacked_although_it_was_not_asked_for(packed: bytes, encoding: str) -> None:
    assert answer_of(packed, content_encoding=encoding).message.content == "an answer"


@pytest.mark.parametrize("encoding", ["br", "zstd"])
def test_a_packing_that_is_not_known_is_named(encoding: str) -> None:
    failure = failure_of(bytes.fromhex("8b0280222268692203"), content_encoding=encoding)
    assert failure.category is AttemptOutcome.MALFORMED
    assert failure.detail == f"the body is packed as '{encoding}', which was not asked for"


def test_no_more_is_unpacked_than_the_bound() -> None:
    assert unpacked(gzip.compress(b"x" * LIMIT), "gzip", LIMIT) == b"x" * LIMIT
    with pytest.raises(UnreadableBody, match="larger than 1000000 bytes when it is unpacked"):
        unpacked(gzip.compress(b"x" * 10 * LIMIT), "gzip", LIMIT)


def test_what_can_be_unpacked_of_a_cut_body_is_read() -> None:
    packed = gzip.compress(PLAIN + b" " * 100_000)
    assert answer_of(packed[: len(packed) - 20], content_encoding="gzip").message.content == "an answer"


@pytest.mark.parametrize(
    ("body", "content_type", "why"),
    [
        (b"", "application/json", "the body is empty"),
        (b"  \n", "", "the body is empty"),
        (b"{", "", "the body is broken JSON: Expecting property name"),
        (b"ok", "text/plain", "the body is not JSON (text/plain): ok"),
        (b"<html><title>Sign in</title></html>", "text/html", "the body is an HTML page: Sign in"),  # promptfoo#5051
        (b"<!DOCTYPE html>\n<body><h1>Bad gateway</h1></body>", "", "the body is an HTML page: Bad gateway"),
        (b"<html><script>var x = 1</script></html>", "", "the body is an HTML page"),
        (b"data: [DONE]\n\n", "text/event-stream", "the body is an event stream (SSE) without a completion in it"),
        (b"[" * 3000, "", "the body is broken JSON: "),
        (b"[]", "", "the body is no JSON object"),
        (b"{}", "", "choices: missing"),
        (b'{"choices": []}', "", "choices: empty"),
    ],
)
def test_a_body_without_a_completion_is_malformed_and_says_what_it_is(body: bytes, content_type: str, why: str) -> None:
    failure = failure_of(body, content_type=content_type)
    assert (failure.category, failure.status_code) == (AttemptOutcome.MALFORMED, 200)
    assert failure.maybe_charged
    assert failure.detail.startswith(why)


def test_a_large_integer_is_a_float_or_keeps_its_digits() -> None:
    assert parsed(b'{"a": 1180591620717411303424}') == {"a": 1.1805916207174113e21}
    assert parsed(b'{"a": 1180591620717411303424}', exact=True) == {"a": 1180591620717411303424}
    assert parsed(b'{"a": NaN, "b": 1180591620717411303424}') == {"a": None, "b": 1.1805916207174113e21}
    assert parsed(b'{"a": NaN, "b": ' + b"9" * 5000 + b"}") == {"a": None, "b": None}


def test_a_page_full_of_open_tags_takes_no_time() -> None:
    assert plain_text("<html>" + "<script><title>" * 100_000).startswith("an HTML page")


def test_a_stream_that_was_not_asked_for_is_put_together() -> None:
    body = (
        'data: {"id":"x1","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"hel"}}]}\n\n'
        ": keep-alive\n\n"
        'event: message\ndata: {"choices":[{"index":0,"delta":{"content":"lo"},"finish_reason":null}]}\n\n'
        'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
        'data: {"choices":[],"usage":{"prompt_tokens":100,"completion_tokens":10,"total_tokens":110}}\n\n'
        "data: [DONE]\n\n"
    )
    answer = answer_of(body.encode(), content_type="text/event-stream")
    assert (answer.message.content, answer.message.role, answer.finish_reason) == ("hello", "assistant", "stop")
    assert (answer.response_id, answer.response_model) == ("x1", "m")
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.doubt) == (100, 10, None)


def test_a_streamed_tool_call_and_thought_are_put_together() -> None:
    chunks: list[JsonObject] = [
        {"delta": {"reasoning_content": "the "}},
        {"delta": {"reasoning_content": "time"}},
        {"delta": {"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "f"}}]}},
        {"delta": {"tool_calls": [{"index": 1, "id": "c2", "function": {"name": "g", "arguments": "{}"}}]}},
        {"delta": {"tool_calls": [{"index": 0, "function": {"arguments": '{"a":'}}]}},
        {"delta": {"tool_calls": [{"index": 0, "id": "", "function": {"arguments": "1}"}}]}},
        {"delta": {}, "finish_reason": "tool_calls"},
    ]
    body = "".join(f"data: {orjson.dumps({'choices': [{'index': 0, **chunk}]}).decode()}\n\n" for chunk in chunks)
    answer = answer_of(body.encode())
    assert answer.message.reasoning_content == "the time"
    assert answer.message.tool_calls == [
        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
        {"id": "c2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
    ]


def test_a_stream_that_breaks_off_in_a_line_keeps_what_came_before() -> None:
    body = b'data: {"choices":[{"delta":{"content":"half"}}]}\n\ndata: {"choices":[{"delta":{"con'
    assert answer_of(body).message.content == "half"


def test_a_stream_of_json_lines_is_put_together() -> None:
    lines = [
        {"model": "llama", "message": {"role": "assistant", "content": "hel"}, "done": False},
        {"model": "llama", "message": {"role": "assistant", "content": "lo"}, "done": False},
        {"model": "llama", "message": {"content": ""}, "done": True, "prompt_eval_count": 26, "eval_count": 2},
    ]
    answer = answer_of(b"\n".join(map(orjson.dumps, lines)))  # Ollama, "Generate a chat completion"
    assert answer.message.content == "hello"
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (26, 2)


def test_an_error_in_the_middle_of_a_stream_is_an_error() -> None:
    body = (
        b'data: {"choices":[{"index":0,"delta":{"content":"It"}}]}\n\n'
        b'data: {"error":{"code":502,"message":"Upstream went away"},'
        b'"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}\n\n'
    )
    failure = failure_of(body)  # OpenRouter, "Errors and debugging"
    assert failure.category is AttemptOutcome.UNAVAILABLE
    assert "Upstream went away" in failure.detail


def test_the_usage_of_an_answer_that_cannot_be_used_is_billed() -> None:
    failure = failure_of({"choices": 1, "usage": USAGE})
    assert failure.category is AttemptOutcome.MALFORMED
    assert failure.usage is not None
    assert failure.usage.input_tokens == 100


@pytest.mark.parametrize(
    ("charset", "encoding", "read"),
    [
        ("iso-8859-1", "latin-1", "caf\u00e9"),
        ('"GBK"', "gbk", "caf\u00e9"),
        ("utf-8", "utf-8", "caf\u00e9"),
        ("iso-8859-1", "utf-8", "caf\u00e9"),  # RFC 8259, section 8.1: JSON is UTF-8, and so it is
        ("nonsense", "latin-1", "caf\ufffd"),
        ("hex", "latin-1", "caf\ufffd"),
        ("idna", "latin-1", "caf\ufffd"),
        ("undefined", "latin-1", "caf\ufffd"),
        ("", "latin-1", "caf\ufffd"),
    ],
)
def test_a_body_is_read_in_the_character_set_that_it_is_written_in(charset: str, encoding: str, read: str) -> None:
    text = '{"choices":[{"message":{"content":"caf\u00e9"},"finish_reason":"stop"}]}'
    answer = answer_of(text.encode(encoding), content_type=f"application/json; charset={charset}")
    assert answer.message.content == read
