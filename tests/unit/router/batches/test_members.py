from array import array

import pytest

from router.batches.members import (
    CHUNK,
    DIGEST_BYTES,
    MOST_BYTES,
    Members,
    joined,
    mask_of,
    packed,
    places_in,
    unpacked,
    whole_s,
)

NOW_S = 1_800_000_000


def members(*offsets: int, deadline_s: int = NOW_S) -> Members:
    digests = b"".join(offset.to_bytes(DIGEST_BYTES, "big") for offset in offsets)
    return Members(array("q", offsets), array("I", [deadline_s] * len(offsets)), digests)


def test_a_request_of_a_busy_lane_takes_twenty_bytes() -> None:
    many = members(*range(1_000_000, 1_100_000, 2))
    stored = sum(map(len, many.chunks()))
    assert stored / len(many) < 20


def test_no_request_takes_more_than_a_tenth_of_what_is_allowed() -> None:
    far_apart = Members(
        array("q", [place * 2**57 for place in range(60)]),
        array("I", [0, 2**32 - 1] * 30),
        bytes(60 * DIGEST_BYTES),
    )
    assert len(packed(far_apart)) <= 60 * MOST_BYTES + 1
    assert MOST_BYTES < 300 / 9


def test_a_request_takes_28_bytes_in_memory() -> None:
    one = members(1)
    assert one.offsets.itemsize + one.deadlines.itemsize + DIGEST_BYTES == 28


def test_large_batches_are_stored_in_chunks_and_joined_again() -> None:
    many = members(*range(3, 3 + 2 * CHUNK + 5))
    chunks = list(many.chunks())
    assert len(chunks) == 3
    assert joined(map(unpacked, chunks), len(many)) == many


def test_chunks_that_do_not_follow_each_other_are_no_batch() -> None:
    with pytest.raises(ValueError, match="order"):
        joined([members(5), members(5)], 2)
    with pytest.raises(ValueError, match="of 3 members"):
        joined([members(5)], 3)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\x01",
        b"\x01\x05\x02\x00" + bytes(16),
        b"\x01\x05\x00\x00" + bytes(16),
        b"\x01\x05\x01\x01" + bytes(16),
        b"\x01\x05\x01\x02" + bytes(15),
        b"\x80" * 11,
        b"\xff\xff\x03",
    ],
)
def test_what_is_cut_off_or_of_another_kind_is_refused(value: bytes) -> None:
    with pytest.raises(ValueError, match="batch"):
        unpacked(value)


def test_a_request_is_found_by_its_offset() -> None:
    some = members(3, 7, 20)
    assert [some.place_of(offset) for offset in (3, 7, 20, 8, 21)] == [0, 1, 2, None, None]


def test_those_are_due_whose_deadline_has_come() -> None:
    some = Members(array("q", [1, 2, 3]), array("I", [100, 300, 200]), bytes(48))
    assert list(places_in(some.due(some.everyone, 200.0))) == [0, 2]
    assert some.due(0b010, 200.0) == 0
    assert some.due(some.everyone, 99.9) == 0
    assert some.first_deadline_s(0b110) == 200.0
    assert some.first_deadline_s(0) is None


def test_masks_hold_places() -> None:
    assert mask_of([0, 3, 64]) == 1 | 8 | 1 << 64
    assert list(places_in(1 | 8 | 1 << 64)) == [0, 3, 64]


def test_a_deadline_is_never_kept_as_later_than_it_is() -> None:
    assert whole_s(17.9) == 17
    assert whole_s(1e12) == 2**32 - 1
