"""What the batch lane saves beside routing and caches, for the mixes of `bench.cost_caches` and shares that can wait.

Whether a request that can wait does so, and at which model, is decided by the product (`router.request.lane_entry`): by
the plan among the models that have batches, at their prices there, if that is likely to be cheaper than the live one.
A question that the answer cache knows goes to no batch; the same question twice in what is collected for one batch, for
five minutes, is one line of it, and its answer is known to the cache an hour after the batch was sent. In a batch all
input has the full price of batches: Anthropic's caches hit there as they may, Gemini's have no discount beside their
own, and of OpenAI's it is not known how often they hit, so none is counted on.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bench.cost_caches import REQUESTS, Means, Mix, Play, Savings, requests_of
from router.catalogue import Catalogue
from router.cost import MILLION

SHARES = (0.5, 1.0)
"""Of the requests, those that can wait for a day. Where none can, the figures are those without batches."""


@dataclass(frozen=True, slots=True)
class BatchSavings:
    """Dollars of one mix, for its requests, with a share of them that can wait."""

    mix: str
    waiting: float
    baseline_usd: Decimal
    """All at the catalogue's baseline model, at once and without caches."""
    batch_usd: Decimal
    """The same in batches, as far as they can wait."""
    caches_usd: Decimal
    """All at the baseline with both kinds of caches, at once."""
    routed_usd: Decimal
    routed_in_batches_usd: Decimal
    routed_with_caches_usd: Decimal
    all_usd: Decimal
    """Routing, caches and batches."""
    in_batches: float
    """The share of all requests that a batch answers, where there are no caches."""
    in_batches_with_caches: float
    quality_points: float
    """Right answers of a hundred, less those of all at the baseline, by routing and batches."""
    quality_points_with_caches: float

    def saved(self) -> Mapping[str, float]:
        """Return what each way saves of the baseline, in percent."""
        ways = {
            "batches": self.batch_usd,
            "caches": self.caches_usd,
            "routing": self.routed_usd,
            "routing, batches": self.routed_in_batches_usd,
            "routing, caches": self.routed_with_caches_usd,
            "routing, batches, caches": self.all_usd,
        }
        return {way: float((1 - usd / self.baseline_usd) * 100) for way, usd in ways.items()}


def batch_savings(
    mix: Mix, catalogue: Catalogue, prompts: Sequence[str], known: Savings, shares: Sequence[float] = SHARES
) -> Iterator[BatchSavings]:
    """Play the mix with each share; what needs no batch is known from `bench.cost_caches`."""
    requests = requests_of(mix, prompts)

    def play(means: Means) -> Play:
        return Play(catalogue, means).run(requests)

    caches = play(Means(routing=False, answer_cache=True, prompt_caches=True))
    for share in shares:
        routed = play(Means(waiting=share))
        together = play(Means(answer_cache=True, prompt_caches=True, waiting=share))
        yield BatchSavings(
            mix=mix.name,
            waiting=share,
            baseline_usd=routed.baseline_usd,
            batch_usd=play(Means(routing=False, waiting=share)).usd,
            caches_usd=caches.usd,
            routed_usd=known.routed_usd,
            routed_in_batches_usd=routed.usd,
            routed_with_caches_usd=known.with_both_usd,
            all_usd=together.usd,
            in_batches=routed.in_batches / len(requests),
            in_batches_with_caches=together.in_batches / len(requests),
            quality_points=routed.quality_points,
            quality_points_with_caches=together.quality_points,
        )


def reached(found: Iterable[BatchSavings], percent: int) -> Sequence[str]:
    """Return by which means, for which mixes, so much is saved; each once."""
    told = (
        f"{one.mix}: {way}" + (f", {one.waiting:.0%} can wait" if "batches" in way else "")
        for one in found
        for way, saved in one.saved().items()
        if saved >= percent
    )
    return list(dict.fromkeys(told))


def row(found: BatchSavings) -> Mapping[str, object]:
    """Return the figures for a report."""
    return {
        "mix": found.mix,
        "can_wait": found.waiting,
        "saved_percent": {way: round(saved, 1) for way, saved in found.saved().items()},
        "in_batches": round(found.in_batches, 3),
        "in_batches_with_caches": round(found.in_batches_with_caches, 3),
        "quality_points": round(found.quality_points, 2),
        "quality_points_with_caches": round(found.quality_points_with_caches, 2),
        "baseline_usd_per_million": round(float(found.baseline_usd * MILLION / REQUESTS)),
    }
