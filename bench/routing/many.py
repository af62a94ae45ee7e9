"""Several models: what each way of choosing one gives for its price, against the best single model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from bench.routing.answers import SEED, Answered, AnswerSet
from bench.routing.metrics import Interval, arena_score, bootstrap, mean
from bench.routing.product import Product
from schemas.vocabulary import Policy

Choice = Callable[[Answered], str]
LEVELS = (0.95, 0.99, 1.0)
"""Of the best single model's mean score."""
SLACKS = tuple(step / 200 for step in (*range(30), *range(30, 84, 4)))
FOLDS = 10


@dataclass(frozen=True, slots=True)
class Point:
    """One way of choosing, on prompts that nothing was learnt from or chosen on."""

    way: str
    quality: float
    of_best: Interval
    """Its mean score over the best single model's."""
    usd: float
    """Mean price of a call, USD per million tokens."""
    of_best_price: float
    arena: float


@dataclass(frozen=True, slots=True)
class Curve:
    """What `value` gives at every slack, with what it has learnt or without."""

    way: str
    points: tuple[tuple[float, float], ...]
    """Price and mean score."""


def score_many(answers: AnswerSet) -> tuple[list[Point], list[Curve]]:
    """Score all ways on both halves in turn, and average."""
    one, other = answers.halves()
    by_way: dict[str, list[tuple[Sequence[Answered], Choice, str]]] = {}
    curves: dict[str, list[list[tuple[float, float]]]] = {}
    for fit, test in ((one, other), (other, one)):
        best = best_single(answers, fit)
        for way, choice in ways(answers, fit, best).items():
            by_way.setdefault(way, []).append((test, choice, best))
        for way, product in products(answers, fit).items():
            curve = [_priced(test, value(product, slack), answers.prices) for slack in SLACKS]
            curves.setdefault(way, []).append(curve)
        for way, choice in formless_ways(answers, fit).items():
            by_way.setdefault(way, []).append((test, choice, best))
    points = [_point(way, halves, answers.prices) for way, halves in by_way.items()]
    return points, [Curve(way, _averaged(halves)) for way, halves in curves.items()]


def best_single(answers: AnswerSet, fit: Sequence[Answered]) -> str:
    """Return the model with the best mean score; the cheaper one of two."""
    return max(answers.prices, key=lambda model: (mean(fit, model), -answers.prices[model]))


def products(answers: AnswerSet, fit: Sequence[Answered]) -> Mapping[str, Product]:
    """Return the product as it is set up, and as it is after feedback on `fit`."""
    learnt = Product(answers)
    learnt.learn(fit)
    return {"value, untrained": Product(answers), "value, learnt": learnt}


def ways(answers: AnswerSet, fit: Sequence[Answered], best: str) -> Mapping[str, Choice]:
    """Return all ways of choosing; what learns has learnt from `fit`, and slacks are chosen on it."""
    prices = answers.prices
    dearest = max(prices, key=lambda model: (prices[model], mean(fit, model)))
    cheapest = min(prices, key=lambda model: (prices[model], -mean(fit, model)))
    border = sorted(len(row.prompt) for row in fit)[len(fit) // 2]
    lots = Random(SEED)  # noqa: S311  (reproducible, and no secret)
    plain, learnt = products(answers, fit).values()
    chosen: dict[str, Choice] = {
        "best single": lambda _: best,
        "always the dearest": lambda _: dearest,
        "always the cheapest": lambda _: cheapest,
        "random": lambda _: lots.choice(sorted(prices)),
        "prompt length": lambda row: best if len(row.prompt) > border else cheapest,
        "chain": lambda row: plain.choose(row, Policy.CHAIN),
        "cost": lambda row: plain.choose(row, Policy.COST),
        "value, untrained": value(plain, None),
        "value, learnt": value(learnt, None),
    }
    for level, slack in zip(LEVELS, chosen_slacks(answers, fit, LEVELS), strict=True):
        chosen[f"value, learnt, slack for {level:.0%}"] = value(learnt, slack)
    chosen["oracle"] = lambda row: max(prices, key=lambda model: (row.scores[model], -prices[model]))
    return chosen


def formless_ways(answers: AnswerSet, fit: Sequence[Answered]) -> Mapping[str, Choice]:
    """Return what is left of `value` where quality is kept by task and difficulty alone."""
    formless = answers.without_forms()
    by_prompt = {row.prompt: row for row in formless.rows}
    known = [by_prompt[row.prompt] for row in fit]
    product = Product(formless)
    product.learn(known)
    (slack,) = chosen_slacks(formless, known, (0.99,))
    choose = value(product, slack)
    return {"value, without forms, slack for 99%": lambda row: choose(by_prompt[row.prompt])}


def value(product: Product, slack: float | None) -> Choice:
    """Return the policy `value`; slack None: the catalogue's."""
    return lambda row: product.choose(row, Policy.VALUE, slack)


def chosen_slacks(answers: AnswerSet, fit: Sequence[Answered], levels: Sequence[float]) -> list[float]:
    """Return for each level of the best single model the slack that is cheapest there; 0 if none keeps it.

    It is tried on each tenth of `fit` with what was learnt from the others: what has learnt from half of them needs
    less slack than what has learnt from all.
    """
    totals = dict.fromkeys(SLACKS, (0.0, 0.0))
    for fold in range(FOLDS):
        learnt_from = [row for place, row in enumerate(fit) if place % FOLDS != fold]
        tried_on = fit[fold::FOLDS]
        product = Product(answers)
        product.learn(learnt_from)
        best = mean(tried_on, best_single(answers, learnt_from))
        for slack in SLACKS:
            usd, quality = _priced(tried_on, value(product, slack), answers.prices)
            totals[slack] = totals[slack][0] + usd, totals[slack][1] + quality / best / FOLDS
    kept = [[(usd, slack) for slack, (usd, of_best) in totals.items() if of_best >= level] for level in levels]
    return [min(enough)[1] if enough else 0.0 for enough in kept]


def _priced(rows: Sequence[Answered], choice: Choice, prices: Mapping[str, float]) -> tuple[float, float]:
    chosen = [choice(row) for row in rows]
    usd = sum(prices[model] for model in chosen) / len(rows)
    return usd, sum(row.scores[model] for row, model in zip(rows, chosen, strict=True)) / len(rows)


def _point(way: str, halves: Sequence[tuple[Sequence[Answered], Choice, str]], prices: Mapping[str, float]) -> Point:
    rows = []
    best_usd = 0.0
    for test, choice, best in halves:
        for row in test:
            model = choice(row)
            rows.append((row.scores[model], row.scores[best], prices[model]))
            best_usd += prices[best]
    chance = Random(SEED)  # noqa: S311  (reproducible, and no secret)
    of_best = bootstrap(rows, lambda given: sum(one[0] for one in given) / sum(one[1] for one in given), chance)
    quality, usd = sum(row[0] for row in rows) / len(rows), sum(row[2] for row in rows) / len(rows)
    return Point(way, quality, of_best, usd, usd / (best_usd / len(rows)), arena_score(quality, usd))


def _averaged(halves: Sequence[Sequence[tuple[float, float]]]) -> tuple[tuple[float, float], ...]:
    return tuple(
        (sum(usd for usd, _ in same) / len(same), sum(quality for _, quality in same) / len(same))
        for same in zip(*halves, strict=True)
    )
