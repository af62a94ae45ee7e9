import pytest

from router.route import Estimate
from router.sharing.account_minute import AccountMinute, Use
from router.sharing.rate_limit import MINUTE_S
from schemas.vocabulary import AccountLimit

TOKENS = AccountLimit.TOKENS


@pytest.mark.parametrize(
    ("limit", "counted"),
    [
        (AccountLimit.REQUESTS, 1),
        (AccountLimit.TOKENS, 30),
        (AccountLimit.INPUT_TOKENS, 10),
        (AccountLimit.OUTPUT_TOKENS, 20),
    ],
)
def test_each_limit_counts_its_own(limit: AccountLimit, counted: int) -> None:
    assert Use(1, 10, 20).of(limit) == counted


def test_a_call_counts_as_estimated_while_it_is_under_way_however_long() -> None:
    minute = AccountMinute()
    minute.called(1, Estimate(100, 900), 0)
    assert minute.used(500) == Use(0, 100, 900), "the request itself has left the minute"


def test_after_its_end_it_counts_as_told_for_a_minute() -> None:
    minute = AccountMinute()
    minute.called(1, Estimate(100, 900), 0)
    assert minute.ended(1, Estimate(80, 20), 10) == Use(0, 80, 20)
    assert minute.used(10) == Use(1, 80, 20)
    assert minute.used(10 + MINUTE_S - 1) == Use(0, 80, 20)
    assert minute.used(10 + MINUTE_S) == Use()


def test_a_call_whose_tokens_are_not_told_counts_as_estimated() -> None:
    minute = AccountMinute()
    minute.called(1, Estimate(100, 900), 0)
    assert minute.ended(1, None, 10) == Use(0, 100, 900)


def test_room_comes_back_when_enough_has_left_the_minute() -> None:
    minute = AccountMinute()
    for number, at_s in enumerate((0, 10, 20)):
        minute.called(number, Estimate(100, 0), at_s)
        minute.ended(number, Estimate(100, 0), at_s)
    assert minute.free_at(TOKENS, 400, 100, 30) == 30
    assert minute.free_at(TOKENS, 300, 100, 30) == MINUTE_S
    assert minute.free_at(TOKENS, 300, 200, 30) == 10 + MINUTE_S


def test_nothing_says_when_room_comes_that_calls_under_way_take() -> None:
    minute = AccountMinute()
    minute.called(1, Estimate(100, 900), 0)
    assert minute.free_at(TOKENS, 1000, 1, 0) is None
    minute.ended(1, Estimate(100, 10), 1)
    assert minute.free_at(TOKENS, 1000, 1, 1) == 1


def test_a_call_larger_than_the_limit_goes_when_nothing_else_counts() -> None:
    minute = AccountMinute()
    assert minute.free_at(TOKENS, 1000, 5000, 0) == 0
    minute.called(1, Estimate(1, 0), 0)
    assert minute.free_at(TOKENS, 1000, 5000, 0) is None


def test_without_a_share_there_is_no_room() -> None:
    assert AccountMinute().free_at(TOKENS, 0, 0, 0) is None
