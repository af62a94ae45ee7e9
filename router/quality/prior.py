"""What is expected of a model before anything was learnt of it: by the catalogue's `expected_quality` or `quality`.

Scores are 0 to 1: the share of answers that are as good as they should be.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from router.tasks.analysis import EASY, HARD
from schemas.vocabulary import Difficulty, Task

Scores = tuple[float, float, float]
"""Of easy, medium and hard prompts."""

AT_NINE: Final[Scores] = (0.92, 0.90, 0.81)
A_POINT: Final[Scores] = (0.01, 0.025, 0.04)
"""What a model of quality 9 is expected to do well, and what each point of quality is worth. Source: RouteLLM's public
answers to half of MMLU. GPT-4-1106, taken for a 9, was right on 0.884, 0.908 and 0.813 of the easy, medium and hard
questions that are `qa` to our analysis; Mixtral-8x7B, taken for a 5, on 0.848, 0.807 and 0.659 (277, 2,498 and 3,056).
Easy prompts of other kinds than exams are easier: 0.92 is a judgement."""


def band_of(difficulty: float) -> Difficulty:
    """Return the band of a difficulty from 0 to 1; the borders themselves are medium."""
    if difficulty < EASY:
        return Difficulty.EASY
    return Difficulty.HARD if difficulty > HARD else Difficulty.MEDIUM


@dataclass(frozen=True, slots=True)
class Prior:
    """The scores of one model by task; `default` is of the tasks that are not there."""

    default: Scores
    by_task: Mapping[Task, Scores] = field(default_factory=dict, hash=False)

    @classmethod
    def from_quality(cls, quality: int, by_task: Mapping[Task, Scores] | None = None) -> Self:
        """Return the prior of a model of which `quality` (1 to 10) is known, and of some tasks perhaps more."""
        easy, medium, hard = (
            round(at_nine + (quality - 9) * a_point, 3) for at_nine, a_point in zip(AT_NINE, A_POINT, strict=True)
        )
        return cls((easy, medium, hard), by_task or {})

    def of(self, task: Task, band: Difficulty) -> float:
        """Return the score of a task at a difficulty."""
        return self.by_task.get(task, self.default)[_PLACES.get(band, 1)]


_PLACES: Final = {band: place for place, band in enumerate(Difficulty)}
