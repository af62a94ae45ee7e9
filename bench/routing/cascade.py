"""A cheap answer first, and the strong one's where it is doubted: each prompt through the product's own session.

Prompts and both models' answers are real, and so are the checks that need no call, on the words that the weak model
wrote. What a second cheap model says is drawn, since the files have no second one: the weak one's words, or something
else. How often two cheap models agree is that of the nine models' answers: they are right 82 times of 100 when they do,
and 54 times when they do not. With that, how often they agree follows from how often the weak model is right.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random
from typing import NamedTuple, Self

from bench.routing.answers import SEED, STRONG, WEAK, Answered, AnswerSet
from bench.routing.metrics import Hardness, mean
from bench.routing.product import NOW_S, catalogue_of
from router.catalogue import Agreement, CascadeRules
from router.errors import Answer
from router.identity import Identity
from router.job import Job, Origin
from router.models.pool import ModelPool
from router.quality.answer_checks import doubts_of
from router.request.session import Answered as AnswerCame
from router.request.session import Call, Finish, Session, Started
from schemas.requests import Request
from schemas.responses import AnswerMessage, Usage
from schemas.vocabulary import Policy

SECOND = "second-cheap"
"""The model that is drawn."""
RIGHT_IF_AGREED, RIGHT_IF_NOT = 0.82, 0.54
DRAWS = 5
"""Of what the second model says, for each prompt."""
STEPS = 20
"""Borders are tried at so many quantiles of the hardness."""
_TOKENS = 500
"""Of each prompt and each answer: the files tell none."""
_ELSE = "#### -12345"


class Played(NamedTuple):
    """What a prompt came to: the score of its answer, and what its calls cost, USD per million tokens of one call."""

    score: float
    usd: float


class CascadePlayer:
    """The product with the policy `cascade`, a weak, a second cheap and a strong model."""

    def __init__(self, answers: AnswerSet, agreement: Agreement) -> None:
        prices = {**answers.prices, SECOND: answers.prices[WEAK]}
        rules = CascadeRules(agreement, None)
        self._pool = ModelPool(replace(catalogue_of(prices), default_policy=Policy.CASCADE, cascade=rules))
        right = mean(answers.rows, WEAK)
        agreed = min(1.0, max(0.0, (right - RIGHT_IF_NOT) / (RIGHT_IF_AGREED - RIGHT_IF_NOT)))
        self._agreed = {1.0: RIGHT_IF_AGREED * agreed / right, 0.0: (1 - RIGHT_IF_AGREED) * agreed / (1 - right)}

    def play(self, row: Answered) -> Played:
        """Return the mean of what a prompt comes to, over the draws."""
        played = [self._play(row, Random(f"{SEED}:{draw}:{row.prompt}")) for draw in range(DRAWS)]  # noqa: S311
        return Played(sum(one.score for one in played) / DRAWS, sum(one.usd for one in played) / DRAWS)

    def _play(self, row: Answered, lots: Random) -> Played:
        request = Request(prompt=row.prompt, max_tokens=_TOKENS, max_cost_usd=Decimal(100))
        job = Job(request, Identity("bench", "r-1", None), Origin("llm.requests.v1", 0, 1), NOW_S, NOW_S + 60)
        session = Session(job, self._pool, lots.random)
        action = session.receive(Started(NOW_S))
        while isinstance(action, Call):
            agrees = lots.random() < self._agreed[row.scores[WEAK]]
            says = {**row.texts, SECOND: row.texts[WEAK] if agrees else _ELSE}
            action = session.receive(AnswerCame(NOW_S, _answer(says[action.model.name]), 1.0))
        if not isinstance(action, Finish):
            raise TypeError(f"a cascade of models that answer waits for nothing: {action}")
        usd = float(sum(cost.cost_usd or 0 for cost in action.costs)) * 1_000_000 / (2 * _TOKENS)
        return Played(row.scores[action.response.request_model or ""], usd)


@dataclass(frozen=True, slots=True)
class Borders:
    """Prompts below `weak_below` go to the weak model, from `strong_from` on to the strong one, others to a cascade."""

    weak_below: float
    strong_from: float

    @classmethod
    def chosen(
        cls, fit: Sequence[tuple[Answered, Played]], hardness: Hardness, level: float, answers: AnswerSet
    ) -> Self:
        """Return the cheapest borders that keep the level of the strong model's mean score on these prompts."""
        ordered = sorted(hardness(row) for row, _ in fit)
        borders = [*(ordered[step * len(ordered) // STEPS] for step in range(STEPS)), float("inf")]
        tried = [cls(low, high) for low in borders for high in borders if low <= high]
        scored = [(one.scored(fit, hardness, answers), one) for one in tried]
        kept = [(saved, one) for (quality, saved), one in scored if quality >= level]
        return max(kept, key=lambda both: both[0])[1]

    def scored(
        self, rows: Sequence[tuple[Answered, Played]], hardness: Hardness, answers: AnswerSet
    ) -> tuple[float, float]:
        """Return the mean score over the strong model's, and what is saved against it."""
        prices, score, usd = answers.prices, 0.0, 0.0
        for row, played in rows:
            hard = hardness(row)
            if self.weak_below <= hard < self.strong_from:
                score, usd = score + played.score, usd + played.usd
            else:
                model = WEAK if hard < self.weak_below else STRONG
                score, usd = score + row.scores[model], usd + prices[model]
        best = mean([row for row, _ in rows], STRONG)
        return score / len(rows) / best, 1 - usd / len(rows) / prices[STRONG]


@dataclass(frozen=True, slots=True)
class CheckSeen:
    """What one model's answers showed to the free checks; of all its answers, if `check` is `all`."""

    model: str
    check: str
    answers: int
    right: float
    """Their share of right ones."""


def free_checks(answers: AnswerSet) -> list[CheckSeen]:
    """Return for each model and check how many answers fail it, and how many of these are right."""
    scores: dict[tuple[str, str], list[float]] = {}
    for row in answers.rows:
        for model, text in row.texts.items():
            failed = doubts_of(AnswerMessage(content=text), "stop", None, row.analysis.task)
            for check in ("all", *(doubt.check for doubt in failed)):
                scores.setdefault((model, check), []).append(row.scores[model])
    return [CheckSeen(*of, len(found), sum(found) / len(found)) for of, found in sorted(scores.items())]


def _answer(text: str) -> Answer:
    usage = Usage(input_tokens=_TOKENS, output_tokens=_TOKENS)
    return Answer(AnswerMessage(content=text), "stop", None, None, usage)
