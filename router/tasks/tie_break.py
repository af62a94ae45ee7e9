"""The learned part of the analysis: which task, where the words decide nothing; how sure; how hard.

`weights.json` is written by `bench/train_analysis.py` and read once, at import. It has the record of its training, the
weights of a linear model over rule features, the share of right answers by how clearly the rules spoke, and the
coefficients of the difficulty.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Final, Self, TypedDict

from router.tasks.clues import HINT, STRENGTHS, Found
from router.tasks.features import Features
from router.tasks.wording import wording
from schemas.vocabulary import Task

SURE, FAIRLY_SURE = 0.85, 0.6
"""A hint yields to a guess whose probability is above the one; to one that a hint speaks for, above the other."""
LIKELY: Final = 0.5
"""What speaks for a task in another language than English yields to a guess above."""
HEAVY: Final = frozenset({Task.CODING, Task.MATH, Task.REASONING})
"""Tasks whose answer has to be worked out, and is either right or wrong."""
MAX_COUNTED_CHARS: Final = 2_000
"""Beyond this a text is long because something is pasted, which makes it no harder."""
TEXT_BOUND: Final = frozenset(
    {Task.CLASSIFICATION, Task.EXTRACTION, Task.TRANSLATION, Task.SUMMARIZATION, Task.REWRITE},
)
"""Tasks done to a text that comes with them, whose length makes them longer and not harder."""
MAX_BOUND_CHARS: Final = 80
"""So of these only about the length of an instruction counts."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say, before anything learned."""

    task: Task
    strength: int
    """Of the best clue; 0 if there is none."""
    rivals: frozenset[Task]
    """Other tasks that have a clue as strong."""
    english: bool = True

    def yields_to(self, guess: Task, probability: float) -> bool:
        """Whether a guess counts for more: always without a clue; against a hint if a rival's or sure.

        English phrases are the best tried, so a subject or a command in English stands. In other languages it yields to
        a guess that is likelier than all other tasks together.
        """
        if self.strength == 0:
            return True
        if not self.english:
            return self.strength == HINT or probability > LIKELY
        return self.strength == HINT and probability > (FAIRLY_SURE if guess in self.rivals else SURE)


class _Difficulty(TypedDict):
    bias: float
    length: float
    heavy: float


class _File(TypedDict):
    record: Mapping[str, object]
    weights: Mapping[str, Mapping[str, float]]
    confidence: Mapping[str, float]
    difficulty: _Difficulty


def feature_names(found: Found, features: Features, verdict: Verdict) -> frozenset[str]:
    """Say what the linear model sees: clues by task, strength and place, the rules' verdict, sizes, and words."""
    names = wording(found.asked)
    seen: set[tuple[Task, int]] = set()
    for clue in found.clues:
        names.add(f"{clue.task}:{STRENGTHS[clue.strength]}:{clue.zone}")
        kind = clue.task, clue.strength
        if kind in seen:
            names.add(f"{clue.task}:{STRENGTHS[clue.strength]}:again")
        seen.add(kind)
    names |= {"bias", f"rules:{verdict.task}:{verdict.strength}" if verdict.strength else "rules:0"}
    names.add(f"chars:{min(9, features.chars.bit_length())}")
    names.add(f"numbers:{min(4, features.numbers.bit_length())}")
    names.add(f"lines:{min(4, features.lines.bit_length())}")
    names.add(f"conditions:{min(4, features.conditions.bit_length())}")
    names |= {name for name in ("code", "formulas", "choices", "quoted") if getattr(features, name)}
    return frozenset(names)


def sureness(verdict: Verdict, guess: Task) -> str:
    """Name the cell of the confidence table: how strongly the rules spoke, alone or not, with the model or not."""
    agrees = "agrees" if guess is verdict.task else "differs"
    return f"{verdict.strength}:{'tied' if verdict.rivals else 'alone'}:{agrees}"


def size_of(task: Task, features: Features) -> float:
    """How much there is to think about: length, and what the answer depends on; each doubling counts the same."""
    chars = min(features.asked_chars, MAX_BOUND_CHARS if task in TEXT_BOUND else MAX_COUNTED_CHARS)
    return math.log2(1 + chars) + 0.5 * math.log2(1 + features.conditions)


class TieBreak:
    """A linear model with what is known about its errors."""

    def __init__(self, read: _File) -> None:
        self._tasks = sorted(set(Task) - {Task.UNKNOWN})
        self._weights = {
            name: tuple(by_task.get(task, 0.0) for task in self._tasks) for name, by_task in read["weights"].items()
        }
        """Of each feature, in the order of the tasks."""
        self._confidence = read["confidence"]
        self._difficulty = read["difficulty"]

    @classmethod
    def shipped(cls) -> Self:
        """Read the weights that are part of the package."""
        return cls(json.loads(files("router.tasks").joinpath("weights.json").read_bytes()))

    def guess(self, names: Iterable[str]) -> tuple[Task, float]:
        """Return the likeliest task and its probability by the model."""
        known = self._weights
        of_names = [known[name] for name in names if name in known]
        scores = [sum(of_task) for of_task in zip(*of_names, strict=True)] or [0.0] * len(self._tasks)
        best = max(scores)
        return self._tasks[scores.index(best)], 1 / sum(math.exp(score - best) for score in scores)

    def confidence(self, verdict: Verdict, guess: Task) -> float:
        """Return the share of prompts like this one, not learnt from, that were analysed rightly."""
        return self._confidence.get(sureness(verdict, guess), self._confidence["all"])

    def difficulty(self, task: Task, features: Features) -> float:
        """Say from 0 to 1 how much of a model it takes; 0.5 is where careful readers say medium."""
        by = self._difficulty
        score = by["bias"] + by["length"] * size_of(task, features) + by["heavy"] * (task in HEAVY)
        return 1 / (1 + math.exp(-score))
