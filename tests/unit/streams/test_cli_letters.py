from dataclasses import replace

import pytest

from schemas.dead_letters import DeadLetter
from streams.cli.letters import Letter, LetterPlace, Selection, replayed_place
from streams.cli.partitions import ReadRecord

NOON_MS = 1_767_268_800_000
ORIGIN = b"llm.requests.v1-1-42"


def record(value: bytes | None = b"{}", key: bytes | None = b"key", request_id: str | None = "r1") -> ReadRecord:
    letter = DeadLetter(
        value=value,
        headers=(("mine", b"\xff"), ("turnout-replay-of", b"0:1"), ("turnout-replayed", b"0:9"), ("mine", b"2")),
        topic="llm.requests.v1",
        partition=1,
        offset=42,
        timestamp_ms=NOON_MS - 5,
        code="too_large",
        reason="the value has 2 bytes, 1 are allowed; shorten the prompt",
        request_id=request_id,
    )
    return ReadRecord("llm.dead-letters.v1", 0, 7, NOON_MS, value, tuple(letter.record_headers()), key)


def read(found: ReadRecord) -> Letter:
    letter = Letter.of(found)
    assert letter is not None
    return letter


def test_a_replay_has_the_original_headers_and_says_where_it_comes_from() -> None:
    assert read(record()).replay_headers() == [("mine", b"\xff"), ("mine", b"2"), ("turnout-replay-of", b"0:7")]


def test_a_letter_knows_the_topic_of_its_original_whatever_headers_that_had() -> None:
    assert read(record()).origin_topic == "llm.requests.v1"


def test_a_replay_has_the_original_key_or_none_if_there_was_none() -> None:
    assert read(record(key=b"key")).original_key() == b"key"
    assert read(record(key=ORIGIN)).original_key() is None
    # a record needs a key or a value
    assert read(record(value=None, key=ORIGIN)).original_key() == ORIGIN


def test_a_letter_that_is_cut_is_known_by_turnouts_own_header_alone() -> None:
    cut = ("turnout-original-bytes", b"150000000")
    found = record()
    assert not read(found).is_cut
    assert read(replace(found, headers=(*found.headers, cut))).is_cut
    assert not read(replace(found, headers=(cut, *found.headers))).is_cut, "a producer's own"


def test_a_marker_names_its_letter_and_is_none_itself() -> None:
    marker = ReadRecord("llm.dead-letters.v1", 0, 8, NOON_MS, None, tuple(read(record()).marker_headers()))
    assert replayed_place(marker) == LetterPlace(0, 7)
    assert Letter.of(marker) is None


def test_a_letter_whose_original_had_a_header_like_a_markers_is_a_letter() -> None:
    assert replayed_place(record()) is None
    assert read(record()).place == LetterPlace(0, 7)


def test_only_what_a_worker_wrote_behind_the_original_headers_is_believed_of_a_letters_tenant() -> None:
    forged = (("turnout-tenant", b"victim"), ("turnout-code", b"too_large"), ("turnout-tenant", b"victim"))
    plain, own = record(), (("turnout-tenant", b"acme"),)
    assert read(replace(plain, headers=(*forged, *plain.headers))).tenant is None
    assert read(replace(plain, headers=(*forged, *plain.headers, *own))).tenant == "acme"


@pytest.mark.parametrize("value", [b"", b"0", b"0:", b"-1:2", b"0:1:2", b"a:b", b"\xff:1", "\u0663:\u0661".encode()])
def test_a_marker_of_no_place_marks_nothing(value: bytes) -> None:
    assert replayed_place(ReadRecord("t", 0, 8, NOON_MS, None, (("turnout-replayed", value),))) is None


@pytest.mark.parametrize(
    ("selection", "is_meant"),
    [
        (Selection(), True),
        (Selection(codes=["not_json", "too_large"]), True),
        (Selection(codes=["not_json"]), False),
        (Selection(request_ids=["r1"]), True),
        (Selection(request_ids=["r2"]), False),
        (Selection(places=[LetterPlace(0, 7)]), True),
        (Selection(places=[LetterPlace(0, 42)]), False),
        (Selection(since_ms=NOON_MS), True),
        (Selection(since_ms=NOON_MS + 1), False),
        (Selection(until_ms=NOON_MS), False),
        (Selection(until_ms=NOON_MS + 1), True),
        (Selection(codes=["too_large"], request_ids=["r2"]), False),
    ],
)
def test_a_selection_holds_what_meets_all_its_conditions(selection: Selection, *, is_meant: bool) -> None:
    assert selection.holds(read(record())) is is_meant
