import pytest

from router.fair_queue import FairQueue


def taken(turns: FairQueue[int]) -> list[int]:
    return [turns.take() for _ in range(len(turns))]


def test_one_tenant_is_served_in_its_own_order() -> None:
    turns: FairQueue[int] = FairQueue()
    for number in range(5):
        turns.add("a", number)
    assert taken(turns) == [0, 1, 2, 3, 4]


def test_a_burst_of_one_tenant_delays_only_itself() -> None:
    turns: FairQueue[int] = FairQueue()
    for number in range(1000):
        turns.add("burst", number)
    turns.add("b", -1)
    turns.add("c", -2)
    turns.add("b", -3)
    assert [turns.take() for _ in range(6)] == [0, -1, -2, 1, -3, 2]


def test_nothing_waits_at_the_end() -> None:
    turns: FairQueue[int] = FairQueue()
    turns.add("a", 1)
    turns.take()
    assert len(turns) == 0
    with pytest.raises(LookupError):
        turns.take()


def test_what_is_unwanted_is_taken_out_and_the_rest_keeps_its_order() -> None:
    turns: FairQueue[int] = FairQueue()
    for number in range(6):
        turns.add("even" if number % 2 == 0 else "odd", number)
    turns.add("lonely", 9)
    assert sorted(turns.drop(lambda number: number in {0, 3, 9})) == [0, 3, 9]
    assert len(turns) == 4
    assert taken(turns) == [2, 1, 4, 5]
