from dataclasses import replace

import pytest

from router.catalogue import BreakerRules
from router.models.breaker import RAMP_FROM, Breaker
from schemas.health import BreakerState

RULES = BreakerRules(consecutive_failures=3, pause_s=30, max_pause_s=100, half_open_probes=2)
NOW_S = 1000.0
OPEN = Breaker(state=BreakerState.OPEN, open_until_s=NOW_S + 30, pause_s=30, openings=1)
HALF_OPEN = Breaker(state=BreakerState.HALF_OPEN, open_until_s=NOW_S, pause_s=30, probes=1, openings=1)
"""One probe is out."""


# --- closed ---


def test_closed_lets_every_call_through() -> None:
    closed = Breaker(failures=2)
    assert closed.ready_at(RULES, NOW_S) == NOW_S
    assert closed.called(NOW_S) is closed


def test_closed_success_starts_the_count_anew() -> None:
    assert Breaker(failures=2).succeeded(RULES, NOW_S, probe=False) == Breaker()


def test_closed_failures_open_at_the_number_of_consecutive_ones() -> None:
    breaker = Breaker()
    for count in (1, 2):
        breaker = breaker.failed(RULES, NOW_S, probe=False)
        assert (breaker.state, breaker.failures) == (BreakerState.CLOSED, count)
    assert breaker.failed(RULES, NOW_S, probe=False) == OPEN


def test_closed_failures_with_a_success_in_between_do_not_open() -> None:
    breaker = Breaker()
    for _ in range(10):
        breaker = breaker.failed(RULES, NOW_S, probe=False)
        breaker = breaker.failed(RULES, NOW_S, probe=False)
        breaker = breaker.succeeded(RULES, NOW_S, probe=False)
    assert breaker == Breaker()


def test_closed_and_tripped_is_open_for_the_pause() -> None:
    assert Breaker(failures=1).tripped(RULES, NOW_S) == OPEN


# --- open ---


def test_open_refuses_until_the_pause_ends() -> None:
    assert OPEN.ready_at(RULES, NOW_S) == NOW_S + 30
    assert OPEN.ready_at(RULES, NOW_S + 30) == NOW_S + 30
    assert OPEN.ready_at(RULES, NOW_S + 50) == NOW_S + 50
    assert OPEN.opened_s == NOW_S


def test_open_and_called_after_the_pause_is_half_open_with_the_first_probe() -> None:
    assert OPEN.called(NOW_S + 30) == replace(OPEN, state=BreakerState.HALF_OPEN, probes=1)


def test_open_and_called_during_the_pause_stays_open_and_takes_no_second_bypass() -> None:
    bypassed = OPEN.called(NOW_S + 1)
    assert bypassed == replace(OPEN, probes=1)
    assert bypassed.ready_at(RULES, NOW_S + 1) is None
    assert bypassed.ready_at(RULES, NOW_S + 31) is None, "its outcome decides, even when the pause has ended"


def test_open_and_bypassed_with_success_is_half_open_with_one_success() -> None:
    half_open = OPEN.called(NOW_S + 1).succeeded(RULES, NOW_S, probe=True)
    assert (half_open.state, half_open.successes, half_open.probes) == (BreakerState.HALF_OPEN, 1, 0)


def test_open_and_bypassed_with_a_failure_starts_the_same_pause_anew() -> None:
    failed = OPEN.called(NOW_S + 10).failed(RULES, NOW_S + 12, probe=True)
    assert failed == replace(OPEN, open_until_s=NOW_S + 42)


def test_open_and_bypassed_without_a_result_may_be_bypassed_again() -> None:
    assert OPEN.called(NOW_S + 1).abandoned(probe=True) == OPEN


# --- half-open ---


def test_half_open_lets_no_more_probes_out_than_the_rules_say() -> None:
    assert HALF_OPEN.ready_at(RULES, NOW_S) == NOW_S
    full = HALF_OPEN.called(NOW_S)
    assert full.probes == 2
    assert full.ready_at(RULES, NOW_S) is None


def test_half_open_closes_at_the_last_of_the_successes() -> None:
    once = HALF_OPEN.succeeded(RULES, NOW_S, probe=True)
    assert (once.state, once.successes, once.probes) == (BreakerState.HALF_OPEN, 1, 0)
    assert once.called(NOW_S).succeeded(RULES, NOW_S, probe=True) == Breaker(openings=1, pause_s=30, recovered_s=NOW_S)


