"""Two models, a weak and a strong one: in which order prompts go to the strong one, and what that is worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from bench.routing.answers import SEED, STRONG, WEAK, Answered, AnswerSet
from bench.routing.cascade import Borders, CascadePlayer
from bench.routing.metrics import Hardness, Interval, apgr_interval, arena_score, cpt, mean, strong_share
from bench.routing.product import Product
from router.catalogue import Agreement

TIE = 1e-3
"""Prompts of one cell of the table go by their difficulty."""
LEVELS = (0.95, 0.99)
"""Of the strong model's mean score."""


@dataclass(frozen=True, slots=True)
class Saving:
    """What a threshold saves that was chosen on other prompts, against the strong model for all."""

    level: float
    quality: float
    """Of the strong model's, as it came out."""
    saved: float


@dataclass(frozen=True, slots=True)
class PairResult:
    """One order of the prompts; what is learnt is scored on the half that it was not learnt from."""

    way: str
    apgr: Interval
    cpt50: float
    cpt80: float
    savings: tuple[Saving, ...]
    arena: float
    """RouterArena's score at the first level."""


def score_pair(answers: AnswerSet) -> list[PairResult]:
    """Score all ways on both halves in turn, and average."""
    one, other = answers.halves()
    return [
        _scored(way, answers, [(one, other), (other, one)])
        for way in ("random", "length", "untrained", "learnt", "oracle")
    ]


def orders(fit: Sequence[Answered], answers: AnswerSet) -> Mapping[str, Hardness]:
    """Return the ways; what learns has learnt from `fit`."""
    lots = {id(row): Random(f"{SEED}:{row.prompt}").random() for row in answers.rows}  # noqa: S311  (reproducible)
    product = Product(answers)
    product.learn(fit)

    def learnt(row: Answered) -> float:
        return product.expected(row, STRONG) - product.expected(row, WEAK) + TIE * row.analysis.difficulty

    return {
        "random": lambda row: lots[id(row)],
        "length": lambda row: len(row.prompt),
        "untrained": lambda row: row.analysis.difficulty,
        "learnt": learnt,
        "oracle": lambda row: row.scores[STRONG] - row.scores[WEAK],
    }


def threshold(rows: Sequence[Answered], hardness: Hardness, wanted: float) -> float:
    """Return the hardness from which on prompts go to the strong model, so that the mean score is `wanted`."""
    share = strong_share(rows, hardness, wanted)
    ordered = sorted((hardness(row) for row in rows), reverse=True)
    count = round(share * len(rows))
    return ordered[count - 1] if count else float("inf")


def _scored(way: str, answers: AnswerSet, halves: Sequence[tuple[list[Answered], list[Answered]]]) -> PairResult:
    chance = Random(SEED)  # noqa: S311  (reproducible, and no secret)
    intervals, shares, savings = [], [], []
    for fit, test in halves:
        hardness = orders(fit, answers)[way]
        intervals.append(apgr_interval(test, hardness, chance))
        shares.append((cpt(test, hardness, 0.5), cpt(test, hardness, 0.8)))
        savings.append([_saving(fit, test, hardness, level, answers.prices) for level in LEVELS])
    mean_savings = tuple(
        Saving(level, _mean([one[at].quality for one in savings]), _mean([one[at].saved for one in savings]))
        for at, level in enumerate(LEVELS)
    )
    best, usd = _mean([mean(test, STRONG) for _, test in halves]), answers.prices[STRONG]
    return PairResult(
        way,
        Interval(*(_mean([getattr(one, name) for one in intervals]) for name in ("value", "low", "high"))),
        _mean([one for one, _ in shares]),
        _mean([one for _, one in shares]),
        mean_savings,
        arena_score(best * mean_savings[0].quality, usd * (1 - mean_savings[0].saved)),
    )


def _saving(
    fit: Sequence[Answered], test: Sequence[Answered], hardness: Hardness, level: float, prices: Mapping[str, float]
) -> Saving:
    border = threshold(fit, hardness, level * mean(fit, STRONG))
    chosen = [STRONG if hardness(row) >= border else WEAK for row in test]
    quality = _mean([row.scores[model] for row, model in zip(test, chosen, strict=True)])
    return Saving(level, quality / mean(test, STRONG), 1 - _mean([prices[model] for model in chosen]) / prices[STRONG])


@dataclass(frozen=True, slots=True)
class CascadeResult:
    """The product's cascade: on all prompts, and on those between two borders that were chosen on other prompts."""

    way: str
    everywhere: Saving
    between: tuple[Saving, ...]


def score_cascade(answers: AnswerSet) -> list[CascadeResult]:
    """Score the cascade with its free checks alone, and with agreement, its borders on both halves in turn."""
    told = []
    for way, agreement in (("free checks", Agreement.OFF), ("agreement, simulated", Agreement.MODEL)):
        player = CascadePlayer(answers, agreement)
        played = {id(row): player.play(row) for row in answers.rows}
        one, other = ([(row, played[id(row)]) for row in half] for half in answers.halves())
        hardness = orders([row for row, _ in one], answers)["untrained"]
        quality, saved = Borders(float("-inf"), float("inf")).scored([*one, *other], hardness, answers)
        between = []
        for level in LEVELS:
            halves = [
                Borders.chosen(fit, hardness, level, answers).scored(test, hardness, answers)
                for fit, test in ((one, other), (other, one))
            ]
            qualities, savings = zip(*halves, strict=True)
            between.append(Saving(level, _mean(qualities), _mean(savings)))
        told.append(CascadeResult(way, Saving(quality, quality, saved), tuple(between)))
    return told


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
