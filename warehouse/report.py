"""What a report says: spend in a period by a dimension, what was saved and lost, and its recommendations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import cast

from warehouse.advice import ModelQuality, Recommendation, recommend
from warehouse.budgets import BudgetLimits, BudgetUse, budget_use
from warehouse.caches import CachedAnswers, PromptCaches, cached_answers, prompt_caches
from warehouse.errors import WarehouseError
from warehouse.experiments import Arm, ShadowArm, arms, shadow_arms
from warehouse.store import Cell, Store

DIMENSIONS = {
    "tenant": "tenant",
    "model": "request_model",
    "provider": "provider_name",
    "task": "task",
    "tier": "tier",
    "day": "occurred_on",
    "outcome": "outcome",
    "purpose": "purpose",
}
"""What spend can be told apart by, and its column; `tag:NAME` is a tag of the requests."""
UNTAGGED = "(none)"
ANSWERS = "answer"
"""The purpose of all calls but those of shadows and their judges."""


@dataclass(frozen=True, slots=True)
class Period:
    """UTC days, both inclusive; None: as far as the warehouse reaches."""

    since: date | None = None
    until: date | None = None

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last day."""
        return self.since or date(1, 1, 1), self.until or date(9999, 12, 31)

    def condition(self) -> tuple[str, tuple[Cell, ...]]:
        """Return what restricts `costs` to the period, and its values."""
        return "costs.occurred_on >= ? AND costs.occurred_on <= ?", self.days


@dataclass(frozen=True, slots=True)
class SpendRow:
    """The calls that share a key: a tenant, a model, a day. Amounts leave out calls of unknown price."""

    key: str
    calls: int
    unpriced_calls: int
    input_tokens: int
    output_tokens: int
    priced_tokens: int
    cost_usd: Decimal
    unknown_usd: Decimal
    """Part of the cost: upper estimates of calls that may not have been charged."""
    failed_usd: Decimal
    """Part of the cost: calls that brought no answer."""
    baseline_usd: Decimal
    """What the answers would have cost at the baseline model."""
    compared_usd: Decimal
    """Part of the cost: calls with a known baseline, failed ones too."""

    @property
    def usd_per_mtok(self) -> Decimal | None:
        """The average price of a million tokens, in and out together."""
        return self.cost_usd * 1_000_000 / self.priced_tokens if self.priced_tokens else None

    @property
    def saved_usd(self) -> Decimal:
        """The difference to the baseline: negative if it would have been cheaper."""
        return self.baseline_usd - self.compared_usd


