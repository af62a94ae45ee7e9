import hashlib
from dataclasses import replace

from schemas.dead_letters import KEPT_BYTES, DeadLetter


def letter(request_id: str | None) -> DeadLetter:
    return DeadLetter(
        value=b"\xff",
        headers=(("traceparent", b"\xfe"), ("mine", b"1"), ("mine", b"2")),
        topic="llm.requests.v1",
        partition=3,
        offset=42,
        timestamp_ms=1_769_860_800_118,
        code="not_utf8",
        reason="byte 0 is not UTF-8; encode the JSON as UTF-8",
        request_id=request_id,
    )


def test_a_dead_letter_has_the_original_headers_in_order_and_turnouts_behind_them() -> None:
    assert letter("a").record_headers() == [
        ("traceparent", b"\xfe"),
        ("mine", b"1"),
        ("mine", b"2"),
        ("turnout-code", b"not_utf8"),
        ("turnout-reason", b"byte 0 is not UTF-8; encode the JSON as UTF-8"),
        ("turnout-original-topic", b"llm.requests.v1"),
        ("turnout-original-partition", b"3"),
        ("turnout-original-offset", b"42"),
        ("turnout-original-timestamp-ms", b"1769860800118"),
        ("turnout-request-id", b"a"),
    ]


def test_without_a_readable_id_there_is_no_header_for_one() -> None:
    assert "turnout-request-id" not in dict(letter(None).record_headers())


def test_a_dead_letter_is_whole_up_to_the_bound_and_cut_beyond_it() -> None:
    value = b"x" * 100_000
    large = replace(letter("a"), value=value, key=b"k" * 30_000)
    assert large.within(large.size) is large
    cut = large.within(large.size - 1)
    assert (cut.value, cut.key, cut.headers) == (value[:KEPT_BYTES], b"k" * KEPT_BYTES, large.headers)
    assert (cut.original_bytes, cut.original_sha256) == (len(value), hashlib.sha256(value).hexdigest())
    assert cut.reason.startswith(f"{large.reason}; the record has {large.size} bytes, more than the {large.size - 1} ")
    assert replace(large, value=None).within(0).value is None
