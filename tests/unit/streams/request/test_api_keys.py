"""Keys at the edge: read from one header, known by their digests, and copied nowhere."""

import hashlib

import pytest

from router.tenancy.admission import Presented
from streams.codec import without_key
from streams.request.api_keys import key_digest, make_key, presented_key


def test_each_key_is_new_and_known_by_its_sha256() -> None:
    keys = {make_key() for _ in range(100)}
    assert len(keys) == 100
    key = keys.pop()
    assert len(key) >= 43 + len("turnout-")
    assert key_digest(key.encode()) == hashlib.sha256(key.encode()).hexdigest()


@pytest.mark.parametrize("name", ["authorization", "Authorization", "AUTHORIZATION"])
@pytest.mark.parametrize("scheme", [b"Bearer ", b"bearer ", b"Bearer  "])
def test_a_key_is_read_from_the_header_in_any_spelling(name: str, scheme: bytes) -> None:
    assert presented_key([("other", b"1"), (name, scheme + b"k")]) == key_digest(b"k")


@pytest.mark.parametrize(
    "headers",
    [
        [("authorization", b"")],
        [("authorization", b"Bearer")],
        [("authorization", b"Bearer ")],
        [("authorization", b"Basic abc")],
        [("authorization", b"k")],
        [("authorization", b"Bearer " + 1000 * b"k")],
        [("authorization", b"Bearer k"), ("Authorization", b"Bearer k")],
    ],
)
def test_what_is_not_one_bearer_key_is_malformed(headers: list[tuple[str, bytes]]) -> None:
    assert presented_key(headers) is Presented.MALFORMED


def test_no_header_is_nothing() -> None:
    assert presented_key([("traceparent", b"x")]) is Presented.NOTHING


def test_what_is_copied_has_every_header_and_no_key() -> None:
    copied = list(without_key([("a", b"1"), ("Authorization", b"Bearer k"), ("a", b"2")]))
    assert copied == [("a", b"1"), ("Authorization", b"redacted"), ("a", b"2")]