def test_half_open_failure_opens_for_twice_the_pause_up_to_the_most() -> None:
    breaker, pauses = OPEN, []
    for _ in range(4):
        breaker = breaker.called(breaker.open_until_s).failed(RULES, NOW_S, probe=True)
        assert breaker.state is BreakerState.OPEN
        assert breaker.open_until_s == NOW_S + breaker.pause_s
        pauses.append(breaker.pause_s)
    assert pauses == [60, 100, 100, 100]


def test_half_open_failure_keeps_count_of_the_other_probes_that_are_out() -> None:
    failed = HALF_OPEN.called(NOW_S).failed(RULES, NOW_S, probe=True)
    assert failed.probes == 1
    assert failed.ready_at(RULES, NOW_S + 1000) is None


def test_half_open_probe_without_a_result_makes_room_for_another() -> None:
    assert HALF_OPEN.called(NOW_S).abandoned(probe=True) == HALF_OPEN


def test_half_open_and_answered_slowly_opens_for_the_same_pause() -> None:
    slow = HALF_OPEN.answered_slowly(NOW_S, probe=True)
    assert (slow.state, slow.open_until_s, slow.probes, slow.slow) == (BreakerState.OPEN, NOW_S + 30, 0, True)


def test_calls_beyond_the_probes_are_none() -> None:
    assert HALF_OPEN.takes_probe(RULES)
    assert not HALF_OPEN.called(NOW_S).takes_probe(RULES)
    assert not OPEN.called(NOW_S).takes_probe(RULES)


def test_others_may_end_the_pause() -> None:
    assert OPEN.may_be_probed(NOW_S + 1).ready_at(RULES, NOW_S + 1) == NOW_S + 1
    assert OPEN.may_be_probed(NOW_S + 99) == OPEN
    assert HALF_OPEN.may_be_probed(NOW_S) is HALF_OPEN


# --- ramp-up ---


def test_after_a_recovery_the_share_of_the_traffic_grows_back() -> None:
    recovered = HALF_OPEN.succeeded(RULES, NOW_S, probe=True).called(NOW_S).succeeded(RULES, NOW_S, probe=True)
    shares = [recovered.share(RULES, NOW_S + seconds) for seconds in (0, 0.5, 5, 10, 1000)]
    assert shares == [RAMP_FROM, RAMP_FROM, 0.5, 1, 1]
    assert Breaker().share(RULES, NOW_S) == 1


def test_what_opens_it_during_the_ramp_up_opens_it_for_twice_the_pause() -> None:
    recovered = Breaker(pause_s=30, recovered_s=NOW_S)
    assert recovered.tripped(RULES, NOW_S + 9).pause_s == 60
    assert recovered.tripped(RULES, NOW_S + 10).pause_s == 30


def test_a_pause_after_a_recovery_is_the_short_one_again() -> None:
    long = HALF_OPEN.failed(RULES, NOW_S, probe=True)
    closed = (
        long.called(NOW_S + 60)
        .succeeded(RULES, NOW_S, probe=True)
        .called(NOW_S + 60)
        .succeeded(RULES, NOW_S, probe=True)
    )
    assert closed.state is BreakerState.CLOSED
    assert closed.tripped(RULES, NOW_S + RULES.ramp_up_s).pause_s == 30


# --- any ---


@pytest.mark.parametrize("breaker", [OPEN, OPEN.called(NOW_S + 1), HALF_OPEN])
def test_a_late_result_of_a_call_that_is_no_probe_changes_nothing(breaker: Breaker) -> None:
    assert breaker.succeeded(RULES, NOW_S, probe=False) is breaker
    assert breaker.answered_slowly(NOW_S, probe=False) is breaker
    assert breaker.failed(RULES, NOW_S, probe=False) is breaker
    assert breaker.abandoned(probe=False) is breaker


def test_a_call_without_a_result_changes_nothing_while_closed() -> None:
    closed = Breaker(failures=2)
    assert closed.abandoned(probe=True) is closed


def test_each_opening_has_its_own_number() -> None:
    reopened = Breaker(openings=4).tripped(RULES, NOW_S)
    assert reopened.openings == 5
    assert reopened.called(NOW_S + 30).failed(RULES, NOW_S, probe=True).openings == 5
