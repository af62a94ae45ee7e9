from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.catalogue import BreakerRules
from router.models.breaker import RAMP_FROM, TRANSITIONS, Breaker, BreakerEvent, BreakerInput
from schemas.health import BreakerState

RULES = BreakerRules(consecutive_failures=3, pause_s=30, max_pause_s=100, half_open_probes=2)
NOW_S = 1000.0
OPEN = Breaker(state=BreakerState.OPEN, open_until_s=NOW_S + 30, pause_s=30, openings=1)
HALF_OPEN = Breaker(state=BreakerState.HALF_OPEN, open_until_s=NOW_S, pause_s=30, probes=1, openings=1)
"""One probe is under way."""
PROBE_OK = BreakerEvent(BreakerInput.SUCCESS, NOW_S, probe=True)
PROBE_SLOW = BreakerEvent(BreakerInput.SLOW_ANSWER, NOW_S, probe=True)
PROBE_FAILED = BreakerEvent(BreakerInput.FAILURE, NOW_S, probe=True)
PROBE_UNJUDGED = BreakerEvent(BreakerInput.NO_VERDICT, probe=True)
OK = BreakerEvent(BreakerInput.SUCCESS, NOW_S)
FAILED = BreakerEvent(BreakerInput.FAILURE, NOW_S)
TRIP = BreakerEvent(BreakerInput.TRIP, NOW_S)


def call(now_s: float = NOW_S) -> BreakerEvent:
    return BreakerEvent(BreakerInput.CALL, now_s)


def at(event: BreakerEvent, now_s: float) -> BreakerEvent:
    return event._replace(now_s=now_s)


def after(breaker: Breaker, *events: BreakerEvent) -> Breaker:
    for event in events:
        breaker = breaker.after(event, RULES)
    return breaker


# --- closed ---


def test_closed_lets_every_call_through() -> None:
    closed = Breaker(failures=2)
    assert closed.ready_at(RULES, NOW_S) == NOW_S
    assert after(closed, call()) is closed


@pytest.mark.parametrize("answer", [BreakerInput.SUCCESS, BreakerInput.SLOW_ANSWER])
def test_closed_answer_starts_the_count_anew(answer: BreakerInput) -> None:
    assert after(Breaker(failures=2), BreakerEvent(answer, NOW_S)) == Breaker()


def test_closed_failures_open_at_the_number_of_consecutive_ones() -> None:
    breaker = Breaker()
    for count in (1, 2):
        breaker = after(breaker, FAILED)
        assert (breaker.state, breaker.failures) == (BreakerState.CLOSED, count)
    assert after(breaker, FAILED) == OPEN


def test_closed_failures_with_a_success_in_between_do_not_open() -> None:
    assert after(Breaker(), *[FAILED, FAILED, OK] * 10) == Breaker()


def test_closed_and_tripped_is_open_for_the_pause() -> None:
    assert after(Breaker(failures=1), TRIP) == OPEN


def test_a_trip_says_why() -> None:
    opened = after(Breaker(), TRIP._replace(slow=True, from_peers=True))
    assert (opened.slow, opened.from_peers) == (True, True)


# --- open ---


def test_open_refuses_until_the_pause_ends() -> None:
    assert OPEN.ready_at(RULES, NOW_S) == NOW_S + 30
    assert OPEN.ready_at(RULES, NOW_S + 30) == NOW_S + 30
    assert OPEN.ready_at(RULES, NOW_S + 50) == NOW_S + 50
    assert OPEN.opened_s == NOW_S


def test_open_and_called_after_the_pause_is_half_open_with_the_first_probe() -> None:
    assert after(OPEN, call(NOW_S + 30)) == replace(OPEN, state=BreakerState.HALF_OPEN, probes=1)


def test_open_and_called_during_the_pause_stays_open_and_takes_no_second_bypass() -> None:
    bypassed = after(OPEN, call(NOW_S + 1))
    assert bypassed == replace(OPEN, probes=1)
    assert bypassed.ready_at(RULES, NOW_S + 1) is None
    assert bypassed.ready_at(RULES, NOW_S + 31) is None, "its outcome decides, even when the pause has ended"


def test_open_and_bypassed_with_success_is_half_open_with_one_success() -> None:
    half_open = after(OPEN, call(NOW_S + 1), PROBE_OK)
    assert (half_open.state, half_open.successes, half_open.probes) == (BreakerState.HALF_OPEN, 1, 0)


def test_open_and_bypassed_with_success_is_closed_where_one_is_enough() -> None:
    rules = replace(RULES, half_open_probes=1)
    assert after(OPEN, call(NOW_S + 1)).after(PROBE_OK, rules).state is BreakerState.CLOSED


