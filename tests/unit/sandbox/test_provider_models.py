"""The reference models: prices, latencies and rate limits."""

import math
import statistics
from decimal import Decimal
from random import Random

import pytest

from sandbox.provider.models import REFERENCE_MODELS, ReferenceModel, RequestLimit


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gpt-4.1", "0.004000000"),
        ("claude-sonnet-4.5", "0.007500000"),
        ("gemini-2.5-flash", "0.003125000"),
        ("deepseek-v3.2", "0.000210000"),
    ],
)
def test_five_hundred_tokens_in_and_out_cost_what_the_reference_table_says(name: str, expected: str) -> None:
    assert str(REFERENCE_MODELS[name].price_usd(500, 500)) == expected


def test_a_cost_is_rounded_once_after_summing_and_half_to_even() -> None:
    model = ReferenceModel("cheap", "nobody", Decimal("0.0004"), Decimal("0.0001"), 1, 2, 1, 1)

    assert model.price_usd(1, 1) == 0, "0.5 nano-dollars go down to the even 0"
    assert model.price_usd(3, 3) == Decimal("0.000000002"), (
        "1.5 go up to the even 2; rounding 1.2 and 0.3 apart gives 1"
    )
    assert model.price_usd(4, 9) == Decimal("0.000000002"), "2.5 go down to the even 2"


@pytest.mark.parametrize("model", REFERENCE_MODELS.values(), ids=lambda model: model.name)
def test_drawn_latencies_have_the_models_p50_and_p99(model: ReferenceModel) -> None:
    rng = Random(7)  # noqa: S311 - chance has to be repeatable here
    percentiles = statistics.quantiles((model.draw_latency_s(rng) * 1000 for _ in range(50_000)), n=100)

    assert math.isclose(percentiles[49], model.p50_ms, rel_tol=0.02)
    assert math.isclose(percentiles[98], model.p99_ms, rel_tol=0.05)


def test_no_window_admits_more_than_the_limit_and_the_wait_is_exact() -> None:
    limit = RequestLimit(3, window_s=60)

    assert [limit.admit(at) for at in (0, 30, 50)] == [0, 0, 0]
    assert limit.admit(55) == 5
    assert limit.admit(60) == 0
    assert limit.admit(61) == 29
    assert limit.admit(90) == 0
