"""The offset tracker against a model that forgets nothing and recomputes everything."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from streams.kafka.offsets import OffsetTracker
from tests.examples import examples


class OffsetsMachine(RuleBasedStateMachine):
    """A partition with gaps whose consumer seeks, whose records finish in any order, some twice, some never."""

    def __init__(self) -> None:
        super().__init__()
        self.start_over()

    @rule()
    def start_over(self) -> None:
        self.tracker = OffsetTracker()
        self.delivered: set[int] = set()
        self.unfinished: set[int] = set()
        self.said: int | None = None
        self.read_to = 0

    @rule(gap=st.integers(0, 4))
    def deliver_next(self, gap: int) -> None:
        self.deliver(max(self.delivered | {self.read_to - 1}) + 1 + gap)

    @precondition(lambda self: self.delivered)
    @rule(markers=st.integers(0, 3))
    def read_on_without_a_record(self, markers: int) -> None:
        last = max(self.delivered)
        self.read_to = max(self.read_to, last + 1) + markers
        self.tracker.read_on(last, self.read_to)

    @rule(beyond=st.integers(0, 5), markers=st.integers(1, 5))
    def read_on_after_a_record_that_is_not_delivered_yet(self, beyond: int, markers: int) -> None:
        last = max(self.delivered | {self.read_to - 1}) + 1 + beyond
        self.tracker.read_on(last, last + markers)

    @precondition(lambda self: self.delivered)
    @rule(data=st.data())
    def deliver_again(self, data: st.DataObject) -> None:
        self.deliver(data.draw(st.sampled_from(sorted(self.delivered))))

    @precondition(lambda self: self.unfinished)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        offset = data.draw(st.sampled_from(sorted(self.unfinished)))
        self.unfinished.remove(offset)
        self.tracker.finished(offset)

    @rule(offset=st.integers(0, 50))
    def finish_what_is_not_in_flight(self, offset: int) -> None:
        if offset not in self.unfinished:
            self.tracker.finished(offset)

    @rule()
    def commit(self) -> None:
        now = self.tracker.committable()
        assert now == self.expected()
        assert now is None or self.said is None or now >= self.said
        self.said = now

    @rule()
    def measure(self) -> None:
        expected = self.said = self.expected()
        assert self.tracker.span() == (0 if expected is None else self.end() - expected)

    def deliver(self, offset: int) -> None:
        self.tracker.delivered(offset)
        self.delivered.add(offset)
        if self.said is None or offset >= self.said:
            self.unfinished.add(offset)

    def expected(self) -> int | None:
        if not self.delivered:
            return None
        return min(self.unfinished, default=self.end())

    def end(self) -> int:
        return max(max(self.delivered) + 1, self.read_to)


TestOffsets = OffsetsMachine.TestCase
TestOffsets.settings = settings(max_examples=examples(200), stateful_step_count=60, deadline=None)