def test_open_and_bypassed_with_a_failure_starts_the_same_pause_anew() -> None:
    failed = after(OPEN, call(NOW_S + 10), at(PROBE_FAILED, NOW_S + 12))
    assert failed == replace(OPEN, open_until_s=NOW_S + 42)


def test_open_and_bypassed_without_a_result_may_be_bypassed_again() -> None:
    assert after(OPEN, call(NOW_S + 1), PROBE_UNJUDGED) == OPEN


def test_open_and_tripped_stays_as_it_is() -> None:
    assert after(OPEN, at(TRIP, NOW_S + 5)) is OPEN


# --- half-open ---


def test_half_open_lets_no_more_probes_out_than_the_rules_say() -> None:
    assert HALF_OPEN.ready_at(RULES, NOW_S) == NOW_S
    full = after(HALF_OPEN, call())
    assert full.probes == 2
    assert full.ready_at(RULES, NOW_S) is None


def test_half_open_closes_at_the_last_of_the_successes() -> None:
    once = after(HALF_OPEN, PROBE_OK)
    assert (once.state, once.successes, once.probes) == (BreakerState.HALF_OPEN, 1, 0)
    assert after(once, call(), PROBE_OK) == Breaker(openings=1, pause_s=30, recovered_s=NOW_S)


def test_half_open_failure_opens_for_twice_the_pause_up_to_the_most() -> None:
    breaker, pauses = OPEN, []
    for _ in range(4):
        breaker = after(breaker, call(breaker.open_until_s), PROBE_FAILED)
        assert breaker.state is BreakerState.OPEN
        assert breaker.open_until_s == NOW_S + breaker.pause_s
        pauses.append(breaker.pause_s)
    assert pauses == [60, 100, 100, 100]


def test_half_open_failure_keeps_count_of_the_other_probes_that_are_out() -> None:
    failed = after(HALF_OPEN, call(), PROBE_FAILED)
    assert failed.probes == 1
    assert failed.ready_at(RULES, NOW_S + 1000) is None


def test_half_open_probe_without_a_result_makes_room_for_another() -> None:
    assert after(HALF_OPEN, call(), PROBE_UNJUDGED) == HALF_OPEN


def test_half_open_and_answered_slowly_opens_for_the_same_pause() -> None:
    slow = after(HALF_OPEN, PROBE_SLOW)
    assert (slow.state, slow.open_until_s, slow.probes, slow.slow) == (BreakerState.OPEN, NOW_S + 30, 0, True)


def test_calls_beyond_the_probes_are_none() -> None:
    assert HALF_OPEN.takes_probe(RULES)
    assert not after(HALF_OPEN, call()).takes_probe(RULES)
    assert not after(OPEN, call()).takes_probe(RULES)


def test_other_workers_may_end_the_pause() -> None:
    clearance = BreakerEvent(BreakerInput.CLEARANCE, NOW_S + 1)
    assert after(OPEN, clearance).ready_at(RULES, NOW_S + 1) == NOW_S + 1
    assert after(OPEN, at(clearance, NOW_S + 99)) == OPEN
    assert after(HALF_OPEN, clearance) is HALF_OPEN


# --- ramp-up ---


def test_after_a_recovery_the_share_of_the_traffic_grows_back() -> None:
    recovered = after(HALF_OPEN, PROBE_OK, call(), PROBE_OK)
    shares = [recovered.share(RULES, NOW_S + seconds) for seconds in (0, 0.5, 5, 10, 1000)]
    assert shares == [RAMP_FROM, RAMP_FROM, 0.5, 1, 1]
    assert Breaker().share(RULES, NOW_S) == 1


def test_what_opens_it_during_the_ramp_up_opens_it_for_twice_the_pause() -> None:
    recovered = Breaker(pause_s=30, recovered_s=NOW_S)
    assert after(recovered, at(TRIP, NOW_S + 9)).pause_s == 60
    assert after(recovered, at(TRIP, NOW_S + 10)).pause_s == 30


def test_a_pause_after_a_recovery_is_the_short_one_again() -> None:
    closed = after(HALF_OPEN, PROBE_FAILED, call(NOW_S + 60), PROBE_OK, call(NOW_S + 60), PROBE_OK)
    assert closed.state is BreakerState.CLOSED
    assert after(closed, at(TRIP, NOW_S + RULES.ramp_up_s)).pause_s == 30


# --- any ---


