"""What quality is expected of each model, task and difficulty: the prior with what feedback has shown.

Everything is counted in answers, as in a Beta distribution: the prior is worth `PRIOR_WEIGHT` of them, and what was
learnt of a cell as many as it tells. So a hundred answers outvote the prior, and two do not.

A cell with little of its own borrows from the model's others: where they turned out better or worse than their prior,
this one is expected to differ as they do. First the model's other tasks move all of its cells, then the other
difficulties of the task move those of that task; each move is shrunk by `PRIOR_WEIGHT` answers that saw no difference.
An answer counts once: a cell's own ones are in none of the moves that reach it.

Answers that show by themselves that they are of no use (built-in feedback) lower what is expected before a cell's own
scores, by their share: of an answer without such a flaw nothing is known yet.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Final, NamedTuple

from router.quality.prior import Prior
from schemas.quality import ModelQuality
from schemas.vocabulary import Difficulty, Task

PRIOR_WEIGHT: Final = 8.0
"""How many answers a prior is worth. A judgement: public scores are of other prompts, and a dozen of one's own answers
say more than they do."""
SIGMAS: Final = 1.2816
"""Standard deviations on either side of the mean of a normal distribution that hold 80 % of it."""


class Cell(NamedTuple):
    """What quality is kept by."""

    model: str
    """The catalogue's name."""
    task: Task
    band: Difficulty


@dataclass(frozen=True, slots=True)
class Expectation:
    """The quality that is expected of an answer, 0 to 1."""

    mean: float
    margin: float
    """Half of the 80 % interval around the mean."""
    weight: float
    """How many answers it rests on, those of the prior included."""

    @property
    def careful(self) -> float:
        """The quality that nine in ten times is exceeded."""
        return max(0.0, self.mean - self.margin)


class _Learnt(NamedTuple):
    weight: float
    surplus: float
    """How much better than their prior the answers were, all together."""


_NOTHING: Final = _Learnt(0.0, 0.0)


class QualityTable:
    """What all workers have learnt of each model's quality. Not for several threads."""

    def __init__(self, priors: Mapping[str, Prior]) -> None:
        """Know the models of `priors`, by name, and nothing of them yet but that."""
        self.version = 0
        """Rises with everything that is learnt: what was made of an earlier version may be out of date."""
        self._priors = priors
        self._learnt: dict[Cell, _Learnt] = {}
        self._usable: dict[Cell, float] = {}
        self._expected: dict[Cell, Expectation] = {}

    def follow(self, record: ModelQuality) -> None:
        """Take in what feedback has shown of a cell, in the place of what it showed before.

        Models that are not in the catalogue, and words of later versions, are passed over.
        """
        cell = Cell(record.request_model, record.task, record.difficulty)
        prior = self._priors.get(cell.model)
        if prior is None or cell.task not in tuple(Task) or cell.band not in tuple(Difficulty):
            return
        flawless = record.usable * record.answers
        self._usable[cell] = (flawless + PRIOR_WEIGHT) / (record.answers + PRIOR_WEIGHT)
        self._learnt[cell] = _Learnt(record.weight, record.weight * (record.mean - prior.of(cell.task, cell.band)))
        self.version += 1
        self._expected.clear()

    def expected(self, model: str, task: Task, band: Difficulty) -> Expectation:
        """Return what is expected of a model of the catalogue.

        Raises:
            KeyError: there is no such model.
        """
        cell = Cell(model, task, band)
        expected = self._expected.get(cell)
        if expected is None:
            expected = self._expected[cell] = self._expect(cell)
        return expected

    def learnt(self) -> Iterable[tuple[Cell, Expectation]]:
        """Return what is expected where feedback has shown something."""
        return [(cell, self.expected(*cell)) for cell, learnt in self._learnt.items() if learnt.weight]

    def _expect(self, cell: Cell) -> Expectation:
        others = [(other, learnt) for other, learnt in self._learnt.items() if other.model == cell.model]
        by_model = _shift(learnt for other, learnt in others if other.task is not cell.task)
        of_task = [learnt for other, learnt in others if other.task is cell.task and other.band is not cell.band]
        by_task = _shift(_Learnt(weight, surplus - weight * by_model) for weight, surplus in of_task)
        prior = self._priors[cell.model].of(cell.task, cell.band)
        start = min(1.0, max(0.0, prior + by_model + by_task)) * self._usable.get(cell, 1.0)
        own = self._learnt.get(cell, _NOTHING)
        weight = PRIOR_WEIGHT + own.weight
        mean = (PRIOR_WEIGHT * start + own.weight * prior + own.surplus) / weight
        mean = min(1.0, max(0.0, mean))
        return Expectation(mean, SIGMAS * sqrt(mean * (1 - mean) / (weight + 1)), weight)


def _shift(learnt: Iterable[_Learnt]) -> float:
    """Return how much better than their prior other cells are, shrunk towards not at all."""
    weight = surplus = 0.0
    for one in learnt:
        weight += one.weight
        surplus += one.surplus
    return surplus / (weight + PRIOR_WEIGHT)
