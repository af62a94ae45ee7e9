"""What quality is expected of each model and kind of prompt: the prior with what feedback has shown.

Everything is counted in answers, as in a Beta distribution: the prior is worth `PRIOR_WEIGHT` of them, and what was
learnt of a cell as many as it tells. So a hundred answers outvote the prior, and two do not.

A cell with little of its own borrows from the model's others: where they turned out better or worse than their prior,
this one is expected to differ as they do. First the model's other tasks move all of its cells, then the other
difficulties of the task those of that task, then the other forms those of that task and difficulty; each move is shrunk
by `PRIOR_WEIGHT` answers that saw no difference. An answer counts once: a cell's own ones are in none of the moves that
reach it.

Answers that show by themselves that they are of no use (built-in feedback) lower what is expected before a cell's own
scores, by their share over all forms: of an answer without such a flaw nothing is known yet.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Final, NamedTuple

from router.quality.prior import Prior
from schemas.quality import ModelQuality
from schemas.vocabulary import Difficulty, Form, Task

PRIOR_WEIGHT: Final = 8.0
"""How many answers a prior is worth. A judgement: public scores are of other prompts, and a dozen of one's own answers
say more than they do. As the strength of each move towards a coarser cell it predicts the nine models' answers of
docs/savings.md as well as 4 and better than 16, after 100 answers as after 2,800."""
SIGMAS: Final = 1.2816
"""Standard deviations on either side of the mean of a normal distribution that hold 80 % of it."""


class Cell(NamedTuple):
    """What quality is kept by."""

    model: str
    """The catalogue's name."""
    task: Task
    band: Difficulty
    form: Form = Form.ANY


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
    """Of one cell, or of several together."""

    weight: float = 0.0
    surplus: float = 0.0
    """How much better than their prior the answers were, all together."""
    answers: float = 0.0
    """How many were looked at for flaws that show by themselves."""
    flawless: float = 0.0

    def with_(self, other: "_Learnt") -> "_Learnt":
        return _Learnt(*(one + more for one, more in zip(self, other, strict=True)))

    def without(self, part: "_Learnt") -> "_Learnt":
        return _Learnt(*(one - less for one, less in zip(self, part, strict=True)))


_NOTHING: Final = _Learnt()


class _OfKind(dict[str, Expectation]):
    """What is expected of each model for one kind of prompt, worked out when it is asked for."""

    def __init__(self, expect: Callable[[str], Expectation]) -> None:
        super().__init__()
        self._expect = expect

    def __missing__(self, model: str) -> Expectation:
        expected = self[model] = self._expect(model)
        return expected


class QualityTable:
    """What all workers have learnt of each model's quality. Not for several threads."""

    def __init__(self, priors: Mapping[str, Prior]) -> None:
        """Know the models of `priors`, by name, and nothing of them yet but that."""
        self.version = 0
        """Rises with everything that is learnt: what was made of an earlier version may be out of date."""
        self._priors = priors
        self._learnt: dict[str, dict[Cell, _Learnt]] = {name: {} for name in priors}
        self._sums: dict[str, dict[tuple[str, ...], _Learnt]] = {}
        """Of each model's cells by what they begin with; made anew when it is asked for."""
        self._expected: dict[tuple[Task, Difficulty, Form], _OfKind] = {}

    def follow(self, record: ModelQuality) -> None:
        """Take in what feedback has shown of a cell, in the place of what it showed before.

        Models that are not in the catalogue, and words of later versions, are passed over.
        """
        cell = Cell(record.request_model, record.task, record.difficulty, record.form)
        prior = self._priors.get(cell.model)
        if prior is None or not (cell.task in _TASKS and cell.band in _BANDS and cell.form in _FORMS):
            return
        surplus = record.weight * (record.mean - prior.of(cell.task, cell.band))
        flawless = record.usable * record.answers
        self._learnt[cell.model][cell] = _Learnt(record.weight, surplus, record.answers, flawless)
        self.version += 1
        self._sums.pop(cell.model, None)
        for of_kind in self._expected.values():
            of_kind.pop(cell.model, None)

    def expected(self, model: str, task: Task, band: Difficulty, form: Form = Form.ANY) -> Expectation:
        """Return what is expected of a model of the catalogue; without a form, what is borrowed from all of them.

        Raises:
            KeyError: there is no such model.
        """
        return self.of_kind(task, band, form)[model]

    def of_kind(self, task: Task, band: Difficulty, form: Form) -> Mapping[str, Expectation]:
        """Return what is expected of each model of the catalogue for one kind of prompt, until more is learnt."""
        kind = task, band, form
        expected = self._expected.get(kind)
        if expected is None:
            expected = self._expected[kind] = _OfKind(lambda model: self._expect(Cell(model, *kind)))
        return expected

    def learnt(self) -> Iterable[tuple[str, Task, Difficulty, Expectation]]:
        """Return what is expected where feedback has shown something, over all forms."""
        cells = (cell for of_model in self._learnt.values() for cell, one in of_model.items() if one.weight)
        kinds = dict.fromkeys(cell[:3] for cell in cells)
        return [(*kind, self.expected(*kind)) for kind in kinds]

    def _expect(self, cell: Cell) -> Expectation:
        prior = self._priors[cell.model].of(cell.task, cell.band)
        sums = self._sums_of(cell.model)
        of_model, of_task, of_band, own = (sums.get(cell[:parts], _NOTHING) for parts in range(1, len(cell) + 1))
        shift = _shift(of_model.without(of_task), 0.0)
        shift = _shift(of_task.without(of_band), shift)
        shift = _shift(of_band.without(own), shift)
        usable = (of_band.flawless + PRIOR_WEIGHT) / (of_band.answers + PRIOR_WEIGHT)
        start = min(1.0, max(0.0, prior + shift)) * usable
        weight = PRIOR_WEIGHT + own.weight
        mean = (PRIOR_WEIGHT * start + own.weight * prior + own.surplus) / weight
        mean = min(1.0, max(0.0, mean))
        return Expectation(mean, SIGMAS * sqrt(mean * (1 - mean) / (weight + 1)), weight)

    def _sums_of(self, model: str) -> Mapping[tuple[str, ...], _Learnt]:
        sums = self._sums.get(model)
        if sums is None:
            sums = self._sums[model] = {}
            for cell, learnt in self._learnt[model].items():
                for parts in range(1, len(cell) + 1):
                    sums[cell[:parts]] = sums.get(cell[:parts], _NOTHING).with_(learnt)
        return sums


_TASKS, _BANDS, _FORMS = frozenset(Task), frozenset(Difficulty), frozenset(Form)


def _shift(others: _Learnt, before: float) -> float:
    """Return how much better than their prior cells are by what others show, shrunk towards what was so before."""
    return before + (others.surplus - others.weight * before) / (others.weight + PRIOR_WEIGHT)