@pytest.mark.parametrize("breaker", [OPEN, after(OPEN, call(NOW_S + 1)), HALF_OPEN])
@pytest.mark.parametrize("result", [PROBE_OK, PROBE_SLOW, PROBE_FAILED, PROBE_UNJUDGED])
def test_a_late_result_of_a_call_that_is_no_probe_changes_nothing(breaker: Breaker, result: BreakerEvent) -> None:
    assert after(breaker, result._replace(probe=False)) is breaker


def test_a_call_without_a_result_changes_nothing_while_closed() -> None:
    closed = Breaker(failures=2)
    assert after(closed, PROBE_UNJUDGED) is closed


def test_each_opening_has_its_own_number() -> None:
    reopened = after(Breaker(openings=4), TRIP)
    assert reopened.openings == 5
    assert after(reopened, call(NOW_S + 30), PROBE_FAILED).openings == 5


# --- the table ---

BREAKERS = [
    *(Breaker(failures=failures, recovered_s=recovered_s) for failures in (0, 1, 2) for recovered_s in (None, NOW_S)),
    *(replace(OPEN, probes=probes) for probes in (0, 1)),
    *(replace(HALF_OPEN, probes=probes, successes=successes) for probes in (0, 1, 2) for successes in (0, 1)),
]
EVENTS = [
    BreakerEvent(given_input, now_s, probe)
    for given_input in BreakerInput
    for now_s in (NOW_S, NOW_S + 30)
    for probe in (False, True)
]
BREAKER_VALUES = st.builds(
    Breaker,
    state=st.sampled_from(BreakerState),
    failures=st.integers(0, 10),
    open_until_s=st.floats(0, 200),
    pause_s=st.floats(0, 100),
    probes=st.integers(1, 5),
    successes=st.integers(0, 5),
    openings=st.integers(0, 9),
    slow=st.booleans(),
    from_peers=st.booleans(),
    recovered_s=st.none() | st.floats(0, 200),
)
RULE_VALUES = st.builds(
    BreakerRules,
    consecutive_failures=st.integers(1, 5),
    pause_s=st.floats(1, 50),
    max_pause_s=st.floats(50, 100),
    half_open_probes=st.integers(1, 5),
    ramp_up_s=st.floats(1, 20),
)


def applied(breaker: Breaker, event: BreakerEvent, rules: BreakerRules) -> int:
    table = TRANSITIONS[breaker.state, event.input]
    holds = (rule.when is None or rule.when.holds(breaker, event, rules) for rule in table)
    return next(place for place, applies in enumerate(holds) if applies)


def test_the_table_has_no_gap() -> None:
    assert TRANSITIONS.keys() == set(product(BreakerState, BreakerInput))
    for rules in TRANSITIONS.values():
        assert [rule.when is None for rule in rules] == [False] * (len(rules) - 1) + [True], "the last one always holds"


def test_no_rule_of_the_table_is_dead() -> None:
    used = set()
    for breaker, event in product(BREAKERS, EVENTS):
        used.add((breaker.state, event.input, applied(breaker, event, RULES)))
    every = {(*pair, index) for pair, rules in TRANSITIONS.items() for index in range(len(rules))}
    # with two probes a bypass never closes; with one it does, as the test above shows
    assert every - used <= {(BreakerState.OPEN, BreakerInput.SUCCESS, 1)}


@pytest.mark.parametrize(("state", "given_input"), sorted(TRANSITIONS))
@given(
    breaker=BREAKER_VALUES,
    now_s=st.floats(0, 200),
    flags=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    rules=RULE_VALUES,
)
def test_every_event_in_every_state_leads_to_where_the_table_says(
    state: BreakerState,
    given_input: BreakerInput,
    breaker: Breaker,
    now_s: float,
    flags: tuple[bool, bool, bool],
    rules: BreakerRules,
) -> None:
    breaker, event = replace(breaker, state=state), BreakerEvent(given_input, now_s, *flags)
    made = breaker.after(event, rules)

    rule = TRANSITIONS[state, given_input][applied(breaker, event, rules)]
    assert made.state is rule.to
    assert (made is breaker) == (rule.effect is None)
    assert made.openings - breaker.openings == (state is BreakerState.CLOSED and rule.to is BreakerState.OPEN)
    if state is not BreakerState.CLOSED and made.state is not BreakerState.CLOSED:
        assert abs(made.probes - breaker.probes) <= 1 or made.probes == 1
    if made.state is BreakerState.OPEN and made is not breaker:
        assert made.open_until_s <= max(breaker.open_until_s, now_s + made.pause_s)
    if made.state is BreakerState.CLOSED:
        assert made.failures < max(rules.consecutive_failures, breaker.failures + 1)
        assert made.probes == (breaker.probes if state is BreakerState.CLOSED else 0)
