"""Keys are taken out of what providers say, in whichever form they repeat them, and wherever they stand."""

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from html import escape
from urllib.parse import quote

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from router.errors import Answer
from streams.providers.exchange import Reply
from streams.providers.outcomes import OutcomeReader
from streams.providers.secrets import _PATTERNS, REMOVED, Scrubber
from tests.unit.streams.providers.replies import completion

scrub = Scrubber(["known-key-1", "known-key-12", "abc"])


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("key known-key-1 is bad", f"key {REMOVED} is bad"),
        ("key known-key-12 is bad", f"key {REMOVED} is bad"),
        ("x=known-key-1&y", f"x={REMOVED}&y"),
        ("Incorrect API key provided: sk-proj-ab12cd34.", f"Incorrect API key provided: {REMOVED}"),
        ("Incorrect API key provided: sk-ab********yz", f"Incorrect API key provided: {REMOVED}"),
        ("sk-ant-REDACTED", REMOVED),
        ("'Authorization: Bearer eyJhbGciOi.eyJzdWIi.c2ln'", f"'Authorization: {REMOVED}'"),
        ("authorization: abcdef0123456789", f"authorization: {REMOVED}"),
        ("bearer abcdefghij", REMOVED),
        ("AIzaSyA1234567890abcdefghijklmnopqrstuv", REMOVED),
        ("gsk_abcdefghijklmnop", REMOVED),
        ("xai-abcdefghijklmnop", REMOVED),
        ("AKIAIOSFODNN7EXAMPLE", REMOVED),
        ("token eyJhbGciOiJIUzI1.eyJzdWIiOiIx.abc-def_", f"token {REMOVED}"),
        ("https://me:pass@x.example/v1", f"https://{REMOVED}@x.example/v1"),
        ("https://x.example/v1?key=abcdef&alt=sse", f"https://x.example/v1?key={REMOVED}&alt=sse"),
        ("api-key: 0123456789abcdef", f"api-key: {REMOVED}"),
    ],
)
def test_keys_and_what_looks_like_keys_are_taken_out(text: str, scrubbed: str) -> None:
    assert scrub(text) == scrubbed


FRAGMENTS = (
    *("Bearer ", "basic ", "sk-", "gsk_", "xai-", "PPLX-", "nvapi_", "hf_", "r8_", "fw-", "csk-", "tgp_v1_", "ghp_"),
    *("glpat-", "AIza", "ya29.", "AKIA", "asia", "eyJ", "://", "@", ":", "?key=", "&token=", "?sig=", "&api_key="),
    *("?api-key=", "&apikey=", "api-key: ", "API_KEY: ", "apikey: ", "authorization: ", "abcdefgh", "0123456789AB"),
    *("=", ".", "-", "_", " ", "é", "ſk-", "basıc "),  # noqa: RUF001  (letters that are taken for s and i)
)


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=8).map("".join))
def test_what_has_no_beginning_of_a_key_in_it_has_no_key_in_it(text: str) -> None:
    assert Scrubber()(text) == _PATTERNS.sub(REMOVED, text)


@pytest.mark.parametrize(
    "text",
    [
        "abc is too short to be a key",
        "the task-force asked about risk-taking and disk-space",
        "a bearer of bad news",
        "Rate limit reached for gpt-4.1 in organization org-x on tokens per min (TPM): Limit 30000",
        "The model `sk-2` does not exist",
        "basic English is fine",
    ],
)
def test_plain_words_stay(text: str) -> None:
    assert scrub(text) == text


def test_without_keys_it_still_knows_what_keys_look_like() -> None:
    assert Scrubber()("sk-0123456789") == REMOVED


KEY = "q7Zk3/vT+9mW2xLr8bNc5dHf1gJs4pYa=="
"""As Azure's and others': nothing in it says that it is one."""
CORE = KEY[3:-5]
VISIBLE = st.text([chr(code) for code in range(0x21, 0x7F) if chr(code) != ":"], min_size=16, max_size=60)
reader = OutcomeReader(Scrubber([KEY]))


