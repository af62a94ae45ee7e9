"""A cheap answer first, checked by whether a second cheap model agrees; simulated, since the files have no second one.

How often two cheap models agree is that of the nine models' answers: they are right 82 times of 100 when they do, and
54 times when they do not. With that, how often they agree follows from how often the weak model is right.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from bench.routing.answers import STRONG, WEAK, Answered
from bench.routing.metrics import Hardness, mean

RIGHT_IF_AGREED, RIGHT_IF_NOT = 0.82, 0.54
STEPS = 20
"""Borders are tried at so many quantiles of the hardness."""


@dataclass(frozen=True, slots=True)
class Cascade:
    """Prompts below `unchecked_below` get the weak answer as it is, from `strong_from` on the strong one at once."""

    unchecked_below: float
    strong_from: float
    agreed_if_right: float
    agreed_if_wrong: float

    @classmethod
    def chosen(cls, fit: Sequence[Answered], hardness: Hardness, level: float, prices: Mapping[str, float]) -> Self:
        """Return the cheapest borders that keep the level of the strong model's mean score on these prompts."""
        ordered = sorted(hardness(row) for row in fit)
        borders = [*(ordered[step * len(ordered) // STEPS] for step in range(STEPS)), float("inf")]
        right = mean(fit, WEAK)
        agreed = min(1.0, max(0.0, (right - RIGHT_IF_NOT) / (RIGHT_IF_AGREED - RIGHT_IF_NOT)))
        if_right, if_wrong = RIGHT_IF_AGREED * agreed / right, (1 - RIGHT_IF_AGREED) * agreed / (1 - right)
        tried = [cls(low, high, if_right, if_wrong) for low in borders for high in borders if low <= high]
        scored = [(one.scored(fit, hardness, prices), one) for one in tried]
        kept = [(saved, one) for (quality, saved), one in scored if quality >= level]
        return max(kept, key=lambda both: both[0])[1]

    def scored(self, rows: Sequence[Answered], hardness: Hardness, prices: Mapping[str, float]) -> tuple[float, float]:
        """Return the mean score over the strong model's, and what is saved against it. A check is a weak call."""
        score = usd = 0.0
        for row in rows:
            hard, weak, strong = hardness(row), row.scores[WEAK], row.scores[STRONG]
            if hard >= self.strong_from:
                score, usd = score + strong, usd + prices[STRONG]
            elif hard < self.unchecked_below:
                score, usd = score + weak, usd + prices[WEAK]
            else:
                agreed = self.agreed_if_right if weak else self.agreed_if_wrong
                score += agreed * weak + (1 - agreed) * strong
                usd += 2 * prices[WEAK] + (1 - agreed) * prices[STRONG]
        return score / len(rows) / mean(rows, STRONG), 1 - usd / len(rows) / prices[STRONG]
