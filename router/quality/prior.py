"""What is expected of a model before anything was learnt of it: by the catalogue's `expected_quality` or `quality`.

Scores are 0 to 1: the share of answers that are as good as they should be.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Self

from router.tasks.analysis import EASY, HARD
from schemas.vocabulary import Difficulty, Task

Scores = tuple[float, float, float]
"""Of easy, medium and hard prompts."""

LOST: Final[Scores] = (0.25, 0.6, 1.0)
"""What a point of `quality` below 11 costs of easy, medium and hard answers, in tenths: a judgement, no measurement. A
model of quality 9 is expected to do 0.95, 0.88 and 0.80 of them well, one of quality 6 0.875, 0.70 and 0.50.
"""


def band_of(difficulty: float) -> Difficulty:
    """Return the band of a difficulty from 0 to 1; the borders themselves are medium."""
    if difficulty < EASY:
        return Difficulty.EASY
    return Difficulty.HARD if difficulty > HARD else Difficulty.MEDIUM


@dataclass(frozen=True, slots=True)
class Prior:
    """The scores of one model by task; `default` is of the tasks that are not there."""

    default: Scores
    by_task: Mapping[Task, Scores] = field(default_factory=lambda: MappingProxyType({}), hash=False)

    @classmethod
    def from_quality(cls, quality: int, by_task: Mapping[Task, Scores] = MappingProxyType({})) -> Self:
        """Return the prior of a model of which `quality` (1 to 10) is known, and of some tasks perhaps more."""
        easy, medium, hard = (1 - lost * (11 - quality) / 10 for lost in LOST)
        return cls((easy, medium, hard), by_task)

    def of(self, task: Task, band: Difficulty) -> float:
        """Return the score of a task at a difficulty."""
        return self.by_task.get(task, self.default)[_PLACES.get(band, 1)]


_PLACES: Final = {band: place for place, band in enumerate(Difficulty)}