@pytest.mark.parametrize(
    "written",
    [
        KEY,
        quote(KEY),
        quote(KEY, safe=""),
        quote(KEY, safe="").replace("%2F", "%2f"),
        quote(quote(KEY, safe=""), safe=""),
        KEY.replace("/", "\\/"),
        KEY.replace("/", "\\\\/"),
        KEY.replace("=", "\\u003d").replace("+", "\\u002B"),
        KEY.replace("/", "&#x2F;").replace("=", "&#61;"),
        *(b64encode(b"u" * before + KEY.encode() + b":" * after).decode() for before in range(3) for after in range(3)),
        urlsafe_b64encode(f"user:{KEY}".encode()).decode(),
        quote(b64encode(f"Bearer {KEY}".encode()).decode(), safe=""),
    ],
)
def test_a_key_is_known_as_encoders_write_it(written: str) -> None:
    scrub = Scrubber([KEY])
    kept = scrub(f"bad key {written} given")
    assert REMOVED in kept
    assert written[14:30] not in kept
    assert scrub.body(written.encode()).count(REMOVED.encode()) == 1
    for detail in (
        reader.from_reply(Reply(401, {}, f'x {{"error": "bad key {written}"'.encode()), 0.0),
        reader.from_reply(Reply(401, {}, orjson.dumps({"error": {"message": f"bad key {written}"}})), 0.0),
        reader.from_reply(Reply(401, {}, orjson.dumps({"error": {"code": f"bad_{written}"}})), 0.0),
        reader.from_reply(Reply(302, {"location": f"https://x.example/?k={written}"}, b""), 0.0),
        reader.from_reply(Reply(200, {}, f"<html><title>{written}</title></html>".encode()), 0.0),
        reader.from_reply(Reply(200, {"content-encoding": written}, b"?"), 0.0),
    ):
        assert written[14:30] not in repr(detail)
        assert written[14:30].lower() not in repr(detail)


@settings(deadline=None)
@given(st.binary(min_size=16, max_size=60).map(lambda data: b64encode(data).decode()), st.binary(), st.binary())
def test_a_key_in_base64_is_found_wherever_it_begins(key: str, before: bytes, after: bytes) -> None:
    assert REMOVED in Scrubber([key])(b64encode(before + key.encode() + after).decode())


@settings(deadline=None)
@given(VISIBLE, st.sampled_from([quote, escape, lambda key: orjson.dumps(key).decode()]))
def test_any_key_is_found_in_any_form(key: str, form: Callable[[str], str]) -> None:
    assert Scrubber([key])(f"<{form(key)}>").strip('<">') == REMOVED


@pytest.mark.parametrize("place", range(1900, 2010))
@pytest.mark.parametrize("body", ["{}", "<html>{}</html>", '{{"error": {{"message": "{}"}}}}'])
def test_a_key_is_not_halved_by_what_is_read_of_an_error(body: str, place: int) -> None:
    words = body.format(f"{' ' * place}{KEY} is bad")
    assert KEY[:8] not in repr(reader.from_reply(Reply(401, {}, words.encode()), 0.0))


@pytest.mark.parametrize("place", range(370, 410, 3))
def test_a_key_is_not_halved_by_what_is_shown_of_a_body_that_is_none(place: int) -> None:
    assert KEY[:8] not in repr(reader.from_reply(Reply(200, {}, f"{'_ ' * (place // 2)}{KEY}".encode()), 0.0))


@pytest.mark.parametrize("said", [KEY, f"alpha for Bearer {KEY}", quote(KEY, safe=""), "sk-0123456789abcdef"])
@pytest.mark.parametrize("field", ["id", "model", "service_tier", "finish_reason", "content", "extra", "role", "call"])
def test_nothing_that_is_kept_of_an_answer_has_the_key(field: str, said: str) -> None:
    beside: dict[str, JsonValue] = {field: said} if field in {"id", "model", "service_tier"} else {}
    message: dict[str, JsonValue] = {
        "content": said if field == "content" else "hi",
        "role": said if field == "role" else "assistant",
        "debug_headers": {"authorization": said} if field == "extra" else None,
        "tool_calls": [{"id": said, "function": {"name": "f", "arguments": "{}"}}] if field == "call" else [],
    }
    reason = {"finish_reason": said} if field == "finish_reason" else {}
    answer = reader.from_reply(Reply(200, {}, orjson.dumps(completion(message, top=beside, **reason))), 0.0)
    assert isinstance(answer, Answer)
    assert CORE not in repr(answer)
    if field in {"id", "model", "service_tier", "finish_reason"}:
        assert said not in repr(answer), "what only looks like a key is taken out too, beside the answer"
        assert REMOVED in repr(answer)


def test_a_word_that_is_set_for_a_key_does_not_spoil_an_answer() -> None:
    body = orjson.dumps(completion({"content": "The file is EMPTY.", "role": "assistant"}))
    answer = OutcomeReader(Scrubber(["EMPTY", "content"])).from_reply(Reply(200, {}, body), 0.0)
    assert isinstance(answer, Answer)
    assert answer.message.content == "The file is EMPTY."


def test_a_key_is_taken_out_of_further_answers() -> None:
    body = completion()
    choices = body["choices"]
    assert isinstance(choices, list)
    choices.append({"index": 1, "message": {"content": "two"}, "finish_reason": "sk-0123456789abcdef"})
    answer = reader.from_reply(Reply(200, {}, orjson.dumps(body)), 0.0)
    assert isinstance(answer, Answer)
    assert [choice.finish_reason for choice in answer.other_choices] == [REMOVED]
