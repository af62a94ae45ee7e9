"""Recommendations: where a cheaper model has answered the same kind of prompt, what the dearer one's calls would cost.

Nothing is recommended that the data does not show. A cheaper model must have answered prompts of the same task and tier
in the period, often enough and well enough, and its quality in the catalogue must reach the tier's floor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import cast

from warehouse.store import Cell, Store

LEAST_CALLS = 20
"""On fewer calls, of either model, nothing is said."""
LEAST_SUCCESS = 0.95
"""The share of its calls for the task that the cheaper model must have answered."""
LEAST_SAVING_USD = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class ModelQuality:
    """What the catalogue says of a model: 1 to 10, the operator's judgement."""

    name: str
    quality: int


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One tenant's calls of one task and tier that a cheaper model could have answered, and the arithmetic."""

    tenant: str
    task: str
    tier: str
    model: str
    instead: str
    calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal
    share_of_spend: float
    """The cost's part of all that was spent in the period."""
    instead_input_usd_per_mtok: Decimal
    instead_output_usd_per_mtok: Decimal
    instead_cost_usd: Decimal
    saving_usd: Decimal
    instead_calls: int
    """What shows that it can: so many of its calls for the task and tier, of which ..."""
    instead_answers: int
    instead_quality: int
    floor: int
    top_tag: str | None
    """The tag that most of the cost carries, NAME=VALUE, ..."""
    top_tag_usd: Decimal
    """... and how much of it."""

    @property
    def headline(self) -> str:
        """What to do, and what it would have saved."""
        return (
            f"{self.tenant}: {self.instead} instead of {self.model} for {self.task} ({self.tier}), "
            f"{self.saving_usd:.4f} USD less"
        )

    @property
    def arithmetic(self) -> str:
        """What the headline rests on, in sentences."""
        tag = "" if self.top_tag is None else f" {self.top_tag_usd:.4f} USD of it carries {self.top_tag}."
        return (
            f"{self.calls:,} calls of {self.model} cost {self.cost_usd:.4f} USD, {self.share_of_spend:.1%} of all "
            f"spend. {self.instead} (quality {self.instead_quality}, the tier asks for {self.floor}) answered "
            f"{self.instead_answers:,} of {self.instead_calls:,} such calls. {self.input_tokens:,} tokens in at "
            f"{self.instead_input_usd_per_mtok.normalize():f} and {self.output_tokens:,} out at "
            f"{self.instead_output_usd_per_mtok.normalize():f} USD a million are {self.instead_cost_usd:.4f} USD, and "
            f"{self.cost_usd:.4f} - {self.instead_cost_usd:.4f} = {self.saving_usd:.4f}.{tag}"
        )

    def __str__(self) -> str:
        return f"{self.headline}. {self.arithmetic}"


@dataclass(frozen=True, slots=True)
class _Use:
    tenant: str
    task: str
    tier: str
    model: str
    calls: int
    answers: int
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal


def recommend(
    store: Store,
    condition: str,
    values: tuple[Cell, ...],
    qualities: Sequence[ModelQuality],
    floors: Mapping[str, int],
) -> tuple[Recommendation, ...]:
    """Return what would have saved something, the largest saving first.

    Raises:
        WarehouseError: the database refuses.
    """
    quality = {model.name: model.quality for model in qualities}
    uses, prices = _uses(store, condition, values), _prices(store, condition, values)
    spent = sum((use.cost_usd for use in uses), Decimal(0))
    tried: dict[tuple[str, str, str], tuple[int, int]] = {}
    for use in uses:
        calls, answers = tried.get((use.task, use.tier, use.model), (0, 0))
        tried[use.task, use.tier, use.model] = calls + use.calls, answers + use.answers
    found: list[Recommendation] = []
    for use in uses:
        floor = floors.get(use.tier)
        if use.calls < LEAST_CALLS or floor is None:
            continue
        options: list[tuple[Decimal, str]] = []
        for (task, tier, model), (calls, answers) in tried.items():
            fits = (task, tier) == (use.task, use.tier) and model != use.model and quality.get(model, 0) >= floor
            if fits and calls >= LEAST_CALLS and answers >= LEAST_SUCCESS * calls and model in prices:
                price_in, price_out = prices[model]
                cost = (use.input_tokens * price_in + use.output_tokens * price_out) / 1_000_000
                options.append((cost, model))
        if not options or use.cost_usd - min(options)[0] < LEAST_SAVING_USD:
            continue
        cost, model = min(options)
        calls, answers = tried[use.task, use.tier, model]
        tag, tag_usd = _top_tag(store, condition, values, use)
        found.append(
            Recommendation(
                tenant=use.tenant,
                task=use.task,
                tier=use.tier,
                model=use.model,
                instead=model,
                calls=use.calls,
                input_tokens=use.input_tokens,
                output_tokens=use.output_tokens,
                cost_usd=use.cost_usd,
                share_of_spend=float(use.cost_usd / spent),
                instead_input_usd_per_mtok=prices[model][0],
                instead_output_usd_per_mtok=prices[model][1],
                instead_cost_usd=cost,
                saving_usd=use.cost_usd - cost,
                instead_calls=calls,
                instead_answers=answers,
                instead_quality=quality[model],
                floor=floor,
                top_tag=tag,
                top_tag_usd=tag_usd,
            )
        )
    return tuple(sorted(found, key=lambda advice: advice.saving_usd, reverse=True))


