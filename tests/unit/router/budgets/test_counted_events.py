"""Cost events count once, read again or published again."""

from uuid import uuid5

from router.budgets.counted_events import HORIZON_S, CountedEvents
from schemas.costs import EVENT_NAMESPACE


def event(number: int) -> str:
    return str(uuid5(EVENT_NAMESPACE, str(number)))


def test_the_same_id_further_on_is_a_duplicate_and_at_its_own_place_is_the_same_record() -> None:
    seen = CountedEvents()
    assert not seen.is_duplicate(event(1), 1000, 7)
    seen.add(event(1), 1000, 7)
    assert seen.is_duplicate(event(1), 1000, 8)
    assert not seen.is_duplicate(event(1), 1000, 7)
    assert not seen.is_duplicate(event(2), 1000, 8)


def test_a_second_is_stored_and_taken_in_again() -> None:
    seen, heir = CountedEvents(), CountedEvents()
    for number in range(100):
        seen.add(event(number), 1000, number)
    heir.load(1000, seen.dump(1000))
    assert len(seen.dump(1000)) == 1600
    assert all(heir.is_duplicate(event(number), 1000, 1000) for number in range(100))


def test_what_is_beyond_the_horizon_of_the_newest_event_is_forgotten() -> None:
    seen = CountedEvents()
    seen.add(event(1), 1000, 1)
    seen.add(event(2), 1000 + HORIZON_S, 2)
    assert seen.forget() == []
    seen.add(event(3), 1001 + HORIZON_S, 3)
    assert seen.forget() == [1000]
    assert not seen.is_duplicate(event(1), 1000, 9)


def test_an_id_of_another_form_is_told_apart_too() -> None:
    seen = CountedEvents()
    seen.add("odd", 1, 1)
    assert seen.is_duplicate("odd", 1, 2)
    assert not seen.is_duplicate("even", 1, 2)
