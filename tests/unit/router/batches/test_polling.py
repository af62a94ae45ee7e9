import pytest

from router.batches.polling import PollRules, poll_s, retry_s

RULES = PollRules(least_s=10.0, most_s=100.0, of_age=0.1, failed_s=2.0)


@pytest.mark.parametrize(("age_s", "expected"), [(0, 10.0), (500, 50.0), (86_400, 100.0)])
def test_old_batches_are_asked_for_less_often(age_s: float, expected: float) -> None:
    assert poll_s(RULES, age_s, lambda: 0.5) == expected


def test_pauses_are_spread_from_half_to_one_and_a_half() -> None:
    assert (poll_s(RULES, 0, lambda: 0.0), poll_s(RULES, 0, lambda: 1.0)) == (5.0, 15.0)


@pytest.mark.parametrize(("failures", "expected"), [(1, 2.0), (2, 4.0), (5, 32.0), (500, 100.0)])
def test_failures_double_the_pause(failures: int, expected: float) -> None:
    assert retry_s(RULES, failures, None, lambda: 0.5) == expected


def test_a_provider_is_given_the_time_that_it_asks_for() -> None:
    assert retry_s(RULES, 1, 60.0, lambda: 0.5) == 60.0
    assert retry_s(RULES, 6, 1.0, lambda: 0.5) == 64.0
