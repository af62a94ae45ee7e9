import pytest

from router.sharing.rate_limit import MINUTE_S, RateLimit


def test_below_the_limit_a_call_may_be_made_at_once() -> None:
    limit = RateLimit(2)
    limit.called(100)
    assert limit.ready_at(100) == 100


def test_at_the_limit_the_oldest_call_of_the_minute_has_to_pass() -> None:
    limit = RateLimit(2)
    limit.called(100)
    limit.called(110)
    assert limit.ready_at(120) == 100 + MINUTE_S
    assert limit.ready_at(160) == 160
    limit.called(160)
    assert limit.ready_at(161) == 110 + MINUTE_S


def test_the_minute_slides_so_the_turn_of_a_clock_minute_lets_no_double_burst_through() -> None:
    limit = RateLimit(10)
    for _ in range(10):
        limit.called(59)
    assert limit.ready_at(61) == 119


@pytest.mark.parametrize("moments", [(130, 110), (110, 130)])
def test_of_several_retry_afters_the_longest_holds(moments: tuple[float, float]) -> None:
    limit = RateLimit(10)
    for until_s in moments:
        limit.told_to_wait(until_s)
    assert limit.ready_at(100) == 130
    assert limit.ready_at(131) == 131


def test_a_retry_after_and_the_own_limit_both_hold() -> None:
    limit = RateLimit(1)
    limit.called(100)
    limit.told_to_wait(110)
    assert limit.ready_at(105) == 160
    limit.told_to_wait(170)
    assert limit.ready_at(105) == 170


def test_only_the_calls_of_the_last_minute_are_kept() -> None:
    limit = RateLimit(5)
    for second in range(10_000):
        limit.ready_at(second)
        limit.called(second)
    assert len(limit._calls_s) <= MINUTE_S + 1
