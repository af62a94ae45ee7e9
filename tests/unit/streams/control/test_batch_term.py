from array import array
from dataclasses import replace

import pytest

from router.batches.durations import Durations, Ran
from router.batches.members import CHUNK, DIGEST_BYTES, Members
from router.batches.stages import Batch, QueueName, Stage, Uploaded, advanced
from streams.control.batch_term import (
    batch_row,
    deleted,
    durations_row,
    member_rows,
    read_rows,
    restored,
)

NOW_S = 1_800_000_000.0


def members(count: int) -> Members:
    return Members(array("q", range(count)), array("I", [int(NOW_S)] * count), bytes(count * DIGEST_BYTES))


def batch(count: int, our_id: str = "turnout-0-1") -> Batch:
    return Batch(our_id, QueueName("one", "alpha"), 0, count, NOW_S)


def rows(*changes: dict[bytes, bytes | None]) -> dict[bytes, bytes]:
    return {key: value for change in changes for key, value in change.items() if value is not None}


def test_a_batch_comes_back_with_all_of_its_members_whatever_their_order() -> None:
    count = 11 * CHUNK + 1
    table = rows(batch_row(batch(count)), member_rows("turnout-0-1", members(count)))
    found = restored(dict(reversed(table.items())))
    assert found.batches == {"turnout-0-1": (replace(batch(count), is_unsure=True), members(count))}


def test_a_creation_that_was_under_way_is_unsure() -> None:
    creating = advanced(batch(1), Uploaded("file-1", 1))
    found = restored(rows(batch_row(creating), member_rows("turnout-0-1", members(1))))
    assert found.batches["turnout-0-1"][0].is_unsure
    assert found.batches["turnout-0-1"][0].stage is Stage.CREATING


def test_members_without_a_batch_are_orphans() -> None:
    table = rows(member_rows("turnout-0-1", members(CHUNK + 1)))
    assert sorted(restored(table).orphans) == sorted(table)


def test_durations_and_positions_come_back() -> None:
    durations = Durations([Ran(NOW_S, 5.0)])
    found = restored(rows(durations_row(("one", "alpha"), durations), read_rows([(0, 7), (3, 9)])))
    assert found.durations["one", "alpha"].all() == durations.all()
    assert found.read == {0: 7, 3: 9}


def test_a_deleted_batch_is_gone() -> None:
    table = rows(batch_row(batch(2)), member_rows("turnout-0-1", members(2)))
    assert set(deleted("turnout-0-1", members(2))) == set(table)
    assert next(iter(deleted("turnout-0-1", members(2)))).startswith(b"batch|"), "its members go after it"


@pytest.mark.parametrize(
    ("key", "value"),
    [(b"batch|x", b"{"), (b"members|x|0", b"\x09"), (b"read|x", b"1"), (b"read|0", b"x"), (b"durations|[]", b"[]")],
)
def test_a_bad_row_is_left_out(key: bytes, value: bytes) -> None:
    found = restored({key: value, **rows(read_rows([(1, 2)]))})
    assert (found.batches, found.read) == ({}, {1: 2})
    assert not found.durations


def test_a_batch_without_all_of_its_members_is_left_out() -> None:
    table = rows(batch_row(batch(3)), member_rows("turnout-0-1", members(2)))
    assert restored(table).batches == {}
