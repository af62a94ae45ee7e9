from decimal import Decimal

from router.cost import price_of
from router.obstacle import Obstacle
from router.route import Candidate, Estimate
from schemas.requests import Request
from schemas.responses import Usage
from schemas.vocabulary import SkipReason
from tests.stage import ALPHA


def test_an_estimate_is_priced_as_usage_without_cached_tokens_is() -> None:
    assert ALPHA.price is not None
    usage = Usage(input_tokens=18, output_tokens=100)
    assert price_of(ALPHA.price, Estimate(18, 100)) == price_of(ALPHA.price, usage) == Decimal("0.000218")


def test_a_candidate_with_another_reason_is_else_the_same() -> None:
    obstacle = Obstacle(SkipReason.RATE_LIMIT)
    one = Candidate(ALPHA, "why", Estimate(1, 2), None, 3, None, "unpriced", obstacle, Request(prompt="again"))
    assert one.because("therefore") == one._replace(why="therefore")
