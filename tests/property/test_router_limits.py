"""The limit of a model against a list of every call that was ever made, at any times and while the limit changes."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from router.sharing.rate_limit import MINUTE_S, RateLimit
from tests.examples import examples

START_S = 1_800_000_000.0
TICK_S = 0.25
"""Times are multiples of it, so that floats of seconds since 1970 are exact."""
LIMITS = st.integers(0, 8)
TICKS = st.one_of(st.integers(0, 4), st.integers(0, 360))


class LimitMachine(RuleBasedStateMachine):
    """A model that is called whenever it may be, told to wait by its provider, and given a larger or smaller share."""

    @initialize(per_minute=LIMITS)
    def start(self, per_minute: int) -> None:
        self.limit = RateLimit(per_minute)
        self.now_s = self.told_s = START_S
        self.calls_s: list[float] = []

    @rule(ticks=TICKS)
    def time_passes(self, ticks: int) -> None:
        self.now_s += ticks * TICK_S

    @rule(most=st.integers(1, 10))
    def call_as_often_as_it_may_be(self, most: int) -> None:
        for _ in range(most):
            if self.limit.ready_at(self.now_s) <= self.now_s:
                assert self.within(self.now_s) < self.limit.per_minute
                assert self.now_s >= self.told_s
                self.call()

    @rule()
    def wait_until_the_moment_that_is_said(self) -> None:
        if self.limit.per_minute:
            self.now_s = self.limit.ready_at(self.now_s)
            assert self.limit.ready_at(self.now_s) == self.now_s
            self.call()

    @rule(per_minute=LIMITS)
    def the_share_changes(self, per_minute: int) -> None:
        self.limit.per_minute = per_minute

    @rule(ticks=TICKS)
    def the_provider_says_when_to_come_back(self, ticks: int) -> None:
        until_s = self.now_s + ticks * TICK_S
        self.limit.told_to_wait(until_s)
        self.told_s = max(self.told_s, until_s)

    @invariant()
    def it_counts_the_calls_of_the_last_minute(self) -> None:
        assert self.limit.made(self.now_s) == self.within(self.now_s)
        assert self.limit.is_full(self.now_s) == (self.within(self.now_s) >= self.limit.per_minute)

    @invariant()
    def what_it_says_is_the_first_moment(self) -> None:
        at_s = self.limit.ready_at(self.now_s)
        assert at_s >= max(self.now_s, self.told_s)
        if self.limit.per_minute:
            assert self.within(at_s) < self.limit.per_minute
            if at_s > max(self.now_s, self.told_s):
                assert self.within(at_s - TICK_S) >= self.limit.per_minute, "it could have been called sooner"
        soon_s = self.limit.ready_at(self.now_s, TICK_S)
        assert soon_s == max(self.told_s, min(at_s, self.now_s + TICK_S))

    def within(self, at_s: float) -> int:
        """Count the calls of the minute before the moment."""
        return sum(at_s - MINUTE_S < called_s <= at_s for called_s in self.calls_s)

    def call(self) -> None:
        self.limit.called(self.now_s)
        self.calls_s.append(self.now_s)


TestLimit = LimitMachine.TestCase
TestLimit.settings = settings(max_examples=examples(100), stateful_step_count=40, deadline=None)
