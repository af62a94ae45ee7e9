"""Cost events that are published twice, read twice and stored in part, against a set of their ids."""

from uuid import uuid5

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from router.budgets.counted_events import HORIZON_S, CountedEvents
from schemas.costs import EVENT_NAMESPACE
from tests.examples import examples


class SeenMachine(RuleBasedStateMachine):
    """One tenant's events, counted as `streams.control.budget_owner` does: it stores ids, then sums, then deletes."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[tuple[str, int]] = []
        """Every record, by offset: the event's id and the second of its call."""
        self.newest_s = 1_800_000_000
        self.seen = CountedEvents()
        self.counted = 0
        self.next = 0
        self.changed: set[int] = set()
        self.stored_ids: dict[int, bytes] = {}
        self.stored = (0, 0)
        """The count and the next offset, of the same moment."""

    @rule(count=st.integers(1, 4), age_s=st.integers(0, 5))
    def events_are_published(self, count: int, age_s: int) -> None:
        for _ in range(count):
            self.log.append((str(uuid5(EVENT_NAMESPACE, str(len(self.log)))), self.newest_s - age_s))

    @precondition(lambda self: self.log)
    @rule(data=st.data())
    def one_is_published_again(self, data: st.DataObject) -> None:
        young = [event for event in self.log if event[1] >= self.newest_s - HORIZON_S]
        if young:
            self.log.append(data.draw(st.sampled_from(young)))

    @rule(seconds=st.sampled_from([1, 60, HORIZON_S // 2, HORIZON_S, 2 * HORIZON_S]))
    def time_passes(self, seconds: int) -> None:
        self.count(100)
        self.newest_s += seconds

    @rule(most=st.integers(1, 6))
    def count(self, most: int) -> None:
        for offset in range(self.next, min(self.next + most, len(self.log))):
            event_id, second = self.log[offset]
            if not self.seen.is_duplicate(event_id, second, offset):
                self.seen.add(event_id, second, offset)
                self.changed.add(second)
                self.counted += 1
            self.next = offset + 1

    @rule(ends_after=st.sampled_from(["ids", "sum", "all"]))
    def store(self, ends_after: str) -> None:
        """Store what has changed and delete what is over; the worker may end in between."""
        self.stored_ids.update({second: self.seen.dump(second) for second in self.changed})
        self.changed.clear()
        if ends_after != "ids":
            self.stored = self.counted, self.next
        if ends_after != "all":
            self.crash()
            return
        for second in self.seen.forget():
            del self.stored_ids[second]
        newest_s = max((second for _, second in self.log[: self.next]), default=0)
        assert all(second >= newest_s - HORIZON_S for second in self.stored_ids), "memory is that of the horizon"

    @rule()
    def crash(self) -> None:
        self.seen = CountedEvents()
        for second, value in self.stored_ids.items():
            self.seen.load(second, value)
        self.changed.clear()
        self.counted, self.next = self.stored

    @invariant()
    def each_event_counts_once(self) -> None:
        assert self.counted == len({event_id for event_id, _ in self.log[: self.next]})


TestSeen = SeenMachine.TestCase
TestSeen.settings = settings(max_examples=examples(80), stateful_step_count=40, deadline=None)
