"""The retry budget against a list of every call that was ever made."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from router.catalogue import RetryRules
from router.retry import BUDGET_WINDOW_S, RetryBudget
from tests.examples import examples

COUNTS = st.integers(1, 20)


class RetryBudgetMachine(RuleBasedStateMachine):
    """A worker's first calls and its retries, which ask before they are made, and now and then do not."""

    @initialize(ratio=st.sampled_from([0.0, 0.2, 0.5]), floor=st.sampled_from([0.0, 0.1, 0.3, 2.0]))
    def start(self, ratio: float, floor: float) -> None:
        self.rules_in_force = RetryRules(budget_ratio=ratio, budget_floor_per_s=floor)
        self.budget = RetryBudget(self.rules_in_force)
        self.now_s = 1_800_000_000.0
        self.calls: list[tuple[int, bool]] = []

    @rule(seconds=st.one_of(st.floats(0, 1), st.sampled_from([5.0, 9.0, 10.0, 30.0])))
    def time_passes(self, seconds: float) -> None:
        self.now_s += seconds

    @rule(count=COUNTS)
    def first_calls(self, count: int) -> None:
        for _ in range(count):
            self.call(retry=False)

    @rule(count=COUNTS)
    def retries_that_ask(self, count: int) -> None:
        for _ in range(count):
            if self.budget.ready_at(self.now_s) <= self.now_s:
                self.call(retry=True)
                assert self.recent(retry=True) <= self.allowed()

    @rule()
    def a_retry_that_does_not_ask(self) -> None:
        self.call(retry=True)

    @invariant()
    def a_retry_may_be_made_while_the_share_and_the_floor_allow_it_or_one_asks_again_a_second_later(self) -> None:
        may = self.recent(retry=True) + 1 <= self.allowed()
        assert self.budget.ready_at(self.now_s) == (self.now_s if may else int(self.now_s) + 1)

    def call(self, *, retry: bool) -> None:
        self.budget.called(self.now_s, retry=retry)
        self.calls.append((int(self.now_s), retry))

    def recent(self, *, retry: bool) -> int:
        oldest = int(self.now_s) - BUDGET_WINDOW_S
        return sum(again is retry and second > oldest for second, again in self.calls)

    def allowed(self) -> float:
        rules = self.rules_in_force
        return rules.budget_ratio * self.recent(retry=False) + rules.budget_floor_per_s * BUDGET_WINDOW_S


TestRetryBudget = RetryBudgetMachine.TestCase
TestRetryBudget.settings = settings(max_examples=examples(80), stateful_step_count=40, deadline=None)
