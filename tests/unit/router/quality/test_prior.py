import pytest

from router.quality.prior import Prior, band_of
from schemas.vocabulary import Difficulty, Task

EASY, MEDIUM, HARD = Difficulty


@pytest.mark.parametrize(
    ("difficulty", "band"), [(0, EASY), (0.349, EASY), (0.35, MEDIUM), (0.65, MEDIUM), (0.651, HARD), (1, HARD)]
)
def test_the_borders_of_the_bands_are_medium(difficulty: float, band: Difficulty) -> None:
    assert band_of(difficulty) is band


@pytest.mark.parametrize(
    ("quality", "scores"),
    [(10, (0.93, 0.925, 0.85)), (9, (0.92, 0.9, 0.81)), (6, (0.89, 0.825, 0.69)), (1, (0.84, 0.7, 0.49))],
)
def test_quality_alone_says_what_is_expected(quality: int, scores: tuple[float, float, float]) -> None:
    prior = Prior.from_quality(quality)
    assert [prior.of(Task.MATH, band) for band in Difficulty] == pytest.approx(scores)


def test_a_task_that_is_not_named_has_the_default() -> None:
    prior = Prior((0.9, 0.8, 0.7), {Task.MATH: (0.5, 0.4, 0.3)})
    assert [prior.of(Task.MATH, band) for band in Difficulty] == [0.5, 0.4, 0.3]
    assert [prior.of(Task.QA, band) for band in Difficulty] == [0.9, 0.8, 0.7]


def test_a_band_of_a_later_version_counts_as_medium() -> None:
    assert Prior((0.9, 0.8, 0.7)).of(Task.QA, Difficulty("absurd")) == 0.8
