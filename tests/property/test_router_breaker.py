"""One model's breaker behind the fleet: calls that come back in any order, late, or never."""

from dataclasses import replace
from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from router.catalogue import BreakerRules, HealthRules
from router.models.breaker import RAMP_FROM, Breaker
from router.models.model_state import Permit, Transition
from router.models.pool import ModelPool
from schemas.health import BreakerState
from tests.examples import examples
from tests.stage import ALPHA, NOW_S, ONE, UNAVAILABLE, rate_limited

RULES = BreakerRules(consecutive_failures=3, pause_s=10, max_pause_s=35, half_open_probes=2)
SLOW_S = 3.0
MODEL = replace(ALPHA, requests_per_minute=10_000)
CATALOGUE = replace(
    ONE, models={MODEL.name: MODEL}, breaker=RULES, health=HealthRules(min_requests=8, unhealthy_error_rate=0.4)
)
ALLOWED = {
    (BreakerState.CLOSED, BreakerState.OPEN),
    (BreakerState.OPEN, BreakerState.HALF_OPEN),
    (BreakerState.HALF_OPEN, BreakerState.OPEN),
    (BreakerState.HALF_OPEN, BreakerState.CLOSED),
}


class BreakerMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.pool = ModelPool(CATALOGUE)
        self.now_s = NOW_S
        self.out: list[tuple[Permit, bool]] = []
        """Calls under way, and whether they are probes of the present opening."""
        self.transitions: list[Transition] = []

    @rule(seconds=st.one_of(st.floats(0, 1), st.sampled_from([5, 10, 20, 35])))
    def time_passes(self, seconds: float) -> None:
        self.now_s += seconds

    @rule()
    def call_if_ready(self) -> None:
        readiness = self.pool.readiness(MODEL, self.now_s)
        self._look()
        if readiness.now(self.now_s):
            breaker = self.pool.breaker(MODEL)
            assert breaker.state is not BreakerState.OPEN or self.now_s >= breaker.open_until_s
            assert RAMP_FROM <= readiness.share <= 1
            self._call()

    @rule()
    def bypass_if_allowed(self) -> None:
        bypass = self.pool.readiness(MODEL, self.now_s).bypass
        self._look()
        if bypass is not None and bypass.at_s is not None and bypass.at_s <= self.now_s:
            assert bypass.slow or not self._probes_out(), "one bypassing probe at a time"
            self._call()

    @precondition(lambda self: self.out)
    @rule(data=st.data(), latency_s=st.floats(0.001, 30))
    def answered(self, data: st.DataObject, latency_s: float) -> None:
        before = self._settled()
        self.pool.answered(self._take(data), latency_s, self.now_s)
        after = self.pool.breaker(MODEL)
        if before.state is not BreakerState.CLOSED and after.probes < before.probes and latency_s > SLOW_S:
            assert (after.state, after.slow, after.pause_s) == (BreakerState.OPEN, True, before.pause_s)
        self._look()

    @precondition(lambda self: self.out)
    @rule(data=st.data())
    def failed(self, data: st.DataObject) -> None:
        before = self._settled()
        ramping = before.share(RULES, self.now_s) < 1
        self.pool.failed(self._take(data), UNAVAILABLE, 0.1, self.now_s)
        self._look()
        after = self.pool.breaker(MODEL)
        if after.open_until_s != before.open_until_s:
            assert after.open_until_s == self.now_s + after.pause_s
            doubled_s = min(2 * before.pause_s, RULES.max_pause_s)
            match before.state:
                case BreakerState.CLOSED:
                    assert after.pause_s == (doubled_s if ramping else RULES.pause_s)
                case BreakerState.OPEN:
                    assert after.pause_s == before.pause_s
                case BreakerState.HALF_OPEN:
                    assert after.pause_s == doubled_s

    @precondition(lambda self: self.out)
    @rule(data=st.data(), given_up=st.booleans())
    def ended_without_a_verdict(self, data: st.DataObject, given_up: bool) -> None:  # noqa: FBT001 - drawn
        before = self._settled().state
        permit = self._take(data)
        if given_up:
            self.pool.abandoned(permit)
        else:
            self.pool.failed(permit, rate_limited(0), 0.1, self.now_s)
        assert self.pool.breaker(MODEL).state is before

    @invariant()
    def the_probes_are_those_that_are_out(self) -> None:
        breaker = self.pool.breaker(MODEL)
        assert breaker.probes == self._probes_out()
        assert breaker.probes <= RULES.half_open_probes
        assert self.pool.in_flight(MODEL) == len(self.out)

    @invariant()
    def an_open_breaker_refuses_until_its_pause_ends(self) -> None:
        breaker = self.pool.breaker(MODEL)
        if breaker.state is BreakerState.OPEN and self.now_s < breaker.open_until_s:
            assert not self.pool.readiness(MODEL, self.now_s).now(self.now_s)
            assert RULES.pause_s <= breaker.pause_s <= RULES.max_pause_s

    @invariant()
    def a_breaker_without_probes_out_is_ready_some_day(self) -> None:
        if not self._probes_out():
            at_s = self.pool.readiness(MODEL, self.now_s).at_s
            assert at_s is not None
            assert at_s <= self.now_s + RULES.max_pause_s

    @invariant()
    def the_traffic_grows_back_after_a_recovery_and_nothing_else_holds_it_back(self) -> None:
        breaker = self.pool.breaker(MODEL)
        since_s = self.now_s - (breaker.recovered_s or 0)
        shares = [breaker.share(RULES, self.now_s + seconds) for seconds in range(12)]
        assert shares == sorted(shares)
        assert shares[-1] == 1
        assert (shares[0] < 1) == (breaker.recovered_s is not None and since_s < RULES.ramp_up_s)

    @invariant()
    def transitions_form_a_chain_of_the_table(self) -> None:
        steps = [(change.from_state, change.to_state) for change in self.transitions]
        assert set(steps) <= ALLOWED
        assert all(before[1] is after[0] for before, after in pairwise(steps))

    def _call(self) -> None:
        before = self.pool.breaker(MODEL)
        permit = self.pool.call(MODEL, self.now_s)
        self._look()
        self.out.append((permit, self.pool.breaker(MODEL).probes > before.probes))

    def _take(self, data: st.DataObject) -> Permit:
        return self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))[0]

    def _settled(self) -> Breaker:
        """Let it be noticed who has become slow by now, before something else happens."""
        self.pool.readiness(MODEL, self.now_s)
        self._look()
        return self.pool.breaker(MODEL)

    def _look(self) -> None:
        changes = self.pool.take_transitions()
        self.transitions.extend(changes)
        fresh = {(BreakerState.HALF_OPEN, BreakerState.CLOSED), (BreakerState.CLOSED, BreakerState.OPEN)}
        if any((change.from_state, change.to_state) in fresh for change in changes):
            self.out = [(permit, False) for permit, _ in self.out]

    def _probes_out(self) -> int:
        return sum(probe for _, probe in self.out)


TestBreaker = BreakerMachine.TestCase
TestBreaker.settings = settings(max_examples=examples(200), stateful_step_count=60, deadline=None)
