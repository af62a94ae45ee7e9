import pytest

from router.models.histogram import RELATIVE_ERROR, Histogram, merged_quantile


def histogram(*values: float) -> Histogram:
    counted = Histogram()
    for value in values:
        counted.add(value)
    return counted


def test_nothing_has_no_quantile() -> None:
    assert Histogram().quantile(0.99) is None
    assert merged_quantile((), 0.5) is None
    assert merged_quantile((Histogram(), Histogram()), 0.5) is None


def test_the_relative_error_is_below_one_percent() -> None:
    assert RELATIVE_ERROR < 0.01


@pytest.mark.parametrize("value", [1.0, 1.5, 2.0, 64.0, 719.9, 3000.0, 86_400_000.0])
@pytest.mark.parametrize("q", [0.0, 0.5, 0.99, 1.0])
def test_a_single_value_is_each_of_its_quantiles(value: float, q: float) -> None:
    assert histogram(value).quantile(q) == pytest.approx(value, rel=RELATIVE_ERROR)


@pytest.mark.parametrize("value", [0.0, 0.2, -3.0])
def test_a_value_below_one_counts_as_one(value: float) -> None:
    assert histogram(value).buckets == histogram(1.0).buckets


@pytest.mark.parametrize("power", range(12))
def test_a_bucket_ends_with_its_upper_bound_as_opentelemetry_has_it(power: int) -> None:
    (bucket,) = histogram(2.0**power).buckets
    assert bucket == 64 * power - 1


def test_the_p99_of_a_hundred_is_the_one_that_99_are_not_above() -> None:
    assert histogram(*[10.0] * 99, 5000.0).quantile(0.99) == pytest.approx(10, rel=RELATIVE_ERROR)
    assert histogram(*[10.0] * 98, 5000.0, 5000.0).quantile(0.99) == pytest.approx(5000, rel=RELATIVE_ERROR)


def test_several_sketches_answer_as_one() -> None:
    assert merged_quantile((histogram(1, 2, 3), histogram(4, 5)), 0.5) == pytest.approx(3, rel=RELATIVE_ERROR)
