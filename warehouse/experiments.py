"""How the arms of experiments have done: what was answered, what a request cost, how long it took, with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import sqrt
from typing import cast

from warehouse.store import Cell, Store

Z_95 = 1.959964
"""The standard normal quantile of 0.975."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A value, and between what it is with 95 % confidence."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Arm:
    """The requests of one arm, those included that no model has answered."""

    name: str
    requests: int
    answered: Interval
    """The share of them that was completed."""
    usd: Interval | None
    """What one of them cost, all of its calls together; None: no cost of its requests is known."""
    calls: float
    """For one of them."""
    latency_ms: Interval


def arms(store: Store, since: date, until: date) -> tuple[Arm, ...]:
    """Return the arms whose requests ended in the period, UTC days, by name.

    Answers from the cache are in none: they say nothing of the arm's policy.

    Raises:
        WarehouseError: the database refuses.
    """
    cost, latency = "CAST(cost_usd AS DOUBLE PRECISION)", "CAST(latency_ms AS DOUBLE PRECISION)"
    rows = store.query(
        f"""
        SELECT
            arm, count(*), sum(CASE WHEN status = 'completed' THEN 1 ELSE 0 END),
            CAST(avg(attempts) AS DOUBLE PRECISION),
            count(cost_usd), coalesce(avg({cost}), 0), coalesce(stddev_samp({cost}), 0),
            avg({latency}), coalesce(stddev_samp({latency}), 0)
        FROM responses WHERE arm IS NOT NULL AND cached IS NOT TRUE AND completed_on >= ? AND completed_on <= ?
        GROUP BY arm ORDER BY arm
        """,  # noqa: S608 - our own words
        since,
        until,
    )
    return tuple(_arm(row) for row in rows)


def _arm(cells: Sequence[Cell]) -> Arm:
    requests, answered, priced = (int(cast("int", cells[place])) for place in (1, 2, 4))
    calls, usd, usd_spread, ms, ms_spread = (float(cast("float", cells[place])) for place in (3, 5, 6, 7, 8))
    return Arm(
        name=str(cells[0]),
        requests=requests,
        answered=share(answered, requests),
        usd=mean(usd, usd_spread, priced) if priced else None,
        calls=calls,
        latency_ms=mean(ms, ms_spread, requests),
    )


def share(hits: int, count: int) -> Interval:
    """Return a share and its interval (Wilson, 1927): it holds for few, and near 0 and 1 too."""
    part = hits / count
    scale = 1 + Z_95**2 / count
    middle = (part + Z_95**2 / (2 * count)) / scale
    half = Z_95 * sqrt(part * (1 - part) / count + Z_95**2 / (4 * count**2)) / scale
    return Interval(part, max(0.0, middle - half), min(1.0, middle + half))


def mean(value: float, deviation: float, count: int) -> Interval:
    """Return a mean of non-negative values and its interval, which is that of a normal distribution."""
    half = Z_95 * deviation / sqrt(count)
    return Interval(value, max(0.0, value - half), value + half)
