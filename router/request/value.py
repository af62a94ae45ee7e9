"""The policy `value`: the cheapest candidate that is expected to answer about as well as the best one.

Rules:
1. Quality is what is expected of the candidate's model for prompts of this task, difficulty and form, on the careful
   side: its mean less its margin (`router.quality.table`). All are compared on that side, so that a model of which
   little is known has to promise more.
2. Within `slack` of the best of the candidates that may answer, the cheapest comes first; of some that cost the same,
   the best.
3. The others follow, the best first: they are asked only when those before them cannot answer.
4. Health orders the candidates of one rule; only an unhealthy model stands behind those of the other: a good answer
   that is slow is worth more here than a worse one, and a dear model is seldom the fastest.

What a call is likely to cost is not what it may cost at the most, on which the cap and the budget go: the input without
the slack of its bound, and an answer of `TYPICAL_ANSWER_TOKENS`. A model without a known price comes last of its kind.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from math import cos, log, pi, sqrt
from typing import Final, NamedTuple

from router.cost import price_of
from router.quality.prior import band_of
from router.quality.table import SIGMAS, Expectation, QualityTable
from router.retry import Chance
from router.route import Candidate, Estimate
from router.tasks.analysis import Analysis

TYPICAL_ANSWER_TOKENS: Final = 200
"""Or `max_tokens`, if that is less. Source: the mean of 19,366 calls of a conversation service, 211 tokens (Azure's
public dataset, AzureLLMInferenceTrace_conv, November 2023)."""
TOLD_CANDIDATES: Final = 8
"""How many candidates the reason of a route tells of."""
_NEVER: Final = Decimal("Infinity")


class Worth(NamedTuple):
    """What is expected of a candidate."""

    candidate: Candidate
    expected: Expectation
    likely_usd: Decimal | None
    """None: its price is not known."""


class Ranked(NamedTuple):
    """Candidates in order of value, and what was expected of each, as a clause."""

    worths: tuple[Worth, ...]
    near: int
    """How many of them are within the slack of the best."""
    told: str

    @property
    def candidates(self) -> list[Candidate]:
        """The candidates themselves."""
        return [worth.candidate for worth in self.worths]

    def cheapest_first(self) -> list[Candidate]:
        """The candidates with the cheapest one before all others, as a cascade begins."""
        costs = [_NEVER if worth.likely_usd is None else worth.likely_usd for worth in self.worths]
        first = costs.index(min(costs))
        candidates = self.candidates
        cheapest = candidates.pop(first)
        return [cheapest.because(f"cheapest, to be checked; {cheapest.why}"), *candidates]


def likely_usd(candidate: Candidate, overstated_tokens: int, now_s: float) -> Decimal | None:
    """Return what a call at the moment is likely to cost; None if that is not known.

    Args:
        candidate: who is called.
        overstated_tokens: by how much the bound of its input is likely to be too high.
        now_s: the moment.
    """
    price = candidate.price_at(int(now_s * 1000))
    if price is None:
        return None
    input_tokens = max(0, candidate.bound.input_tokens - overstated_tokens)
    return price_of(price, Estimate(input_tokens, min(candidate.max_tokens, TYPICAL_ANSWER_TOKENS)))


def worth_of(
    candidates: Iterable[Candidate],
    analysis: Analysis,
    table: QualityTable,
    cost: Callable[[Candidate], Decimal | None],
) -> tuple[Worth, ...]:
    """Return what is expected of each candidate, in the order given."""
    expected = table.of_kind(analysis.task, band_of(analysis.difficulty), analysis.features.form)
    return tuple([Worth(candidate, expected[candidate.model.name], cost(candidate)) for candidate in candidates])


def by_value(worths: Sequence[Worth], slack: float, analysis: Analysis, chance: Chance | None = None) -> Ranked:
    """Return the candidates in order of value.

    Args:
        worths: at least one.
        slack: how much less quality than the best one's will do, 0 to 1.
        analysis: what was asked for.
        chance: explore: draw each quality from what is believed of it (Thompson sampling), so that a model is tried as
            often as it may be the best choice.
    """
    qualities = [_careful(worth.expected) if chance is None else _drawn(worth.expected, chance) for worth in worths]
    best = max(qualities)
    named = worths[qualities.index(best)].candidate.model.name
    near: list[tuple[Decimal, float, int]] = []
    below: list[tuple[float, int]] = []
    for place, quality in enumerate(qualities):
        if quality >= best - slack:
            cost = worths[place].likely_usd
            near.append((_NEVER if cost is None else cost, -quality, place))
        else:
            below.append((-quality, place))
    how = "explored: " if chance is not None else ""
    why_near = f"{how}cheapest within {slack:g} of {named}, the best"
    why_below = f"{how}more than {slack:g} below {named}, the best"
    order = [(place, why_near) for *_, place in sorted(near)] + [(place, why_below) for _, place in sorted(below)]
    ranked = tuple(_with_why(worths[place], why) for place, why in order)
    return Ranked(ranked, len(near), _told(ranked, analysis))


def _with_why(worth: Worth, why: str) -> Worth:
    candidate = worth.candidate
    note = candidate.why
    return Worth(candidate.because(f"{why} ({note})" if note else why), worth.expected, worth.likely_usd)


def _told(worths: Sequence[Worth], analysis: Analysis) -> str:
    each = ", ".join(
        f"{worth.candidate.model.name} {worth.expected.mean:.2f} ± {worth.expected.margin:.2f}"
        for worth in worths[:TOLD_CANDIDATES]
    )
    more = len(worths) - TOLD_CANDIDATES
    others = f" and {more} more" if more > 0 else ""
    form = analysis.features.form.replace("_", " ")
    return f"quality expected of {band_of(analysis.difficulty)} {analysis.task} ({form}): {each}{others}"


def _careful(expected: Expectation) -> float:
    return expected.careful


def _drawn(expected: Expectation, chance: Chance) -> float:
    """Draw a quality from a normal distribution with the expectation's mean and margin (Box and Muller, 1958)."""
    normal = sqrt(-2 * log(1 - chance())) * cos(2 * pi * chance())
    return min(1.0, max(0.0, expected.mean + normal * expected.margin / SIGMAS))
