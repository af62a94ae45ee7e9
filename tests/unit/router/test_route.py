from decimal import Decimal

from router.cost import price_of
from router.route import Estimate
from schemas.responses import Usage
from tests.stage import ALPHA


def test_an_estimate_is_priced_as_usage_without_cached_tokens_is() -> None:
    assert ALPHA.price is not None
    usage = Usage(input_tokens=18, output_tokens=100)
    assert price_of(ALPHA.price, Estimate(18, 100)) == price_of(ALPHA.price, usage) == Decimal("0.000218")
