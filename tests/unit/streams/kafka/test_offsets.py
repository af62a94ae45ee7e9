import time

import pytest

from streams.kafka.offsets import OffsetTracker


def tracker(*delivered: int) -> OffsetTracker:
    offsets = OffsetTracker()
    for offset in delivered:
        offsets.delivered(offset)
    return offsets


def test_nothing_is_committable_before_the_first_delivery() -> None:
    assert tracker().committable() is None
    assert tracker().span() == 0


def test_a_finish_without_a_delivery_makes_nothing_committable() -> None:
    offsets = tracker()
    offsets.finished(7)
    assert offsets.committable() is None


def test_the_smallest_unfinished_offset_is_committable_however_many_behind_it_are_finished() -> None:
    offsets = tracker(*range(1000))
    for offset in range(1, 1000):
        offsets.finished(offset)
    assert offsets.committable() == 0
    assert offsets.span() == 1000
    offsets.finished(0)
    assert offsets.committable() == 1000
    assert offsets.span() == 0


def test_offset_zero_alone_is_told_from_none() -> None:
    assert tracker(0).committable() == 0


@pytest.mark.parametrize("gap", [[5, 9], [5, 7, 10_000]])
def test_offsets_that_do_not_exist_are_not_waited_for(gap: list[int]) -> None:
    offsets = tracker(*gap)
    offsets.finished(5)
    assert offsets.committable() == gap[1]
    for offset in gap:
        offsets.finished(offset)
    assert offsets.committable() == gap[-1] + 1


def test_a_second_delivery_in_flight_takes_one_finish() -> None:
    offsets = tracker(3, 4, 3)
    offsets.finished(3)
    assert offsets.committable() == 4


def test_a_second_delivery_ahead_of_the_committable_offset_is_waited_for_again() -> None:
    offsets = tracker(3, 4)
    offsets.finished(4)
    offsets.delivered(4)
    offsets.finished(3)
    assert offsets.committable() == 4


def test_a_second_delivery_below_the_committable_offset_takes_nothing_back() -> None:
    offsets = tracker(3, 4)
    offsets.finished(3)
    assert offsets.committable() == 4
    offsets.delivered(3)
    assert offsets.committable() == 4
    offsets.finished(4)
    assert offsets.committable() == 5


def test_a_held_record_makes_no_operation_slow() -> None:
    offsets, started = tracker(0), time.process_time()
    for offset in range(1, 200_000):
        offsets.delivered(offset)
        offsets.finished(offset)
        assert offsets.committable() == 0
    assert time.process_time() - started < 5
