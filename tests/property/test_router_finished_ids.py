"""Recent ids against a list of everything that ever finished."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from router.finished_ids import GENERATIONS, FinishedIds
from tests.examples import examples

HORIZON_S = 60.0
MOST = 24


class RecentIdsMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.recent = FinishedIds(HORIZON_S, MOST)
        self.now_s = 1_800_000_000.0
        self.finished: list[tuple[str, int, float]] = []

    @rule(seconds=st.one_of(st.floats(0, 1), st.sampled_from([10.0, 59.0, 61.0, 200.0])))
    def time_passes(self, seconds: float) -> None:
        self.now_s += seconds

    @rule(count=st.integers(1, 10))
    def some_finish(self, count: int) -> None:
        for _ in range(count):
            offset = len(self.finished)
            self.finished.append((f"r{offset}", offset, self.now_s))
            self.recent.add(f"r{offset}", offset, self.now_s)

    @invariant()
    def what_is_within_the_horizon_and_among_the_latest_is_found(self) -> None:
        latest = self.finished[-(MOST - MOST // GENERATIONS - 1) :]
        for request_id, offset, at_s in latest:
            if at_s > self.now_s - HORIZON_S:
                assert self.recent.find(request_id) == (offset, 0)

    @invariant()
    def what_never_finished_is_not_found(self) -> None:
        assert self.recent.find(f"r{len(self.finished)}") is None

    @invariant()
    def memory_is_bounded(self) -> None:
        assert len(self.recent) <= MOST + MOST // GENERATIONS + 1


TestRecentIds = RecentIdsMachine.TestCase
TestRecentIds.settings = settings(max_examples=examples(100), stateful_step_count=40, deadline=None)