@dataclass(frozen=True, slots=True)
class Norms:
    """What the catalogue says that the data is held against."""

    qualities: Sequence[ModelQuality] = ()
    floors: Mapping[str, int] = field(default_factory=dict)
    """The least quality that each tier asks for."""
    budgets: Sequence[BudgetLimits] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is shown."""

    period: Period
    dimension: str
    baseline_models: tuple[str, ...]
    total: SpendRow
    rows: tuple[SpendRow, ...]
    """By the dimension, dearest first; days in their order."""
    days: tuple[SpendRow, ...]
    models: tuple[SpendRow, ...]
    budgets: tuple[BudgetUse, ...]
    """Of the day and month under way, whatever the period."""
    recommendations: tuple[Recommendation, ...]
    cached_answers: CachedAnswers
    prompt_caches: PromptCaches
    arms: tuple[Arm, ...] = ()
    """Of the experiments, with the control."""
    shadows: tuple[SpendRow, ...] = ()
    """Calls that answered no request, by their purpose; part of the total."""
    shadow_arms: tuple[ShadowArm, ...] = ()
    """What came of shadows, by experiment."""


def make_report(store: Store, period: Period, dimension: str, norms: Norms, now: datetime) -> Report:
    """Ask the warehouse.

    Raises:
        WarehouseError: there is no such dimension, or the database refuses.
    """
    condition, values = period.condition()
    baselines = store.query(
        f"SELECT DISTINCT baseline_model FROM costs WHERE baseline_model IS NOT NULL AND {condition} ORDER BY 1",  # noqa: S608 - our own words
        *values,
    )
    (total,) = _spend(store, period, "'all'", "costs", ()) or (_nothing(),)
    return Report(
        period=period,
        dimension=dimension,
        baseline_models=tuple(str(name) for (name,) in baselines),
        total=total,
        rows=spend_by(store, period, dimension),
        days=spend_by(store, period, "day"),
        models=spend_by(store, period, "model"),
        budgets=budget_use(store, norms.budgets, now),
        recommendations=recommend(store, condition, values, norms.qualities, norms.floors),
        cached_answers=cached_answers(store, *period.days),
        prompt_caches=prompt_caches(store, *period.days),
        arms=arms(store, *period.days),
        shadows=tuple(row for row in spend_by(store, period, "purpose") if row.key != ANSWERS),
        shadow_arms=shadow_arms(store, *period.days),
    )


def spend_by(store: Store, period: Period, dimension: str) -> tuple[SpendRow, ...]:
    """Return the spend of a period by a dimension.

    Raises:
        WarehouseError: there is no such dimension, or the database refuses.
    """
    kind, _, tag = dimension.partition(":")
    if kind == "tag" and tag:
        source = "costs LEFT JOIN cost_tags ON cost_tags.event_id = costs.event_id AND cost_tags.tag = ?"
        return _spend(store, period, f"coalesce(cost_tags.value, '{UNTAGGED}')", source, (tag,))
    if dimension not in DIMENSIONS:
        raise WarehouseError(f"There is no dimension {dimension!r}; choose {', '.join(DIMENSIONS)} or tag:NAME.")
    column = f"costs.{DIMENSIONS[dimension]}"
    return _spend(store, period, f"coalesce({column}, '{ANSWERS}')" if dimension == "purpose" else column, "costs", ())


def _spend(
    store: Store, period: Period, key: str, source: str, source_values: tuple[Cell, ...]
) -> tuple[SpendRow, ...]:
    condition, values = period.condition()
    order = "1" if key == "costs.occurred_on" else "7 DESC, 1"
    sql = f"""
        SELECT
            CAST({key} AS VARCHAR), count(*), count(*) - count(cost_usd),
            coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0),
            coalesce(sum(CASE WHEN cost_usd IS NOT NULL THEN input_tokens + output_tokens END), 0),
            coalesce(sum(cost_usd), 0),
            coalesce(sum(CASE WHEN certainty = 'unknown' THEN cost_usd END), 0),
            coalesce(sum(CASE WHEN outcome <> 'succeeded' THEN cost_usd END), 0),
            coalesce(sum(CASE WHEN outcome = 'succeeded' AND cost_usd IS NOT NULL THEN baseline_cost_usd END), 0),
            coalesce(sum(CASE WHEN baseline_cost_usd IS NOT NULL THEN cost_usd END), 0)
        FROM {source} WHERE {condition}
        GROUP BY 1 ORDER BY {order}
    """  # noqa: S608 - our own words; what users say is a value
    return tuple(_row(cells) for cells in store.query(sql, *source_values, *values))


def _row(cells: tuple[Cell, ...]) -> SpendRow:
    calls, unpriced, input_tokens, output_tokens, priced = (int(cast("int", cell)) for cell in cells[1:6])
    cost, unknown, failed, baseline, compared = (Decimal(cast("Decimal", cell)) for cell in cells[6:])
    return SpendRow(
        key=str(cells[0]),
        calls=calls,
        unpriced_calls=unpriced,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        priced_tokens=priced,
        cost_usd=cost,
        unknown_usd=unknown,
        failed_usd=failed,
        baseline_usd=baseline,
        compared_usd=compared,
    )


def _nothing() -> SpendRow:
    return _row(("all", *[0] * 10))
