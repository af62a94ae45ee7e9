import pytest

from streams.providers.secrets import REMOVED, Scrubber

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