def _uses(store: Store, condition: str, values: tuple[Cell, ...]) -> list[_Use]:
    # Tokens and cost of the answers alone: what a failed call would have cost elsewhere is not known.
    rows = store.query(
        f"""
        SELECT
            tenant, task, tier, request_model, count(*), sum(CASE WHEN outcome = 'succeeded' THEN 1 ELSE 0 END),
            coalesce(sum(CASE WHEN outcome = 'succeeded' THEN input_tokens END), 0),
            coalesce(sum(CASE WHEN outcome = 'succeeded' THEN output_tokens END), 0),
            coalesce(sum(CASE WHEN outcome = 'succeeded' THEN cost_usd END), 0)
        FROM costs WHERE cost_usd IS NOT NULL AND purpose IS NULL AND {condition}
        GROUP BY tenant, task, tier, request_model ORDER BY 9 DESC, 1, 2, 3, 4
        """,  # noqa: S608 - our own words
        *values,
    )
    found: list[_Use] = []
    for row in rows:
        tenant, task, tier, model = map(str, row[:4])
        calls, answers, input_tokens, output_tokens = (int(cast("int", cell)) for cell in row[4:8])
        cost = Decimal(cast("Decimal", row[8]))
        found.append(_Use(tenant, task, tier, model, calls, answers, input_tokens, output_tokens, cost))
    return found


def _prices(store: Store, condition: str, values: tuple[Cell, ...]) -> dict[str, tuple[Decimal, Decimal]]:
    """Return what each model's tokens cost at its last priced call, in and out, USD a million."""
    rows = store.query(
        f"""
        SELECT request_model, input_usd_per_mtok, output_usd_per_mtok FROM (
            SELECT request_model, input_usd_per_mtok, output_usd_per_mtok,
                row_number() OVER (PARTITION BY request_model ORDER BY occurred_at_ms DESC, event_id) AS place
            FROM costs WHERE price_status = 'known' AND {condition}
        ) AS priced WHERE place = 1
        """,  # noqa: S608 - our own words
        *values,
    )
    return {
        str(model): (cast("Decimal", price_in), cast("Decimal", price_out))
        for model, price_in, price_out in rows
        if price_in is not None and price_out is not None
    }


def _top_tag(store: Store, condition: str, values: tuple[Cell, ...], use: _Use) -> tuple[str | None, Decimal]:
    rows = store.query(
        f"""
        SELECT cost_tags.tag, cost_tags.value, sum(costs.cost_usd)
        FROM costs JOIN cost_tags ON cost_tags.event_id = costs.event_id
        WHERE costs.outcome = 'succeeded' AND costs.cost_usd IS NOT NULL AND cost_tags.value IS NOT NULL AND {condition}
            AND costs.tenant = ? AND costs.task = ? AND costs.tier = ? AND costs.request_model = ?
        GROUP BY cost_tags.tag, cost_tags.value ORDER BY 3 DESC, 1, 2 LIMIT 1
        """,  # noqa: S608 - our own words
        *values,
        *(use.tenant, use.task, use.tier, use.model),
    )
    if not rows:
        return None, Decimal(0)
    tag, value, cost = rows[0]
    return f"{tag!s}={value!s}", cast("Decimal", cost)
