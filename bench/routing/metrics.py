"""What a way of routing is worth: the field's figures, each with its source.

APGR, CPT: RouteLLM (Ong et al. 2024, arXiv 2406.18665). Prompts go to the strong model from the hardest on; the share
of the gap between weak and strong that is closed, averaged over all shares of strong calls, is the APGR (chance 0.5);
CPT(x) is the share of strong calls at which x % of the gap are closed. RouterArena's score (arXiv 2510.00202,
`compute_arena_score` of RouteWorks/RouterArena): a weighted harmonic mean of accuracy and cheapness.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log2
from random import Random

from bench.routing.answers import STRONG, WEAK, Answered

Hardness = Callable[[Answered], float]
"""The higher, the sooner a prompt goes to the strong model."""
ROUNDS = 200
"""Samples of a bootstrap."""
ARENA_BETA, ARENA_MOST_USD, ARENA_LEAST_USD = 0.1, 200.0, 0.0044
"""RouterArena's own; dollars are for a thousand prompts."""
TOKENS_A_CALL = 1_000
"""For RouterArena's score alone, whose scale is dollars: the files do not tell how long the answers are."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with the bounds that hold 95 % of its bootstrap."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def apgr(rows: Sequence[Answered], hardness: Hardness) -> float:
    """Average the recovered share of the gap over all shares of strong calls."""
    return apgr_of([(hardness(row), row.scores[WEAK], row.scores[STRONG]) for row in rows])


def apgr_of(rows: Sequence[tuple[float, float, float]]) -> float:
    """Average it for rows of hardness, weak and strong score; prompts of one hardness go in any order."""
    gap = sum(strong - weak for _, weak, strong in rows)
    recovered = total = 0.0
    ordered = sorted(rows, key=lambda row: -row[0])
    at = 0
    while at < len(ordered):
        end = at
        while end < len(ordered) and ordered[end][0] == ordered[at][0]:
            end += 1
        gained = sum(strong - weak for _, weak, strong in ordered[at:end])
        count = end - at
        # within a tie the gain comes evenly
        total += count * recovered + gained * (count + 1) / 2
        recovered += gained
        at = end
    return total / gap / len(ordered) if gap else 0.0


def apgr_interval(rows: Sequence[Answered], hardness: Hardness, chance: Random) -> Interval:
    """Return the APGR with its bootstrap."""
    given = [(hardness(row), row.scores[WEAK], row.scores[STRONG]) for row in rows]
    return bootstrap(given, apgr_of, chance)


def bootstrap(
    rows: Sequence[tuple[float, float, float]],
    figure: Callable[[Sequence[tuple[float, float, float]]], float],
    chance: Random,
) -> Interval:
    """Return a figure of rows, and where it lies for samples of them with replacement."""
    sampled = sorted(figure(chance.choices(rows, k=len(rows))) for _ in range(ROUNDS))
    return Interval(figure(rows), sampled[int(0.025 * ROUNDS)], sampled[int(0.975 * ROUNDS) - 1])


def strong_share(rows: Sequence[Answered], hardness: Hardness, wanted: float) -> float:
    """Return the least share of strong calls, hardest first, at which the mean score is at least `wanted`."""
    score, least = sum(row.scores[WEAK] for row in rows), wanted * len(rows)
    if score >= least:
        return 0.0
    for number, row in enumerate(sorted(rows, key=hardness, reverse=True), start=1):
        score += row.scores[STRONG] - row.scores[WEAK]
        if score >= least:
            return number / len(rows)
    return 1.0


def cpt(rows: Sequence[Answered], hardness: Hardness, closed: float) -> float:
    """Return the share of strong calls at which so much of the gap, 0 to 1, is closed."""
    weak, strong = (mean(rows, model) for model in (WEAK, STRONG))
    return strong_share(rows, hardness, weak + closed * (strong - weak))


def mean(rows: Sequence[Answered], model: str) -> float:
    """Return the mean score of a model."""
    return sum(row.scores[model] for row in rows) / len(rows)


def arena_score(quality: float, usd_per_mtok: float) -> float:
    """Return RouterArena's score, 0 to 1, of a mean score and a mean price of calls of 1,000 tokens."""
    usd = min(ARENA_MOST_USD, max(ARENA_LEAST_USD, usd_per_mtok * TOKENS_A_CALL * 1000 / 1_000_000))
    cheap = (log2(ARENA_MOST_USD) - log2(usd)) / (log2(ARENA_MOST_USD) - log2(ARENA_LEAST_USD))
    return (1 + ARENA_BETA) * quality * cheap / (ARENA_BETA * quality + cheap) if quality and cheap else 0.0
