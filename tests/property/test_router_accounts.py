"""Accounts against a list of every call that was ever made, and their limits over any minute however workers come."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from router.catalogue import Account
from router.errors import Answer, UpstreamFailure
from router.models.accounts import rotate
from router.request.session import Call
from router.route import Estimate
from router.sharing.account_minute import AccountMinute, Use
from router.sharing.allotment import joining_share
from router.sharing.rate_limit import MINUTE_S
from schemas.responses import Usage
from schemas.vocabulary import AccountLimit
from tests.cluster import Cluster
from tests.cluster_steps import STEPS, Step, play_steps, serve
from tests.examples import examples
from tests.stage import ALPHA, ANSWER, NOW_S, make_catalogue

TICK_S = 0.25
"""Times are multiples of it, so that floats of seconds since 1970 are exact."""
COUNTS = st.builds(Estimate, st.integers(0, 50), st.integers(0, 50))


@dataclass(slots=True)
class Made:
    """One call."""

    began_s: float
    estimate: Estimate
    ended_s: float | None = None
    told: Estimate | None = None

    def counts(self, at_s: float) -> Use:
        """Return what the rule says that it counts at a moment."""
        requests = int(at_s - MINUTE_S < self.began_s <= at_s)
        tokens = self.told or self.estimate
        if self.ended_s is not None and self.ended_s <= at_s - MINUTE_S:
            return Use(requests)
        return Use(requests, tokens.input_tokens, tokens.output_tokens)


class MinuteMachine(RuleBasedStateMachine):
    """An account whose calls begin and end at any time, with and without their tokens told."""

    @initialize()
    def start(self) -> None:
        self.minute, self.now_s = AccountMinute(), NOW_S
        self.made: list[Made] = []

    @rule(ticks=st.one_of(st.integers(0, 4), st.integers(0, 360)))
    def time_passes(self, ticks: int) -> None:
        self.now_s += ticks * TICK_S

    @rule(estimate=COUNTS)
    def a_call_begins(self, estimate: Estimate) -> None:
        self.minute.called(len(self.made), estimate, self.now_s)
        self.made.append(Made(self.now_s, estimate))

    @precondition(lambda self: any(made.ended_s is None for made in self.made))
    @rule(told=st.one_of(st.none(), COUNTS), which=st.integers(0, 1000))
    def a_call_ends(self, told: Estimate | None, which: int) -> None:
        under_way = [number for number, made in enumerate(self.made) if made.ended_s is None]
        number = under_way[which % len(under_way)]
        self.minute.ended(number, told, self.now_s)
        self.made[number].ended_s, self.made[number].told = self.now_s, told

    @invariant()
    def it_counts_what_the_rule_says(self) -> None:
        assert self.minute.used(self.now_s) == self.within(self.now_s)
        assert self.minute.is_idle == all(made.ended_s is not None for made in self.made)

    @rule(limit=st.sampled_from(AccountLimit), per_minute=st.integers(0, 200), needed=st.integers(0, 100))
    def the_moment_that_is_said_is_the_first_with_room(self, limit: AccountLimit, per_minute: int, needed: int) -> None:
        at_s = self.minute.free_at(limit, per_minute, needed, self.now_s)
        most = per_minute - min(needed, per_minute)
        if at_s is None:
            if per_minute:
                assert self.within(self.now_s + 2 * MINUTE_S).of(limit) > most, "what is under way is too much"
            return
        assert self.within(at_s).of(limit) <= most
        if at_s > self.now_s:
            assert self.within(at_s - TICK_S).of(limit) > most, "there was room before"

    def within(self, at_s: float) -> Use:
        total = Use()
        for made in self.made:
            total = total.plus(made.counts(at_s))
        return total


TestMinute = MinuteMachine.TestCase
TestMinute.settings = settings(max_examples=examples(60), stateful_step_count=40, deadline=None)


@given(weights=st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 20), min_size=1))
def test_over_all_turns_of_a_round_each_has_its_weight(weights: dict[str, int]) -> None:
    saved: Mapping[str, int] = {}
    for _ in range(3):
        turns = Counter[str]()
        for _ in range(sum(weights.values())):
            taken, saved = rotate(saved, weights)
            turns[taken] += 1
        assert turns == weights


@given(
    weights=st.dictionaries(st.sampled_from("abcd"), st.integers(1, 9), min_size=2),
    away=st.lists(st.sets(st.sampled_from("abcd")), max_size=40),
)
def test_whoever_rests_meanwhile_gets_no_turn_and_the_others_go_on(
    weights: dict[str, int], away: list[set[str]]
) -> None:
    saved: Mapping[str, int] = {}
    for resting in away:
        ready = {name: weight for name, weight in weights.items() if name not in resting}
        if ready:
            taken, saved = rotate(saved, ready)
            assert taken in ready
            assert sum(saved.values()) == 0, "what is gained is paid"


# --- limits of accounts over any minute, of all workers ---

REQUESTS, TOKENS = 60, 6_000
ACCOUNTS = (
    Account("a", weight=2, limits={AccountLimit.REQUESTS: REQUESTS}),
    Account("b", limits={AccountLimit.TOKENS: TOKENS}),
)
CATALOGUE = replace(
    make_catalogue(replace(ALPHA, requests_per_minute=100_000)), accounts={ALPHA.provider_name: ACCOUNTS}
)
TOLD = Usage(input_tokens=40, output_tokens=60)


@dataclass(frozen=True, slots=True)
class Seen:
    """One call, as the provider saw it."""

    at_s: float
    account: str | None
    upper_tokens: int


def most_in_a_minute(entries: list[tuple[float, int]]) -> int:
    """Return the largest sum over any minute."""
    entries, most, total, first = sorted(entries), 0, 0, 0
    for at_s, amount in entries:
        total += amount
        while entries[first][0] <= at_s - MINUTE_S:
            total -= entries[first][1]
            first += 1
        most = max(most, total)
    return most


@settings(max_examples=examples(25), deadline=None)
@given(steps=STEPS, lag_s=st.sampled_from([0.01, 0.3, 1.5]), seed=st.integers(0, 1000))
def test_however_workers_come_go_and_burst_each_accounts_limits_hold_over_any_minute(
    steps: list[Step], lag_s: float, seed: int
) -> None:
    seen: list[Seen] = []

    def provider(call: Call, now_s: float) -> tuple[float, Answer | UpstreamFailure]:
        upper = (call.started.input_tokens or 0) + (call.started.output_tokens or 0)
        seen.append(Seen(now_s, call.account, upper))
        return 0.2, replace(ANSWER, usage=TOLD)

    cluster = Cluster(CATALOGUE, provider, NOW_S, lag_s=lag_s, seed=seed)
    joined, killed_untold = play_steps(cluster, steps)
    upper = max((one.upper_tokens for one in seen), default=0)
    by_a = most_in_a_minute([(one.at_s, 1) for one in seen if one.account == "a"])
    assert by_a <= REQUESTS + joining_share(REQUESTS) * joined + killed_untold
    # one call of a worker may be larger than its share, and goes all the same
    by_b = most_in_a_minute([(one.at_s, TOLD.input_tokens + TOLD.output_tokens) for one in seen if one.account == "b"])
    assert by_b <= TOKENS + (joining_share(TOKENS) + upper) * (joined + 1) + killed_untold * upper


def test_two_workers_use_most_of_the_tokens_of_a_minute_and_no_more_and_all_see_it() -> None:
    only = Account("b", limits={AccountLimit.TOKENS: TOKENS})
    seen: list[float] = []

    def provider(_call: Call, now_s: float) -> tuple[float, Answer | UpstreamFailure]:
        seen.append(now_s)
        return 0.2, replace(ANSWER, usage=TOLD)

    cluster = Cluster(replace(CATALOGUE, accounts={ALPHA.provider_name: (only,)}), provider, NOW_S)
    for worker in ("x", "y"):
        cluster.join(worker)
    arrivals = ((NOW_S + 3 + n / 4, partial(serve, cluster, n, "xy"[n % 2])) for n in range(4 * 200))
    cluster.play(NOW_S + 203, arrivals)
    tokens = TOLD.input_tokens + TOLD.output_tokens
    assert most_in_a_minute([(at_s, tokens) for at_s in seen]) <= TOKENS
    for start_s in range(70, 140, 10):
        minute = sum(NOW_S + start_s <= at_s < NOW_S + start_s + MINUTE_S for at_s in seen) * tokens
        assert minute >= 0.8 * TOKENS, f"from {start_s} s on"
    told = cluster.healths["alpha"].accounts["b"]
    assert told.limits == {AccountLimit.TOKENS: TOKENS}
    assert set(told.shares[AccountLimit.TOKENS]) == {"x", "y"}
    assert 0.5 * TOKENS < told.used[AccountLimit.TOKENS] <= 1.1 * TOKENS
