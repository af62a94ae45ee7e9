"""The sketch against an exact count."""

from collections.abc import Callable
from math import floor
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.models.histogram import RELATIVE_ERROR, Histogram, merged_quantile

ROUNDING = 1e-9
LATENCIES_MS = st.floats(1, 1e8)
QUANTILES = (0.0, 0.5, 0.9, 0.99, 0.999, 1.0)


def sketch_of(values: list[float]) -> Histogram:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    return histogram


def exact(values: list[float], q: float) -> float:
    return sorted(values)[floor(q * (len(values) - 1))]


def lognormal(random: Random) -> float:
    return 1 + random.lognormvariate(6, 0.5)


def uniform(random: Random) -> float:
    return random.uniform(1, 10_000)


def with_timeouts(random: Random) -> float:
    """Half a percent of timeouts: a cliff next to the p99."""
    return 20_000 if random.random() < 0.005 else 1 + random.lognormvariate(5.6, 0.4)


@pytest.mark.parametrize("draw", [lognormal, uniform, with_timeouts])
def test_the_quantiles_of_100_000_values_are_within_the_stated_error(draw: Callable[[Random], float]) -> None:
    random = Random(7)  # noqa: S311 - a test's dice
    values = [draw(random) for _ in range(100_000)]
    histogram = sketch_of(values)
    for q in QUANTILES:
        assert histogram.quantile(q) == pytest.approx(exact(values, q), rel=RELATIVE_ERROR + ROUNDING)
    assert len(histogram.buckets) < 1000


@given(values=st.lists(LATENCIES_MS, min_size=1), q=st.floats(0, 1))
def test_any_quantile_of_any_values_is_within_the_stated_error(values: list[float], q: float) -> None:
    assert sketch_of(values).quantile(q) == pytest.approx(exact(values, q), rel=RELATIVE_ERROR + ROUNDING)


@given(parts=st.lists(st.lists(LATENCIES_MS)), q=st.floats(0, 1), data=st.data())
def test_merging_is_the_same_in_any_order_and_the_same_as_one_sketch(
    parts: list[list[float]], q: float, data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(parts))
    whole = sketch_of([value for part in parts for value in part]).quantile(q)
    assert merged_quantile([sketch_of(part) for part in parts], q) == whole
    assert merged_quantile([sketch_of(part) for part in shuffled], q) == whole
