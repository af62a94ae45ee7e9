import pytest

from router.catalogue import RetryRules
from router.retry import backoff_s

RULES = RetryRules(base_s=0.25, max_s=8)


def almost_one() -> float:
    return 1 - 2**-53


@pytest.mark.parametrize(("failures", "most_s"), [(1, 0.25), (2, 0.5), (3, 1), (6, 8), (7, 8), (60, 8)])
def test_the_pause_doubles_up_to_its_cap_and_is_any_part_of_that(failures: int, most_s: float) -> None:
    assert backoff_s(RULES, failures, lambda: 0.0) == 0
    assert backoff_s(RULES, failures, lambda: 0.5) == most_s / 2
    assert backoff_s(RULES, failures, almost_one) == pytest.approx(most_s)
    assert backoff_s(RULES, failures, almost_one) < most_s
